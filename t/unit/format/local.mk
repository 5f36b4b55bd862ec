unit_tests += t/unit/format/format_test
t_unit_format_format_test_SOURCES = t/unit/format/format_test.c
t_unit_format_format_test_LDADD = libformat.a libbase.a $(format_libs) $(unit_ldadd)

unit_tests += t/unit/format/yaml_test
t_unit_format_yaml_test_SOURCES = t/unit/format/yaml_test.c
t_unit_format_yaml_test_LDADD = libformat.a libbase.a $(format_libs) $(unit_ldadd)

unit_tests += t/unit/format/openmetrics_test
t_unit_format_openmetrics_test_SOURCES = t/unit/format/openmetrics_test.c
t_unit_format_openmetrics_test_LDADD = libformat.a libbase.a $(format_libs) $(unit_ldadd)
