/*
 * artifacts.c - what jobs have stored, for people: the lists of three of CircleCI's APIs and our
 * own, and the bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "http/server.h"
#include "http/url.h"
#include "hub/api/blob_send.h"
#include "hub/api/media_type.h"
#include "hub/api/people.h"
#include "hub/hub.h"

enum { LIST_ALL_MOST = 200000 }; /* of an answer that has no pages */

/* --- how one is shown ------------------------------------------------------------------------ */

/* Where its bytes are: relative links between the files of a report work. */
static void
put_url(struct buffer *out, struct call *call, const struct blob_row *row)
{
	const char *base = call->hub->settings.public_url, *at = row->name;
	const char *host = http_request_header(call->request, "host");
	char id[ID_TEXT_BYTES];
	size_t len;

	if (base != NULL)
		buffer_puts(out, base);
	else
		buffer_printf(out, "%s://%s", call_peer(call)->is_tls ? "https" : "http",
			      host != NULL ? host : "localhost");
	buffer_printf(out, "/output/job/%s/artifacts/%u", id_text(id, &row->job), row->node_index);
	for (; at != NULL; at = at[len] == '/' ? at + len + 1 : NULL) {
		char *part;

		len = strcspn(at, "/");
		part = mem_strndup(at, len);
		buffer_puts(out, "/");
		url_encode(out, part);
		free(part);
	}
}

/* JSON has UTF-8 alone: each byte that is none is shown as U+FFFD. The URL has the very bytes. */
static void
put_path(struct json *item, const char *key, const char *name)
{
	struct buffer text = BUFFER_INIT;
	size_t len = strlen(name), good;

	while (len > 0) {
		good = text_utf8_prefix(name, len);
		buffer_putn(&text, name, good);
		name += good;
		len -= good;
		if (len == 0)
			break;
		buffer_puts(&text, "\xef\xbf\xbd");
		name++;
		len--;
	}
	json_put_str(item, key, buffer_text(&text));
	buffer_release(&text);
}

static struct json *
view_url(struct call *call, const struct blob_row *row, struct json *item)
{
	struct buffer url = BUFFER_INIT;

	put_url(&url, call, row);
	json_put_str(item, "url", buffer_text(&url));
	buffer_release(&url);
	return item;
}

static struct json *
view_v2(struct call *call, const struct blob_row *row)
{
	struct json *item = json_new_object();

	put_path(item, "path", row->name);
	json_put_int(item, "node_index", row->node_index);
	return view_url(call, row, item);
}

static struct json *
view_v1(struct call *call, const struct blob_row *row)
{
	struct json *item = view_v2(call, row);

	put_path(item, "pretty_path", row->name);
	return item;
}

static struct json *
view_v3(struct call *call, const struct blob_row *row)
{
	struct json *item = json_new_object(), *attributes = json_new_object();
	char id[ID_TEXT_BYTES];

	put_path(attributes, "path", row->name);
	json_put_int(attributes, "execution", row->node_index);
	json_put_str(item, "id", id_text(id, &row->id));
	json_put(item, "attributes", view_url(call, row, attributes));
	return item;
}

static struct json *
view_ours(struct call *call, const struct blob_row *row)
{
	struct json *item = view_v2(call, row);
	struct buffer name = BUFFER_INIT;
	char text[ID_TEXT_BYTES], digest[DIGEST_TEXT_BYTES];

	url_encode(&name, row->name);
	json_put_str(item, "name", buffer_text(&name));
	buffer_release(&name);
	json_put_str(item, "id", id_text(text, &row->id));
	json_put_str(item, "job", id_text(text, &row->job));
	json_put_str(item, "task", id_text(text, &row->task));
	json_put_int(item, "size_bytes", (int64_t)row->size);
	json_put_str(item, "sha256", digest_hex(digest, row->digest));
	json_put_time(item, "created_at", row->created_ms);
	return item;
}

/* --- lists ----------------------------------------------------------------------------------- */

enum form { FORM_V1, FORM_V2, FORM_V3, FORM_OURS };

struct listing {
	struct call *call;
	enum form form;
	struct id job;
	size_t skip;
	struct json *items;
};

static struct json *
view(const struct listing *listing, const struct blob_row *row)
{
	switch (listing->form) {
	case FORM_V1:
		return view_v1(listing->call, row);
	case FORM_V2:
		return view_v2(listing->call, row);
	case FORM_V3:
		return view_v3(listing->call, row);
	case FORM_OURS:
		break;
	}
	return view_ours(listing->call, row);
}

static void
reply_list(struct listing *listing, bool more)
{
	struct json *json, *page;

	switch (listing->form) {
	case FORM_V1:
		json = listing->items;
		break;
	case FORM_V3:
		page = json_new_object();
		json_put_str(page, "next", NULL);
		json_put_str(page, "prev", NULL);
		json = json_new_object();
		json_put(json, "data", listing->items);
		json_put(json, "page", page);
		break;
	default:
		json = people_page(listing->items, more ? (int64_t)listing->skip : -1);
		break;
	}
	call_reply_json(listing->call, 200, json);
	free(listing);
}

static void list_some(struct listing *listing);

static void
on_some(void *arg, struct store_op *op)
{
	struct listing *listing = arg;
	bool has_pages = listing->form == FORM_V2 || listing->form == FORM_OURS;
	size_t i;

	if (listing->call->request == NULL) {
		json_free(listing->items);
		call_drop(listing->call);
		free(listing);
		return;
	}
	for (i = 0; i < op->count; i++)
		json_push(listing->items, view(listing, &op->blob_rows[i]));
	listing->skip += op->count;
	if (op->more && !has_pages && listing->skip < LIST_ALL_MOST)
		list_some(listing);
	else
		reply_list(listing, op->more);
}

static void
list_some(struct listing *listing)
{
	struct store_op *op = store_op_new(STORE_LIST_BLOBS);

	op->blob_query = (struct store_blob_query){.kind = BLOB_ARTIFACT,
						   .by_job = true,
						   .job = listing->job,
						   .node = -1,
						   .skip = listing->skip};
	store_submit(listing->call->hub->store, op, on_some, listing);
}

static void
list(struct call *call, enum form form, const struct id *job)
{
	struct listing *listing;
	int64_t skip;

	if (!people_number(call, "page-token", 0, INT32_MAX, &skip))
		return;
	listing = MEM_NEW(struct listing);
	listing->call = call;
	listing->form = form;
	listing->job = *job;
	listing->skip = (size_t)skip;
	listing->items = json_new_array();
	list_some(listing);
}

/* --- which job ------------------------------------------------------------------------------- */

static enum form
form_of(const struct call *call)
{
	const char *path = http_request_path(call->request);

	if (text_starts(path, "/api/v1.1/"))
		return FORM_V1;
	if (text_starts(path, "/api/v2/"))
		return FORM_V2;
	return text_starts(path, "/api/v3/") ? FORM_V3 : FORM_OURS;
}

static void
on_job(void *arg, struct store_op *op)
{
	struct call *call = arg;

	if (call->request == NULL)
		call_drop(call);
	else if (people_found(call, op, "job"))
		list(call, form_of(call), &op->jobs[0].id);
}

static void
list_by_id(struct call *call)
{
	people_read_job(call, on_job);
}

static void
list_by_number(struct call *call)
{
	char slug[PEOPLE_SLUG_BYTES];
	struct err err = ERR_INIT;
	struct store_op *op;
	uint64_t number;

	if (!people_slug(call, call->vars[0], slug))
		return;
	if (text_parse_u64(call->vars[1], INT64_MAX, &number, &err) < 0 || number == 0) {
		call_reply_message(call, 404, "'%.40s' is no job's number", call->vars[1]);
		return;
	}
	op = people_list(STORE_LIST_JOBS, 1);
	op->query.project_slug = slug;
	op->query.number = (int64_t)number;
	people_read(call, op, on_job);
}

/* CircleCI's words for how a build ended. False: the reply is sent. */
static bool
take_filter(struct call *call, struct store_query *query)
{
	const char *filter = call_query(call, "filter");

	if (filter == NULL || filter[0] == '\0')
		return true;
	if (text_eq(filter, "completed"))
		query->state = JOB_ENDED;
	else if (text_eq(filter, "successful"))
		query->green_only = true;
	else if (text_eq(filter, "failed"))
		query->failed_only = true;
	else if (text_eq(filter, "running"))
		query->state = JOB_RUNNING;
	else {
		call_reply_message(call, 400,
				   "'filter' is completed, successful, failed or running");
		return false;
	}
	return true;
}

static void
list_latest(struct call *call)
{
	struct store_query query = {.state = -1, .with_number = true, .limit = 1};
	char slug[PEOPLE_SLUG_BYTES];
	struct store_op *op;

	if (!people_slug(call, call->vars[0], slug) || !take_filter(call, &query))
		return;
	query.project_slug = slug;
	query.branch = call_query(call, "branch");
	op = people_list(STORE_LIST_JOBS, 1);
	op->query = query;
	people_read(call, op, on_job);
}

/* --- bytes ----------------------------------------------------------------------------------- */

static void
on_artifact(void *arg, struct store_op *op)
{
	struct call *call = arg;
	struct buffer disposition = BUFFER_INIT;
	struct media_type type;

	if (call->request == NULL) {
		call_drop(call);
		return;
	}
	if (!people_found(call, op, "artifact"))
		return;
	type = media_type_of(op->blob_rows[0].name);
	media_disposition(&disposition, op->blob_rows[0].name, type.is_shown);
	http_reply_add_header(call->request, "content-disposition", buffer_text(&disposition));
	buffer_release(&disposition);
	http_reply_add_header(call->request, "x-content-type-options", "nosniff");
	http_reply_add_header(call->request, "content-security-policy",
			      "sandbox; default-src 'none'; frame-ancestors 'none'");
	http_reply_add_header(call->request, "cross-origin-resource-policy", "same-origin");
	http_reply_add_header(call->request, "cache-control", "private, no-cache");
	blob_send(call, &op->blob_rows[0], type.name);
}

static void
get_bytes(struct call *call)
{
	struct store_blob_query query = {.kind = BLOB_ARTIFACT, .by_job = true, .limit = 1};
	struct err err = ERR_INIT;
	struct store_op *op;
	uint64_t node;

	if (!call_var_id(call, 0, &query.job))
		return;
	if (text_parse_u64(call->vars[1], UINT32_MAX, &node, &err) < 0) {
		call_reply_message(call, 404, "'%.40s' is no node's number", call->vars[1]);
		return;
	}
	query.node = (int64_t)node;
	query.name = call->vars[2];
	op = store_op_new(STORE_LIST_BLOBS);
	op->blob_query = query;
	store_submit(call->hub->store, op, on_artifact, call);
}

const struct route artifact_routes[] = {
	{"GET", "/api/runner/v1/jobs/{id}/artifacts", WHO_PERSON, list_by_id},
	{"GET", "/api/v3/jobs/{id}/artifacts", WHO_PERSON, list_by_id},
	{"GET", "/api/v2/project/{slug}/{number}/artifacts", WHO_PERSON, list_by_number},
	{"GET", "/api/v1.1/project/{slug}/latest/artifacts", WHO_PERSON, list_latest},
	{"GET", "/api/v1.1/project/{slug}/{number}/artifacts", WHO_PERSON, list_by_number},
	{"GET", "/output/job/{id}/artifacts/{node}/{path...}", WHO_BROWSER, get_bytes},
	{NULL, NULL, WHO_ANYONE, NULL},
};
