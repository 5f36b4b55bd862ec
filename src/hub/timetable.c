/*
 * timetable.c - workflows that a clock starts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/timetable.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/plan.h"
#include "format/json.h"
#include "hub/hub.h"
#include "hub/launch.h"
#include "hub/store/store.h"

/* --- objects --------------------------------------------------------------------------------- */

static void
set_next(struct timetable_entry *entry, int64_t now)
{
	entry->next_ms = cron_next(&entry->times, now);
}

static void
read_entries(struct timetable *timetable, int64_t now)
{
	struct err err = ERR_INIT;
	struct json *list;
	size_t i;

	if (json_parse(&list, timetable->row.entries, strlen(timetable->row.entries), &err) < 0) {
		log_error("the times of branch '%s' of project '%s' are damaged: %s", timetable->row.branch,
			  timetable->row.project_slug, err.text);
		return;
	}
	timetable->entries = MEM_NEW_ARRAY(struct timetable_entry, json_count(list) + 1);
	for (i = 0; i < json_count(list); i++) {
		struct timetable_entry *entry = &timetable->entries[timetable->entry_count];
		const char *workflow = json_get_str(json_at(list, i), "workflow");
		const char *cron = json_get_str(json_at(list, i), "cron");

		if (workflow == NULL || cron == NULL || !cron_parse(&entry->times, cron))
			continue;
		entry->workflow = mem_strdup(workflow);
		entry->cron = mem_strdup(cron);
		set_next(entry, now);
		timetable->entry_count++;
	}
	json_free(list);
}

static char *
copy(const char *text)
{
	return text != NULL ? mem_strdup(text) : NULL;
}

static struct timetable *
timetable_new(struct hub *hub, const struct timetable_row *row)
{
	struct timetable *timetable = MEM_NEW(struct timetable);

	timetable->row.id = row->id;
	timetable->row.created_ms = row->created_ms;
	timetable->row.project_slug = copy(row->project_slug);
	timetable->row.branch = copy(row->branch);
	timetable->row.entries = copy(row->entries);
	read_entries(timetable, hub->model.unix_ms());
	HASH_ADD(hh, hub->timetables, row.id, sizeof(timetable->row.id), timetable);
	return timetable;
}

static void
timetable_free(struct hub *hub, struct timetable *timetable)
{
	size_t i;

	HASH_DEL(hub->timetables, timetable);
	for (i = 0; i < timetable->entry_count; i++) {
		free(timetable->entries[i].workflow);
		free(timetable->entries[i].cron);
	}
	free(timetable->entries);
	free((void *)(uintptr_t)timetable->row.project_slug);
	free((void *)(uintptr_t)timetable->row.branch);
	free((void *)(uintptr_t)timetable->row.entries);
	free(timetable->error);
	free(timetable);
}

struct timetable *
timetable_find(struct hub *hub, const struct id *id)
{
	struct timetable *found;

	HASH_FIND(hh, hub->timetables, id, sizeof(*id), found);
	return found;
}

static struct timetable *
find_branch(struct hub *hub, const char *slug, const char *branch)
{
	struct timetable *timetable;

	for (timetable = hub->timetables; timetable != NULL; timetable = timetable->hh.next)
		if (text_eq(timetable->row.project_slug, slug) && text_eq(timetable->row.branch, branch))
			return timetable;
	return NULL;
}

/* --- starting -------------------------------------------------------------------------------- */

/* A time that has come. */
struct due {
	struct hub *hub;
	struct id timetable;
	char *workflow;
};

static void
due_free(struct due *due)
{
	free(due->workflow);
	free(due);
}

static void
tell_failed(struct due *due, const char *why)
{
	struct timetable *timetable = timetable_find(due->hub, &due->timetable);

	log_warn("scheduled workflow '%s' is not started: %s", due->workflow, why);
	if (timetable == NULL)
		return;
	free(timetable->error);
	timetable->error = mem_strdup(why);
}

static void
tell_wrong(struct due *due, const struct diags *diags)
{
	struct buffer text = BUFFER_INIT;

	if (diags_count(diags) > 0)
		diag_print(diags_at(diags, 0), &text, false);
	tell_failed(due, buffer_text(&text));
	buffer_release(&text);
}

static void
on_launched(void *arg, struct launch *launch)
{
	struct due *due = arg;
	struct timetable *timetable = timetable_find(due->hub, &due->timetable);

	switch (launch->end) {
	case LAUNCH_MADE:
		if (timetable != NULL) {
			free(timetable->error);
			timetable->error = NULL;
		}
		break;
	case LAUNCH_NOTHING:
		tell_failed(due, "no job of it is selected");
		break;
	case LAUNCH_WRONG:
		tell_wrong(due, launch->diags);
		break;
	case LAUNCH_REFUSED:
		tell_failed(due, launch->err.text);
		break;
	}
	launch_free(launch);
	due_free(due);
}

static const char *
keep(struct launch *launch, const char *text)
{
	return text == NULL ? NULL : arena_strdup(&launch->arena, text);
}

static int
fill(struct launch *launch, const struct due *due, const struct timetable_row *row, struct err *err)
{
	struct pipeline_spec *spec = &launch->spec;

	launch->schedule = keep(launch, due->workflow);
	spec->trigger = "scheduled_pipeline";
	spec->project_slug = keep(launch, row->project_slug);
	spec->actor = keep(launch, row->actor);
	spec->branch = keep(launch, row->branch);
	spec->revision = keep(launch, row->revision);
	spec->repository = keep(launch, row->repository);
	spec->config_path = keep(launch, row->config_path);
	spec->config = keep(launch, row->config);
	if (row->request == NULL)
		return 0;
	return json_parse(&launch->request, row->request, strlen(row->request), err);
}

static void
on_timetable(void *arg, struct store_op *op)
{
	struct due *due = arg;
	struct launch *launch;
	struct err err = ERR_INIT;

	/* A newer config of the branch has taken its place meanwhile. */
	if (!op->found) {
		due_free(due);
		return;
	}
	launch = launch_new(due->hub);
	if (fill(launch, due, &op->timetables[0], &err) == 0 &&
	    launch_start(launch, on_launched, due, &err) == 0)
		return;
	tell_failed(due, err.text);
	launch_free(launch);
	due_free(due);
}

static void
start(struct hub *hub, const struct timetable *timetable, const struct timetable_entry *entry)
{
	struct store_op *op = store_op_new(STORE_GET_TIMETABLE);
	struct due *due = MEM_NEW(struct due);

	due->hub = hub;
	due->timetable = timetable->row.id;
	due->workflow = mem_strdup(entry->workflow);
	op->id = timetable->row.id;
	store_submit(hub->store, op, on_timetable, due);
}

/* --- the clock -------------------------------------------------------------------------------- */

static void
look_at(struct hub *hub, const struct timetable *timetable, struct timetable_entry *entry, int64_t now)
{
	if (entry->next_ms < 0 || entry->next_ms > now)
		return;
	if (now - entry->next_ms <= TIMETABLE_LATE_MOST_MS)
		start(hub, timetable, entry);
	else
		log_warn("scheduled workflow '%s' of branch '%s' of project '%s' has missed its time",
			 entry->workflow, timetable->row.branch, timetable->row.project_slug);
	set_next(entry, now);
}

static void
want_clock(struct hub *hub)
{
	int64_t now = hub->model.unix_ms(), due = now + TIMETABLE_LOOK_MS;
	struct timetable *timetable;
	size_t i;

	if (hub->timetables == NULL)
		return;
	for (timetable = hub->timetables; timetable != NULL; timetable = timetable->hh.next)
		for (i = 0; i < timetable->entry_count; i++)
			if (timetable->entries[i].next_ms >= 0 && timetable->entries[i].next_ms < due)
				due = timetable->entries[i].next_ms;
	timer_start_ms(&hub->timetable_clock, due > now ? (uint64_t)(due - now) : 0);
}

static void
on_clock(void *arg)
{
	struct hub *hub = arg;
	int64_t now = hub->model.unix_ms();
	struct timetable *timetable;
	size_t i;

	for (timetable = hub->timetables; timetable != NULL; timetable = timetable->hh.next)
		for (i = 0; i < timetable->entry_count; i++)
			look_at(hub, timetable, &timetable->entries[i], now);
	want_clock(hub);
}

/* --- keeping ----------------------------------------------------------------------------------- */

/* What of the plan is of its branch, as JSON; NULL: nothing. The caller frees. */
static char *
write_entries(const struct plan *plan)
{
	struct json *list = json_new_array(), *item;
	struct buffer text = BUFFER_INIT;
	char *written = NULL;
	size_t i;

	for (i = 0; i < plan->schedule_count; i++) {
		if (!plan->schedules[i].is_of_branch)
			continue;
		item = json_new_object();
		json_put_str(item, "workflow", plan->schedules[i].workflow);
		json_put_str(item, "cron", plan->schedules[i].cron);
		json_push(list, item);
	}
	json_write(&text, list);
	if (json_count(list) > 0)
		written = mem_strdup(buffer_text(&text));
	buffer_release(&text);
	json_free(list);
	return written;
}

void
timetable_delete(struct hub *hub, struct timetable *timetable)
{
	struct store_op *op = store_op_new(STORE_DELETE_TIMETABLE);

	op->id = timetable->row.id;
	store_submit(hub->store, op, NULL, NULL);
	timetable_free(hub, timetable);
}

static void
put(struct hub *hub, const struct pipeline_spec *spec, const char *entries)
{
	struct timetable_row row = {
		.project_slug = spec->project_slug,
		.branch = spec->branch,
		.actor = spec->actor,
		.revision = spec->revision,
		.repository = spec->repository,
		.config_path = spec->config_path,
		.config = spec->config,
		.request = spec->request,
		.entries = entries,
		.created_ms = spec->created_ms,
	};
	struct store_op *op = store_op_new(STORE_PUT_TIMETABLE);

	id_random(&row.id);
	op->timetable = row;
	store_submit(hub->store, op, NULL, NULL);
	timetable_new(hub, &row);
}

void
timetable_keep(struct hub *hub, const struct launch *launch)
{
	const struct pipeline_spec *spec = &launch->spec;
	struct timetable *known;
	char *entries;

	if (hub->settings.is_private || spec->branch == NULL || spec->tag != NULL ||
	    launch->schedule != NULL || launch->continued != NULL)
		return;
	known = find_branch(hub, spec->project_slug, spec->branch);
	entries = write_entries(launch->plan);
	if (known != NULL)
		timetable_delete(hub, known);
	if (entries != NULL && HASH_COUNT(hub->timetables) >= TIMETABLES_MOST)
		log_warn("the schedules of branch '%s' of project '%s' are not kept: there are %d others",
			 spec->branch, spec->project_slug, TIMETABLES_MOST);
	else if (entries != NULL)
		put(hub, spec, entries);
	free(entries);
	want_clock(hub);
}

/* --- life ----------------------------------------------------------------------------------------- */

void
timetables_load(struct hub *hub, const struct store_snapshot *snapshot)
{
	size_t i;

	timer_init(&hub->timetable_clock, hub->loop, on_clock, hub);
	for (i = 0; i < snapshot->timetable_count; i++)
		timetable_new(hub, &snapshot->timetables[i]);
	want_clock(hub);
}

void
timetables_release(struct hub *hub)
{
	struct timetable *timetable, *next;

	timer_release(&hub->timetable_clock);
	HASH_ITER (hh, hub->timetables, timetable, next)
		timetable_free(hub, timetable);
}
