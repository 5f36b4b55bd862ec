unit_tests += t/unit/base/base_test
t_unit_base_base_test_SOURCES = t/unit/base/base_test.c
t_unit_base_base_test_LDADD = libbase.a $(unit_ldadd)
