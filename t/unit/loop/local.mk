unit_tests += t/unit/loop/loop_test
t_unit_loop_loop_test_SOURCES = t/unit/loop/loop_test.c
t_unit_loop_loop_test_LDADD = libloop.a libbase.a $(EVENT_LIBS) $(unit_ldadd)
unit_tests += t/unit/loop/worker_test
t_unit_loop_worker_test_SOURCES = t/unit/loop/worker_test.c
t_unit_loop_worker_test_LDADD = libloop.a libbase.a $(EVENT_LIBS) $(unit_ldadd)
