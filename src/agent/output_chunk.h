/*
 * output_chunk.h - a chunk of what a step wrote: masked, compressed, committed.
 *
 * Private to the output: what it does with the bytes that are in the memfd.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_OUTPUT_CHUNK_H
#define AGENT_OUTPUT_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct output;

/*
 * Make one record of what comes next in the memfd, or drop it where limits say so, and give its
 * pages back. Commits nothing where all of it may be the beginning of a secret. Fails: ERR_LIMIT
 * when memory has no room, or the spool and the step is to wait for it; ERR_HOST.
 */
int output_commit_chunk(struct output *output, struct err *err);

/* Bytes were dropped and nothing follows them: the line that says so is due. */
bool output_owes_line(const struct output *output);

/* What an earlier runnerd has dropped and not told of is a hole behind what is committed. Fails:
 * ERR_HOST. */
int output_find_gap(struct output *output, struct err *err);

/* A line of the agent's own for a step that is cut: it stands in no memfd. Fails as spool_append().
 */
int output_add_line(struct output *output, const char *text, struct err *err);

/* Pages of the memfd, in bytes. */
uint64_t output_holds(const struct output *output);

/* The memfd has grown to size. */
void output_note_size(struct output *output, uint64_t size);

/* Give back the pages of what is committed, 64 KiB at a time, or one by one when memory is short:
 * what a short step has printed goes with its memfd. */
void output_punch(struct output *output);

/* Does nobody wait any longer for what may come behind the beginning of a secret? */
bool output_is_final(const struct output *output);

#endif
