/*
 * cells.h - the small memory that libevent keeps for good, in pages of its own.
 *
 * libevent keeps 16 bytes for each number that a descriptor has ever had. From malloc(3) these come
 * while hundreds of tasks begin, and lie between what goes with the tasks: each holds a page of the
 * heap from then on, three MiB after 512 tasks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_CELLS_H
#define LOOP_CELLS_H

/* From now on, for a program that calls libevent from one thread; before any loop_new(). Where the
 * kernel refuses the room, and under ASan, everything stays with malloc(3). */
void cells_use(void);

#endif
