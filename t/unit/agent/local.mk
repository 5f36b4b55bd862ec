unit_agent_libs = libagent.a libtask.a libhttp.a libformat.a libwire.a libloop.a libbase.a \
	$(format_libs) $(NGHTTP2_LIBS) $(OPENSSL_LIBS) $(EVENT_LIBS) $(unit_ldadd)

unit_tests += t/unit/agent/settings_test
t_unit_agent_settings_test_SOURCES = t/unit/agent/settings_test.c
t_unit_agent_settings_test_LDADD = $(unit_agent_libs)

unit_tests += t/unit/agent/slots_test
t_unit_agent_slots_test_SOURCES = t/unit/agent/slots_test.c
t_unit_agent_slots_test_LDADD = $(unit_agent_libs)

unit_tests += t/unit/agent/pace_test
t_unit_agent_pace_test_SOURCES = t/unit/agent/pace_test.c
t_unit_agent_pace_test_LDADD = $(unit_agent_libs)
