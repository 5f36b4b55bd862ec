# src/http: HTTP/2 for all programs, HTTP/1.1 for scrapers; may include base and loop
noinst_LIBRARIES += libhttp.a
libhttp_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(NGHTTP2_CFLAGS) $(OPENSSL_CFLAGS)
libhttp_a_SOURCES = \
	src/http/accept.c src/http/accept.h \
	src/http/call.c \
	src/http/client.c src/http/client.h src/http/client_private.h \
	src/http/dial.c src/http/dial.h \
	src/http/h2.c src/http/h2.h src/http/h2_private.h \
	src/http/h2_frames.c \
	src/http/h1.c src/http/h1.h \
	src/http/header.c src/http/header.h \
	src/http/listener.c src/http/listener.h \
	src/http/outgoing.c src/http/outgoing.h \
	src/http/range.c src/http/range.h \
	src/http/reply.c \
	src/http/request.c src/http/server_private.h \
	src/http/server.c src/http/server.h \
	src/http/tls.c src/http/tls.h \
	src/http/tls_bio.c src/http/tls_session.h \
	src/http/tls_make.c \
	src/http/tls_verify.c \
	src/http/transport.c src/http/transport.h \
	src/http/tunnel.c src/http/tunnel.h \
	src/http/url.c src/http/url.h
