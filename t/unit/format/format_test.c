/*
 * format_test.c - JSON, frames and digests behind our nouns.
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
#include "format/digest.h"
#include "format/frame.h"
#include "format/json.h"
#include "format/rsa_key.h"
#include "format/seal.h"
#include "format/ssh_key.h"

static int
parse(struct json **out, const char *text, struct err *err)
{
	return json_parse(out, text, strlen(text), err);
}

static void
test_json_is_written_as_it_was_read(void **state)
{
	static const char text[] = "{\"a\":[1,true,null,\"x\\ny\"],\"b\":{\"c\":-5}}";
	struct buffer out = BUFFER_INIT;
	struct err err = ERR_INIT;
	struct json *json = NULL;

	(void)state;
	assert_int_equal(parse(&json, text, &err), 0);
	json_write(&out, json);
	assert_string_equal(buffer_text(&out), text);
	json_free(json);
	buffer_release(&out);
}

/* Every byte a string can have, reals, numbers at their bounds: and back again. */
static void
test_json_is_read_as_it_was_written(void **state)
{
	static const char text[] =
		"{\"k\\u0001\\\"\":[\"\\b\\f\\n\\r\\t\\\\\\\"/\\u001F\x7f\xc3\xa9"
		"\",1.5,-1e300,9223372036854775807,-9223372036854775808,{},[],"
		"\"\",false]}";
	struct buffer out = BUFFER_INIT, again = BUFFER_INIT;
	struct err err = ERR_INIT;
	struct json *json = NULL, *other = NULL;

	(void)state;
	assert_int_equal(parse(&json, text, &err), 0);
	json_write(&out, json);
	assert_int_equal(parse(&other, buffer_text(&out), &err), 0);
	json_write(&again, other);
	assert_string_equal(buffer_text(&again), buffer_text(&out));
	assert_non_null(strstr(buffer_text(&out),
			       "\"k\\u0001\\\"\":[\"\\b\\f\\n\\r\\t\\\\\\\"/\\u001F\x7f"
			       "\xc3\xa9\",1.5,"));
	assert_non_null(strstr(buffer_text(&out), ",9223372036854775807,-9223372036854775808,{},"
						  "[],\"\",false]}"));
	json_free(json);
	json_free(other);
	buffer_release(&out);
	buffer_release(&again);
}

static void
test_json_refuses_what_is_ambiguous_or_too_deep(void **state)
{
	static const char *const bad[] = {
		"", "{", "{\"a\":1,\"a\":2}", "{} x", "\"\\u0000\"", "[1,]", "\"\xff\"", "nul"};
	struct buffer deep = BUFFER_INIT;
	struct err err = ERR_INIT;
	struct json *json = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(&json, bad[i], &err), ERR_INPUT);
	for (i = 0; i < JSON_DEPTH_MOST + 1; i++)
		buffer_puts(&deep, "[");
	for (i = 0; i < JSON_DEPTH_MOST + 1; i++)
		buffer_puts(&deep, "]");
	assert_int_equal(parse(&json, buffer_text(&deep), &err), ERR_INPUT);
	assert_string_equal(err.text, "nested deeper than 64 levels");
	buffer_clear(&deep);
	for (i = 0; i < 100000; i++)
		buffer_puts(&deep, "[");
	assert_int_equal(parse(&json, buffer_text(&deep), &err), ERR_INPUT);
	buffer_release(&deep);
}

static void
test_json_need_names_the_member(void **state)
{
	struct err err = ERR_INIT;
	struct json *json = NULL, *list = NULL;
	const char *text = NULL;
	int64_t value = 0;

	(void)state;
	assert_int_equal(parse(&json, "{\"n\":7,\"s\":\"x\",\"l\":[1,2,3]}", &err), 0);
	assert_int_equal(json_need_str(json, "s", &text, &err), 0);
	assert_string_equal(text, "x");
	assert_int_equal(json_need_str(json, "n", &text, &err), ERR_INPUT);
	assert_string_equal(err.text, "member 'n' must be a string");
	assert_int_equal(json_need_str(json, "q", &text, &err), ERR_INPUT);
	assert_string_equal(err.text, "member 'q' is missing");
	assert_int_equal(json_need_int(json, "n", 1, 6, &value, &err), ERR_INPUT);
	assert_int_equal(json_need_int(json, "n", 1, 7, &value, &err), 0);
	assert_int_equal(json_need_array(json, "l", 2, &list, &err), ERR_LIMIT);
	json_free(json);
}

static void
test_json_new_string_replaces_what_is_no_utf8(void **state)
{
	struct json *json = json_new_stringn("a\xff\0b", 4);

	(void)state;
	assert_string_equal(json_str(json), "a\xef\xbf\xbd\xef\xbf\xbd"
					    "b");
	json_free(json);
}

static void
test_frame_comes_back_and_says_its_size(void **state)
{
	enum { LEN = 65536 };
	unsigned char *in = malloc(LEN), *packed = malloc(frame_bound(LEN)), *out = malloc(LEN);
	struct frame_packer *packer = NULL;
	struct frame_reader *reader = NULL;
	struct err err = ERR_INIT;
	size_t n;
	int i;

	(void)state;
	for (i = 0; i < LEN; i++)
		in[i] = (unsigned char)(i * 2654435761u >> 13);
	assert_int_equal(frame_packer_new(&packer, 1, &err), 0);
	assert_int_equal(frame_reader_new(&reader, &err), 0);
	n = frame_pack(packer, packed, frame_bound(LEN), in, LEN);
	assert_true(n <= 66000);
	assert_int_equal(frame_unpack(reader, out, LEN, packed, n, &err), 0);
	assert_memory_equal(in, out, LEN);
	/* a lie about the size, a cut, a byte behind it, a flipped bit */
	assert_int_equal(frame_unpack(reader, out, LEN - 1, packed, n, &err), ERR_INPUT);
	assert_int_equal(frame_unpack(reader, out, LEN, packed, n - 1, &err), ERR_INPUT);
	packed[n / 2] ^= 4;
	assert_int_equal(frame_unpack(reader, out, LEN, packed, n, &err), ERR_INPUT);
	frame_packer_free(packer);
	frame_reader_free(reader);
	free(in);
	free(packed);
	free(out);
}

static void
test_frame_packer_refuses_levels_there_are_not(void **state)
{
	struct frame_packer *packer = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(frame_packer_new(&packer, 0, &err), ERR_INPUT);
	assert_int_equal(frame_packer_new(&packer, 20, &err), ERR_INPUT);
}

static void
test_digest_gives_the_known_value(void **state)
{
	char room[DIGEST_TEXT_BYTES];

	(void)state;
	assert_string_equal(digest_sha256_hex(room, "abc", 3),
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void
test_rsa_key_comes_back_and_signs_the_same(void **state)
{
	struct buffer pem = BUFFER_INIT, first = BUFFER_INIT, second = BUFFER_INIT;
	struct rsa_key *key, *again;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(rsa_key_make(&key, &err), 0);
	rsa_key_write(key, &pem);
	assert_int_equal(rsa_key_read(&again, buffer_text(&pem), pem.len, &err), 0);
	assert_string_equal(rsa_key_id(again), rsa_key_id(key));
	assert_string_equal(rsa_key_exponent(again), "AQAB");
	rsa_key_sign(key, &first, "text", 4);
	rsa_key_sign(again, &second, "text", 4);
	assert_string_equal(buffer_text(&first), buffer_text(&second));
	assert_int_equal(first.len, 342);
	assert_int_equal(rsa_key_read(&again, buffer_text(&pem), pem.len / 2, &err), ERR_INPUT);
	rsa_key_free(again);
	rsa_key_free(key);
	buffer_release(&pem);
	buffer_release(&first);
	buffer_release(&second);
}

static void
test_seal_opens_under_its_key_and_name_alone(void **state)
{
	unsigned char key[SEAL_KEY_BYTES] = {1}, other[SEAL_KEY_BYTES] = {2};
	unsigned char sealed[5 + SEAL_EXTRA_BYTES], again[sizeof(sealed)], out[5];
	size_t i;

	(void)state;
	seal_close(sealed, key, "name", 4, "value", 5);
	seal_close(again, key, "name", 4, "value", 5);
	assert_memory_not_equal(sealed, again, sizeof(sealed));
	assert_true(seal_open(out, key, "name", 4, sealed, sizeof(sealed)));
	assert_memory_equal(out, "value", 5);
	assert_false(seal_open(out, other, "name", 4, sealed, sizeof(sealed)));
	assert_false(seal_open(out, key, "names", 5, sealed, sizeof(sealed)));
	for (i = 0; i < sizeof(sealed); i++) {
		assert_false(seal_open(out, key, "name", 4, sealed, i));
		sealed[i] ^= 1;
		assert_false(seal_open(out, key, "name", 4, sealed, sizeof(sealed)));
		sealed[i] ^= 1;
	}
}

/* Made by ssh-keygen for this test alone. */
static const char ssh_key_text[] =
	"-----BEGIN OPENSSH PRIVATE KEY-----\n"
	"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
	"QyNTUxOQAAACBWOP6lmtSle93vAe3yaNKA4xlSYFSmFuIbHKRVHs79FAAAAIjb1DVo29Q1\n"
	"aAAAAAtzc2gtZWQyNTUxOQAAACBWOP6lmtSle93vAe3yaNKA4xlSYFSmFuIbHKRVHs79FA\n"
	"AAAEAXcZwoHREfXbFSNgAFpTo3UMpe76Fvt0Y9jShh2IuMTFY4/qWa1KV73e8B7fJo0oDj\n"
	"GVJgVKYW4hscpFUezv0UAAAAAXgBAgME\n"
	"-----END OPENSSH PRIVATE KEY-----\n";

static void
test_ssh_key_has_the_fingerprints_of_ssh_keygen(void **state)
{
	struct err err = ERR_INIT;
	struct ssh_key key;

	(void)state;
	assert_int_equal(ssh_key_read(&key, ssh_key_text, &err), 0);
	assert_string_equal(key.sha256, "SHA256:xQj73oWUiwn/yA6WwapIhP25xsmvH8ln2r8xeqOOrmA");
	assert_string_equal(key.md5, "9f:91:36:15:8e:18:90:f9:9b:ca:fc:02:c7:f9:20:8c");
}

static void
test_ssh_key_is_refused_when_it_is_cut(void **state)
{
	static const char end[] = "\n-----END OPENSSH PRIVATE KEY-----\n";
	char text[sizeof(ssh_key_text) + sizeof(end)];
	struct err err = ERR_INIT;
	struct ssh_key key;
	size_t len;

	(void)state;
	assert_int_equal(ssh_key_read(&key, "", &err), ERR_INPUT);
	for (len = 0; len < 140; len++) {
		memcpy(text, ssh_key_text, len);
		strcpy(text + len, end);
		assert_int_equal(ssh_key_read(&key, text, &err), ERR_INPUT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_is_written_as_it_was_read),
		cmocka_unit_test(test_json_is_read_as_it_was_written),
		cmocka_unit_test(test_json_refuses_what_is_ambiguous_or_too_deep),
		cmocka_unit_test(test_json_need_names_the_member),
		cmocka_unit_test(test_json_new_string_replaces_what_is_no_utf8),
		cmocka_unit_test(test_frame_comes_back_and_says_its_size),
		cmocka_unit_test(test_frame_packer_refuses_levels_there_are_not),
		cmocka_unit_test(test_digest_gives_the_known_value),
		cmocka_unit_test(test_ssh_key_has_the_fingerprints_of_ssh_keygen),
		cmocka_unit_test(test_ssh_key_is_refused_when_it_is_cut),
		cmocka_unit_test(test_rsa_key_comes_back_and_signs_the_same),
		cmocka_unit_test(test_seal_opens_under_its_key_and_name_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
