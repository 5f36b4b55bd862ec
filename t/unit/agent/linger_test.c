/*
 * linger_test.c - will the run directory outlive its user's last session?
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/linger.h"

static void
test_linger_is_missing_until_logind_has_the_users_file(void **state)
{
	char dir[] = "/tmp/linger-XXXXXX", file[64];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(file, sizeof(file), "%s/ann", dir);
	assert_true(linger_is_missing_for("/run/user/1000/runnerd", 1000, "ann", dir));
	assert_false(linger_is_missing_for("/run/user/10001/runnerd", 1000, "ann", dir));
	assert_false(linger_is_missing_for("/home/ann/run", 1000, "ann", dir));
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_false(linger_is_missing_for("/run/user/1000/runnerd", 1000, "ann", dir));
	assert_true(linger_is_missing_for("/run/user/1000/runnerd", 1000, "bob", dir));
	(void)unlink(file);
	(void)rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linger_is_missing_until_logind_has_the_users_file),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
