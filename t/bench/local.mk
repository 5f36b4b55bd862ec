# Benchmarks: built and run by "make bench", never by "make check".
bench_programs = t/bench/spawn t/bench/launch t/bench/floor t/bench/store t/bench/stamp t/bench/compile t/bench/hostile t/bench/mask t/bench/parts t/bench/junit
EXTRA_PROGRAMS += $(bench_programs)
CLEANFILES += $(bench_programs) t/bench/nested
t_bench_spawn_SOURCES = t/bench/spawn.c
t_bench_launch_SOURCES = t/bench/launch.c
t_bench_launch_LDADD = libloop.a libbase.a $(EVENT_LIBS)
# As runner-init is made, so that the floor has the same libc.
EXTRA_DIST += t/bench/nested.c
t/bench/nested: t/bench/nested.c src/supervisor/clone_into.c src/supervisor/clone_into.h src/supervisor/kernel.h config.h
	@$(MKDIR_P) t/bench
	$(AM_V_CCLD)$(INIT_CC) -D_GNU_SOURCE -I$(srcdir)/src -include config.h -std=gnu17 $(WARN_CFLAGS) $(INIT_FLAGS) -o $@ \
		$(srcdir)/t/bench/nested.c $(srcdir)/src/supervisor/clone_into.c
t_bench_mask_SOURCES = t/bench/mask.c
t_bench_mask_CPPFLAGS = $(AM_CPPFLAGS) $(ZSTD_CFLAGS)
t_bench_mask_LDADD = libtask.a libformat.a libbase.a $(format_libs)
t_bench_parts_SOURCES = t/bench/parts.c
t_bench_parts_LDADD = libtask.a libhttp.a libformat.a libloop.a libbase.a $(format_libs) \
	$(NGHTTP2_LIBS) $(OPENSSL_LIBS) $(EVENT_LIBS)
t_bench_junit_SOURCES = t/bench/junit.c
t_bench_junit_LDADD = libarchiver.a libtask.a libformat.a libbase.a $(EXPAT_LIBS) $(format_libs) $(OPENSSL_LIBS)
t_bench_stamp_SOURCES = t/bench/stamp.c
t_bench_store_SOURCES = t/bench/store.c
t_bench_store_LDADD = $(hub_libs) $(hub_test_libs)
t_bench_compile_SOURCES = t/bench/compile.c
t_bench_compile_LDADD = libcompile.a libtask.a libformat.a libbase.a $(PCRE2_LIBS) $(format_libs)
t_bench_hostile_SOURCES = t/bench/hostile.c $(hostile_sources)
t_bench_hostile_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/t/unit/compile
t_bench_hostile_LDADD = libcompile.a libtask.a libformat.a libbase.a $(PCRE2_LIBS) $(format_libs)
t_bench_floor_SOURCES = t/bench/floor.c
t_bench_floor_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(NGHTTP2_CFLAGS) $(OPENSSL_CFLAGS) $(JANSSON_CFLAGS) $(ZSTD_CFLAGS)
t_bench_floor_LDADD = $(EVENT_LIBS) $(NGHTTP2_LIBS) $(OPENSSL_LIBS) $(JANSSON_LIBS) $(ZSTD_LIBS)
bench_scripts = t/bench/artifacts t/bench/tasks t/bench/idle t/bench/latency t/bench/output t/bench/checkout t/bench/cache t/bench/split t/bench/spill t/bench/reading t/bench/queued t/bench/sweep t/bench/identity t/bench/cancel t/bench/recovery t/bench/cleanup t/bench/isolation
EXTRA_DIST += $(bench_scripts) t/bench/leaks t/bench/bench.py t/bench/mallocs.c

bench: all $(bench_programs) t/bench/nested taskd
	echo "--- t/bench/launch" && t/bench/launch
	echo "--- t/bench/compile" && t/bench/compile
	echo "--- t/bench/hostile" && t/bench/hostile
	echo "--- t/bench/mask" && t/bench/mask
	echo "--- t/bench/junit" && t/bench/junit
	for script in $(bench_scripts); do \
		echo "--- $$script" && PYTHONDONTWRITEBYTECODE=1 $(srcdir)/$$script --build $(top_builddir) || exit 1; \
	done
.PHONY: bench
