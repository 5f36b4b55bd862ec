# src/supervisor: runner-init; may include wire, and of base what needs no heap.
# Its parts are a library for unit tests, made by the normal compiler; the program
# itself is made from the sources in one go by $(INIT_CC), small and static.
noinst_LIBRARIES += libsupervisor.a
libsupervisor_a_SOURCES = \
	src/supervisor/agent.c src/supervisor/agent.h \
	src/supervisor/clock.c src/supervisor/clock.h \
	src/supervisor/clone_into.c src/supervisor/clone_into.h \
	src/supervisor/command.c \
	src/supervisor/descent.c src/supervisor/descent.h \
	src/supervisor/ends.c src/supervisor/ends.h \
	src/supervisor/home.c src/supervisor/home.h \
	src/supervisor/id_map.c src/supervisor/id_map.h \
	src/supervisor/journal.c src/supervisor/journal.h \
	src/supervisor/kernel.h \
	src/supervisor/launch.c src/supervisor/launch.h \
	src/supervisor/mounts.c src/supervisor/mounts.h \
	src/supervisor/network.c src/supervisor/network.h \
	src/supervisor/number.c src/supervisor/number.h \
	src/supervisor/session.c \
	src/supervisor/shelter.c src/supervisor/shelter.h \
	src/supervisor/step.c src/supervisor/step.h \
	src/supervisor/sweep.c \
	src/supervisor/task.c src/supervisor/task.h \
	src/supervisor/tell.c \
	src/supervisor/user.c src/supervisor/user.h

# last_words.c takes the place of base/assert.c.
init_sources = src/supervisor/main.c \
	src/supervisor/last_words.c src/supervisor/last_words.h \
	$(libsupervisor_a_SOURCES) \
	src/wire/bytes.h src/wire/message.c src/wire/message.h src/wire/packet.c src/wire/packet.h src/wire/record.c src/wire/record.h \
	src/wire/shelter.c src/wire/shelter.h src/wire/spec.c src/wire/spec.h \
	src/base/crc32c.c src/base/crc32c.h src/base/assert.h src/base/sanitize.h
EXTRA_DIST += src/supervisor/main.c src/supervisor/last_words.c src/supervisor/last_words.h

pkglibexec_SCRIPTS = runner-init
CLEANFILES += runner-init
runner-init: $(init_sources) include/runner/supervisor.h include/runner/shelter.h config.h
	$(AM_V_CCLD)sources=; for file in $(init_sources); do \
		case $$file in *.c) sources="$$sources $(srcdir)/$$file";; esac; \
	done; \
	$(INIT_CC) -D_GNU_SOURCE -I$(srcdir)/src -I$(srcdir)/include -include config.h \
		-ffile-prefix-map=$(srcdir)/= -std=gnu17 $(WARN_CFLAGS) $(INIT_FLAGS) -o $@ $$sources
