/*
 * step_run.c - the run step, and what readers of all steps share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/step_run.h"

#include <string.h>

#include "compile/environment.h"
#include "compile/tree.h"

const char *
step_text(struct step_reading *reading, const char *key)
{
	const struct node *value = node_get(reading->body, key);

	return value == NULL
		       ? NULL
		       : tree_string(reading->c, value, comp_printf(reading->c, "key '%s'", key));
}

void
step_when(struct step_reading *reading)
{
	const struct node *when = node_get(reading->body, "when");
	int i;

	if (when == NULL || when->flags & TREE_BAD)
		return;
	for (i = 0; when->kind == NODE_STRING && i < PLAN_WHEN_COUNT; i++) {
		if (strcmp(when->text, plan_when_name((enum plan_when)i)) == 0) {
			reading->step->when = (enum plan_when)i;
			return;
		}
	}
	comp_error(reading->c, when, "E_WHEN", "one of: always, on_success, on_fail",
		   "%s: there is no 'when: %s'", reading->what,
		   when->kind < NODE_SEQ ? when->text : "[...]");
}

/* Digits, a fraction where one may be, one unit of those given; false where it is not that. */
static bool
parse_span(const char *text, const char *units, bool may_be_fraction, uint64_t *out)
{
	static const struct {
		char unit;
		uint64_t ms;
	} table[] = {{'h', 3600000}, {'m', 60000}, {'s', 1000}};
	uint64_t whole = 0, fraction = 0, scale = 1, ms = 0;
	const char *p = text;
	size_t i;

	for (; *p >= '0' && *p <= '9' && p - text < 9; p++)
		whole = whole * 10 + (uint64_t)(*p - '0');
	if (p == text)
		return false;
	if (*p == '.' && may_be_fraction) {
		const char *start = ++p;

		for (; *p >= '0' && *p <= '9' && p - start < 9; p++) {
			fraction = fraction * 10 + (uint64_t)(*p - '0');
			scale *= 10;
		}
		if (p == start)
			return false;
	}
	if (*p == '\0' || p[1] != '\0' || strchr(units, *p) == NULL)
		return false;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].unit == *p)
			ms = table[i].ms;
	*out = whole * ms + fraction * ms / scale;
	return true;
}

static void
read_timeout(struct step_reading *reading)
{
	const struct node *value = node_get(reading->body, "no_output_timeout");
	uint64_t *out = &reading->step->no_output_timeout_ms;

	*out = PLAN_NO_OUTPUT_TIMEOUT_MS;
	if (value == NULL || value->flags & TREE_BAD)
		return;
	if (value->kind != NODE_STRING || !parse_span(value->text, "hms", true, out) || *out == 0)
		comp_error(reading->c, value, "E_TIMEOUT",
			   "write for example '20m', '90s' or '1.5h'",
			   "no_output_timeout is a number with a unit h, m or s, found: '%s'",
			   value->kind < NODE_SEQ ? value->text : "[...]");
}

static void
read_delay(struct step_reading *reading)
{
	const struct pair *delay = node_get_pair(reading->body, "auto_rerun_delay");
	struct compilation *c = reading->c;
	uint64_t ms = 0;

	if (delay == NULL || delay->value->flags & TREE_BAD)
		return;
	if (node_get(reading->body, "max_auto_reruns") == NULL) {
		comp_error(c, delay->key, "E_RERUN_DELAY", "add 'max_auto_reruns'",
			   "'auto_rerun_delay' needs 'max_auto_reruns' beside it");
		return;
	}
	if (delay->value->kind != NODE_STRING ||
	    !parse_span(delay->value->text, "ms", false, &ms) || ms > STEP_RERUN_DELAY_MAX_MS)
		comp_error(c, delay->value, "E_RERUN_DELAY", "write for example '30s' or '2m'",
			   "auto_rerun_delay is Ns or Nm, at most 10 minutes");
	else
		reading->step->auto_rerun_delay_ms = ms;
}

static void
read_reruns(struct step_reading *reading)
{
	const struct pair *reruns = node_get_pair(reading->body, "max_auto_reruns");
	struct compilation *c = reading->c;

	read_delay(reading);
	if (reruns == NULL || reruns->value->flags & TREE_BAD)
		return;
	if (reruns->value->kind != NODE_INT || reruns->value->integer < 1 ||
	    reruns->value->integer > STEP_RERUNS_MAX) {
		comp_error(c, reruns->value, "E_RERUN_RANGE", NULL,
			   "max_auto_reruns must be an integer from 1 to %d", STEP_RERUNS_MAX);
		return;
	}
	if (reading->step->background) {
		comp_error(c, reruns->key, "E_RERUN_BG", "remove one of the two",
			   "a background step cannot be rerun");
		return;
	}
	reading->step->max_auto_reruns = (unsigned)reruns->value->integer;
	job_need(c, reading->build, reruns->key, FEATURE_STEP_RERUNS, "'max_auto_reruns'");
}

static void
read_background(struct step_reading *reading)
{
	const struct pair *background = node_get_pair(reading->body, "background");

	if (background == NULL)
		return;
	(void)tree_bool(reading->c, background->value, "key 'background'",
			&reading->step->background);
	if (reading->step->background)
		job_need(reading->c, reading->build, background->key, FEATURE_BACKGROUND,
			 "'background: true'");
}

bool
step_run_check(struct step_reading *reading)
{
	static const char *const keys[] = {"command",		"name",	      "shell",
					   "environment",	"background", "working_directory",
					   "no_output_timeout", "when",	      "max_auto_reruns",
					   "auto_rerun_delay",	NULL};
	static const char *const of_21[] = {"max_auto_reruns", "auto_rerun_delay", NULL};
	const struct node *body = reading->body;
	struct compilation *c = reading->c;

	if (body != NULL && body->flags & TREE_BAD)
		return false;
	if (body != NULL && body->kind == NODE_STRING)
		return true;
	if (body == NULL || body->kind != NODE_MAP) {
		comp_error(c, body != NULL && body->kind != NODE_NULL ? body : reading->key,
			   "E_STEP_SHAPE",
			   body == NULL || body->kind == NODE_NULL
				   ? "indent its keys further than 'run'"
				   : "quote the command",
			   "%s takes a command or a mapping with 'command', found: %s",
			   reading->what, body == NULL ? "nothing" : node_kind_name(body->kind));
		return false;
	}
	tree_check_keys(c, body, keys, "W_RUN_KEY", reading->what);
	tree_need_21(c, body, of_21);
	return tree_need(c, body, "command", reading->what) != NULL;
}

void
step_run_read(struct step_reading *reading)
{
	struct plan_step *step = reading->step;
	const struct node *shell = node_get(reading->body, "shell");
	const char *name;

	step->kind = PLAN_STEP_RUN;
	step->command = reading->body->kind == NODE_STRING ? reading->body->text
							   : step_text(reading, "command");
	name = step_text(reading, "name");
	step->name = name != NULL ? name : step->command != NULL ? step->command : "";
	if (step->command != NULL && step->command[0] == '\0')
		comp_error(reading->c, reading->body, "W_RUN_EMPTY", NULL, "the command is empty");
	if (shell != NULL)
		shell_read(reading->c, shell, &step->shell);
	environment_read(reading->c, node_get(reading->body, "environment"), &step->environment);
	step->working_directory = step_text(reading, "working_directory");
	read_timeout(reading);
	read_background(reading);
	read_reruns(reading);
	step_when(reading);
}
