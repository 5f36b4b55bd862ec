/*
 * helper.h - circleci-agent: what a job's steps call.
 *
 * One row a command in main.c; each reads its arguments and returns an exit status
 * (runner/exit.h). What it prints goes to the step's output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HELPER_HELPER_H
#define HELPER_HELPER_H

#include <stddef.h>

/* "circleci-agent: SENTENCE" to standard error. Returns status. */
int helper_fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* All of standard input, NUL-terminated; NULL, and said, when it is longer than most or cannot be
 * read. The caller frees. */
char *helper_read_input(size_t most, size_t *len);
/* The same of a descriptor, which is called name. */
char *helper_read(int fd, const char *name, size_t most, size_t *len);

/*
 * Ask the agent (runner/control.h) and wait for its answer; while it is being restarted, up to
 * CONTROL_RETRY_MS. Returns EXIT_OK, or EXIT_NO when it refuses, EXIT_REFUSED when there is none:
 * both are said.
 */
int helper_ask(const char *verb, const void *value, size_t len);
/* The same with a descriptor that goes along; -1: none. */
int helper_ask_with(const char *verb, const void *value, size_t len, int fd);

/* --- commands: argv[0..argc) is what stands behind the command's name --- */

/* continue.c: go on with the pipeline of a setup job by a config. */
int helper_continue(int argc, char **argv);

/* oidc.c: print a token that tells others who this job is. */
int helper_oidc_get(int argc, char **argv);

/* subst.c: print TEXT, or standard input, with the environment's variables put in. */
int helper_env_subst(int argc, char **argv);

/* glob.c: print the paths that match each PATTERN. */
int helper_tests_glob(int argc, char **argv);

/*
 * prefix.c: run COMMAND in DIR through a prefix of COUNT words, with our environment and what the
 * prefix adds to it. The second is what the prefix starts.
 */
int helper_prefix(int argc, char **argv);
int helper_behind_prefix(int argc, char **argv);

/* split.c: print a node's share of the tests in FILE, or standard input; or run a command with it.
 */
int helper_tests_split(int argc, char **argv);
int helper_tests_run(int argc, char **argv);

#endif
