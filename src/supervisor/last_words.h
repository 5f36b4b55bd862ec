/*
 * last_words.h - what runner-init does when it finds itself wrong: assert.h's failure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_LAST_WORDS_H
#define SUPERVISOR_LAST_WORDS_H

struct task;

enum { LAST_WORDS_EXIT = 70 };

/*
 * From here on an assertion that does not hold ends this task: the agent hears of it (ERROR, fault
 * bug), the END record says broken, no process of the task outlives it unwatched, exit status 70.
 */
void last_words_of(struct task *task);

#endif
