# src/agent: runnerd; may include base, wire, loop, format, http, task
noinst_LIBRARIES += libagent.a
libagent_a_SOURCES = \
	src/agent/journal.c src/agent/journal.h \
	src/agent/spool.c src/agent/spool.h \
	src/agent/spool_segment.c src/agent/spool_segment.h \
	src/agent/state_dir.c src/agent/state_dir.h
