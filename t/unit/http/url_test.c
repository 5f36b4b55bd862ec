/*
 * url_test.c - addresses of servers, percent-encoding, header fields.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "http/header.h"
#include "http/outgoing.h"
#include "http/url.h"

static void
check(const char *text, enum url_scheme scheme, const char *host, unsigned port, const char *path)
{
	struct err err = ERR_INIT;
	struct url url;

	if (url_parse(&url, text, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(url.scheme, scheme);
	assert_string_equal(scheme == URL_UNIX ? url.socket : url.host, host);
	assert_int_equal(url.port, port);
	assert_string_equal(url.path, path);
}

static void
test_url_parse_takes_the_three_forms(void **state)
{
	(void)state;
	check("https://hub.example.org", URL_HTTPS, "hub.example.org", 443, "");
	check("HTTPS://Hub.Example.ORG:8443/", URL_HTTPS, "hub.example.org", 8443, "");
	check("http://127.0.0.1:8080/base/path//", URL_HTTP, "127.0.0.1", 8080, "/base/path");
	check("http://[2001:DB8::1]", URL_HTTP, "2001:db8::1", 80, "");
	check("http://[::1]:65535/x", URL_HTTP, "::1", 65535, "/x");
	check("unix:/run/hub.sock", URL_UNIX, "/run/hub.sock", 0, "");
}

static void
test_url_parse_refuses_the_rest_and_names_the_forms(void **state)
{
	static const char *const bad[] = {"",
					  "hub",
					  "hub:80",
					  "ftp://hub",
					  "http://",
					  "http:///x",
					  "http://:80",
					  "http://hub:",
					  "http://hub:0",
					  "http://hub:65536",
					  "http://hub:8o",
					  "http://hub:99999999999999999999",
					  "http://u:p@hub",
					  "http://[::1",
					  "http://[::1]x",
					  "http://[hub]",
					  "http://hub/?q",
					  "http://hub#f",
					  "http://hub/a b",
					  "http://h\x01",
					  "http://.hub",
					  "http://-hub",
					  "http://h%75b",
					  "unix:relative",
					  "unix:",
					  "http://hub/\xc3\xa4"};
	struct err err;
	struct url url;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = (struct err)ERR_INIT;
		if (url_parse(&url, bad[i], &err) != ERR_INPUT)
			fail_msg("'%s' was not refused", bad[i]);
		assert_non_null(strstr(err.text, "is not a server's address: "));
		assert_non_null(strstr(err.hint, "https://HOST[:PORT]"));
	}
}

static void
test_url_parse_bounds_every_part(void **state)
{
	char text[URL_MAX_BYTES + 64];
	struct err err = ERR_INIT;
	struct url url;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "http://", 7);
	assert_int_equal(url_parse(&url, text, &err), ERR_LIMIT);
	text[7 + URL_HOST_MAX_BYTES + 1] = '\0';
	assert_int_equal(url_parse(&url, text, &err), ERR_LIMIT);
	text[7 + URL_HOST_MAX_BYTES] = '\0';
	assert_int_equal(url_parse(&url, text, &err), 0);
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "unix:/", 6);
	text[5 + URL_UNIX_MAX_BYTES + 1] = '\0';
	assert_int_equal(url_parse(&url, text, &err), ERR_LIMIT);
	text[5 + URL_UNIX_MAX_BYTES] = '\0';
	assert_int_equal(url_parse(&url, text, &err), 0);
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "http://h/", 9);
	text[8 + URL_PATH_MAX_BYTES + 1] = '\0';
	assert_int_equal(url_parse(&url, text, &err), ERR_LIMIT);
	text[8 + URL_PATH_MAX_BYTES] = '\0';
	assert_int_equal(url_parse(&url, text, &err), 0);
}

static void
check_text(const char *text, const char *as_text, const char *authority, bool local)
{
	char room[URL_MAX_BYTES], name[URL_HOST_MAX_BYTES + 16];
	struct err err = ERR_INIT;
	struct url url;

	assert_int_equal(url_parse(&url, text, &err), 0);
	assert_string_equal(url_text(room, &url), as_text);
	assert_string_equal(url_authority(name, &url), authority);
	assert_int_equal(url_is_local(&url), local);
}

static void
test_url_text_and_authority(void **state)
{
	(void)state;
	check_text("https://Hub:443/x", "https://hub", "hub", false);
	check_text("https://hub:80", "https://hub:80", "hub:80", false);
	check_text("http://[::1]", "http://[::1]", "[::1]", true);
	check_text("http://127.4.5.6:1", "http://127.4.5.6:1", "127.4.5.6:1", true);
	check_text("http://localhost", "http://localhost", "localhost", true);
	check_text("http://128.0.0.1", "http://128.0.0.1", "128.0.0.1", false);
	check_text("unix:/a", "unix:/a", "localhost", true);
}

static void
test_url_encode_and_decode_are_inverse(void **state)
{
	struct buffer encoded = BUFFER_INIT;
	struct err err = ERR_INIT;
	char all[256], room[256];
	unsigned i;

	(void)state;
	for (i = 1; i < 256; i++)
		all[i - 1] = (char)i;
	all[255] = '\0';
	url_encode(&encoded, all);
	assert_non_null(strstr(buffer_text(&encoded), "%2F0123456789%3A"));
	assert_int_equal(url_decode(room, (const char *)encoded.data, encoded.len, true, &err), 0);
	assert_string_equal(room, all);
	buffer_release(&encoded);
	assert_int_equal(url_decode(room, "a+b%2b", 6, true, &err), 0);
	assert_string_equal(room, "a b+");
	assert_int_equal(url_decode(room, "a+b", 3, false, &err), 0);
	assert_string_equal(room, "a+b");
	assert_int_equal(url_decode(room, "%41B", 3, false, &err), 0);
	assert_string_equal(room, "A");
	assert_int_equal(url_decode(room, "%41", 2, false, &err), ERR_INPUT);
	assert_int_equal(url_decode(room, "%00", 3, false, &err), ERR_INPUT);
}

static void
test_header_check_refuses_what_would_split_a_message(void **state)
{
	struct err err = ERR_INIT;
	char *large = calloc(1, HTTP_HEADERS_MAX_BYTES + 2);

	(void)state;
	memset(large, 'v', HTTP_HEADERS_MAX_BYTES + 1);
	assert_int_equal(http_header_check("x-name", "a value\twith a tab", &err), 0);
	assert_int_equal(http_header_check("x name", "v", &err), ERR_INPUT);
	assert_int_equal(http_header_check("", "v", &err), ERR_INPUT);
	assert_int_equal(http_header_check(":path", "v", &err), ERR_INPUT);
	assert_int_equal(http_header_check("x", "a\nb", &err), ERR_INPUT);
	assert_int_equal(http_header_check("x", "a\rb", &err), ERR_INPUT);
	assert_int_equal(http_header_check("x", large, &err), ERR_LIMIT);
	free(large);
}

/* Copied and borrowed bytes leave in order, whatever the pieces taken and whoever wants his memory
 * back. */
static void
test_outgoing_keeps_order_and_gives_memory_back(void **state)
{
	struct outgoing out = {0};
	struct buffer sent = BUFFER_INIT, expected = BUFFER_INIT;
	char *lent = malloc(1000);
	struct iovec pieces[3];
	unsigned i;

	(void)state;
	memset(lent, 'L', 1000);
	for (i = 0; i < 50; i++) {
		outgoing_copy(&out, "head", 4);
		outgoing_borrow(&out, lent + i, 100, (int32_t)(1 + i % 2));
		buffer_putn(&expected, "head", 4);
		buffer_putn(&expected, lent + i, 100);
	}
	assert_int_equal(out.len, expected.len);
	outgoing_consume(&out, 57);
	outgoing_detach(&out, 1);
	assert_false(outgoing_has(&out, 1));
	assert_true(outgoing_has(&out, 2));
	outgoing_detach(&out, 2);
	memset(lent, 'X', 1000);
	free(lent);
	buffer_putn(&sent, expected.data, 57);
	while (out.len > 0) {
		int count = outgoing_pieces(&out, pieces, 3);
		size_t part = pieces[0].iov_len > 31 ? 31 : pieces[0].iov_len;

		assert_true(count >= 1 && count <= 3);
		buffer_putn(&sent, pieces[0].iov_base, part);
		outgoing_consume(&out, part);
	}
	assert_int_equal(sent.len, expected.len);
	assert_memory_equal(sent.data, expected.data, sent.len);
	assert_null(out.first);
	outgoing_copy(&out, "rest", 4);
	outgoing_release(&out);
	buffer_release(&sent);
	buffer_release(&expected);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url_parse_takes_the_three_forms),
		cmocka_unit_test(test_url_parse_refuses_the_rest_and_names_the_forms),
		cmocka_unit_test(test_url_parse_bounds_every_part),
		cmocka_unit_test(test_url_text_and_authority),
		cmocka_unit_test(test_url_encode_and_decode_are_inverse),
		cmocka_unit_test(test_header_check_refuses_what_would_split_a_message),
		cmocka_unit_test(test_outgoing_keeps_order_and_gives_memory_back),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
