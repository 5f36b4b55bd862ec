# src/loop: the reactor; may include base
noinst_LIBRARIES += libloop.a
libloop_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
libloop_a_SOURCES = \
	src/loop/cells.c src/loop/cells.h \
	src/loop/child.c src/loop/child.h \
	src/loop/clock.c src/loop/clock.h \
	src/loop/herald.c src/loop/herald.h \
	src/loop/loop.c src/loop/loop.h \
	src/loop/pipe.c src/loop/pipe.h \
	src/loop/turns.c src/loop/turns.h \
	src/loop/worker.c src/loop/worker.h
