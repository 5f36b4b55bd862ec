/*
 * continuation.c - the config that a setup job names for its pipeline, on its way to the hub.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/continuation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/control.h"
#include "agent/hub_link.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
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

/* All of a descriptor that cannot change and that nothing has to wait for. */
static int
read_sealed(int fd, char **out, size_t *len, struct err *err)
{
	const int wanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	ssize_t n;

	if (seals < 0 || (seals & wanted) != wanted || fstat(fd, &st) != 0)
		return err_set(err, ERR_INPUT, "a config comes in a sealed memfd");
	if (st.st_size > CONTROL_CONTINUE_MOST_BYTES)
		return err_set(err, ERR_LIMIT, "config and parameters are larger than %d bytes",
			       CONTROL_CONTINUE_MOST_BYTES);
	*len = (size_t)st.st_size;
	*out = MEM_NEW_ARRAY(char, *len + 1);
	n = pread(fd, *out, *len, 0);
	if (n == (ssize_t)*len)
		return 0;
	free(*out);
	*out = NULL;
	return err_set(err, ERR_HOST, "cannot read the config");
}

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

static int
describe(struct json *body, const char *key, const struct control_request *request, struct err *err)
{
	char digits[LENGTH_DIGITS + 1] = "";
	LOCAL_FREE char *bytes = NULL;
	uint64_t config_len;
	size_t len = 0;

	if (request->len <= LENGTH_DIGITS)
		memcpy(digits, request->value, request->len);
	if (text_parse_u64(digits, CONTROL_CONTINUE_MOST_BYTES, &config_len, err) < 0)
		return err_wrap(err, "the length of the config");
	if (read_sealed(request->fd, &bytes, &len, err) < 0)
		return err->code;
	if (config_len > len)
		return err_set(err, ERR_INPUT, "the config is shorter than was said");
	if (text_utf8_prefix(bytes, (size_t)config_len) < config_len ||
	    memchr(bytes, '\0', (size_t)config_len) != NULL)
		return err_set(err, ERR_INPUT, "the config is not valid UTF-8");
	json_put_str(body, "continuation-key", key);
	json_put(body, "configuration", json_new_stringn(bytes, (size_t)config_len));
	return add_parameters(body, bytes + config_len, len - (size_t)config_len, err);
}

const struct errand_kind continuation_errand = {HUB_POST_CONTINUE, false, describe, tell};
