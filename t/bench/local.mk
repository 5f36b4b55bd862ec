# Benchmarks: built and run by "make bench", never by "make check".
bench_programs = t/bench/spawn t/bench/floor t/bench/store
EXTRA_PROGRAMS += $(bench_programs)
CLEANFILES += $(bench_programs)
t_bench_spawn_SOURCES = t/bench/spawn.c
t_bench_store_SOURCES = t/bench/store.c
t_bench_store_LDADD = $(hub_libs) $(hub_test_libs)
t_bench_floor_SOURCES = t/bench/floor.c
t_bench_floor_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(NGHTTP2_CFLAGS) $(OPENSSL_CFLAGS) $(JANSSON_CFLAGS) $(ZSTD_CFLAGS)
t_bench_floor_LDADD = $(EVENT_LIBS) $(NGHTTP2_LIBS) $(OPENSSL_LIBS) $(JANSSON_LIBS) $(ZSTD_LIBS)
EXTRA_DIST += t/bench/tasks

bench: all $(bench_programs)
	$(srcdir)/t/bench/tasks --build $(top_builddir)
.PHONY: bench
