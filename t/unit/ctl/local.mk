# What end-to-end tests of runnerctl begin with.
EXTRA_DIST += t/ctl.sh
unit_tests += t/unit/ctl/clean_test t/unit/ctl/display_test t/unit/ctl/words_test t/unit/ctl/follow_test
ctl_unit_ldadd = $(runnerctl_LDADD) $(unit_ldadd)
t_unit_ctl_clean_test_SOURCES = t/unit/ctl/clean_test.c
t_unit_ctl_clean_test_LDADD = $(ctl_unit_ldadd)
t_unit_ctl_display_test_SOURCES = t/unit/ctl/display_test.c
t_unit_ctl_display_test_LDADD = $(ctl_unit_ldadd)
t_unit_ctl_follow_test_SOURCES = t/unit/ctl/follow_test.c
t_unit_ctl_follow_test_LDADD = $(ctl_unit_ldadd)
t_unit_ctl_words_test_SOURCES = t/unit/ctl/words_test.c
t_unit_ctl_words_test_LDADD = $(ctl_unit_ldadd)
unit_tests += t/unit/ctl/dotenv_test
t_unit_ctl_dotenv_test_SOURCES = t/unit/ctl/dotenv_test.c
t_unit_ctl_dotenv_test_LDADD = $(ctl_unit_ldadd)
unit_tests += t/unit/ctl/place_test
t_unit_ctl_place_test_SOURCES = t/unit/ctl/place_test.c
t_unit_ctl_place_test_LDADD = $(ctl_unit_ldadd)
