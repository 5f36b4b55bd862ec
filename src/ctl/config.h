/*
 * config.h - what the commands of "config" share: words, a config, a plan.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_CONFIG_H
#define CTL_CONFIG_H

#include <stdint.h>

#include "ctl/input.h"

struct command;
struct err;

/*
 * Read a command's words: its own options go to set(arg, ...), [FILE|-] and INPUT_OPTIONS to
 * source, and the config is read. set NULL: it has none of its own. Returns ARGS_GO, or the
 * status to end with: a file that cannot be read is EXIT_USAGE here. In both cases the caller
 * calls input_release(source).
 */
int config_read(struct input *source, const struct command *command, int argc, char **argv,
		option_set_fn *set, void *arg);

/* The same, then input_compile_aloud(). EXIT_OK with source->plan set; without one when only help
 * was wanted. */
int config_compile(struct input *source, const struct command *command, uint64_t features, int argc,
		   char **argv);

#endif
