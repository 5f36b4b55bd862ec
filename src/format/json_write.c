/*
 * json_write.c - JSON text, as jansson would write it.
 *
 * A document's bytes are mostly strings, and most of a string needs no escape: it is copied
 * in runs. jansson's own writer decodes each character and hands on pieces; it stays for
 * real numbers.
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

#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"

static void
put_escape(struct buffer *out, unsigned char byte)
{
	static const char letters[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
	const char *letter = memchr(letters, byte, sizeof(letters) - 1);
	char text[2] = {'\\', 'u'};

	if (letter == NULL) {
		buffer_printf(out, "\\u%04X", byte);
		return;
	}
	text[1] = names[letter - letters];
	buffer_putn(out, text, sizeof(text));
}

void
json_write_string(struct buffer *out, const char *text, size_t len)
{
	size_t from = 0, i;

	buffer_putn(out, "\"", 1);
	for (i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte >= ' ' && byte != '"' && byte != '\\')
			continue;
		buffer_putn(out, text + from, i - from);
		put_escape(out, byte);
		from = i + 1;
	}
	buffer_putn(out, text + from, len - from);
	buffer_putn(out, "\"", 1);
}

static void
put_real(struct buffer *out, const json_t *json)
{
	char room[64];
	size_t len = json_dumpb(json, room, sizeof(room), JSON_ENCODE_ANY);

	assert(len > 0 && len <= sizeof(room));
	buffer_putn(out, room, len);
}

/* Depth is bounded by those who read or make documents. */
static void
put_value(struct buffer *out, json_t *json)
{
	const char *key;
	json_t *value;
	size_t i;

	switch (json_typeof(json)) {
	case JSON_OBJECT:
		buffer_putn(out, "{", 1);
		i = 0;
		json_object_foreach (json, key, value) {
			buffer_putn(out, ",", i++ > 0 ? 1 : 0);
			json_write_string(out, key, strlen(key));
			buffer_putn(out, ":", 1);
			put_value(out, value);
		}
		buffer_putn(out, "}", 1);
		break;
	case JSON_ARRAY:
		buffer_putn(out, "[", 1);
		for (i = 0; i < json_array_size(json); i++) {
			buffer_putn(out, ",", i > 0 ? 1 : 0);
			put_value(out, json_array_get(json, i));
		}
		buffer_putn(out, "]", 1);
		break;
	case JSON_STRING:
		json_write_string(out, json_string_value(json), json_string_length(json));
		break;
	case JSON_INTEGER:
		buffer_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
		break;
	case JSON_REAL:
		put_real(out, json);
		break;
	case JSON_TRUE:
		buffer_puts(out, "true");
		break;
	case JSON_FALSE:
		buffer_puts(out, "false");
		break;
	case JSON_NULL:
		buffer_puts(out, "null");
		break;
	}
}

void
json_write(struct buffer *out, const struct json *json)
{
	put_value(out, (json_t *)(uintptr_t)json);
}
