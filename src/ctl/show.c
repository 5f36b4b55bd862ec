/*
 * show.c - the answers of the hub, printed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/show.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "ctl/table.h"
#include "format/json.h"
#include "runner/exit.h"

enum { LIMIT_MOST = 1000 }; /* of rows that the hub gives at once */

void
show_ask(struct buffer *path, const char *name, const char *value)
{
	LOCAL_FREE char *text = NULL;

	if (value == NULL)
		return;
	text = api_path("%p%s=%s", strchr(buffer_text(path), '?') != NULL ? "&" : "?", name, value);
	buffer_puts(path, text);
}

int
show_option(void *path, const struct option *option, const char *value, struct err *err)
{
	uint64_t number;

	if (text_eq(option->name, "limit") && text_parse_u64(value, LIMIT_MOST, &number, err) < 0)
		return err_wrap(err, "option '--limit'");
	show_ask(path, option->name, value);
	return 0;
}

int
show_fetched(show_fetch_fn *fetch, const void *arg, const struct column *columns)
{
	struct err err = ERR_INIT;
	struct json *answer = NULL;
	struct api *api = NULL;
	int status;

	if (api_open(&api, &err) < 0 || fetch(&answer, api, arg, &err) < 0)
		status = say_error(&err);
	else
		status = table_print(answer, json_get(answer, "items"), columns);
	json_free(answer);
	api_close(api);
	return status;
}

static int
fetch_path(struct json **out, struct api *api, const void *path, struct err *err)
{
	return api_get(api, path, out, err);
}

int
show_list(char *path, const struct column *columns)
{
	int status = show_fetched(fetch_path, path, columns);

	free(path);
	return status;
}

/* What is elsewhere becomes a member of the thing. */
static int
fetch(struct json **thing, struct api *api, const char *path, const struct show_part *parts,
      struct err *err)
{
	int rc = api_get(api, path, thing, err);

	for (; rc == 0 && parts->member != NULL; parts++) {
		struct json *answer = NULL;

		if (parts->path == NULL)
			continue;
		rc = api_get(api, parts->path, &answer, err);
		if (rc == 0)
			json_put(*thing, parts->member, json_ref(json_get(answer, "items")));
		json_free(answer);
	}
	return rc;
}

static int
print(const struct json *thing, const struct column *lines, const struct show_part *parts)
{
	struct buffer text = BUFFER_INIT;
	int status;

	if (globals()->json != JSON_FORM_NONE)
		return say_json(thing);
	table_write_one(&text, thing, lines);
	for (; parts->member != NULL; parts++) {
		const struct json *items = json_get(thing, parts->member);

		if (json_count(items) == 0)
			continue;
		buffer_puts(&text, "\n");
		table_write(&text, items, parts->columns);
	}
	status = say_result(&text);
	buffer_release(&text);
	return status;
}

int
show_thing(char *path, const struct column *lines, const struct show_part *parts)
{
	const struct show_part *part;
	struct err err = ERR_INIT;
	struct json *thing = NULL;
	struct api *api = NULL;
	int status;

	if (api_open(&api, &err) < 0 || fetch(&thing, api, path, parts, &err) < 0)
		status = say_error(&err);
	else
		status = print(thing, lines, parts);
	json_free(thing);
	api_close(api);
	for (part = parts; part->member != NULL; part++)
		free(part->path);
	free(path);
	return status;
}

int
show_call(const char *method, char *path)
{
	struct err err = ERR_INIT;
	struct api *api = NULL;
	int status = EXIT_OK;

	if (api_open(&api, &err) < 0 || api_call(api, method, path, NULL, NULL, &err) < 0)
		status = say_error(&err);
	api_close(api);
	free(path);
	return status;
}
