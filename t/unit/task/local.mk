unit_tests += t/unit/task/task_test
t_unit_task_task_test_SOURCES = t/unit/task/task_test.c
t_unit_task_task_test_LDADD = libtask.a libformat.a libbase.a $(format_libs) $(unit_ldadd)
unit_tests += t/unit/task/test_mask_test
t_unit_task_test_mask_test_SOURCES = t/unit/task/test_mask_test.c
t_unit_task_test_mask_test_LDADD = libtask.a libformat.a libbase.a $(format_libs) $(unit_ldadd)
unit_tests += t/unit/task/mask_test
t_unit_task_mask_test_SOURCES = t/unit/task/mask_test.c t/mask_reference.c t/mask_reference.h
t_unit_task_mask_test_CPPFLAGS = $(unit_cppflags) -I$(srcdir)/t
t_unit_task_mask_test_LDADD = libtask.a libformat.a libbase.a $(format_libs) $(unit_ldadd)
unit_tests += t/unit/task/session_frame_test
t_unit_task_session_frame_test_SOURCES = t/unit/task/session_frame_test.c
t_unit_task_session_frame_test_CPPFLAGS = $(unit_cppflags) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
t_unit_task_session_frame_test_LDADD = libtask.a libformat.a libbase.a $(format_libs) $(unit_ldadd)
unit_tests += t/unit/task/sparse_test
t_unit_task_sparse_test_SOURCES = t/unit/task/sparse_test.c
t_unit_task_sparse_test_LDADD = libtask.a libbase.a $(unit_ldadd)
