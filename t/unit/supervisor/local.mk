supervisor_tests = t/unit/supervisor/descent_test t/unit/supervisor/journal_test \
	t/unit/supervisor/last_words_test t/unit/supervisor/number_test \
	t/unit/supervisor/step_test t/unit/supervisor/tell_test
unit_tests += $(supervisor_tests)
supervisor_ldadd = libsupervisor.a libwire.a libbase.a $(unit_ldadd)
t_unit_supervisor_descent_test_SOURCES = t/unit/supervisor/descent_test.c
t_unit_supervisor_descent_test_LDADD = $(supervisor_ldadd)
t_unit_supervisor_journal_test_SOURCES = t/unit/supervisor/journal_test.c
t_unit_supervisor_journal_test_LDADD = $(supervisor_ldadd)
t_unit_supervisor_number_test_SOURCES = t/unit/supervisor/number_test.c
t_unit_supervisor_number_test_LDADD = $(supervisor_ldadd)
t_unit_supervisor_step_test_SOURCES = t/unit/supervisor/step_test.c
t_unit_supervisor_step_test_LDADD = $(supervisor_ldadd)
t_unit_supervisor_tell_test_SOURCES = t/unit/supervisor/tell_test.c
t_unit_supervisor_tell_test_LDADD = $(supervisor_ldadd)
# A program of its own: it brings assert_failed() itself.
t_unit_supervisor_last_words_test_SOURCES = t/unit/supervisor/last_words_test.c \
	src/supervisor/last_words.c
t_unit_supervisor_last_words_test_LDADD = $(supervisor_ldadd)
