unit_tests += t/unit/archive/cache_key_test
t_unit_archive_cache_key_test_SOURCES = t/unit/archive/cache_key_test.c
t_unit_archive_cache_key_test_LDADD = libarchiver.a libtask.a libformat.a libbase.a $(ARCHIVE_LIBS) $(format_libs) $(OPENSSL_LIBS) $(unit_ldadd)
unit_tests += t/unit/archive/junit_test
t_unit_archive_junit_test_SOURCES = t/unit/archive/junit_test.c
t_unit_archive_junit_test_LDADD = libarchiver.a libtask.a libformat.a libbase.a $(EXPAT_LIBS) $(format_libs) $(OPENSSL_LIBS) $(unit_ldadd)
