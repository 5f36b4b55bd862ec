# src/agent: runnerd; may include base, wire, loop, format, http, task
noinst_LIBRARIES += libagent.a
libagent_a_SOURCES = \
	src/agent/aftermath.c src/agent/aftermath.h \
	src/agent/berth.c src/agent/berth.h \
	src/agent/caches.c src/agent/caches.h \
	src/agent/ceilings.c src/agent/ceilings.h \
	src/agent/cgroup.c src/agent/cgroup.h \
	src/agent/cgroup_file.c src/agent/cgroup_file.h \
	src/agent/cgroup_tree.c src/agent/cgroup_tree.h \
	src/agent/checkout.c src/agent/checkout.h \
	src/agent/command.c src/agent/command.h \
	src/agent/cpu_layout.c src/agent/cpu_layout.h \
	src/agent/cpu_list.c src/agent/cpu_list.h \
	src/agent/control.c src/agent/control.h \
	src/agent/devices.c src/agent/devices.h \
	src/agent/depot.c src/agent/depot.h \
	src/agent/depot_child.c src/agent/depot_child.h \
	src/agent/depot_dir.c src/agent/depot_dir.h \
	src/agent/environment.c src/agent/environment.h \
	src/agent/download.c src/agent/download.h \
	src/agent/downloads.c src/agent/downloads.h \
	src/agent/errand.c src/agent/errand.h \
	src/agent/executor.h \
	src/agent/executors/host.c src/agent/executors/host.h \
	src/agent/filter.c src/agent/filter.h \
	src/agent/executors/slot.c src/agent/executors/slot.h \
	src/agent/holding.c src/agent/holding.h \
	src/agent/identity.c src/agent/identity.h \
	src/agent/init_socket.c src/agent/init_socket.h \
	src/agent/isolation.c src/agent/isolation.h \
	src/agent/job_hook.c src/agent/job_hook.h \
	src/agent/journal.c src/agent/journal.h \
	src/agent/launcher.c src/agent/launcher.h \
	src/agent/leftover.c src/agent/leftover.h \
	src/agent/metadata_wall.c src/agent/metadata_wall.h \
	src/agent/mirrors.c src/agent/mirrors.h \
	src/agent/output.c src/agent/output.h \
	src/agent/output_chunk.c src/agent/output_chunk.h \
	src/agent/press.c src/agent/press.h \
	src/agent/output_limit.c src/agent/output_limit.h \
	src/agent/rate.c src/agent/rate.h \
	src/agent/recovery.c src/agent/recovery.h \
	src/agent/sequence.c src/agent/sequence.h \
	src/agent/session.c src/agent/session.h \
	src/agent/outside.c src/agent/outside.h \
	src/agent/shelter.c src/agent/shelter.h \
	src/agent/shelters.c src/agent/shelters.h \
	src/agent/skeleton.c src/agent/skeleton.h \
	src/agent/slot_users.c src/agent/slot_users.h \
	src/agent/spool.c src/agent/spool.h \
	src/agent/spool_disk.c \
	src/agent/spool_recover.c \
	src/agent/spool_segment.c src/agent/spool_segment.h \
	src/agent/state_dir.c src/agent/state_dir.h \
	src/agent/state_version.c src/agent/state_version.h \
	src/agent/step.c src/agent/step.h \
	src/agent/supervisor.c src/agent/supervisor.h \
	src/agent/task.c src/agent/task.h \
	src/agent/task_archives.c \
	src/agent/task_cgroup.c \
	src/agent/task_control.c \
	src/agent/task_hooks.c \
	src/agent/task_keep.c src/agent/task_keep.h \
	src/agent/task_masks.c src/agent/task_masks.h \
	src/agent/task_news.c \
	src/agent/task_sessions.c src/agent/task_sessions.h \
	src/agent/task_slot.c \
	src/agent/task_state.c \
	src/agent/task_steps.c \
	src/agent/task_timings.c \
	src/agent/task_struct.h \
	src/agent/tasks.c src/agent/tasks.h \
	src/agent/test_errands.c src/agent/test_errands.h \
	src/agent/waiters.c src/agent/waiters.h \
	src/agent/work_dir.c src/agent/work_dir.h

# Shell scripts and the forges' keys, as C string literals.
agent_scripts = src/agent/scripts/git.sh src/agent/scripts/checkout.sh src/agent/scripts/mirror.sh \
	src/agent/scripts/prune.sh src/agent/scripts/ssh_keys.sh src/agent/scripts/known_hosts
agent_literals = $(agent_scripts:=.h)
EXTRA_DIST += $(agent_scripts)
BUILT_SOURCES += $(agent_literals)
CLEANFILES += $(agent_literals)
$(agent_literals): %.h: %
	@$(MKDIR_P) src/agent/scripts
	$(AM_V_GEN)sed -e '/^[[:space:]]*# /d' -e '/^[[:space:]]*#$$/d' -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $< >$@
src/agent/checkout.$(OBJEXT) src/agent/mirrors.$(OBJEXT): $(agent_literals)

# The link to the hub, settings, and the program.
libagent_a_SOURCES += \
	src/agent/carrier.c src/agent/carrier.h \
	src/agent/check.c src/agent/check.h \
	src/agent/claim.c src/agent/claim.h \
	src/agent/class_environment.c src/agent/class_environment.h \
	src/agent/continuation.c src/agent/continuation.h \
	src/agent/fuse.c src/agent/fuse.h \
	src/agent/headroom.c src/agent/headroom.h \
	src/agent/hindrance.c src/agent/hindrance.h \
	src/agent/host_room.c src/agent/host_room.h \
	src/agent/hub_link.c src/agent/hub_link.h \
	src/agent/lease.c src/agent/lease.h \
	src/agent/linger.c src/agent/linger.h \
	src/agent/lookout.c src/agent/lookout.h \
	src/agent/metrics.c src/agent/metrics.h \
	src/agent/outbox.c src/agent/outbox.h \
	src/agent/pace.c src/agent/pace.h \
	src/agent/privilege.c src/agent/privilege.h \
	src/agent/pressure.c src/agent/pressure.h \
	src/agent/quota.c src/agent/quota.h \
	src/agent/report.c src/agent/report.h \
	src/agent/returns.c src/agent/returns.h \
	src/agent/settings.c src/agent/settings.h \
	src/agent/settings_circleci.c \
	src/agent/settings_class.c src/agent/settings_reader.h \
	src/agent/settings_file.c \
	src/agent/settings_isolation.c \
	src/agent/settings_mask.c \
	src/agent/settings_ours.c \
	src/agent/settings_paths.c \
	src/agent/settings_tokens.c \
	src/agent/settings_words.c \
	src/agent/slots.c src/agent/slots.h \
	src/agent/state_view.c src/agent/state_view.h \
	src/agent/watermark.c src/agent/watermark.h \
	src/agent/uplink.c src/agent/uplink.h \
	src/agent/upload.c src/agent/upload.h

sbin_PROGRAMS += runnerd
runnerd_SOURCES = src/agent/main.c
runnerd_LDADD = libagent.a libtask.a libhttp.a libformat.a libwire.a libloop.a libbase.a \
	$(format_libs) $(NGHTTP2_LIBS) $(OPENSSL_LIBS) $(SECCOMP_LIBS) $(EVENT_LIBS)
