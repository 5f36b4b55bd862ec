/*
 * key_test.c - task tokens, and the file of the key that signs them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "hub/key.h"

static void
test_a_token_names_its_task_and_epoch_and_no_other(void **state)
{
	struct hub_key key = {{1, 2, 3}}, other = {{1, 2, 4}};
	char token[TASK_TOKEN_BYTES], again[TASK_TOKEN_BYTES];
	struct id id, read;
	uint32_t epoch;
	size_t i, len;

	(void)state;
	id_random(&id);
	task_token_write(token, &key, &id, 7);
	assert_string_equal(task_token_write(again, &key, &id, 7), token);
	assert_true(task_token_read(token, &key, &read, &epoch));
	assert_true(id_eq(&id, &read));
	assert_int_equal(epoch, 7);
	assert_false(task_token_read(token, &other, &read, &epoch));
	len = strlen(token);
	for (i = 0; i < len; i++) {
		memcpy(again, token, sizeof(token));
		again[i] = again[i] == '0' ? '1' : '0';
		assert_false(task_token_read(again, &key, &read, &epoch));
		memcpy(again, token, sizeof(token));
		again[i] = '\0';
		assert_false(task_token_read(again, &key, &read, &epoch));
	}
}

static void
test_a_key_file_is_made_once_and_kept_from_others(void **state)
{
	char dir[] = "/tmp/runner-key.XXXXXX", path[64];
	struct hub_key key, again;
	struct err err = ERR_INIT;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/key", dir);
	assert_int_equal(hub_key_load(&key, path, &err), ERR_HOST);
	assert_int_equal(hub_key_make(path, &err), 0);
	assert_int_not_equal(hub_key_make(path, &err), 0);
	assert_int_equal(hub_key_load(&key, path, &err), 0);
	assert_int_equal(hub_key_load(&again, path, &err), 0);
	assert_memory_equal(&key, &again, sizeof(key));
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(hub_key_load(&key, path, &err), ERR_INPUT);
	unlink(path);
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_token_names_its_task_and_epoch_and_no_other),
		cmocka_unit_test(test_a_key_file_is_made_once_and_kept_from_others),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
