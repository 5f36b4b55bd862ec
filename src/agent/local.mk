# src/agent: runnerd; may include base, wire, loop, format, http, task
noinst_LIBRARIES += libagent.a
libagent_a_SOURCES = \
	src/agent/checkout.c src/agent/checkout.h \
	src/agent/command.c src/agent/command.h \
	src/agent/control.c src/agent/control.h \
	src/agent/environment.c src/agent/environment.h \
	src/agent/executor.h \
	src/agent/executors/host.c src/agent/executors/host.h \
	src/agent/init_socket.c src/agent/init_socket.h \
	src/agent/journal.c src/agent/journal.h \
	src/agent/leftover.c src/agent/leftover.h \
	src/agent/output.c src/agent/output.h \
	src/agent/output_chunk.c src/agent/output_chunk.h \
	src/agent/press.c src/agent/press.h \
	src/agent/recovery.c src/agent/recovery.h \
	src/agent/sequence.c src/agent/sequence.h \
	src/agent/skeleton.c src/agent/skeleton.h \
	src/agent/spool.c src/agent/spool.h \
	src/agent/spool_segment.c src/agent/spool_segment.h \
	src/agent/state_dir.c src/agent/state_dir.h \
	src/agent/step.c src/agent/step.h \
	src/agent/supervisor.c src/agent/supervisor.h \
	src/agent/task.c src/agent/task.h \
	src/agent/task_control.c \
	src/agent/task_masks.c src/agent/task_masks.h \
	src/agent/task_news.c \
	src/agent/task_steps.c \
	src/agent/task_struct.h \
	src/agent/tasks.c src/agent/tasks.h \
	src/agent/work_dir.c src/agent/work_dir.h

# The link to the hub, settings, and the program.
libagent_a_SOURCES += \
	src/agent/check.c src/agent/check.h \
	src/agent/claim.c src/agent/claim.h \
	src/agent/hub_link.c src/agent/hub_link.h \
	src/agent/lease.c src/agent/lease.h \
	src/agent/outbox.c src/agent/outbox.h \
	src/agent/pace.c src/agent/pace.h \
	src/agent/report.c src/agent/report.h \
	src/agent/settings.c src/agent/settings.h \
	src/agent/settings_file.c \
	src/agent/settings_mask.c \
	src/agent/settings_tokens.c \
	src/agent/slots.c src/agent/slots.h \
	src/agent/uplink.c src/agent/uplink.h

sbin_PROGRAMS += runnerd
runnerd_SOURCES = src/agent/main.c
runnerd_LDADD = libagent.a libtask.a libhttp.a libformat.a libwire.a libloop.a libbase.a \
	$(format_libs) $(NGHTTP2_LIBS) $(OPENSSL_LIBS) $(EVENT_LIBS)
