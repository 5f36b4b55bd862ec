/*
 * schedules.c - "schedules": which workflows a clock starts, and when next.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "format/json.h"
#include "hub/api/people.h"
#include "hub/api/views.h"
#include "hub/hub.h"
#include "hub/timetable.h"

static struct json *
view_schedule(const struct timetable *timetable, const struct timetable_entry *entry)
{
	struct json *json = json_new_object();

	view_put_id(json, "id", &timetable->row.id);
	json_put_str(json, "project_slug", timetable->row.project_slug);
	json_put_str(json, "branch", timetable->row.branch);
	json_put_str(json, "workflow", entry->workflow);
	json_put_str(json, "cron", entry->cron);
	json_put_time(json, "next_at", entry->next_ms > 0 ? entry->next_ms : 0);
	json_put_time(json, "created_at", timetable->row.created_ms);
	json_put_str(json, "error", timetable->error);
	return json;
}

static void
list_schedules(struct call *call)
{
	const char *project = call_query(call, "project");
	struct json *items;
	struct timetable *timetable;
	char slug[PEOPLE_SLUG_BYTES];
	size_t i;

	if (project != NULL && !people_slug(call, project, slug))
		return;
	items = json_new_array();
	for (timetable = call->hub->timetables; timetable != NULL; timetable = timetable->hh.next)
		for (i = 0; i < timetable->entry_count; i++)
			if (project == NULL || text_eq(timetable->row.project_slug, slug))
				json_push(items, view_schedule(timetable, &timetable->entries[i]));
	call_reply_json(call, 200, people_page(items, -1));
}

static void
delete_schedules(struct call *call)
{
	struct timetable *timetable;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return;
	timetable = timetable_find(call->hub, &id);
	if (timetable == NULL) {
		people_not_found(call, "schedule");
		return;
	}
	timetable_delete(call->hub, timetable);
	call_reply_json_after_commit(call, 200, people_message("schedules of the branch deleted"));
}

const struct route schedule_routes[] = {
	{"GET", "/api/runner/v1/schedules", WHO_PERSON, list_schedules},
	{"DELETE", "/api/runner/v1/schedules/{id}", WHO_PERSON, delete_schedules},
	{NULL, NULL, WHO_ANYONE, NULL},
};
