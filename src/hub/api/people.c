/*
 * people.c - what all handlers for people need.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/people.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "format/json.h"
#include "hub/hub.h"
#include "hub/serial.h"

/* Three parts, none empty, of letters that need no quoting anywhere. */
static bool
is_slug(const char *text)
{
	unsigned slashes = 0;
	const char *at;

	for (at = text; *at != '\0'; at++) {
		if ((unsigned char)*at <= ' ' || *at == 0x7f || strchr("\"'\\<>?#%", *at) != NULL)
			return false;
		if (*at != '/')
			continue;
		if (at == text || at[1] == '/' || at[1] == '\0')
			return false;
		slashes++;
	}
	return slashes == 2 && text_is_utf8(text, (size_t)(at - text));
}

bool
people_slug(struct call *call, const char *text, char room[PEOPLE_SLUG_BYTES])
{
	static const struct {
		const char *longer, *shorter;
	} forms[] = {{"github/", "gh/"}, {"bitbucket/", "bb/"}, {"gitlab/", "gl/"}};
	const char *prefix = "";
	size_t i;

	if (text == NULL || !is_slug(text) || strlen(text) >= PEOPLE_SLUG_BYTES) {
		call_reply_message(call, 400,
				   "a project is written vcs/owner/name, for example gh/ada/engine");
		return false;
	}
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (text_starts(text, forms[i].longer)) {
			text += strlen(forms[i].longer);
			prefix = forms[i].shorter;
			break;
		}
	(void)snprintf(room, PEOPLE_SLUG_BYTES, "%s%s", prefix, text);
	return true;
}

struct project *
people_project(struct call *call, const char *text)
{
	char slug[PEOPLE_SLUG_BYTES];
	struct project *project;

	if (!people_slug(call, text, slug))
		return NULL;
	project = model_project_find(&call->hub->model, slug);
	if (project == NULL)
		people_not_found(call, "project");
	return project;
}

bool
people_number(struct call *call, const char *name, int64_t absent, int64_t most, int64_t *out)
{
	const char *text = call_query(call, name);
	struct err err = ERR_INIT;
	uint64_t number;

	*out = absent;
	if (text == NULL || text[0] == '\0')
		return true;
	if (text_parse_u64(text, (uint64_t)most, &number, &err) < 0) {
		call_reply_message(call, 400, "parameter '%s': %s", name, err.text);
		return false;
	}
	*out = (int64_t)number;
	return true;
}

bool
people_id(struct call *call, const char *name, bool *has, struct id *out)
{
	const char *text = call_query(call, name);

	*has = text != NULL && text[0] != '\0';
	if (!*has || id_parse(out, text))
		return true;
	call_reply_message(call, 400, "parameter '%s' must be an id, a UUID", name);
	return false;
}

struct json *
people_page(struct json *items, int64_t next)
{
	struct json *page = json_new_object();
	char token[24];

	json_put(page, "items", items);
	(void)snprintf(token, sizeof(token), "%lld", (long long)next);
	json_put_str(page, "next_page_token", next >= 0 ? token : NULL);
	return page;
}

struct store_op *
people_list(enum store_op_kind kind, size_t limit)
{
	struct store_op *op = store_op_new(kind);

	op->query.state = -1;
	op->query.limit = limit;
	return op;
}

struct store_op *
people_one(enum store_op_kind kind, const struct id *id)
{
	struct store_op *op = people_list(kind, 1);

	op->query.by_id = true;
	op->query.id = *id;
	return op;
}

void
people_read(struct call *call, struct store_op *op, store_done_fn *on_rows)
{
	store_submit(call->hub->store, op, on_rows, call);
}

void
people_read_job(struct call *call, store_done_fn *on_rows)
{
	struct id id;

	if (call_var_id(call, 0, &id))
		people_read(call, people_one(STORE_LIST_JOBS, &id), on_rows);
}

void
people_not_found(struct call *call, const char *what)
{
	call_reply_message(call, 404, "there is no such %s", what);
}

bool
people_found(struct call *call, const struct store_op *op, const char *what)
{
	if (op->count == 0)
		people_not_found(call, what);
	return op->count > 0;
}

const char *
people_waiting(struct call *call, const struct id *id)
{
	const struct job *job = model_job(&call->hub->model, id);

	if (job == NULL)
		return NULL;
	return job->waiting != NULL ? job->waiting : serial_waiting(job);
}

struct json *
people_message(const char *text)
{
	struct json *message = json_new_object();

	json_put_str(message, "message", text);
	return message;
}
