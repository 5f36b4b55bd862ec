unit_tests += t/unit/format/format_test
t_unit_format_format_test_SOURCES = t/unit/format/format_test.c
t_unit_format_format_test_LDADD = libformat.a libbase.a $(format_libs) $(unit_ldadd)
