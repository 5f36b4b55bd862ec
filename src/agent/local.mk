# src/agent: runnerd; may include base, wire, loop, format, http, task
noinst_LIBRARIES += libagent.a
libagent_a_SOURCES = \
	src/agent/checkout.c src/agent/checkout.h \
	src/agent/command.c src/agent/command.h \
	src/agent/environment.c src/agent/environment.h \
	src/agent/executor.h \
	src/agent/executors/host.c src/agent/executors/host.h \
	src/agent/init_socket.c src/agent/init_socket.h \
	src/agent/journal.c src/agent/journal.h \
	src/agent/leftover.c src/agent/leftover.h \
	src/agent/output.c src/agent/output.h \
	src/agent/recovery.c src/agent/recovery.h \
	src/agent/sequence.c src/agent/sequence.h \
	src/agent/spool.c src/agent/spool.h \
	src/agent/spool_segment.c src/agent/spool_segment.h \
	src/agent/state_dir.c src/agent/state_dir.h \
	src/agent/step.c src/agent/step.h \
	src/agent/supervisor.c src/agent/supervisor.h \
	src/agent/task.c src/agent/task.h \
	src/agent/task_steps.c \
	src/agent/task_struct.h \
	src/agent/tasks.c src/agent/tasks.h \
	src/agent/work_dir.c src/agent/work_dir.h
