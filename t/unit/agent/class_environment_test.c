/*
 * class_environment_test.c - what a class adds to the environment of its tasks, and the words it is
 * told by.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/class_environment.h"
#include "agent/holding.h"
#include "agent/slots.h"
#include "agent/state_dir.h"
#include "base/arena.h"
#include "base/err.h"
#include "runner/state_dir.h"
#include "scratch.h"
#include "task/task_doc.h"

static struct arena arena;
static const struct env_var *vars;
static size_t count;

static void
make(const struct slots_class *class, const char *holding)
{
	arena_init(&arena, 65536);
	vars = class_environment(class, holding, &arena, &count);
	assert_non_null(vars);
}

static const char *
value_of(const char *name)
{
	const char *value = NULL;
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(vars[i].name, name) == 0)
			value = vars[i].value;
	return value;
}

static void
test_class_environment_is_empty_when_the_class_says_nothing(void **state)
{
	static const struct slots_class class;

	(void)state;
	make(&class, "");
	assert_int_equal(count, 0);
	arena_release(&arena);
	make(&class, "cpus:0-3");
	assert_int_equal(count, 0);
	arena_release(&arena);
}

static void
test_class_environment_names_devices_by_kind(void **state)
{
	static const struct slots_class class;

	(void)state;
	make(&class, "cpus:0-3 gpu:/dev/nvidia1 gpu:/dev/nvidia12 board_a:usb-7");
	assert_int_equal(count, 3);
	assert_string_equal(value_of("RUNNER_DEVICES"), "/dev/nvidia1,/dev/nvidia12,usb-7");
	assert_string_equal(value_of("RUNNER_DEVICES_GPU"), "/dev/nvidia1,/dev/nvidia12");
	assert_string_equal(value_of("RUNNER_DEVICES_BOARD_A"), "usb-7");
	arena_release(&arena);
}

static void
test_class_environment_tells_cuda_only_what_it_understands(void **state)
{
	static const struct slots_class class = {.cuda = "gpu"};

	(void)state;
	make(&class, "gpu:/dev/nvidia1 gpu:/dev/nvidia12 board:7");
	assert_string_equal(value_of("CUDA_VISIBLE_DEVICES"), "1,12");
	arena_release(&arena);
	make(&class, "gpu:GPU-8f6e gpu:3");
	assert_string_equal(value_of("CUDA_VISIBLE_DEVICES"), "GPU-8f6e,3");
	arena_release(&arena);
	make(&class, "board:7"); /* it has none, and is to see none */
	assert_string_equal(value_of("CUDA_VISIBLE_DEVICES"), "");
	arena_release(&arena);
}

static void
test_class_environment_has_every_name_of_proxy_and_certificates(void **state)
{
	static const struct slots_class class = {
		.proxy = "http://proxy:3128", .no_proxy = ".corp", .ca_file = "/etc/ssl/corp.pem"};
	static const char *const ca[] = {"SSL_CERT_FILE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS",
					 "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"};
	static const char *const proxy[] = {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY",
					    "https_proxy"};
	size_t i;

	(void)state;
	make(&class, NULL);
	for (i = 0; i < sizeof(ca) / sizeof(ca[0]); i++)
		assert_string_equal(value_of(ca[i]), "/etc/ssl/corp.pem");
	for (i = 0; i < sizeof(proxy) / sizeof(proxy[0]); i++)
		assert_string_equal(value_of(proxy[i]), "http://proxy:3128");
	assert_string_equal(value_of("NO_PROXY"), ".corp");
	assert_string_equal(value_of("no_proxy"), ".corp");
	assert_int_equal(count, 11);
	arena_release(&arena);
}

static void
test_holding_is_read_as_it_was_written(void **state)
{
	struct scratch *scratch = *state;
	struct err err = ERR_INIT;
	char *words;

	assert_int_equal(holding_read(scratch->fd, &words, &err), 0);
	assert_string_equal(words, "");
	free(words);
	assert_int_equal(holding_write(scratch->fd, "", &err), 0);
	assert_int_equal(scratch_count_files(scratch), 0);
	assert_int_equal(holding_write(scratch->fd, "gpu:0 cpus:0-3", &err), 0);
	assert_int_equal(scratch_file_size(scratch, STATE_HOLDING_NAME),
			 strlen("1 gpu:0 cpus:0-3\n"));
	assert_int_equal(holding_read(scratch->fd, &words, &err), 0);
	assert_string_equal(words, "gpu:0 cpus:0-3");
	free(words);
}

static void
test_holding_read_refuses_what_it_does_not_know(void **state)
{
	static const struct {
		const char *text;
		int code;
	} bad[] = {
		{"2 gpu:0\n", ERR_HOST}, /* a later runnerd's: it stays, and we go no further */
		{"1 gpu:0", ERR_INPUT},
		{"gpu:0\n", ERR_INPUT},
		{"", ERR_INPUT},
		{"1 a:b\nmore\n", ERR_INPUT},
		{"x a:b\n", ERR_INPUT},
	};
	struct scratch *scratch = *state;
	struct err err;
	char *words;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = (struct err)ERR_INIT;
		assert_int_equal(state_dir_write(scratch->fd, STATE_HOLDING_NAME, bad[i].text,
						 strlen(bad[i].text), &err),
				 0);
		assert_int_equal(holding_read(scratch->fd, &words, &err), bad[i].code);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_class_environment_is_empty_when_the_class_says_nothing),
		cmocka_unit_test(test_class_environment_names_devices_by_kind),
		cmocka_unit_test(test_class_environment_tells_cuda_only_what_it_understands),
		cmocka_unit_test(test_class_environment_has_every_name_of_proxy_and_certificates),
		cmocka_unit_test_setup_teardown(test_holding_is_read_as_it_was_written,
						scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_holding_read_refuses_what_it_does_not_know,
						scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
