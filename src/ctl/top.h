/*
 * top.h - what a host or a hub is doing: what is asked, and how it looks.
 *
 * top_source_open() -> top_source_ask() as often as one likes -> top_source_close(). An answer is
 * one JSON document; top_draw() makes lines of it and of the one before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_TOP_H
#define CTL_TOP_H

#include <stdbool.h>
#include <stdint.h>

struct api;
struct buffer;
struct err;
struct json;
struct loop;

/* Either the agent of a run directory (doc/metrics.md, "The state"), or a hub. */
struct top_source {
	struct api *api;
	bool is_agent;
	int dir_fd;    /* the agent's run directory; -1 */
	char *run_dir; /* NULL for a hub */
	uint64_t asked_us;
};

/*
 * run_dir NULL: the hub of --hub; else the agent of the default run directory where there is one;
 * else the hub of the environment. Fails: ERR_HOST, ERR_INPUT with a hint.
 */
int top_source_open(struct top_source *source, const char *run_dir, struct err *err);
/* An agent alone; run_dir NULL: of the default run directory. Fails: ERR_HOST. */
int top_source_open_agent(struct top_source *source, const char *run_dir, struct err *err);
void top_source_close(struct top_source *source);

/*
 * One answer; the caller frees. The agent's gets "cpu_ms", "memory_bytes" and "processes" in each
 * task whose processes are there, and "read_bytes" and "write_bytes" where we may see them. The hub's is {"hub", "agents", "tasks"}. Runs the loop. Fails: as
 * api_get().
 */
int top_source_ask(struct top_source *source, struct json **out, struct err *err);
struct loop *top_source_loop(const struct top_source *source);

/* An answer, and when it came. */
struct top_sample {
	struct json *json; /* NULL: none */
	uint64_t us;	   /* loop_now_us() */
};

/* Lines of at most columns, at most rows of them (0: all), each with a newline; nothing in them can
 * harm a terminal. Rates are those since before, or since a task's begin. */
void top_draw(struct buffer *out, const struct top_sample *now, const struct top_sample *before,
	      unsigned rows, unsigned columns);

#endif
