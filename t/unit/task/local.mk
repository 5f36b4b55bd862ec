unit_tests += t/unit/task/task_test
t_unit_task_task_test_SOURCES = t/unit/task/task_test.c
t_unit_task_task_test_LDADD = libtask.a libformat.a libbase.a $(format_libs) $(unit_ldadd)
