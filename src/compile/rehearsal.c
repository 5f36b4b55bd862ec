/*
 * rehearsal.c - what no workflow runs, looked at all the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/rehearsal.h"

#include <string.h>

#include "compile/command.h"
#include "compile/environment.h"
#include "compile/executor.h"
#include "compile/substitute.h"
#include "compile/value.h"

enum { REHEARSAL_WORK_MAX = 500000, REHEARSAL_MEMORY_BYTES = 8 << 20 };

static const char *const words[ELEMENT_KIND_COUNT] = {
	[ELEMENT_COMMAND] = "command", [ELEMENT_JOB] = "job", [ELEMENT_EXECUTOR] = "executor"};

static void
bind_defaults(struct compilation *c, const struct element *element, const struct home *home,
	      struct bindings *out)
{
	const struct parameters *parameters = &element->parameters;
	size_t i;

	for (i = 0; i < parameters->count; i++) {
		const struct parameter *parameter = &parameters->items[i];
		struct node *value;

		if (parameter->fallback == NULL) {
			bindings_add(c, out, parameter->name, value_bad(c, parameter->at));
			continue;
		}
		value = value_at(c, parameter->fallback, parameter->fallback);
		value->home = home;
		bindings_add(c, out, parameter->name, value);
	}
	bindings_sort(out);
}

static void
expand(struct compilation *c, struct element *element)
{
	const struct job_extra nothing_around = {0};
	struct plan_job *job = COMP_NEW(c, struct plan_job);
	struct home *home = COMP_NEW(c, struct home);
	struct job_build build = {.job = job};
	struct bindings bindings = {0};
	struct scope scope = space_scope(element->space, &bindings);
	const struct node *steps = node_get(element->body, "steps"), *body;

	home->space = element->space;
	home->command = element->kind == ELEMENT_COMMAND ? element : NULL;
	bind_defaults(c, element, home, &bindings);
	if (element->kind == ELEMENT_JOB) {
		job_read(c, &build, element, &bindings, &nothing_around);
	} else if (element->kind == ELEMENT_COMMAND && steps != NULL) {
		steps_expand(c, &build, substitute(c, &scope, steps), home);
	} else if (element->kind == ELEMENT_EXECUTOR) {
		body = substitute_body(c, &scope, element->body);
		if (executor_has_type(body))
			executor_read(c, &build, body, NULL);
		environment_read(c, node_get(body, "environment"), &job->environment);
	}
}

static void
rehearse_section(struct compilation *c, const struct section *section)
{
	uint32_t i;

	for (i = 0; section->map != NULL && i < section->map->count; i++) {
		struct element *element = &section->items[i];
		struct link link;

		if (element->is_expanded || element->body->kind != NODE_MAP)
			continue;
		comp_enter(c, &link, words[element->kind], element->full_name);
		expand(c, element);
		comp_exit(c);
	}
}

/* Jobs first: what they expand needs no rehearsal of its own. */
static void
rehearse_space(struct compilation *c, const struct space *space)
{
	size_t i;

	rehearse_section(c, &space->sections[ELEMENT_JOB]);
	rehearse_section(c, &space->sections[ELEMENT_COMMAND]);
	rehearse_section(c, &space->sections[ELEMENT_EXECUTOR]);
	for (i = 0; i < space->orb_count; i++) {
		bool is_ours = space->orbs[i].is_inline ||
			       (c->input->is_orb_check && space->alias == NULL);

		if (is_ours && space->orbs[i].space != NULL)
			rehearse_space(c, space->orbs[i].space);
	}
}

/* By itself, so that no local of rehearse() changes between setjmp and longjmp. */
static void
run(struct compilation *c, const struct space *space)
{
	if (setjmp(c->leave) == 0)
		rehearse_space(c, space);
}

/*
 * In memory of its own, and with work of its own: what is not run is no reason to refuse. Who
 * meets a bound leaves to here, with a warning.
 */
void
rehearse(struct compilation *c, const struct space *space)
{
	struct arena scratch, *arena = c->arena;
	jmp_buf leave;

	memcpy(&leave, &c->leave, sizeof(leave));
	arena_init(&scratch, REHEARSAL_MEMORY_BYTES);
	c->arena = &scratch;
	c->is_rehearsal = true;
	c->work = COMP_WORK_MAX - REHEARSAL_WORK_MAX;
	run(c, space);
	c->chain = NULL;
	c->is_rehearsal = false;
	c->arena = arena;
	memcpy(&c->leave, &leave, sizeof(leave));
	arena_release(&scratch);
}
