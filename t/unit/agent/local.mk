unit_agent_libs = libagent.a libtask.a libhttp.a libformat.a libwire.a libloop.a libbase.a \
	$(format_libs) $(NGHTTP2_LIBS) $(OPENSSL_LIBS) $(SECCOMP_LIBS) $(EVENT_LIBS) $(unit_ldadd)

unit_tests += t/unit/agent/settings_test
t_unit_agent_settings_test_SOURCES = t/unit/agent/settings_test.c
t_unit_agent_settings_test_LDADD = $(unit_agent_libs)

unit_tests += t/unit/agent/slot_users_test
t_unit_agent_slot_users_test_SOURCES = t/unit/agent/slot_users_test.c
t_unit_agent_slot_users_test_LDADD = $(unit_agent_libs)
unit_tests += t/unit/agent/outside_test
t_unit_agent_outside_test_SOURCES = t/unit/agent/outside_test.c
t_unit_agent_outside_test_LDADD = $(unit_agent_libs)
unit_tests += t/unit/agent/slots_test
t_unit_agent_slots_test_SOURCES = t/unit/agent/slots_test.c
t_unit_agent_slots_test_LDADD = $(unit_agent_libs)

unit_tests += t/unit/agent/ceilings_test
t_unit_agent_ceilings_test_SOURCES = t/unit/agent/ceilings_test.c
t_unit_agent_ceilings_test_LDADD = $(unit_agent_libs)

unit_tests += t/unit/agent/pace_test
t_unit_agent_pace_test_SOURCES = t/unit/agent/pace_test.c
t_unit_agent_pace_test_LDADD = $(unit_agent_libs)

unit_tests += t/unit/agent/journal_test t/unit/agent/spool_test t/unit/agent/sequence_test \
	t/unit/agent/environment_test t/unit/agent/state_dir_test t/unit/agent/output_test
t_unit_agent_journal_test_SOURCES = t/unit/agent/journal_test.c t/unit/agent/scratch.c t/unit/agent/scratch.h
t_unit_agent_journal_test_LDADD = $(unit_agent_libs)
t_unit_agent_spool_test_SOURCES = t/unit/agent/spool_test.c t/unit/agent/scratch.c t/unit/agent/scratch.h
t_unit_agent_spool_test_LDADD = $(unit_agent_libs)
t_unit_agent_sequence_test_SOURCES = t/unit/agent/sequence_test.c
t_unit_agent_sequence_test_LDADD = $(unit_agent_libs)
t_unit_agent_environment_test_SOURCES = t/unit/agent/environment_test.c
t_unit_agent_environment_test_LDADD = $(unit_agent_libs)
t_unit_agent_state_dir_test_SOURCES = t/unit/agent/state_dir_test.c t/unit/agent/scratch.c t/unit/agent/scratch.h
t_unit_agent_state_dir_test_CPPFLAGS = $(unit_cppflags) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
t_unit_agent_state_dir_test_LDADD = $(unit_agent_libs)
t_unit_agent_output_test_SOURCES = t/unit/agent/output_test.c t/unit/agent/scratch.c t/unit/agent/scratch.h
t_unit_agent_output_test_LDADD = $(unit_agent_libs)

unit_tests += t/unit/agent/work_dir_test
t_unit_agent_work_dir_test_SOURCES = t/unit/agent/work_dir_test.c t/unit/agent/scratch.c t/unit/agent/scratch.h
t_unit_agent_work_dir_test_LDADD = $(unit_agent_libs)

unit_tests += t/unit/agent/rate_test
t_unit_agent_rate_test_SOURCES = t/unit/agent/rate_test.c
t_unit_agent_rate_test_LDADD = $(unit_agent_libs)

unit_tests += t/unit/agent/spool_disk_test
t_unit_agent_spool_disk_test_SOURCES = t/unit/agent/spool_disk_test.c t/unit/agent/scratch.c t/unit/agent/scratch.h
t_unit_agent_spool_disk_test_LDADD = $(unit_agent_libs)

unit_tests += t/unit/agent/caches_test
t_unit_agent_caches_test_SOURCES = t/unit/agent/caches_test.c t/unit/agent/scratch.c t/unit/agent/scratch.h
t_unit_agent_caches_test_LDADD = $(unit_agent_libs)

unit_tests += t/unit/agent/linger_test
t_unit_agent_linger_test_SOURCES = t/unit/agent/linger_test.c
t_unit_agent_linger_test_LDADD = $(unit_agent_libs)

unit_tests += t/unit/agent/cpu_layout_test t/unit/agent/class_environment_test
t_unit_agent_cpu_layout_test_SOURCES = t/unit/agent/cpu_layout_test.c t/unit/agent/scratch.c t/unit/agent/scratch.h
t_unit_agent_cpu_layout_test_CPPFLAGS = $(unit_cppflags) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
t_unit_agent_cpu_layout_test_LDADD = $(unit_agent_libs)
t_unit_agent_class_environment_test_SOURCES = t/unit/agent/class_environment_test.c \
	t/unit/agent/scratch.c t/unit/agent/scratch.h
t_unit_agent_class_environment_test_LDADD = $(unit_agent_libs)

unit_tests += t/unit/agent/waiters_test
t_unit_agent_waiters_test_SOURCES = t/unit/agent/waiters_test.c src/helper/control_client.c
t_unit_agent_waiters_test_LDADD = $(unit_agent_libs)

unit_tests += t/unit/agent/headroom_test
t_unit_agent_headroom_test_SOURCES = t/unit/agent/headroom_test.c t/unit/agent/scratch.c t/unit/agent/scratch.h
t_unit_agent_headroom_test_LDADD = $(unit_agent_libs)
