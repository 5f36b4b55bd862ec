# src/launcher: runner-launcher; may include supervisor's numbers, wire, and of base what needs no heap.
# Made as runner-init is: its parts for unit tests, the program in one go by $(INIT_CC).
noinst_LIBRARIES += liblauncher.a
liblauncher_a_SOURCES = \
	src/launcher/birth.c src/launcher/birth.h \
	src/launcher/clean.c src/launcher/clean.h \
	src/launcher/ground.h \
	src/launcher/place.c src/launcher/place.h \
	src/launcher/quota.c src/launcher/quota.h \
	src/launcher/request.c src/launcher/request.h \
	src/launcher/rights.c src/launcher/rights.h

launcher_sources = src/launcher/main.c \
	$(liblauncher_a_SOURCES) \
	src/supervisor/home.c src/supervisor/home.h src/supervisor/id_map.c src/supervisor/id_map.h \
	src/supervisor/user.c src/supervisor/user.h \
	src/supervisor/number.c src/supervisor/number.h src/supervisor/kernel.h src/wire/packet.c src/wire/packet.h src/wire/shelter.h \
	src/base/id.c src/base/id.h src/base/assert.c src/base/assert.h src/base/text.h \
	src/base/cleanup.h src/base/sanitize.h
EXTRA_DIST += src/launcher/main.c

pkglibexec_SCRIPTS += runner-launcher
CLEANFILES += runner-launcher
runner-launcher: $(launcher_sources) include/runner/launcher.h include/runner/supervisor.h config.h
	$(AM_V_CCLD)sources=; for file in $(launcher_sources); do \
		case $$file in *.c) sources="$$sources $(srcdir)/$$file";; esac; \
	done; \
	$(INIT_CC) -D_GNU_SOURCE -I$(srcdir)/src -I$(srcdir)/include -include config.h \
		-ffile-prefix-map=$(srcdir)/= -std=gnu17 $(WARN_CFLAGS) $(INIT_FLAGS) -o $@ $$sources
