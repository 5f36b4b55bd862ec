/*
 * json.c - JSON documents on jansson.
 *
 * struct json is json_t under our name: no wrapper object is allocated. jansson's
 * header comes first, since some of its macros have names of ours.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <jansson.h>
#undef json_is_object
#undef json_is_array
#undef json_is_string
#undef json_is_real
#undef json_is_null

#include "format/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

static json_t *
lib(const struct json *json)
{
	return (json_t *)(uintptr_t)json;
}

static struct json *
ours(json_t *json)
{
	return (struct json *)json;
}

static bool
is_shallow(const json_t *json, unsigned left)
{
	void *it;
	size_t i;

	if (left == 0)
		return false;
	for (it = json_object_iter((json_t *)(uintptr_t)json); it != NULL;
	     it = json_object_iter_next((json_t *)(uintptr_t)json, it))
		if (!is_shallow(json_object_iter_value(it), left - 1))
			return false;
	for (i = 0; i < json_array_size(json); i++)
		if (!is_shallow(json_array_get(json, i), left - 1))
			return false;
	return true;
}

/* Small fixed memory: out of memory ends the program. */
static struct json *
made(json_t *json)
{
	assert(json != NULL);
	return ours(json);
}

int
json_parse(struct json **out, const void *bytes, size_t len, struct err *err)
{
	json_error_t error;
	json_t *json;

	/* jansson's own limit of nesting is 2048; the parser has bounded its recursion by then. */
	json = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL)
		return err_set(err, ERR_INPUT, "line %d, column %d: %s", error.line, error.column,
			       error.text);
	if (!is_shallow(json, JSON_DEPTH_MOST)) {
		json_decref(json);
		return err_set(err, ERR_INPUT, "nested deeper than %d levels", JSON_DEPTH_MOST);
	}
	*out = ours(json);
	return 0;
}

void
json_free(struct json *json)
{
	json_decref(lib(json));
}

struct json *
json_ref(struct json *json)
{
	return ours(json_incref(lib(json)));
}

struct json *
json_new_object(void)
{
	return made(json_object());
}

struct json *
json_new_array(void)
{
	return made(json_array());
}

struct json *
json_new_string(const char *text)
{
	return text != NULL ? json_new_stringn(text, strlen(text)) : json_new_null();
}

struct json *
json_new_stringn(const char *text, size_t len)
{
	struct buffer clean = BUFFER_INIT;
	json_t *json;
	size_t good;

	json = json_stringn(text, len);
	if (json != NULL && memchr(text, '\0', len) == NULL)
		return ours(json);
	json_decref(json);
	while (len > 0) { /* what is no UTF-8, or NUL, becomes U+FFFD */
		good = text_utf8_prefix(text, len);
		good = strnlen(text, good);
		buffer_putn(&clean, text, good);
		text += good;
		len -= good;
		if (len > 0) {
			buffer_puts(&clean, "\xef\xbf\xbd");
			text++;
			len--;
		}
	}
	json = json_stringn((const char *)buffer_text(&clean), clean.len);
	buffer_release(&clean);
	return made(json);
}

struct json *
json_new_int(int64_t value)
{
	return made(json_integer(value));
}

struct json *
json_new_bool(bool value)
{
	return made(json_boolean(value));
}

struct json *
json_new_real(double value)
{
	return made(json_real(value));
}

struct json *
json_new_null(void)
{
	return made(json_null());
}

void
json_put(struct json *object, const char *key, struct json *value)
{
	int rc = json_object_set_new(lib(object), key, lib(value));

	assert(rc == 0);
}

void
json_put_str(struct json *object, const char *key, const char *text)
{
	json_put(object, key, json_new_string(text));
}

void
json_put_int(struct json *object, const char *key, int64_t value)
{
	json_put(object, key, json_new_int(value));
}

void
json_put_bool(struct json *object, const char *key, bool value)
{
	json_put(object, key, json_new_bool(value));
}

void
json_put_time(struct json *object, const char *key, int64_t unix_ms)
{
	char room[32];

	json_put_str(object, key, unix_ms != 0 ? text_time(room, unix_ms) : NULL);
}

void
json_put_bytes(struct json *object, const void *bytes, size_t len)
{
	char *base64;

	if (text_is_utf8(bytes, len) && memchr(bytes, '\0', len) == NULL) {
		json_put(object, "text", json_new_stringn(bytes, len));
		return;
	}
	base64 = text_base64(bytes, len);
	json_put_str(object, "base64", base64);
	free(base64);
}

void
json_push(struct json *array, struct json *value)
{
	int rc = json_array_append_new(lib(array), lib(value));

	assert(rc == 0);
}

static int
append_bytes(const char *bytes, size_t len, void *arg)
{
	buffer_putn(arg, bytes, len);
	return 0;
}

void
json_write_pretty(struct buffer *out, const struct json *json)
{
	int rc = json_dump_callback(lib(json), append_bytes, out, JSON_INDENT(2) | JSON_ENCODE_ANY);

	assert(rc == 0);
	buffer_puts(out, "\n");
}

static bool
is_a(const struct json *json, json_type type)
{
	return json != NULL && json_typeof(lib(json)) == type;
}

bool
json_is_object(const struct json *json)
{
	return is_a(json, JSON_OBJECT);
}

bool
json_is_array(const struct json *json)
{
	return is_a(json, JSON_ARRAY);
}

bool
json_is_string(const struct json *json)
{
	return is_a(json, JSON_STRING);
}

bool
json_is_int(const struct json *json)
{
	return is_a(json, JSON_INTEGER);
}

bool
json_is_bool(const struct json *json)
{
	return is_a(json, JSON_TRUE) || is_a(json, JSON_FALSE);
}

bool
json_is_real(const struct json *json)
{
	return is_a(json, JSON_REAL);
}

bool
json_is_null(const struct json *json)
{
	return is_a(json, JSON_NULL);
}

struct json *
json_get(const struct json *object, const char *key)
{
	return ours(json_object_get(lib(object), key));
}

const char *
json_get_str(const struct json *object, const char *key)
{
	return json_str(json_get(object, key));
}

int64_t
json_get_int(const struct json *object, const char *key, int64_t absent)
{
	const struct json *value = json_get(object, key);

	return json_is_int(value) ? json_int_value(value) : absent;
}

bool
json_get_bool(const struct json *object, const char *key, bool absent)
{
	const struct json *value = json_get(object, key);

	return json_is_bool(value) ? json_bool_value(value) : absent;
}

const char *
json_str(const struct json *json)
{
	return json_string_value(lib(json));
}

int64_t
json_int_value(const struct json *json)
{
	return json_integer_value(lib(json));
}

bool
json_bool_value(const struct json *json)
{
	return is_a(json, JSON_TRUE);
}

double
json_number(const struct json *json)
{
	return json_number_value(lib(json));
}

static int
need(const struct json *object, const char *key, bool (*is)(const struct json *), const char *what,
     struct json **out, struct err *err)
{
	struct json *value = json_get(object, key);

	if (value == NULL)
		return err_set(err, ERR_INPUT, "member '%s' is missing", key);
	if (!is(value))
		return err_set(err, ERR_INPUT, "member '%s' must be %s", key, what);
	*out = value;
	return 0;
}

int
json_need_str(const struct json *object, const char *key, const char **out, struct err *err)
{
	struct json *value = NULL;
	int rc = need(object, key, json_is_string, "a string", &value, err);

	if (rc == 0)
		*out = json_str(value);
	return rc;
}

int
json_need_int(const struct json *object, const char *key, int64_t least, int64_t most, int64_t *out,
	      struct err *err)
{
	struct json *value = NULL;
	int rc = need(object, key, json_is_int, "a whole number", &value, err);

	if (rc < 0)
		return rc;
	if (json_int_value(value) < least || json_int_value(value) > most)
		return err_set(err, ERR_INPUT, "member '%s' must be from %lld to %lld", key,
			       (long long)least, (long long)most);
	*out = json_int_value(value);
	return 0;
}

int
json_need_array(const struct json *object, const char *key, size_t most, struct json **out,
		struct err *err)
{
	int rc = need(object, key, json_is_array, "a list", out, err);

	if (rc == 0 && json_count(*out) > most)
		return err_set(err, ERR_LIMIT, "member '%s' has %zu elements, at most %zu are allowed",
			       key, json_count(*out), most);
	return rc;
}

int
json_need_object(const struct json *object, const char *key, struct json **out, struct err *err)
{
	return need(object, key, json_is_object, "an object", out, err);
}

size_t
json_count(const struct json *json)
{
	return json_is_array(json) ? json_array_size(lib(json)) : json_object_size(lib(json));
}

struct json *
json_at(const struct json *array, size_t i)
{
	return ours(json_array_get(lib(array), i));
}

void *
json_first(const struct json *object)
{
	return json_object_iter(lib(object));
}

void *
json_next(const struct json *object, void *it)
{
	return json_object_iter_next(lib(object), it);
}

const char *
json_key(void *it)
{
	return json_object_iter_key(it);
}

struct json *
json_value(void *it)
{
	return ours(json_object_iter_value(it));
}
