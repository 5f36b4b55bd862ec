/*
 * url.h - where a server is: http://, https:// or unix:PATH.
 *
 *   https://hub.example.org:8443/base   TLS, port 443 when none is given
 *   http://127.0.0.1:8080               plain TCP, port 80 when none is given
 *   http://[::1]:8080                   an IPv6 address
 *   unix:/run/hub.sock                  a Unix socket; plain HTTP/2 on it
 *
 * User names, query strings and fragments are refused: none belongs in a server's
 * address. The struct owns nothing; copy it freely.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct err;

enum {
	URL_MAX_BYTES = 1024,	  /* of the whole text */
	URL_HOST_MAX_BYTES = 253, /* RFC 1035, 2.3.4 */
	URL_UNIX_MAX_BYTES = 107, /* sun_path of unix(7) less its NUL */
	URL_PATH_MAX_BYTES = 512,
};

enum url_scheme { URL_HTTP, URL_HTTPS, URL_UNIX };

struct url {
	enum url_scheme scheme;
	uint16_t port;			   /* 0 for unix: */
	char host[URL_HOST_MAX_BYTES + 1]; /* lower case, no brackets; "" for unix: */
	char path[URL_PATH_MAX_BYTES +
		  1]; /* of the URL, begins with '/', no '/' at its end; "" for none */
	char socket[URL_UNIX_MAX_BYTES + 1]; /* of unix: */
};

/* Fails: ERR_INPUT with what is wrong and the forms allowed, ERR_LIMIT when too long. */
int url_parse(struct url *out, const char *text, struct err *err);

/* The address without the path ("https://host:8443", "unix:/x"): for logs. Returns room. */
const char *url_text(char room[URL_MAX_BYTES], const struct url *url);

/* What goes into ":authority": host, and the port unless it is the scheme's own. Returns room. */
const char *url_authority(char room[URL_HOST_MAX_BYTES + 16], const struct url *url);

/* A loopback address by number, "localhost", or a Unix socket: no TLS needed. */
bool url_is_local(const struct url *url);

/* Append text percent-encoded, so that it is one path segment or one query value (RFC 3986, 2.3).
 */
void url_encode(struct buffer *out, const char *text);

/*
 * Decode len bytes of percent-encoded text into room (len + 1 bytes are enough); plus_is_space as
 * in query strings. Fails: ERR_INPUT for a broken escape or a %00.
 */
int url_decode(char *room, const char *text, size_t len, bool plus_is_space, struct err *err);

#endif
