# Unit tests: one cmocka program a noun, t/unit/<folder>/<noun>_test.c.
# A folder's list is t/unit/<folder>/local.mk; it appends to unit_tests.
include t/unit/base/local.mk
include t/unit/format/local.mk
include t/unit/loop/local.mk
include t/unit/task/local.mk

unit_ldadd = $(CMOCKA_LIBS)
unit_cppflags = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
endif
EXTRA_PROGRAMS += $(unit_tests)
