/*
 * slot_users_test.c - a slot's user is one task's, over a restart too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/slot_users.h"
#include "agent/state_dir.h"
#include "base/err.h"
#include "runner/state_dir.h"

enum { DIRS = 3, FIRST = 70000 };

static char place[] = "/tmp/slot_users_test.XXXXXX";
static int dirs[DIRS];

static int
make_dirs(void **state)
{
	char name[] = "0";
	int top;

	(void)state;
	if (mkdtemp(place) == NULL || (top = open(place, O_RDONLY | O_DIRECTORY)) < 0)
		return -1;
	for (; name[0] < '0' + DIRS; name[0]++) {
		if (mkdirat(top, name, 0700) != 0)
			return -1;
		dirs[name[0] - '0'] = openat(top, name, O_RDONLY | O_DIRECTORY);
	}
	return close(top);
}

static int
remove_dirs(void **state)
{
	char name[] = "0";
	int top = open(place, O_RDONLY | O_DIRECTORY);

	(void)state;
	for (; name[0] < '0' + DIRS; name[0]++) {
		(void)unlinkat(dirs[name[0] - '0'], STATE_USER_NAME, 0);
		(void)unlinkat(top, name, AT_REMOVEDIR);
	}
	(void)close(top);
	return rmdir(place);
}

static void
test_slot_users_take_gives_the_lowest_that_is_free(void **state)
{
	struct err err = ERR_INIT;
	struct slot_users users;
	int slot;

	(void)state;
	slot_users_init(&users, FIRST, 2, 2);
	assert_int_equal(slot_users_take(&users, false, dirs[0], &slot, &err), 0);
	assert_int_equal(slot, 0);
	assert_int_equal(slot_users_take(&users, false, dirs[1], &slot, &err), 0);
	assert_int_equal(slot, 1);
	assert_int_equal(slot_users_take(&users, false, dirs[2], &slot, &err), ERR_LIMIT);
	slot_users_give(&users, dirs[0], 0);
	assert_int_equal(faccessat(dirs[0], STATE_USER_NAME, F_OK, 0), -1);
	assert_int_equal(slot_users_take(&users, false, dirs[2], &slot, &err), 0);
	assert_int_equal(slot, 0);
	slot_users_release(&users);
}

static void
test_slot_users_take_keeps_those_apart_who_may_reach_the_metadata_address(void **state)
{
	struct err err = ERR_INIT;
	struct slot_users users;
	int slot;

	(void)state;
	slot_users_init(&users, FIRST, 2, 1);
	assert_int_equal(slot_users_take(&users, true, dirs[0], &slot, &err), 0);
	assert_int_equal(slot, 1);
	assert_int_equal(slot_users_take(&users, true, dirs[1], &slot, &err), ERR_LIMIT);
	assert_int_equal(slot_users_take(&users, false, dirs[1], &slot, &err), 0);
	assert_int_equal(slot, 0);
	assert_int_equal(slot_users_take(&users, false, dirs[2], &slot, &err), ERR_LIMIT);
	slot_users_release(&users);
}

static void
test_slot_users_take_gives_anybodys_where_no_user_is_kept_from_it(void **state)
{
	struct err err = ERR_INIT;
	struct slot_users users;
	int slot;

	(void)state;
	slot_users_init(&users, FIRST, 2, 0);
	assert_int_equal(slot_users_take(&users, false, dirs[0], &slot, &err), 0);
	assert_int_equal(slot, 0);
	assert_int_equal(slot_users_take(&users, true, dirs[1], &slot, &err), 0);
	assert_int_equal(slot, 1);
	slot_users_release(&users);
}

static void
test_slot_users_find_goes_on_with_what_is_written_down(void **state)
{
	struct err err = ERR_INIT;
	struct slot_users users;
	int slot;

	(void)state;
	slot_users_init(&users, FIRST, 2, 2);
	assert_int_equal(slot_users_take(&users, false, dirs[0], &slot, &err), 0);
	assert_int_equal(slot_users_take(&users, false, dirs[1], &slot, &err), 0);
	slot_users_release(&users);
	slot_users_init(&users, FIRST, 2, 2);
	assert_int_equal(slot_users_find(&users, dirs[1], &slot, &err), 0);
	assert_int_equal(slot, 1);
	assert_int_equal(slot_users_find(&users, dirs[1], &slot, &err), ERR_INPUT);
	assert_int_equal(slot, -1);
	(void)unlinkat(dirs[0], STATE_USER_NAME, 0);
	assert_int_equal(slot_users_find(&users, dirs[0], &slot, &err), 0);
	assert_int_equal(slot, -1);
	slot_users_release(&users);
}

static void
test_slot_users_find_refuses_what_is_no_user_of_ours(void **state)
{
	static const char *const texts[] = {"69999\n", "70002\n", "0\n", "", "-1\n", "7e4\n", "1 69999\n", "99999999999\n"};
	struct slot_users users;
	size_t i;

	(void)state;
	slot_users_init(&users, FIRST, 2, 2);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct err err = ERR_INIT;
		int slot = 5, len = 0;

		while (texts[i][len] != '\0')
			len++;
		assert_int_equal(state_dir_write(dirs[0], STATE_USER_NAME, texts[i], (size_t)len, &err), 0);
		assert_int_equal(slot_users_find(&users, dirs[0], &slot, &err), ERR_INPUT);
		assert_int_equal(slot, -1);
	}
	slot_users_release(&users);
}

static void
test_slot_users_find_leaves_what_a_later_runnerd_has_written(void **state)
{
	struct err err = ERR_INIT;
	struct slot_users users;
	int slot;

	(void)state;
	slot_users_init(&users, FIRST, 2, 2);
	assert_int_equal(state_dir_write(dirs[0], STATE_USER_NAME, "2 70000 x\n", 10, &err), 0);
	assert_int_equal(slot_users_find(&users, dirs[0], &slot, &err), ERR_HOST);
	assert_string_equal(err.text, "file 'user' has version 2, this runnerd reads up to 1");
	assert_int_equal(faccessat(dirs[0], STATE_USER_NAME, F_OK, 0), 0);
	slot_users_release(&users);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slot_users_take_gives_the_lowest_that_is_free),
		cmocka_unit_test(test_slot_users_take_keeps_those_apart_who_may_reach_the_metadata_address),
		cmocka_unit_test(test_slot_users_take_gives_anybodys_where_no_user_is_kept_from_it),
		cmocka_unit_test(test_slot_users_find_goes_on_with_what_is_written_down),
		cmocka_unit_test(test_slot_users_find_refuses_what_is_no_user_of_ours),
		cmocka_unit_test(test_slot_users_find_leaves_what_a_later_runnerd_has_written),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
