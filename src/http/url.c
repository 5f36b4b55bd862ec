/*
 * url.c - where a server is: http://, https:// or unix:PATH.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"

static const char forms[] = "give it as https://HOST[:PORT], http://HOST[:PORT] or unix:PATH, "
			    "without user name, query or fragment";

static int
refuse(struct err *err, const char *text, const char *why)
{
	(void)!err_set(err, ERR_INPUT, "'%.200s' is not a server's address: %s", text, why);
	return err_hint(err, forms);
}

static int
parse_unix(struct url *out, const char *path, const char *text, struct err *err)
{
	size_t len = strlen(path);

	if (path[0] != '/')
		return refuse(err, text, "the path of a socket begins with '/'");
	if (len > URL_UNIX_MAX_BYTES)
		return err_set(
			err, ERR_LIMIT,
			"socket path '%.120s...' is longer than %d bytes, the kernel's limit", path,
			URL_UNIX_MAX_BYTES);
	out->scheme = URL_UNIX;
	memcpy(out->socket, path, len + 1);
	return 0;
}

static bool
is_host_name(const char *host)
{
	const char *p;

	for (p = host; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && strchr("-._", *p) == NULL)
			return false;
	}
	return host[0] != '\0' && host[0] != '.' && host[0] != '-';
}

static int
set_host(struct url *out, const char *host, size_t len, bool bracketed, const char *text,
	 struct err *err)
{
	unsigned char address[sizeof(struct in6_addr)];
	size_t i;

	if (len == 0)
		return refuse(err, text, "the host is missing");
	if (len > URL_HOST_MAX_BYTES)
		return err_set(err, ERR_LIMIT,
			       "the host name in '%.80s...' is longer than %d bytes", text,
			       URL_HOST_MAX_BYTES);
	for (i = 0; i < len; i++)
		out->host[i] = (char)tolower((unsigned char)host[i]);
	out->host[len] = '\0';
	if (bracketed && inet_pton(AF_INET6, out->host, address) != 1)
		return refuse(err, text, "between [ and ] there is no IPv6 address");
	if (!bracketed && !is_host_name(out->host))
		return refuse(err, text, "the host may have letters, digits, '-' and '.' only");
	return 0;
}

static int
set_port(struct url *out, const char *digits, size_t len, const char *text, struct err *err)
{
	unsigned long port = 0;
	size_t i;

	for (i = 0; i < len && isdigit((unsigned char)digits[i]) && port <= 65535; i++)
		port = port * 10 + (unsigned long)(digits[i] - '0');
	if (len == 0 || i < len || port == 0 || port > 65535)
		return refuse(err, text, "a port is a number from 1 to 65535");
	out->port = (uint16_t)port;
	return 0;
}

/* "host", "host:port", "[v6]", "[v6]:port". */
static int
parse_authority(struct url *out, const char *at, size_t len, const char *text, struct err *err)
{
	const char *end = at + len;
	const char *host_end;
	const char *host = at;
	bool bracketed = len > 0 && at[0] == '[';

	if (memchr(at, '@', len) != NULL)
		return refuse(err, text, "it has a user name or a password in it");
	if (bracketed) {
		host++;
		host_end = memchr(at, ']', len);
		if (host_end == NULL)
			return refuse(err, text, "the ']' is missing");
		at = host_end + 1;
	} else {
		host_end = memchr(at, ':', len);
		if (host_end == NULL)
			host_end = end;
		at = host_end;
	}
	if (set_host(out, host, (size_t)(host_end - host), bracketed, text, err) < 0)
		return err->code;
	if (at == end)
		return 0;
	if (*at != ':')
		return refuse(err, text, "after the host there may be ':' and a port");
	return set_port(out, at + 1, (size_t)(end - at - 1), text, err);
}

static int
parse_path(struct url *out, const char *path, const char *text, struct err *err)
{
	size_t len = strlen(path);
	size_t i;

	for (i = 0; i < len; i++) {
		if (path[i] <= ' ' || path[i] >= 0x7f)
			return refuse(err, text, "it has a space or a control character in it");
		if (path[i] == '?' || path[i] == '#')
			return refuse(err, text, "it has a query or a fragment");
	}
	while (len > 0 && path[len - 1] == '/')
		len--;
	if (len > URL_PATH_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "the path in '%.80s...' is longer than %d bytes",
			       text, URL_PATH_MAX_BYTES);
	memcpy(out->path, path, len);
	out->path[len] = '\0';
	return 0;
}

int
url_parse(struct url *out, const char *text, struct err *err)
{
	struct url url = {.scheme = URL_HTTP};
	const char *at;
	size_t len;

	if (strlen(text) > URL_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "the address '%.80s...' is longer than %d bytes",
			       text, URL_MAX_BYTES);
	if (text_starts(text, "unix:")) {
		if (parse_unix(&url, text + strlen("unix:"), text, err) < 0)
			return err->code;
		*out = url;
		return 0;
	}
	if (strncasecmp(text, "https://", strlen("https://")) == 0) {
		url.scheme = URL_HTTPS;
		url.port = 443;
		at = text + strlen("https://");
	} else if (strncasecmp(text, "http://", strlen("http://")) == 0) {
		url.port = 80;
		at = text + strlen("http://");
	} else {
		return refuse(err, text, "it does not begin with https://, http:// or unix:");
	}
	len = strcspn(at, "/?#");
	if (parse_authority(&url, at, len, text, err) < 0 ||
	    parse_path(&url, at + len, text, err) < 0)
		return err->code;
	*out = url;
	return 0;
}

const char *
url_authority(char room[URL_HOST_MAX_BYTES + 16], const struct url *url)
{
	bool v6 = strchr(url->host, ':') != NULL;
	uint16_t usual = url->scheme == URL_HTTPS ? 443 : 80;
	size_t size = URL_HOST_MAX_BYTES + 16;

	if (url->scheme == URL_UNIX)
		(void)snprintf(room, size, "localhost");
	else if (url->port == usual)
		(void)snprintf(room, size, v6 ? "[%s]" : "%s", url->host);
	else
		(void)snprintf(room, size, v6 ? "[%s]:%u" : "%s:%u", url->host,
			       (unsigned)url->port);
	return room;
}

const char *
url_text(char room[URL_MAX_BYTES], const struct url *url)
{
	char authority[URL_HOST_MAX_BYTES + 16];

	if (url->scheme == URL_UNIX)
		(void)snprintf(room, URL_MAX_BYTES, "unix:%s", url->socket);
	else
		(void)snprintf(room, URL_MAX_BYTES, "%s://%s",
			       url->scheme == URL_HTTPS ? "https" : "http",
			       url_authority(authority, url));
	return room;
}

bool
url_is_local(const struct url *url)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (url->scheme == URL_UNIX || strcmp(url->host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, url->host, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	return inet_pton(AF_INET6, url->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

void
url_encode(struct buffer *out, const char *text)
{
	const unsigned char *p;

	for (p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p < 0x80 && (isalnum(*p) || strchr("-._~", *p) != NULL))
			buffer_putn(out, p, 1);
		else
			buffer_printf(out, "%%%02X", *p);
	}
}

int
url_decode(char *room, const char *text, size_t len, bool plus_is_space, struct err *err)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		int high, low;

		if (text[i] == '+' && plus_is_space) {
			room[n++] = ' ';
			continue;
		}
		if (text[i] != '%') {
			room[n++] = text[i];
			continue;
		}
		high = i + 2 < len ? text_hex_value(text[i + 1]) : -1;
		low = i + 2 < len ? text_hex_value(text[i + 2]) : -1;
		if (high < 0 || low < 0 || high + low == 0)
			return err_set(
				err, ERR_INPUT,
				"after '%%' two hexadecimal digits other than 00 must follow");
		room[n++] = (char)(high * 16 + low);
		i += 2;
	}
	room[n] = '\0';
	return 0;
}
