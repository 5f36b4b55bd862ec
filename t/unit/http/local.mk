http_unit_ldadd = libhttp.a libloop.a libbase.a $(NGHTTP2_LIBS) $(OPENSSL_LIBS) $(EVENT_LIBS) $(unit_ldadd)
http_pair = t/unit/http/pair.c t/unit/http/pair.h
unit_tests += t/unit/http/client_test
t_unit_http_client_test_SOURCES = t/unit/http/client_test.c $(http_pair)
t_unit_http_client_test_LDADD = $(http_unit_ldadd)
