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
 * Make one record of what comes next in the memfd, and give its pages back. Commits nothing where
 * all of it may be the beginning of a secret. Fails: ERR_LIMIT when spool or memory has no room,
 * ERR_HOST.
 */
int output_commit_chunk(struct output *output, struct err *err);

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
