unit_tests += t/unit/hub/offer_test
t_unit_hub_offer_test_SOURCES = t/unit/hub/offer_test.c
t_unit_hub_offer_test_LDADD = $(hub_libs) $(hub_test_libs) $(unit_ldadd)

unit_tests += t/unit/hub/scheduler_test
t_unit_hub_scheduler_test_SOURCES = t/unit/hub/scheduler_test.c
t_unit_hub_scheduler_test_LDADD = $(hub_libs) $(hub_test_libs) $(unit_ldadd)

unit_tests += t/unit/hub/lease_test
t_unit_hub_lease_test_SOURCES = t/unit/hub/lease_test.c
t_unit_hub_lease_test_LDADD = $(hub_libs) $(hub_test_libs) $(unit_ldadd)

unit_tests += t/unit/hub/upstream_test
t_unit_hub_upstream_test_SOURCES = t/unit/hub/upstream_test.c
t_unit_hub_upstream_test_LDADD = $(hub_libs) $(hub_test_libs) $(unit_ldadd)

unit_tests += t/unit/hub/store_test
t_unit_hub_store_test_SOURCES = t/unit/hub/store_test.c
t_unit_hub_store_test_LDADD = $(hub_libs) $(hub_test_libs) $(unit_ldadd)

unit_tests += t/unit/hub/store_blobs_test
t_unit_hub_store_blobs_test_SOURCES = t/unit/hub/store_blobs_test.c
t_unit_hub_store_blobs_test_LDADD = $(hub_libs) $(hub_test_libs) $(unit_ldadd)

unit_tests += t/unit/hub/settings_test
t_unit_hub_settings_test_SOURCES = t/unit/hub/settings_test.c
t_unit_hub_settings_test_LDADD = $(hub_libs) $(hub_test_libs) $(unit_ldadd)

unit_tests += t/unit/hub/key_test
t_unit_hub_key_test_SOURCES = t/unit/hub/key_test.c
t_unit_hub_key_test_LDADD = $(hub_libs) $(hub_test_libs) $(unit_ldadd)

unit_tests += t/unit/hub/output_parts_test
t_unit_hub_output_parts_test_SOURCES = t/unit/hub/output_parts_test.c
t_unit_hub_output_parts_test_LDADD = libhub.a libtask.a libbase.a $(unit_ldadd)

unit_tests += t/unit/hub/search_test
t_unit_hub_search_test_SOURCES = t/unit/hub/search_test.c
t_unit_hub_search_test_LDADD = $(hub_libs) $(hub_test_libs) $(unit_ldadd)

hub_test_libs = $(PCRE2_LIBS) $(SQLITE_LIBS) $(NGHTTP2_LIBS) $(format_libs) $(OPENSSL_LIBS) $(EVENT_LIBS) -lpthread

# What t/7*-*.t talk to the hub with.
check_PROGRAMS += t/hubcall
t_hubcall_SOURCES = t/hubcall.c
t_hubcall_LDADD = libtask.a libhttp.a libformat.a libloop.a libbase.a $(NGHTTP2_LIBS) $(format_libs) $(OPENSSL_LIBS) $(EVENT_LIBS)
unit_tests += t/unit/hub/api_doc_test
t_unit_hub_api_doc_test_SOURCES = t/unit/hub/api_doc_test.c
t_unit_hub_api_doc_test_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
t_unit_hub_api_doc_test_LDADD = $(runner_hub_LDADD) $(unit_ldadd)
EXTRA_DIST += t/hubtest.py t/attachtest.py t/unit/hub/world.h
