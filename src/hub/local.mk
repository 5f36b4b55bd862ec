# src/hub: runner-hub, the control plane; may include base, loop, format, http, task, compile
noinst_LIBRARIES += libhub.a
libhub_a_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS) $(SQLITE_CFLAGS)
libhub_a_SOURCES = \
	src/hub/actions.c src/hub/actions.h \
	src/hub/api/agent.c src/hub/api/agent.h \
	src/hub/api/agent_blob_get.c \
	src/hub/api/agent_blobs.c \
	src/hub/api/agent_claim.c \
	src/hub/api/agent_events.c \
	src/hub/api/agent_heartbeat.c \
	src/hub/api/agent_output.c \
	src/hub/api/agent_tests.c \
	src/hub/api/agent_unclaim.c \
	src/hub/api/agents.c \
	src/hub/api/artifacts.c \
	src/hub/api/blob_send.c src/hub/api/blob_send.h \
	src/hub/api/call.c src/hub/api/call.h \
	src/hub/api/contexts.c \
	src/hub/api/oidc.c \
	src/hub/api/kept.c src/hub/api/kept.h \
	src/hub/api/media_type.c src/hub/api/media_type.h \
	src/hub/api/orbs.c \
	src/hub/api/output.c \
	src/hub/api/output_batch.c src/hub/api/output_batch.h \
	src/hub/api/output_form.c src/hub/api/output_form.h \
	src/hub/api/output_lines.c src/hub/api/output_lines.h \
	src/hub/api/output_stream.c src/hub/api/output_stream.h \
	src/hub/api/output_unpack.c src/hub/api/output_unpack.h \
	src/hub/api/people.c src/hub/api/people.h \
	src/hub/api/people_continue.c \
	src/hub/api/people_jobs.c \
	src/hub/api/people_rerun.c \
	src/hub/api/people_run.c \
	src/hub/api/people_tests.c \
	src/hub/api/people_v2.c \
	src/hub/api/people_why.c \
	src/hub/api/projects.c \
	src/hub/api/router.c src/hub/api/router.h \
	src/hub/api/routes.c \
	src/hub/api/runner_classes.c \
	src/hub/api/schedules.c \
	src/hub/api/search.c src/hub/api/search.h \
	src/hub/api/search_pattern.c src/hub/api/search_pattern.h \
	src/hub/api/search_piece.c src/hub/api/search_piece.h \
	src/hub/api/sessions.c src/hub/api/sessions.h \
	src/hub/api/ssh_keys.c \
	src/hub/api/storage.c \
	src/hub/api/test_history.c \
	src/hub/api/test_lines.c src/hub/api/test_lines.h \
	src/hub/api/variables.c src/hub/api/variables.h \
	src/hub/api/views.c src/hub/api/views.h \
	src/hub/api/views_v2.c \
	src/hub/api/watch.c \
	src/hub/blob_reader.c src/hub/blob_records.c src/hub/blob_work.c \
	src/hub/blobs.c src/hub/blobs.h src/hub/blobs_private.h \
	src/hub/commit.c src/hub/commit.h \
	src/hub/create.c \
	src/hub/dispatch.c src/hub/dispatch.h \
	src/hub/document.c src/hub/document.h \
	src/hub/draft.c src/hub/draft.h \
	src/hub/grant.c src/hub/grant.h \
	src/hub/hub.h \
	src/hub/key.c src/hub/key.h \
	src/hub/launch.c src/hub/launch.h \
	src/hub/lease.c src/hub/lease.h \
	src/hub/metrics.c src/hub/metrics.h \
	src/hub/model.c src/hub/model.h \
	src/hub/objects.c \
	src/hub/oidc.c src/hub/oidc.h \
	src/hub/oidc_claims.c \
	src/hub/orbs.c src/hub/orbs.h \
	src/hub/previous.c src/hub/previous.h \
	src/hub/progress.c src/hub/progress.h \
	src/hub/reload.c \
	src/hub/rerun.c src/hub/rerun.h \
	src/hub/rows.c src/hub/rows.h \
	src/hub/offer.c src/hub/offer.h \
	src/hub/scheduler.c src/hub/scheduler.h \
	src/hub/secrets.c src/hub/secrets.h \
	src/hub/ssh_keys.c src/hub/ssh_keys.h \
	src/hub/serial.c src/hub/serial.h \
	src/hub/settings.c src/hub/settings.h \
	src/hub/states.c src/hub/states.h \
	src/hub/store/blobs.c \
	src/hub/store/changes.c \
	src/hub/store/columns.h src/hub/store/columns_read.c src/hub/store/columns_write.c \
	src/hub/store/db.c src/hub/store/db.h \
	src/hub/store/disk.c \
	src/hub/store/gather.c \
	src/hub/store/inspect.c \
	src/hub/store/load.c \
	src/hub/store/read.c src/hub/store/read_output.c \
	src/hub/store/segment.c src/hub/store/segment.h \
	src/hub/store/sweep.c \
	src/hub/store/store.c src/hub/store/store.h src/hub/store/store_internal.h \
	src/hub/store/tests.c src/hub/store/tests_read.c \
	src/hub/sweeper.c src/hub/sweeper.h \
	src/hub/timetable.c src/hub/timetable.h \
	src/hub/tokens.c src/hub/tokens.h \
	src/hub/upstream.c src/hub/upstream.h \
	src/hub/why.c src/hub/why.h

sbin_PROGRAMS += runner-hub
runner_hub_SOURCES = src/hub/main.c src/hub/serve.c src/hub/serve.h \
	src/hub/admin.c src/hub/admin.h src/hub/admin_token.c src/hub/check.c src/hub/init.c \
	src/hub/rotate_key.c src/hub/rotate_oidc_key.c
hub_libs = libhub.a libcompile.a libtask.a libhttp.a libformat.a libloop.a libbase.a
runner_hub_LDADD = $(hub_libs) $(PCRE2_LIBS) $(SQLITE_LIBS) $(NGHTTP2_LIBS) $(format_libs) $(OPENSSL_LIBS) $(EVENT_LIBS) -lpthread
