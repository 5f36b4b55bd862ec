unit_tests += t/unit/base/base_test
t_unit_base_base_test_SOURCES = t/unit/base/base_test.c
t_unit_base_base_test_LDADD = libbase.a $(unit_ldadd)
unit_tests += t/unit/base/log_test
t_unit_base_log_test_SOURCES = t/unit/base/log_test.c
t_unit_base_log_test_LDADD = libformat.a libbase.a $(format_libs) $(unit_ldadd)
