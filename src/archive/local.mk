# src/archive: runner-archive, the steps that keep files, run inside a job; may include base, wire, format, task, helper's client
noinst_LIBRARIES += libarchiver.a
libarchiver_a_SOURCES = \
	src/archive/artifacts.c src/archive/artifacts.h \
	src/archive/cache.c src/archive/cache.h \
	src/archive/cache_key.c src/archive/cache_key.h \
	src/archive/junit.c src/archive/junit.h \
	src/archive/keep.c src/archive/keep.h \
	src/archive/leaf.c src/archive/leaf.h \
	src/archive/overlap.c src/archive/overlap.h \
	src/archive/pack.c src/archive/pack.h \
	src/archive/paths.c src/archive/paths.h \
	src/archive/pieces.c src/archive/pieces.h \
	src/archive/place.c src/archive/place.h \
	src/archive/reader.c src/archive/reader.h \
	src/archive/sender.c src/archive/sender.h \
	src/archive/share.c src/archive/share.h \
	src/archive/source.c src/archive/source.h \
	src/archive/step.c src/archive/step.h \
	src/archive/test_results.c src/archive/test_results.h \
	src/archive/unpack.c src/archive/unpack.h \
	src/archive/walk.c src/archive/walk.h \
	src/archive/warnings.c src/archive/warnings.h \
	src/archive/workspace.c src/archive/workspace.h \
	src/archive/xml_text.c src/archive/xml_text.h \
	src/helper/control_client.c src/helper/control_client.h \
	src/helper/seconds.c src/helper/seconds.h
pkglibexec_PROGRAMS += runner-archive
runner_archive_SOURCES = src/archive/main.c
runner_archive_LDADD = libarchiver.a libtask.a libformat.a libwire.a libbase.a $(ARCHIVE_LIBS) $(EXPAT_LIBS) $(format_libs) $(OPENSSL_LIBS)
