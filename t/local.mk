# The tests. Unit tests: one cmocka program a noun, t/unit/<folder>/<noun>_test.c; a folder's
# list is t/unit/<folder>/local.mk, which appends to unit_tests. End to end: t/NN-*.t, any
# language with a "#!" line (t/lib.sh for sh); they start the real programs of the build tree.
include t/unit/agent/local.mk
include t/unit/archive/local.mk
include t/unit/base/local.mk
include t/unit/ctl/local.mk
include t/unit/compile/local.mk
include t/unit/format/local.mk
include t/unit/http/local.mk
include t/unit/hub/local.mk
include t/unit/loop/local.mk
include t/unit/task/local.mk
include t/unit/supervisor/local.mk
include t/unit/launcher/local.mk
include t/unit/wire/local.mk

unit_ldadd = $(CMOCKA_LIBS)
unit_cppflags = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
if HAVE_CMOCKA
unit_run = $(unit_tests)
else
unit_run =
endif
check_PROGRAMS += $(unit_run)
EXTRA_PROGRAMS += $(unit_tests)
EXTRA_DIST += t/prove t/lib.sh t/machine.sh t/network.sh t/init.sh t/hub.sh t/crashtest.py t/crc32c.py t/hangfs.py

# make check [TESTS="t/60-init-steps.t t/unit/base/base_test"] [TEST_JOBS=4] [TEST_FLAGS=-v]
# make check-unit [TEST_EXEC=LAUNCHER] [UNIT_SKIP="..."] runs the unit tests alone, through a launcher.
PROVE = perl $(srcdir)/t/prove
TEST_JOBS = 3
TEST_FLAGS =
TEST_EXEC =
UNIT_SKIP =
check-local:
	@tests="$(TESTS)"; set --; \
	test -n "$$tests" || { tests="$(unit_run)"; set -- $(srcdir)/t/[0-9]*-*.t; test -e "$$1" || set --; }; \
	for test in $$tests; do \
		if test -e "$$test"; then set -- "$$@" "$$test"; else set -- "$$@" "$(srcdir)/$$test"; fi; \
	done; \
	top_builddir="$(abs_top_builddir)" top_srcdir="$(abs_top_srcdir)" \
		$(PROVE) -j$(TEST_JOBS) $(TEST_FLAGS) --exec '$(TEST_EXEC)' "$$@"

check-unit: $(unit_run)
	@$(MAKE) -s check TESTS="$(filter-out $(UNIT_SKIP),$(unit_run))"
.PHONY: check-unit

dist-hook: dist-end-to-end
dist-end-to-end:
	for test in $(srcdir)/t/[0-9]*-*.t; do \
		if test -e "$$test"; then cp -p "$$test" "$(distdir)/t/"; fi; \
	done

# Programs that tests start. t/actor plays a step, wherever it runs: static and never instrumented,
# so that it dies of the signals it sends itself.
check_PROGRAMS += t/initctl
t_initctl_SOURCES = t/initctl.c t/initctl.h t/initctl_link.c t/initctl_start.c
t_initctl_LDADD = libwire.a libloop.a libbase.a $(EVENT_LIBS)
check_SCRIPTS += t/actor
CLEANFILES += t/actor
EXTRA_DIST += t/actor.c
t/actor: t/actor.c
	$(AM_V_CCLD)$(MKDIR_P) t && $(INIT_CC) -D_GNU_SOURCE -std=gnu17 $(WARN_CFLAGS) -Os -static -s \
		-o $@ $(srcdir)/t/actor.c

# For tests of the agent: fakehub, a scripted control plane; relay, a line that breaks; narrow, one on
# which windows stay small.
check_PROGRAMS += t/fakehub t/relay t/narrow
EXTRA_DIST += t/agent.sh t/tasks.sh
t_relay_SOURCES = t/relay.c
t_narrow_SOURCES = t/narrow.c
t_fakehub_SOURCES = t/fakehub.c t/fakehub.h t/fakehub_script.c t/fakehub_tasks.c
t_fakehub_LDADD = libtask.a libhttp.a libformat.a libloop.a libbase.a \
	$(format_libs) $(NGHTTP2_LIBS) $(OPENSSL_LIBS) $(EVENT_LIBS)
# For tests of orbs: a registry that answers as CircleCI's does.
check_PROGRAMS += t/orbregistry
t_orbregistry_SOURCES = t/orbregistry.c
t_orbregistry_LDADD = $(runnerctl_LDADD)
include t/fault/local.mk
