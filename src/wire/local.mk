# src/wire: packets, the supervisor's messages and records; may include base; no heap
noinst_LIBRARIES += libwire.a
EXTRA_DIST += doc/supervisor-messages.md
libwire_a_SOURCES = \
	src/wire/bytes.h \
	src/wire/journal_record.c src/wire/journal_record.h \
	src/wire/message.c src/wire/message.h \
	src/wire/packet.c src/wire/packet.h \
	src/wire/record.c src/wire/record.h \
	src/wire/shelter.c src/wire/shelter.h \
	src/wire/spec.c src/wire/spec.h
