# src/helper: circleci-agent, what a job's steps call; includes the contracts and wire's packets. Made from the
# sources in one go by $(INIT_CC), as runner-init is. "circleci" is the same program.
helper_sources = src/helper/main.c src/helper/helper.h src/helper/ask.c src/helper/continue.c src/helper/glob.c \
	src/helper/oidc.c \
	src/helper/items.c src/helper/items.h src/helper/known.c src/helper/known.h src/helper/prefix.c src/helper/seconds.c src/helper/seconds.h src/helper/split.c src/helper/subst.c \
	src/helper/timings.c src/helper/timings.h \
	src/helper/control_client.c src/helper/control_client.h src/wire/packet.c src/wire/packet.h
EXTRA_DIST += $(helper_sources)
helperdir = $(pkglibexecdir)/helper
helper_SCRIPTS = helper/circleci-agent helper/circleci
CLEANFILES += $(helper_SCRIPTS)
helper/circleci-agent: $(helper_sources) include/runner/control.h include/runner/exit.h config.h
	@$(MKDIR_P) helper
	$(AM_V_CCLD)sources=; for file in $(helper_sources); do \
		case $$file in *.c) sources="$$sources $(srcdir)/$$file";; esac; \
	done; \
	$(INIT_CC) -D_GNU_SOURCE -I$(srcdir)/src -I$(srcdir)/include -include config.h \
		-ffile-prefix-map=$(srcdir)/= -std=gnu17 $(WARN_CFLAGS) $(INIT_FLAGS) -o $@ $$sources
helper/circleci: helper/circleci-agent
	$(AM_V_GEN)ln -sf circleci-agent $@
