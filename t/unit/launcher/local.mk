launcher_tests = t/unit/launcher/request_test
unit_tests += $(launcher_tests)
t_unit_launcher_request_test_SOURCES = t/unit/launcher/request_test.c
t_unit_launcher_request_test_LDADD = liblauncher.a libbase.a $(unit_ldadd)
