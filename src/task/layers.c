/*
 * layers.c - what the jobs upstream of a task have persisted to the workspace.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/layers.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "format/json.h"
#include "runner/protocol.h"

enum { NODE_MOST = 65535 };

struct reading {
	struct layers *layers;
	struct arena *arena;
	size_t after; /* read so far */
};

const char *
layer_name(char room[LAYER_NAME_BYTES], const char *task, uint32_t step)
{
	(void)snprintf(room, LAYER_NAME_BYTES, "%.36s/%u", task, step);
	return room;
}

/* --- read --- */

static int
no_room(struct err *err)
{
	return err_set(err, ERR_LIMIT, "the task document is too large");
}

static int
read_layer(struct reading *reading, const struct json *json, struct err *err)
{
	struct layers *layers = reading->layers;
	struct layer *layer = &layers->list[layers->count];
	int64_t step = 0, node = 0;
	const char *task = NULL;
	struct id id;
	int rc = json_need_str(json, "task", &task, err);

	if (rc == 0 && !id_parse(&id, task))
		rc = err_set(err, ERR_INPUT, "member 'task' must be a UUID");
	if (rc == 0)
		rc = json_need_int(json, "step", 0, RUNNER_TASK_STEPS_MOST - 1, &step, err);
	if (rc == 0)
		rc = json_need_int(json, "node", 0, NODE_MOST, &node, err);
	if (rc < 0)
		return rc;
	*layer = (struct layer){arena_strdup(reading->arena, task), (uint32_t)step, (uint32_t)node,
				(uint32_t)layers->job_count};
	layers->count++;
	return layer->task != NULL ? 0 : no_room(err);
}

static int
read_after(struct reading *reading, struct layer_job *job, const struct json *json, struct err *err)
{
	struct json *list = NULL;
	uint32_t *after;
	size_t i, n;
	int rc = json_need_array(json, "after", LAYERS_AFTER_MOST - reading->after, &list, err);

	if (rc < 0)
		return rc;
	n = json_count(list);
	after = ARENA_NEW_ARRAY(reading->arena, uint32_t, n + 1);
	if (after == NULL)
		return no_room(err);
	for (i = 0; i < n; i++) {
		int64_t index = json_int_value(json_at(list, i));

		if (!json_is_int(json_at(list, i)) || index < 0 ||
		    index >= (int64_t)reading->layers->job_count)
			return err_set(err, ERR_INPUT, "member 'after' must name jobs before it");
		after[i] = (uint32_t)index;
	}
	job->after = after;
	job->after_count = n;
	reading->after += n;
	return 0;
}

static int
read_job(struct reading *reading, const struct json *json, struct err *err)
{
	struct layers *layers = reading->layers;
	struct layer_job *job = &layers->jobs[layers->job_count];
	struct json *list = NULL;
	const char *name = NULL;
	size_t i;
	int rc = json_need_str(json, "job", &name, err);

	if (rc == 0)
		rc = read_after(reading, job, json, err);
	if (rc == 0)
		rc = json_need_array(json, "layers", LAYERS_MOST - layers->count, &list, err);
	for (i = 0; rc == 0 && i < json_count(list); i++)
		rc = read_layer(reading, json_at(list, i), err);
	if (rc < 0)
		return rc;
	job->name = arena_strdup(reading->arena, name);
	layers->job_count++;
	return job->name != NULL ? 0 : no_room(err);
}

/* So that no list grows while it is read. */
static size_t
count_layers(const struct json *json)
{
	size_t i, n = 0;

	for (i = 0; i < json_count(json); i++)
		n += json_count(json_get(json_at(json, i), "layers"));
	return n;
}

int
layers_read(struct layers *layers, struct arena *arena, const struct json *json, struct err *err)
{
	struct reading reading = {.layers = layers, .arena = arena};
	size_t i, count = count_layers(json);
	int rc = 0;

	*layers = (struct layers){.count = 0};
	if (json == NULL || json_is_null(json))
		return 0;
	if (!json_is_array(json))
		return err_set(err, ERR_INPUT, "member 'workspace' must be a list");
	if (count > LAYERS_MOST || json_count(json) > LAYERS_MOST)
		return err_set(
			err, ERR_LIMIT,
			"the jobs upstream have persisted to the workspace more than %d times",
			LAYERS_MOST);
	layers->jobs = ARENA_NEW_ARRAY(arena, struct layer_job, json_count(json) + 1);
	layers->list = ARENA_NEW_ARRAY(arena, struct layer, count + 1);
	if (layers->jobs == NULL || layers->list == NULL)
		return no_room(err);
	for (i = 0; rc == 0 && i < json_count(json); i++)
		rc = read_job(&reading, json_at(json, i), err);
	return rc < 0 ? err_wrap(err, "workspace") : 0;
}

/* --- write --- */

static struct json *
write_layers_of(const struct layers *layers, size_t job, size_t *at)
{
	struct json *list = json_new_array(), *json;

	for (; *at < layers->count && layers->list[*at].job == job; (*at)++) {
		json = json_new_object();
		json_put_str(json, "task", layers->list[*at].task);
		json_put_int(json, "step", layers->list[*at].step);
		json_put_int(json, "node", layers->list[*at].node);
		json_push(list, json);
	}
	return list;
}

struct json *
layers_write(const struct layers *layers)
{
	struct json *list = json_new_array(), *json, *after;
	size_t i, k, at = 0;

	for (i = 0; i < layers->job_count; i++) {
		json = json_new_object();
		json_put_str(json, "job", layers->jobs[i].name);
		after = json_new_array();
		for (k = 0; k < layers->jobs[i].after_count; k++)
			json_push(after, json_new_int(layers->jobs[i].after[k]));
		json_put(json, "after", after);
		json_put(json, "layers", write_layers_of(layers, i, &at));
		json_push(list, json);
	}
	return list;
}

/* --- ask --- */

const struct layer *
layers_find(const struct layers *layers, const char *name)
{
	char room[LAYER_NAME_BYTES];
	size_t i;

	for (i = 0; i < layers->count; i++)
		if (text_eq(layer_name(room, layers->list[i].task, layers->list[i].step), name))
			return &layers->list[i];
	return NULL;
}
