/*
 * slot_users.c - which slot's user each task has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/slot_users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/state_dir.h"
#include "agent/state_version.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "runner/state_dir.h"

enum { TEXT_BYTES = 16, FILE_MOST_BYTES = 64 };

void
slot_users_init(struct slot_users *users, uint32_t first_uid, uint32_t count, uint32_t open_from)
{
	assert(open_from <= count);
	*users = (struct slot_users){first_uid, count, open_from, mem_zalloc(count, 1)};
}

void
slot_users_release(struct slot_users *users)
{
	free(users->taken);
	memset(users, 0, sizeof(*users));
}

int
slot_users_take(struct slot_users *users, bool open, int dir_fd, int *slot, struct err *err)
{
	const uint32_t from = open ? users->open_from : 0;
	/* Where nobody is kept from it by its user, anybody's will do. */
	const uint32_t end = open || users->open_from == 0 ? users->count : users->open_from;
	char text[TEXT_BYTES];
	uint32_t i = from;
	int len;

	while (i < end && users->taken[i])
		i++;
	if (i == end)
		return err_set(err, ERR_LIMIT, "all %u users of slots are taken", end - from);
	len = snprintf(text, sizeof(text), "%u\n", users->first_uid + i);
	if (state_dir_write(dir_fd, STATE_USER_NAME, text, (size_t)len, err) < 0)
		return err->code;
	users->taken[i] = 1;
	*slot = (int)i;
	return 0;
}

static int
parse(const struct slot_users *users, const char *text, uint64_t *slot, struct err *err)
{
	uint64_t uid;

	if (state_version_check_text(STATE_USER_NAME, &text, USER_VERSION, err) < 0)
		return err->code;
	if (text_parse_u64(text, UINT32_MAX, &uid, err) < 0 || uid < users->first_uid ||
	    uid - users->first_uid >= users->count)
		return err_set(err, ERR_INPUT, "its user '%.20s' is none of the slots'", text);
	*slot = uid - users->first_uid;
	return 0;
}

int
slot_users_find(struct slot_users *users, int dir_fd, int *slot, struct err *err)
{
	struct buffer text = BUFFER_INIT;
	uint64_t found = 0;
	char *line;
	int rc = state_dir_read(dir_fd, STATE_USER_NAME, FILE_MOST_BYTES, &text, err);

	*slot = -1;
	if (rc == ERR_GONE) {
		*err = (struct err)ERR_INIT;
		buffer_release(&text);
		return 0;
	}
	line = buffer_take_text(&text);
	line[strcspn(line, "\n")] = '\0';
	if (rc == 0)
		rc = parse(users, line, &found, err);
	if (rc == 0 && users->taken[found])
		rc = err_set(err, ERR_INPUT, "its user '%s' is another task's", line);
	if (rc == 0) {
		users->taken[found] = 1;
		*slot = (int)found;
	}
	free(line);
	buffer_release(&text);
	return rc;
}

void
slot_users_give(struct slot_users *users, int dir_fd, int slot)
{
	assert(slot >= 0 && (uint32_t)slot < users->count && users->taken[slot]);
	(void)unlinkat(dir_fd, STATE_USER_NAME, 0);
	users->taken[slot] = 0;
}
