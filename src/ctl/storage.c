/*
 * storage.c - "storage usage": what a hub keeps, of which project, how much and for how long.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

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

static int storage_usage(int argc, char **argv);

const struct command storage_usage_command = {
	"storage usage", NULL, "show what the hub keeps of each project, and for how long", NULL,
	storage_usage};

static const struct column columns[] = {
	{"PROJECT", "project"}, {"KIND", "kind"}, {"ITEMS", "items"},
	{"SIZE", "size"},	{"KEPT", "kept"}, {NULL, NULL},
};

static const char *const kinds[] = {"output", "artifacts", "caches", "workspaces", "tests"};

/* What goes with its pipeline is kept as long as that is. */
static void
put_kept(struct json *row, const struct json *retention, const char *kind)
{
	char room[24], key[40];
	int64_t ms;

	(void)snprintf(key, sizeof(key), "%s_ms", text_eq(kind, "tests") ? "pipelines" : kind);
	ms = json_get_int(retention, key, 0);
	if (ms > 0 && ms % (24 * 60 * 60 * 1000) == 0) {
		(void)snprintf(room, sizeof(room), "%lldd",
			       (long long)(ms / (24 * 60 * 60 * 1000)));
		json_put_str(row, "kept", room);
	} else {
		json_put_str(row, "kept", ms > 0 ? text_duration(room, (uint64_t)ms) : "forever");
	}
}

/* The kinds of one project (or of all) as lines of the table. */
static void
add_lines(struct json *lines, const struct json *thing, const char *name,
	  const struct json *retention)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct json *amount = json_get(thing, kinds[i]);
		struct json *row;
		char room[24];

		if (amount == NULL)
			continue;
		row = json_new_object();
		json_put_str(row, "project", name);
		json_put_str(row, "kind", kinds[i]);
		json_put_int(row, "items", json_get_int(amount, "items", 0));
		json_put_str(row, "size",
			     text_bytes(room, (uint64_t)json_get_int(amount, "bytes", 0)));
		put_kept(row, retention, kinds[i]);
		json_push(lines, row);
	}
}

static int
print_tables(const struct json *answer)
{
	const struct json *items = json_get(answer, "items"),
			  *retention = json_get(answer, "retention"),
			  *disk = json_get(answer, "disk");
	struct json *lines = json_new_array();
	char left[24], all[24];
	size_t i;
	int status;

	for (i = 0; i < json_count(items); i++)
		add_lines(lines, json_at(items, i), json_get_str(json_at(items, i), "project_slug"),
			  retention);
	add_lines(lines, json_get(answer, "total"), "all", retention);
	status = table_print(lines, lines, columns);
	json_free(lines);
	if (json_get(disk, "total_bytes") != NULL)
		say_note("%s of the disk's %s are free",
			 text_bytes(left, (uint64_t)json_get_int(disk, "free_bytes", 0)),
			 text_bytes(all, (uint64_t)json_get_int(disk, "total_bytes", 0)));
	return status;
}

static int
storage_usage(int argc, char **argv)
{
	const char *project = globals()->project;
	LOCAL_FREE char *path = NULL;
	struct err err = ERR_INIT;
	struct json *answer = NULL;
	struct api *api = NULL;
	int status = args_read_operands(&storage_usage_command, argc, argv, 0);

	if (status != ARGS_GO)
		return status;
	path = project != NULL ? api_path("/api/runner/v1/storage?project=%s", project)
			       : api_path("/api/runner/v1/storage");
	if (api_open(&api, &err) < 0 || api_get(api, path, &answer, &err) < 0)
		status = say_error(&err);
	else if (globals()->json != JSON_FORM_NONE)
		status = table_print(answer, json_get(answer, "items"), columns);
	else
		status = print_tables(answer);
	json_free(answer);
	api_close(api);
	return status;
}
