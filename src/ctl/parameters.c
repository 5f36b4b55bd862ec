/*
 * parameters.c - pipeline parameters as they are typed on a command line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/parameters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/compile.h"
#include "ctl/input.h"
#include "format/json.h"
#include "format/yaml.h"

enum { PARAMETERS_FILE_BYTES = 256 * 1024 };

/* Room for one more of that name, or the one that is there: the last one given counts. */
static int
take_place(struct input *source, const char *name, struct compile_value **out, struct err *err)
{
	size_t i, n = source->parameter_count;

	for (i = 0; i < n; i++)
		if (strcmp(source->parameters[i].name, name) == 0) {
			*out = &source->parameters[i];
			return 0;
		}
	if (n == COMPILE_PARAMETERS_MAX)
		return err_set(err, ERR_LIMIT, "there can be at most %d pipeline parameters",
			       COMPILE_PARAMETERS_MAX);
	source->parameters = mem_resize(source->parameters, n + 1, sizeof(*source->parameters));
	source->parameter_count = n + 1;
	*out = &source->parameters[n];
	memset(*out, 0, sizeof(**out));
	(*out)->name = name;
	return 0;
}

int
parameters_add(struct input *source, const char *typed, struct err *err)
{
	const char *equals = strchr(typed, '='), *name;
	struct compile_value *value;

	if (equals == NULL || equals == typed)
		return err_set(err, ERR_INPUT, "a parameter is given as NAME=VALUE, not '%s'",
			       typed);
	name = arena_strndup(&source->arena, typed, (size_t)(equals - typed));
	if (name == NULL)
		return err_set(err, ERR_LIMIT, "the parameters are too long");
	if (take_place(source, name, &value, err) < 0)
		return err->code;
	*value = (struct compile_value){.name = name, .type = COMPILE_TEXT, .string = equals + 1};
	return 0;
}

/* --- YAML ------------------------------------------------------------------------------- */

static void
note_problem(void *arg, const struct yaml_problem *problem)
{
	struct err *err = arg;

	if (problem->is_warning || err->code < 0)
		return;
	if (err_set(err, ERR_INPUT, "pipeline parameters, line %u, column %u: %s", problem->line,
		    problem->column, problem->message) < 0)
		return;
}

static int
add_pair(struct input *source, const struct pair *pair, struct err *err)
{
	struct compile_value *value;
	const char *name = pair->key->text;

	if (take_place(source, name, &value, err) < 0)
		return err->code;
	value->name = name;
	switch (pair->value->kind) {
	case NODE_STRING:
		value->type = COMPILE_STRING;
		value->string = pair->value->text;
		return 0;
	case NODE_INT:
		value->type = COMPILE_INTEGER;
		value->integer = pair->value->integer;
		return 0;
	case NODE_BOOL:
		value->type = COMPILE_BOOLEAN;
		value->boolean = pair->value->boolean;
		return 0;
	default:
		return err_set(err, ERR_INPUT,
			       "pipeline parameter '%s' must be a string, an integer or a boolean",
			       name);
	}
}

/* The file of that name where there is one, else the text itself. */
static int
text_of(struct input *source, const char *typed, const char **text, size_t *len, struct err *err)
{
	LOCAL_FD fd = strchr(typed, '\n') == NULL ? open(typed, O_RDONLY | O_CLOEXEC) : -1;
	char *room;
	ssize_t n;

	*text = typed;
	*len = strlen(typed);
	if (fd < 0)
		return 0;
	room = arena_zalloc(&source->arena, PARAMETERS_FILE_BYTES);
	if (room == NULL)
		return err_set(err, ERR_LIMIT, "the parameters are too long");
	n = read(fd, room, PARAMETERS_FILE_BYTES);
	if (n < 0)
		return err_sys(err, "cannot read parameters from '%s'", typed);
	if (n == PARAMETERS_FILE_BYTES)
		return err_set(err, ERR_LIMIT, "'%s' is larger than %d KiB", typed,
			       PARAMETERS_FILE_BYTES / 1024);
	*text = room;
	*len = (size_t)n;
	return 0;
}

int
parameters_add_yaml(struct input *source, const char *typed, struct err *err)
{
	struct err problem = ERR_INIT;
	struct yaml_input input = {.problem = note_problem, .arg = &problem};
	const char *text;
	struct node *root;
	uint32_t i;

	if (text_of(source, typed, &text, &input.len, err) < 0)
		return err->code;
	input.bytes = text;
	if (yaml_read(&input, &source->arena, &root) < 0) {
		*err = problem;
		return err->code;
	}
	if (root->kind != NODE_MAP)
		return err_set(err, ERR_INPUT,
			       "pipeline parameters must be a mapping: 'name: value'");
	for (i = 0; i < root->count; i++)
		if (add_pair(source, &root->pairs[i], err) < 0)
			return err->code;
	return 0;
}

/* --- as a hub takes them --------------------------------------------------------------- */

/* The hub wants typed values; a command line has text. */
static struct json *
typed_text(const char *text)
{
	char *end;
	long long number;

	if (text_eq(text, "true") || text_eq(text, "false"))
		return json_new_bool(text_eq(text, "true"));
	errno = 0;
	number = strtoll(text, &end, 10);
	if (text[0] != '\0' && *end == '\0' && errno == 0 && strchr(" \t+", text[0]) == NULL)
		return json_new_int(number);
	return json_new_string(text);
}

struct json *
parameters_describe(const struct input *source, bool guess)
{
	struct json *parameters = json_new_object();
	const struct compile_value *value;
	size_t i;

	for (i = 0; i < source->parameter_count; i++) {
		value = &source->parameters[i];
		if (value->type == COMPILE_BOOLEAN)
			json_put_bool(parameters, value->name, value->boolean);
		else if (value->type == COMPILE_INTEGER)
			json_put_int(parameters, value->name, value->integer);
		else if (value->type == COMPILE_TEXT && guess)
			json_put(parameters, value->name, typed_text(value->string));
		else
			json_put_str(parameters, value->name, value->string);
	}
	return parameters;
}
