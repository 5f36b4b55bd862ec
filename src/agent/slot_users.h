/*
 * slot_users.h - which slot's user each task has.
 *
 * A user is one task's alone, from before its work directory is made until nothing of it is left. It is
 * written down in the task's state directory, so that the next runnerd knows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_SLOT_USERS_H
#define AGENT_SLOT_USERS_H

#include <stdbool.h>
#include <stdint.h>

struct err;

struct slot_users {
	uint32_t first_uid, count;
	uint32_t open_from; /* the first of those who may reach the metadata address */
	uint8_t *taken; /* by slot */
};

/* All zero is fine too: there are none. */
void slot_users_init(struct slot_users *users, uint32_t first_uid, uint32_t count, uint32_t open_from);
void slot_users_release(struct slot_users *users);

/*
 * The lowest that is free, written down in dir_fd: its slot in *slot. open: of those who may reach the metadata
 * address, else of the others. Fails: ERR_LIMIT, ERR_HOST.
 */
int slot_users_take(struct slot_users *users, bool open, int dir_fd, int *slot, struct err *err);

/*
 * What an earlier runnerd has written down there; -1 in *slot where there is nothing. Fails: ERR_INPUT when it is no user
 * of ours, or another task's; ERR_HOST, also when a later runnerd has written it.
 */
int slot_users_find(struct slot_users *users, int dir_fd, int *slot, struct err *err);

/* It is free, and no word of it is left in dir_fd. */
void slot_users_give(struct slot_users *users, int dir_fd, int slot);

#endif
