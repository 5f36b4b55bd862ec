/*
 * continuation.c - the config that a setup job names for its pipeline, on its way to the hub.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/continuation.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "agent/control.h"
#include "agent/hub_link.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "format/json.h"

enum { LENGTH_DIGITS = 16 };

/* --- how it ended ---------------------------------------------------------------------------- */

/* What is wrong with the config, as far as there is room: each message shows the place. */
static void
tell_errors(struct control_reply *reply, const struct json *answer)
{
	const char *message = json_get_str(answer, "message"), *text;
	const struct json *errors = json_get(answer, "errors");
	struct buffer all = BUFFER_INIT;
	size_t i, n = json_count(errors), room = sizeof(reply->text) - 100;

	buffer_puts(&all, message != NULL ? message : "the hub does not take the config");
	for (i = 0; i < n; i++) {
		text = json_get_str(json_at(errors, i), "message");
		if (text == NULL || all.len + strlen(text) > room)
			break;
		buffer_printf(&all, "\n%s", text);
		while (all.data[all.len - 1] == '\n')
			all.len--;
	}
	if (i < n)
		buffer_printf(&all, "\nand %zu more: 'runnerctl config validate' shows all", n - i);
	control_refuse(reply, buffer_text(&all));
	buffer_release(&all);
}

static void
tell(struct task *task, const struct err *err, const struct hub_answer *answer,
     struct control_reply *reply)
{
	(void)task;
	if (err == NULL)
		(void)snprintf(reply->text, sizeof(reply->text), "ok");
	else if (json_get_str(answer->json, "message") != NULL)
		tell_errors(reply, answer->json);
	else
		control_refuse(reply, err->text);
}

/* --- what is sent ------------------------------------------------------------------------------
 */

static int
add_parameters(struct json *body, const char *text, size_t len, struct err *err)
{
	struct json *parameters;

	if (len == 0)
		return 0;
	if (json_parse(&parameters, text, len, err) < 0)
		return err_wrap(err, "the parameters are no JSON");
	json_put(body, "parameters", parameters);
	if (!json_is_object(parameters))
		return err_set(err, ERR_INPUT, "the parameters must be a JSON object");
	return 0;
}

/* bytes[0..len): the config, and behind it the parameters. */
static int
put_config(struct json *body, const char *bytes, size_t len, size_t config_len, struct err *err)
{
	if (config_len > len)
		return err_set(err, ERR_INPUT, "the config is shorter than was said");
	if (text_utf8_prefix(bytes, config_len) < config_len ||
	    memchr(bytes, '\0', config_len) != NULL)
		return err_set(err, ERR_INPUT, "the config is not valid UTF-8");
	json_put(body, "configuration", json_new_stringn(bytes, config_len));
	return add_parameters(body, bytes + config_len, len - config_len, err);
}

static int
describe(struct json *body, const char *key, const struct control_request *request, struct err *err)
{
	char digits[LENGTH_DIGITS + 1] = "";
	uint64_t config_len;
	void *map;
	size_t len;
	int rc;

	if (request->len <= LENGTH_DIGITS)
		memcpy(digits, request->value, request->len);
	if (text_parse_u64(digits, CONTROL_CONTINUE_MOST_BYTES, &config_len, err) < 0)
		return err_wrap(err, "the length of the config");
	if (control_map_sealed(request, CONTROL_CONTINUE_MOST_BYTES, &map, &len, err) < 0)
		return err_wrap(err, "the config and its parameters");
	json_put_str(body, "continuation-key", key);
	rc = put_config(body, map != NULL ? map : "", len, (size_t)config_len, err);
	if (map != NULL)
		(void)munmap(map, len);
	return rc;
}

const struct errand_kind continuation_errand = {
	.post = HUB_POST_CONTINUE,
	.describe = describe,
	.tell = tell,
};
