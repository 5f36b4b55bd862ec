/*
 * input.h - a config, the values it is compiled with, and what it comes to.
 *
 * input_init() -> the options of INPUT_OPTIONS through input_set() -> input_compile() ->
 * input_release(). Used by run and config alike, so that a value means the same in both.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_INPUT_H
#define CTL_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/options.h"
#include "ctl/project.h"

struct compile_value;
struct diags;
struct err;
struct json;
struct loop;
struct plan;
struct selection;

/* clang-format off */
#define INPUT_OPTIONS                                                                          \
	{"parameter", 0, "NAME=VALUE", "a pipeline parameter; may be given more than once"},   \
	{"pipeline-parameters", 0, "YAML|FILE", "pipeline parameters, as a YAML mapping"},     \
	{"branch", 0, "NAME", "compile as for this branch (default: the one checked out)"},    \
	{"tag", 0, "NAME", "compile as for this tag"},                                         \
	{"executor", 0, "auto|host", "host: run docker: jobs on this machine itself"}
/* clang-format on */

struct input {
	const char *file;	  /* as typed, '-' for standard input; NULL: .circleci/config.yml */
	const char *branch, *tag; /* as typed; NULL: not */
	bool docker_on_host;
	const struct selection *selection; /* what is to run of it; NULL: all */
	struct project project;
	char *path; /* of the config as messages show it */
	char *root; /* what a checkout copies: the directory that holds .circleci, else the tree's
		       top, else the current one */
	void *bytes;
	size_t len;
	struct arena arena;
	struct compile_value *parameters;
	size_t parameter_count;
	struct plan *plan;
	/*
	 * Set: each orb that compiling took from this machine is pushed here, as the hub takes those
	 * that come along with a config: {"ref": exact, "source"}.
	 */
	struct json *orbs;
};

void input_init(struct input *source);
void input_release(struct input *source);

/* One of INPUT_OPTIONS; its strings are borrowed. Fails: ERR_INPUT, ERR_LIMIT. */
int
input_set(struct input *source, const struct option *option, const char *value, struct err *err);

/* Find the config and read it, and ask git about the directory. Fails: ERR_HOST with a hint,
 * ERR_LIMIT. */
int input_read(struct input *source, struct loop *loop, struct err *err);

/*
 * Compile what was read for a program with these features (enum compile_feature); source->plan is
 * there after success. *diags is always set, and the caller's. Fails: ERR_INPUT, ERR_LIMIT.
 */
int input_compile(struct input *source, uint64_t features, struct diags **diags);

/*
 * Push all orbs of the lock file beside the config to source->orbs (an array): what a config that comes later can
 * name. Fails: ERR_INPUT (one that is not what is locked), ERR_GONE, ERR_HOST.
 */
int input_gather_orbs(struct input *source, struct err *err);

/* As input_compile(), and says by itself what is wrong with the config, warnings too. Returns an exit status,
 * EXIT_OK when it compiled. */
int input_compile_aloud(struct input *source, uint64_t features);

/* The diagnostics on standard error, in colour where it is a terminal that has them. */
void input_say_diags(const struct diags *diags);

#endif
