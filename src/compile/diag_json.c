/*
 * diag_json.c - diagnostics as JSON, for those who pass them on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/diag.h"

#include "base/text.h"
#include "format/json.h"

static struct json *
describe(const struct diag *diag)
{
	struct json *object = json_new_object();

	json_put_str(object, "severity", diag->severity == DIAG_ERROR ? "error" : "warning");
	json_put_str(object, "code", diag->code);
	json_put_str(object, "path", diag->path);
	json_put_int(object, "line", diag->line);
	json_put_int(object, "column", diag->column);
	json_put_str(object, "message", diag->message);
	json_put_str(object, "chain", diag->chain);
	json_put_str(object, "hint", diag->hint);
	json_put_str(object, "text", diag->source);
	json_put_int(object, "text_column", diag->source_column);
	json_put_int(object, "count", diag->count);
	return object;
}

struct json *
diags_describe(const struct diags *diags)
{
	struct json *list = json_new_array();
	size_t i;

	for (i = 0; i < diags_count(diags); i++)
		json_push(list, describe(diags_at(diags, i)));
	return list;
}

static const char *
text_or(const struct json *object, const char *key, const char *absent)
{
	const char *text = json_get_str(object, key);

	return text != NULL ? text : absent;
}

static uint32_t
number_or(const struct json *object, const char *key, uint32_t absent)
{
	int64_t value = json_get_int(object, key, absent);

	return value < 0 || value > UINT32_MAX ? 0 : (uint32_t)value;
}

void
diag_read(struct diag *out, const struct json *object)
{
	*out = (struct diag){
		.severity = text_eq(json_get_str(object, "severity"), "warning") ? DIAG_WARNING
										 : DIAG_ERROR,
		.code = text_or(object, "code", ""),
		.path = text_or(object, "path", ""),
		.line = number_or(object, "line", 0),
		.column = number_or(object, "column", 0),
		.message = text_or(object, "message", ""),
		.chain = json_get_str(object, "chain"),
		.hint = json_get_str(object, "hint"),
		.source = json_get_str(object, "text"),
		.count = number_or(object, "count", 1),
	};
	out->source_column = number_or(object, "text_column", out->column);
}
