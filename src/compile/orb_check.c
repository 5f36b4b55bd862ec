/*
 * orb_check.c - an orb by itself: a config that imports it and does nothing else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/compile.h"
#include "compile/plan.h"

/* Itself first, then the others: an orb may import some. */
struct check {
	const char *name;
	const void *bytes;
	size_t len;
	compile_orb_fn *others;
	void *arg;
};

static int
give(void *arg, const char *ref, void **bytes, size_t *len, char **path, char **resolved,
     struct err *err)
{
	const struct check *check = arg;

	if (!text_eq(ref, check->name))
		return check->others(check->arg, ref, bytes, len, path, resolved, err);
	*bytes = mem_strndup(check->bytes, check->len);
	*len = check->len;
	*path = mem_strdup(check->name);
	*resolved = mem_strdup(check->name);
	return 0;
}

int
compile_orb(const char *name, const void *bytes, size_t len, compile_orb_fn *others, void *arg,
	    struct diags **diags)
{
	struct check check = {name, bytes, len, others, arg};
	LOCAL_FREE char *config = mem_printf("version: 2.1\norbs: {checked: %s}\njobs: {job: "
					     "{machine: true, steps: [checkout]}}\n"
					     "workflows: {w: {jobs: [job]}}\n",
					     name);
	struct compile_input input = {.path = "config.yml",
				      .bytes = config,
				      .len = strlen(config),
				      .policy.supported = FEATURE_ALL,
				      .orb = give,
				      .orb_arg = &check,
				      .is_orb_check = true};
	struct plan *plan;
	int rc = compile(&input, &plan, diags);

	plan_free(plan);
	return rc;
}
