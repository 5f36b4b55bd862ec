/*
 * tls_test.c - whom a client trusts, and the sentence it says when it does not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http/tls.h"
#include "loop/clock.h"
#include "pair.h"

struct world {
	struct pair *pair;
	struct tls_context *server;
	struct tls_context *client;
	char ca[128], ca_key[128], cert[128], key[128];
};

static const char *const good_names[] = {"localhost", "hub.example.org", "127.0.0.1", "::1"};
static const char *const other_names[] = {"hub.example.org", "10.1.2.3"};

static void
remove_files(const char *dir)
{
	static const char *const names[] = {"ca",	    "ca_key", "cert", "key",  "other_ca",
					    "other_ca_key", "cert2",  "key2", "leaf", "leaf_key"};
	char path[160];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	void *pair;

	if (pair_setup(&pair) != 0)
		return -1;
	w->pair = pair;
	w->pair->give_up = true;
	(void)snprintf(w->ca, sizeof(w->ca), "%s/ca", w->pair->dir);
	(void)snprintf(w->ca_key, sizeof(w->ca_key), "%s/ca_key", w->pair->dir);
	(void)snprintf(w->cert, sizeof(w->cert), "%s/cert", w->pair->dir);
	(void)snprintf(w->key, sizeof(w->key), "%s/key", w->pair->dir);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	struct tls_context *client = w->client, *server = w->server;
	void *pair = w->pair;

	http_client_free(w->pair->client);
	http_server_free(w->pair->server);
	w->pair->client = NULL;
	w->pair->server = NULL;
	tls_free(client);
	tls_free(server);
	remove_files(w->pair->dir);
	free(w);
	return pair_teardown(&pair);
}

static void
make_cert(struct world *w, const char *const *names, size_t count, int days)
{
	struct tls_cert_spec spec = {w->ca, w->ca_key, names, count, days};
	struct err *err = &w->pair->err;

	if (tls_make_ca(w->ca, w->ca_key, "Test CA", TLS_CA_DAYS, err) < 0 ||
	    tls_make_cert(w->cert, w->key, &spec, err) < 0 ||
	    tls_server_new(&w->server, w->cert, w->key, err) < 0)
		fail_msg("%s", err->text);
}

/* A call to the server by a client with these options; what came of it is in out. */
static void
get(struct world *w, const struct tls_client_options *options, struct outcome *out)
{
	if (w->pair->server == NULL)
		pair_listen(w->pair, w->server);
	if (tls_client_new(&w->client, options, &w->pair->err) < 0)
		fail_msg("%s", w->pair->err.text);
	pair_connect(w->pair, w->client);
	pair_get(w->pair, out, "/peer");
}

/* The error must be "cannot reach 'URL': " and the rest. */
static void
assert_refused(struct world *w, const struct outcome *out, const char *rest)
{
	char expected[700];

	(void)snprintf(expected, sizeof(expected), "cannot reach '%s': %s", w->pair->url, rest);
	assert_int_equal(out->code, ERR_INPUT);
	assert_string_equal(out->text, expected);
}

static void
test_ca_file_is_trusted(void **state)
{
	struct world *w = *state;
	struct tls_client_options options = {.cacert = w->ca};
	struct outcome out;

	make_cert(w, good_names, 4, TLS_CERT_DAYS);
	get(w, &options, &out);
	assert_string_equal(out.text, "");
	assert_int_equal(out.status, 200);
	assert_non_null(strstr(out.body, "\"0 1 0 127.0.0.1:"));
}

static void
test_server_certificate_itself_may_be_the_ca_file(void **state)
{
	struct world *w = *state;
	struct tls_client_options options = {.cacert = w->cert};
	struct outcome out;

	make_cert(w, good_names, 4, TLS_CERT_DAYS);
	get(w, &options, &out);
	assert_int_equal(out.status, 200);
}

static void
test_address_in_the_url_must_be_in_the_certificate(void **state)
{
	struct world *w = *state;
	struct tls_client_options options = {.cacert = w->ca};
	struct outcome out;

	make_cert(w, good_names, 4, TLS_CERT_DAYS);
	pair_listen(w->pair, w->server);
	(void)snprintf(w->pair->url, sizeof(w->pair->url), "https://%s", w->pair->address);
	get(w, &options, &out);
	assert_int_equal(out.status, 200);
}

static void
test_large_bodies_pass_over_tls(void **state)
{
	struct world *w = *state;
	struct tls_client_options options = {.cacert = w->ca};
	struct http_call_spec spec = {
		.method = "POST", .path = "/echo", .body_len = 6000000, .wait = true};
	unsigned char *body = pair_bytes(spec.body_len);
	struct outcome out[4];
	unsigned i;

	make_cert(w, good_names, 4, TLS_CERT_DAYS);
	get(w, &options, &out[0]);
	spec.body = body;
	for (i = 0; i < 4; i++)
		pair_call_spec(w->pair, &out[i], &spec);
	for (i = 0; i < 4; i++) {
		pair_run(w->pair, &out[i].done);
		assert_int_equal(out[i].len, spec.body_len);
		assert_true(out[i].body_ok);
	}
	free(body);
}

static void
test_fingerprint_of_the_ca_is_trusted(void **state)
{
	struct world *w = *state;
	char pin[TLS_FINGERPRINT_BYTES];
	struct tls_client_options options = {.fingerprint = pin};
	struct outcome out;

	make_cert(w, good_names, 4, TLS_CERT_DAYS);
	assert_int_equal(tls_fingerprint_file(pin, w->ca, &w->pair->err), 0);
	get(w, &options, &out);
	assert_string_equal(out.text, "");
	assert_int_equal(out.status, 200);
}

static void
test_fingerprint_of_the_server_certificate_is_trusted_whatever_its_name(void **state)
{
	struct world *w = *state;
	char pin[TLS_FINGERPRINT_BYTES];
	struct tls_client_options options = {.fingerprint = pin};
	struct outcome out;

	make_cert(w, other_names, 2, TLS_CERT_DAYS);
	assert_int_equal(tls_fingerprint_file(pin, w->cert, &w->pair->err), 0);
	get(w, &options, &out);
	assert_string_equal(out.text, "");
	assert_int_equal(out.status, 200);
}

static void
test_fingerprint_of_another_certificate_is_refused(void **state)
{
	struct world *w = *state;
	char pin[TLS_FINGERPRINT_BYTES], own[TLS_FINGERPRINT_BYTES], rest[400];
	struct tls_client_options options = {.fingerprint = pin};
	struct outcome out;

	make_cert(w, good_names, 4, TLS_CERT_DAYS);
	assert_int_equal(tls_fingerprint_file(pin, w->ca, &w->pair->err), 0);
	assert_int_equal(tls_fingerprint_file(own, w->cert, &w->pair->err), 0);
	pin[20] = pin[20] == '0' ? '1' : '0';
	get(w, &options, &out);
	(void)snprintf(
		rest, sizeof(rest),
		"'localhost' presents no certificate with the fingerprint %s; its own has %s", pin,
		own);
	assert_refused(w, &out, rest);
}

static void
test_pinned_ca_does_not_excuse_a_wrong_name(void **state)
{
	struct world *w = *state;
	char pin[TLS_FINGERPRINT_BYTES];
	struct tls_client_options options = {.fingerprint = pin};
	struct outcome out;

	make_cert(w, other_names, 2, TLS_CERT_DAYS);
	assert_int_equal(tls_fingerprint_file(pin, w->ca, &w->pair->err), 0);
	get(w, &options, &out);
	assert_refused(w, &out,
		       "the certificate presented is not for 'localhost' but for hub.example.org, "
		       "10.1.2.3");
}

/* The chain shows the pinned CA, but another one has signed: no trust. */
static void
test_pinned_ca_must_have_issued_the_certificate(void **state)
{
	struct world *w = *state;
	char pin[TLS_FINGERPRINT_BYTES], other_ca[160], other_key[160], leaf[160], leaf_key[160];
	struct tls_client_options options = {.fingerprint = pin};
	struct tls_cert_spec spec = {other_ca, other_key, good_names, 4, TLS_CERT_DAYS};
	char command[800];
	struct outcome out;

	(void)snprintf(other_ca, sizeof(other_ca), "%s/other_ca", w->pair->dir);
	(void)snprintf(other_key, sizeof(other_key), "%s/other_ca_key", w->pair->dir);
	(void)snprintf(leaf, sizeof(leaf), "%s/leaf", w->pair->dir);
	(void)snprintf(leaf_key, sizeof(leaf_key), "%s/leaf_key", w->pair->dir);
	assert_int_equal(tls_make_ca(w->ca, w->ca_key, "Test CA", 10, &w->pair->err), 0);
	assert_int_equal(tls_make_ca(other_ca, other_key, "Mallory's CA", 10, &w->pair->err), 0);
	assert_int_equal(tls_make_cert(leaf, leaf_key, &spec, &w->pair->err), 0);
	(void)snprintf(command, sizeof(command), "cat '%s' '%s' >'%s'", leaf, w->ca, w->cert);
	assert_int_equal(system(command), 0);
	assert_int_equal(tls_server_new(&w->server, w->cert, leaf_key, &w->pair->err), 0);
	assert_int_equal(tls_fingerprint_file(pin, w->ca, &w->pair->err), 0);
	get(w, &options, &out);
	assert_refused(w, &out,
		       "the certificate of 'localhost' was issued by 'Mallory's CA', which is not "
		       "trusted here");
}

static void
test_expired_certificate_is_refused_with_its_day(void **state)
{
	struct world *w = *state;
	struct tls_client_options options = {.cacert = w->ca};
	time_t end = (time_t)(clock_unix_ms() / 1000) - 3 * 24 * 3600;
	char rest[120], day[16];
	struct outcome out;
	struct tm tm;

	make_cert(w, good_names, 4, -3);
	get(w, &options, &out);
	(void)strftime(day, sizeof(day), "%Y-%m-%d", gmtime_r(&end, &tm));
	(void)snprintf(rest, sizeof(rest), "the certificate of 'localhost' expired on %s", day);
	assert_refused(w, &out, rest);
}

static void
test_certificate_for_another_name_is_refused_with_its_names(void **state)
{
	struct world *w = *state;
	struct tls_client_options options = {.cacert = w->ca};
	struct outcome out;

	make_cert(w, other_names, 2, TLS_CERT_DAYS);
	get(w, &options, &out);
	assert_refused(w, &out,
		       "the certificate presented is not for 'localhost' but for hub.example.org, "
		       "10.1.2.3");
}

static void
test_certificate_of_an_unknown_issuer_is_refused(void **state)
{
	struct world *w = *state;
	struct tls_client_options options = {0};
	struct outcome out;

	make_cert(w, good_names, 4, TLS_CERT_DAYS);
	get(w, &options, &out);
	assert_refused(w, &out,
		       "the certificate of 'localhost' was issued by 'Test CA', which is not "
		       "trusted here");
	assert_string_equal(
		w->pair->down.hint,
		"give the issuer's file with --cacert or its fingerprint with --hub-fingerprint");
}

static void
test_server_without_tls_is_told_apart(void **state)
{
	struct world *w = *state;
	struct tls_client_options options = {0};
	struct outcome out;

	(void)snprintf(w->pair->address, sizeof(w->pair->address), "127.0.0.1:0");
	pair_listen(w->pair, NULL);
	(void)snprintf(w->pair->url, sizeof(w->pair->url), "https://%s", w->pair->address);
	get(w, &options, &out);
	assert_refused(w, &out, "what is there does not speak TLS");
}

static void
test_fingerprint_that_is_none_is_refused_with_its_form(void **state)
{
	static const char *const bad[] = {
		"",
		"SHA256:",
		"SHA256:12",
		"MD5:00",
		"SHA256:zz",
		"SHA256:00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEF",
		"SHA256:00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF0"};
	struct world *w = *state;
	uint8_t digest[TLS_DIGEST_BYTES];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tls_client_options options = {.fingerprint = bad[i]};

		assert_int_equal(tls_client_new(&w->client, &options, &w->pair->err), ERR_INPUT);
		assert_non_null(
			strstr(w->pair->err.text,
			       "is not a fingerprint: it is SHA256: and 64 hexadecimal digits"));
	}
	assert_int_equal(
		tls_fingerprint_parse(digest,
				      "sha256:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:"
				      "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
				      &w->pair->err),
		0);
	assert_int_equal(digest[31], 0xff);
	assert_int_equal(digest[1], 0x11);
}

static void
test_files_are_made_once_and_keys_for_their_owner_alone(void **state)
{
	struct world *w = *state;
	struct tls_cert_spec spec = {w->ca, w->ca_key, good_names, 4, 10};
	const char *const bad_names[] = {"a b"};
	struct stat st;

	make_cert(w, good_names, 4, 10);
	assert_int_equal(stat(w->key, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(w->ca_key, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(tls_make_cert(w->cert, w->key, &spec, &w->pair->err), ERR_HOST);
	assert_non_null(strstr(w->pair->err.text, "File exists"));
	spec.names = bad_names;
	spec.name_count = 1;
	assert_int_equal(tls_make_cert(w->cert, w->key, &spec, &w->pair->err), ERR_INPUT);
}

static void
test_contexts_name_the_file_they_cannot_use(void **state)
{
	struct world *w = *state;
	struct tls_client_options options = {.cacert = "/nowhere/ca.pem"};
	struct tls_context *tls;

	assert_true(tls_client_new(&tls, &options, &w->pair->err) < 0);
	assert_non_null(strstr(w->pair->err.text, "cannot use CA file '/nowhere/ca.pem': "));
	make_cert(w, good_names, 4, 10);
	assert_true(tls_server_new(&tls, w->cert, w->ca_key, &w->pair->err) < 0);
	assert_non_null(strstr(w->pair->err.text, "ca_key"));
}

/* A pin in place of a CA: what verifies by the context must find the new one in it. */
static void
test_renewed_client_trusts_by_what_is_new(void **state)
{
	struct world *w = *state;
	char ca[128], ca_key[128], fingerprint[TLS_FINGERPRINT_BYTES];
	struct tls_client_options options = {.cacert = ca}, pinned = {.fingerprint = fingerprint};
	struct tls_context *next;
	struct outcome out;

	(void)snprintf(ca, sizeof(ca), "%s/other_ca", w->pair->dir);
	(void)snprintf(ca_key, sizeof(ca_key), "%s/other_ca_key", w->pair->dir);
	make_cert(w, good_names, 4, TLS_CERT_DAYS);
	assert_int_equal(tls_make_ca(ca, ca_key, "Other CA", TLS_CA_DAYS, &w->pair->err), 0);
	assert_int_equal(tls_fingerprint_file(fingerprint, w->cert, &w->pair->err), 0);
	pair_listen(w->pair, w->server);
	assert_int_equal(tls_client_new(&w->client, &options, &w->pair->err), 0);
	assert_int_equal(tls_client_new(&next, &pinned, &w->pair->err), 0);
	tls_renew(w->client, next);
	pair_connect(w->pair, w->client);
	pair_get(w->pair, &out, "/peer");
	assert_string_equal(out.text, "");
	assert_int_equal(out.status, 200);
}

/* The connection that is open goes on with the old certificate, the next one gets the new one. */
static void
test_renewed_server_shows_what_is_new_to_the_next_connection(void **state)
{
	struct world *w = *state;
	char cert[128], key[128], fingerprint[TLS_FINGERPRINT_BYTES];
	struct tls_client_options options = {.cacert = w->ca}, pinned = {.fingerprint = fingerprint};
	struct tls_cert_spec spec = {w->ca, w->ca_key, good_names, 4, TLS_CERT_DAYS};
	struct tls_context *next;
	struct outcome out;

	(void)snprintf(cert, sizeof(cert), "%s/cert2", w->pair->dir);
	(void)snprintf(key, sizeof(key), "%s/key2", w->pair->dir);
	make_cert(w, good_names, 4, TLS_CERT_DAYS);
	get(w, &options, &out);
	assert_int_equal(out.status, 200);
	assert_int_equal(tls_make_cert(cert, key, &spec, &w->pair->err), 0);
	assert_int_equal(tls_fingerprint_file(fingerprint, cert, &w->pair->err), 0);
	assert_int_equal(tls_server_new(&next, cert, key, &w->pair->err), 0);
	tls_renew(w->server, next);
	pair_get(w->pair, &out, "/peer");
	assert_int_equal(out.status, 200);
	http_client_free(w->pair->client);
	w->pair->client = NULL;
	tls_free(w->client);
	get(w, &pinned, &out);
	assert_string_equal(out.text, "");
	assert_int_equal(out.status, 200);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ca_file_is_trusted),
		TEST(test_server_certificate_itself_may_be_the_ca_file),
		TEST(test_address_in_the_url_must_be_in_the_certificate),
		TEST(test_large_bodies_pass_over_tls),
		TEST(test_fingerprint_of_the_ca_is_trusted),
		TEST(test_fingerprint_of_the_server_certificate_is_trusted_whatever_its_name),
		TEST(test_fingerprint_of_another_certificate_is_refused),
		TEST(test_pinned_ca_does_not_excuse_a_wrong_name),
		TEST(test_pinned_ca_must_have_issued_the_certificate),
		TEST(test_expired_certificate_is_refused_with_its_day),
		TEST(test_certificate_for_another_name_is_refused_with_its_names),
		TEST(test_certificate_of_an_unknown_issuer_is_refused),
		TEST(test_server_without_tls_is_told_apart),
		TEST(test_fingerprint_that_is_none_is_refused_with_its_form),
		TEST(test_files_are_made_once_and_keys_for_their_owner_alone),
		TEST(test_contexts_name_the_file_they_cannot_use),
		TEST(test_renewed_client_trusts_by_what_is_new),
		TEST(test_renewed_server_shows_what_is_new_to_the_next_connection),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
