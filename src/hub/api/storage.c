/*
 * storage.c - what is kept: of which project, how much, for how long.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/text.h"
#include "format/json.h"
#include "hub/api/people.h"
#include "hub/hub.h"

static void
put_amount(struct json *object, const char *key, uint64_t bytes, uint64_t items)
{
	struct json *amount = json_new_object();

	json_put_int(amount, "bytes", (int64_t)bytes);
	json_put_int(amount, "items", (int64_t)items);
	json_put(object, key, amount);
}

/* One project's rows lie together. Returns how many there are. */
static size_t
view_project(struct json *items, const struct usage_row *rows, size_t count)
{
	struct json *item = json_new_object();
	uint64_t bytes = 0;
	size_t i;

	json_put_str(item, "project_slug", rows[0].project_slug);
	for (i = 0; i < count && text_eq(rows[i].project_slug, rows[0].project_slug); i++) {
		if (usage_name(rows[i].usage) == NULL)
			continue;
		put_amount(item, usage_name(rows[i].usage), rows[i].bytes, rows[i].items);
		bytes += rows[i].bytes;
	}
	json_put_int(item, "bytes", (int64_t)bytes);
	json_push(items, item);
	return i;
}

/* In milliseconds; null: for ever. */
static struct json *
view_retention(const struct settings *settings)
{
	struct json *json = json_new_object();
	char key[40];
	size_t i;

	for (i = 0; i < KEPT_KIND_COUNT; i++) {
		(void)snprintf(key, sizeof(key), "%s_ms", kept_kind_names[i]);
		json_put(json, key, settings->retention_ms[i] > 0 ? json_new_int(settings->retention_ms[i])
								  : json_new_null());
	}
	return json;
}

static struct json *
view_disk(const struct settings *settings)
{
	struct json *json = json_new_object();
	struct statvfs fs;

	if (statvfs(settings->data_dir, &fs) == 0) {
		json_put_int(json, "total_bytes", (int64_t)(fs.f_blocks * fs.f_frsize));
		json_put_int(json, "free_bytes", (int64_t)(fs.f_bavail * fs.f_frsize));
	}
	return json;
}

static bool
is_wanted(const struct call *call, const struct usage_row *row)
{
	return call->user == NULL || text_eq(row->project_slug, ((struct project *)call->user)->row.slug);
}

static void
on_usage(void *arg, struct store_op *op)
{
	struct call *call = arg;
	struct json *json = json_new_object(), *items = json_new_array(), *total = json_new_object();
	uint64_t bytes[USAGE_COUNT] = {0}, counts[USAGE_COUNT] = {0};
	size_t i, n = 0;

	for (i = 0; i < op->count; i++)
		if (op->usages[i].usage < USAGE_COUNT && is_wanted(call, &op->usages[i])) {
			op->usages[n++] = op->usages[i];
			bytes[op->usages[i].usage] += op->usages[i].bytes;
			counts[op->usages[i].usage] += op->usages[i].items;
		}
	for (i = 0; i < n;)
		i += view_project(items, &op->usages[i], n - i);
	for (i = 0; i < USAGE_COUNT; i++)
		if (usage_name((unsigned)i) != NULL)
			put_amount(total, usage_name((unsigned)i), bytes[i], counts[i]);
	json_put(json, "items", items);
	json_put(json, "total", total);
	json_put(json, "retention", view_retention(&call->hub->settings));
	json_put(json, "disk", view_disk(&call->hub->settings));
	call_reply_json(call, 200, json);
}

static void
storage(struct call *call)
{
	const char *text = call_query(call, "project");
	struct project *project = NULL;

	if (text != NULL && text[0] != '\0') {
		project = people_project(call, text);
		if (project == NULL)
			return; /* answered, and no longer there */
	}
	call->user = project;
	store_submit(call->hub->store, store_op_new(STORE_LIST_USAGE), on_usage, call);
}

const struct route storage_routes[] = {
	{"GET", "/api/runner/v1/storage", WHO_PERSON, storage},
	{NULL, NULL, WHO_ANYONE, NULL},
};
