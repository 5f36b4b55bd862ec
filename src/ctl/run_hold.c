/*
 * run_hold.c - "run --keep-failed" on a terminal: wait while a person looks at what has failed.
 *
 * The jobs' namespaces live as long as the agent of this run does, so the run does not end yet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/run_hold.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/private.h"
#include "ctl/say.h"
#include "format/json.h"
#include "loop/loop.h"

/* How many can be entered. */
static size_t
say_jobs(const struct json *answer, const struct private_pair *pair)
{
	const struct json *items = json_get(answer, "items"), *job;
	size_t i, count = 0;

	for (i = 0; i < json_count(items); i++) {
		job = json_at(items, i);
		if (!text_eq(json_get_str(job, "outcome"), "failed") &&
		    !text_eq(json_get_str(job, "outcome"), "timedout"))
			continue;
		if (count++ == 0)
			say_note("what failed is kept as it was; in another terminal:");
		say_note("    runnerctl --hub %s --token-file %s attach %s    # %s", private_url(pair),
			 private_token_file(pair), json_get_str(job, "id"), json_get_str(job, "name"));
	}
	return count;
}

bool
run_hold(struct loop *loop, struct api *api, const struct private_pair *pair, const char *pipeline,
	 const bool *stop, const bool *died)
{
	LOCAL_FREE char *path = api_path("/api/runner/v1/jobs?limit=1000&pipeline=%s", pipeline);
	struct json *answer = NULL;
	struct err err = ERR_INIT;
	size_t count = 0;

	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
		return false;
	if (api_get(api, path, &answer, &err) < 0)
		say_note("%s", err.text);
	else
		count = say_jobs(answer, pair);
	json_free(answer);
	if (count == 0)
		return false;
	say_note("Ctrl-C ends this; the working directories stay");
	while (!*stop && !*died)
		loop_run(loop);
	return true;
}
