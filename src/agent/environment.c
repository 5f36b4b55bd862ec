/*
 * environment.c - the variables and paths a step sees.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/environment.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "task/task_doc.h"

#define USUAL_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct placed {
	const struct env_var *var;
	size_t place;
};

static int
by_name_then_place(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	int order = strcmp(x->var->name, y->var->name);

	if (order != 0)
		return order;
	return x->place < y->place ? -1 : x->place > y->place;
}

static struct placed *
place_all(struct arena *arena, const struct env_layer *layers, size_t count, size_t total)
{
	struct placed *placed = arena_zalloc_array(arena, total + 1, sizeof(*placed));
	size_t i, j, n = 0;

	if (placed == NULL)
		return NULL;
	for (i = 0; i < count; i++)
		for (j = 0; j < layers[i].count; j++, n++)
			placed[n] = (struct placed){&layers[i].vars[j], n};
	qsort(placed, total, sizeof(*placed), by_name_then_place);
	return placed;
}

int
environment_make(const char *const **out, struct arena *arena, const struct env_layer *layers,
		 size_t count, struct err *err)
{
	struct placed *placed;
	const char **env;
	size_t total = 0, n = 0, i;

	for (i = 0; i < count; i++)
		total += layers[i].count;
	placed = place_all(arena, layers, count, total);
	env = arena_zalloc_array(arena, total + 1, sizeof(*env));
	for (i = 0; placed != NULL && env != NULL && i < total; i++) {
		const struct env_var *var = placed[i].var;

		if (i + 1 < total && strcmp(placed[i + 1].var->name, var->name) == 0)
			continue;
		if (var->value == NULL)
			continue; /* taken away */
		env[n++] = arena_printf(arena, "%s=%s", var->name, var->value);
	}
	if (arena_is_full(arena))
		return err_set(err, ERR_LIMIT, "the step's environment is too large");
	*out = env;
	return 0;
}

const char *
environment_path(struct arena *arena, const char *home, const char *base, const char *path)
{
	if (path[0] == '~' && path[1] == '\0')
		return home;
	if (text_starts(path, "~/"))
		return arena_printf(arena, "%s/%s", home, path + 2);
	if (path[0] == '/')
		return path;
	if (path[0] == '\0' || text_eq(path, "."))
		return base;
	return arena_printf(arena, "%s/%s", base, path);
}

const char *
environment_search_path(struct arena *arena, const char *inherited)
{
	const char *at = inherited != NULL ? inherited : "", *end;
	char *path = arena_strdup(arena, at);
	size_t len = 0;

	for (; path != NULL && *at != '\0'; at = *end == ':' ? end + 1 : end) {
		end = strchrnul(at, ':');
		if (*at != '/')
			continue;
		if (len > 0)
			path[len++] = ':';
		memcpy(path + len, at, (size_t)(end - at));
		len += (size_t)(end - at);
	}
	if (path == NULL || len == 0)
		return USUAL_PATH;
	path[len] = '\0';
	return path;
}
