/*
 * orbs.c - orbs that are kept at the hub.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "format/digest.h"
#include "format/json.h"
#include "hub/api/people.h"
#include "hub/api/variables.h"
#include "hub/hub.h"
#include "hub/orbs.h"
#include "loop/worker.h"

static struct json *
view_orb(const struct orb_entry *orb)
{
	struct json *json = json_new_object();
	char digest[DIGEST_TEXT_BYTES], text[sizeof("sha256:") + DIGEST_TEXT_BYTES];
	size_t len = strlen(orb->row.source);

	json_put_str(json, "ref", orb->row.name);
	json_put_str(json, "namespace", orb->ref.space);
	json_put_str(json, "name", orb->ref.name);
	json_put_str(json, "version", orb->ref.version.text);
	(void)snprintf(text, sizeof(text), "sha256:%s",
		       digest_sha256_hex(digest, orb->row.source, len));
	json_put_str(json, "digest", text);
	json_put_int(json, "size", (int64_t)len);
	json_put_time(json, "created_at", orb->row.created_ms);
	return json;
}

/* Of the path. False, and the reply (400) is sent, when it is none. */
static bool
read_ref(struct call *call, struct orb_ref *ref, bool exact)
{
	char *text = mem_printf("%s/%s@%s", call->vars[0], call->vars[1], call->vars[2]);
	bool is_one = orb_ref_parse(ref, text) && (!exact || orb_version_is_exact(&ref->version));

	free(text);
	if (!is_one)
		call_reply_message(
			call, 400,
			"an orb is kept as namespace/name and a version: 1.2.3 or dev:LABEL");
	return is_one;
}

/* --- lists ------------------------------------------------------------------------------- */

static int
by_ref(const void *a, const void *b)
{
	const struct orb_entry *const *x = a, *const *y = b;
	int order = strcmp((*x)->ref.space, (*y)->ref.space);

	if (order == 0)
		order = strcmp((*x)->ref.name, (*y)->ref.name);
	return order != 0 ? order : orb_version_order(&(*x)->ref.version, &(*y)->ref.version);
}

static bool
is_asked(struct call *call, const char *name, const char *value)
{
	const char *asked = call_query(call, name);

	return asked == NULL || asked[0] == '\0' || strcmp(asked, value) == 0;
}

static void
list_orbs(struct call *call)
{
	const struct model *model = &call->hub->model;
	const struct orb_entry **sorted =
		MEM_NEW_ARRAY(const struct orb_entry *, HASH_COUNT(model->orbs) + 1);
	struct orb_entry *orb, *after;
	size_t count = 0, from, to;
	struct json *items;
	int64_t next;

	HASH_ITER (hh, model->orbs, orb, after)
		if (is_asked(call, "namespace", orb->ref.space) &&
		    is_asked(call, "name", orb->ref.name))
			sorted[count++] = orb;
	qsort(sorted, count, sizeof(*sorted), by_ref);
	if (variables_page(call, count, &from, &to, &next)) {
		items = json_new_array();
		for (; from < to; from++)
			json_push(items, view_orb(sorted[from]));
		call_reply_json(call, 200, people_page(items, next));
	}
	free(sorted);
}

/* --- one --------------------------------------------------------------------------------- */

static void
get_orb(struct call *call)
{
	const struct orb_entry *orb;
	struct orb_ref ref;
	struct json *json;

	if (!read_ref(call, &ref, false))
		return;
	orb = orb_find(&call->hub->model, &ref);
	if (orb == NULL) {
		people_not_found(call, "orb");
		return;
	}
	json = view_orb(orb);
	json_put_str(json, "source", orb->row.source);
	call_reply_json(call, 200, json);
}

static void
reply_wrong(struct call *call, const struct diags *diags)
{
	struct json *answer = people_message("the source is no orb");

	json_put(answer, "diagnostics", diags_describe(diags));
	call_reply_json(call, 422, answer);
}

/* One that is imported once by the worker, since that takes as long as its source is large. */
struct putting {
	struct call *call;
	struct json *body; /* source is its */
	struct orb_ref ref;
	const char *source;
	struct work work;
	bool is_orb;
	struct diags *diags;
};

static void
putting_free(struct putting *putting)
{
	diags_free(putting->diags);
	json_free(putting->body);
	free(putting);
}

static void
on_check(void *arg)
{
	struct putting *putting = arg;

	putting->is_orb = orb_check(&putting->call->hub->model, &putting->ref, putting->source,
				    &putting->diags) == 0;
}

static void
on_checked(void *arg)
{
	struct putting *putting = arg;
	struct call *call = putting->call;
	const struct orb_entry *orb;
	struct err err = ERR_INIT;
	bool is_new;

	if (!putting->is_orb)
		reply_wrong(call, putting->diags);
	else if (orb_keep(&orb, &call->hub->model, &putting->ref, putting->source, &is_new, &err) ==
		 0)
		call_reply_json_after_commit(call, is_new ? 201 : 200, view_orb(orb));
	else if (err.code == ERR_GONE)
		call_reply_message(call, 409, "%s", err.text);
	else
		call_reply_err(call, &err);
	putting_free(putting);
}

static int
read_source(struct putting *putting, struct err *err)
{
	if (call_body(putting->call, &putting->body, err) < 0) {
		putting->body = NULL;
		return err->code;
	}
	if (json_need_str(putting->body, "source", &putting->source, err) < 0)
		return err->code;
	if (strlen(putting->source) > COMPILE_CONFIG_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "an orb may have %d bytes",
			       COMPILE_CONFIG_MAX_BYTES);
	return 0;
}

static void
put_orb(struct call *call)
{
	struct putting *putting;
	struct err err = ERR_INIT;
	struct orb_ref ref;

	if (!read_ref(call, &ref, true))
		return;
	putting = MEM_NEW(struct putting);
	putting->call = call;
	putting->ref = ref;
	putting->work = (struct work){.run = on_check, .done = on_checked, .arg = putting};
	if (read_source(putting, &err) == 0 &&
	    worker_submit(call->hub->compiler, &putting->work, &err) == 0)
		return;
	call_reply_err(call, &err);
	putting_free(putting);
}

static void
delete_orb(struct call *call)
{
	struct orb_ref ref;

	if (!read_ref(call, &ref, true))
		return;
	if (orb_find(&call->hub->model, &ref) == NULL) {
		people_not_found(call, "orb");
		return;
	}
	orb_delete(&call->hub->model, &ref);
	call_reply_json_after_commit(call, 200, people_message("orb deleted"));
}

const struct route orb_routes[] = {
	{"GET", "/api/runner/v1/orbs", WHO_PERSON, list_orbs},
	{"GET", "/api/runner/v1/orbs/{namespace}/{name}/{version}", WHO_PERSON, get_orb},
	{"PUT", "/api/runner/v1/orbs/{namespace}/{name}/{version}", WHO_PERSON, put_orb},
	{"DELETE", "/api/runner/v1/orbs/{namespace}/{name}/{version}", WHO_PERSON, delete_orb},
	{NULL, NULL, WHO_ANYONE, NULL},
};
