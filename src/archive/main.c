/*
 * main.c - runner-archive: the steps of a job that keep files, run inside the job.
 *
 * Not for people: runnerd starts it as a step. It has the step's rights and directories; what it
 * keeps goes to the agent by descriptors. One command, keep, is for runnerd itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "archive/artifacts.h"
#include "archive/cache.h"
#include "archive/keep.h"
#include "archive/test_results.h"
#include "archive/workspace.h"
#include "base/err.h"
#include "runner/exit.h"

static int
save_cache(int argc, char **argv, struct err *err)
{
	return cache_save(argv[0], argv + 1, (size_t)argc - 1, err);
}

static int
restore_cache(int argc, char **argv, struct err *err)
{
	return cache_restore(argv, (size_t)argc, err);
}

static int
persist(int argc, char **argv, struct err *err)
{
	return workspace_persist(argv[0], argv[1], argv + 2, (size_t)argc - 2, err);
}

static int
attach(int argc, char **argv, struct err *err)
{
	(void)argc;
	return workspace_attach(argv[0], err);
}

static int
store_artifacts(int argc, char **argv, struct err *err)
{
	return artifacts_store(argv[0], argc > 1 ? argv[1] : "", err);
}

static int
store_test_results(int argc, char **argv, struct err *err)
{
	(void)argc;
	return test_results_store(argv[0], err);
}

static int
keep_archive(int argc, char **argv, struct err *err)
{
	(void)argc;
	return keep(argv[0], argv[1], err);
}

static const struct {
	const char *name;
	int arguments; /* at least */
	int (*run)(int argc, char **argv, struct err *err);
	bool tells_host; /* that the host was to blame, by its exit status */
} commands[] = {
	{"save-cache", 2, save_cache},	     /* KEY PATH... */
	{"restore-cache", 1, restore_cache}, /* KEY... */
	{"persist", 3, persist},	     /* STEP ROOT PATTERN... */
	{"attach", 1, attach},		     /* DIR */
	{"store-artifacts", 1, store_artifacts}, /* PATH [DESTINATION] */
	{"store-test-results", 1, store_test_results}, /* PATH */
	{"keep", 2, keep_archive, true},     /* DIGEST SIZE */
};

int
main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; argc > 2 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) != 0 || argc - 2 < commands[i].arguments)
			continue;
		if (commands[i].run(argc - 2, argv + 2, &err) == 0)
			return EXIT_OK;
		(void)fprintf(stderr, "%s\n", err.text);
		if (err.hint != NULL)
			(void)fprintf(stderr, "hint: %s\n", err.hint);
		return commands[i].tells_host && err.code != ERR_INPUT ? EXIT_REFUSED : EXIT_NO;
	}
	(void)fprintf(stderr, "runner-archive: runnerd starts this program as a step of a job\n");
	return EXIT_USAGE;
}
