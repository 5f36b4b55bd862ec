/*
 * settings_test.c - runner-hub.yaml, and which class a job gets.
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
#include <unistd.h>

#include "base/err.h"
#include "hub/settings.h"

static int
read_text(struct settings *settings, const char *text, struct err *err)
{
	char path[] = "/tmp/runner-settings.XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	rc = settings_read(settings, path, err);
	unlink(path);
	return rc;
}

static void
test_a_file_is_read_and_the_command_line_wins(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	settings_init(&settings);
	settings.data_dir = "/from/the/command/line";
	assert_int_equal(read_text(&settings,
				   "listen: [unix:/a, 127.0.0.1:1]\ndata_dir: /x\npublic_url: https://h\n"
				   "default_resource_class: o/default\n"
				   "resource_class_map: {medium: o/m, arm.medium: o/arm}\n"
				   "resource_classes:\n  o/m: {docker_on_host: true}\n  o/arm:\n"
				   "log_level: debug\nlog_format: json\n",
				   &err),
			 0);
	assert_int_equal(settings.listen_count, 2);
	assert_string_equal(settings.listen[1], "127.0.0.1:1");
	assert_string_equal(settings.data_dir, "/from/the/command/line");
	assert_int_equal(settings.log_level, LOG_DEBUG);
	assert_true(settings.log_json);
	assert_string_equal(settings_class(&settings, "medium"), "o/m");
	assert_string_equal(settings_class(&settings, "arm.medium"), "o/arm");
	assert_string_equal(settings_class(&settings, "large"), "o/default");
	assert_string_equal(settings_class(&settings, NULL), "o/default");
	assert_string_equal(settings_class(&settings, "a/b"), "a/b");
	assert_true(settings_docker_on_host(&settings, "o/m"));
	assert_false(settings_docker_on_host(&settings, "o/arm"));
	assert_true(settings_any_docker_on_host(&settings));
	assert_int_equal(settings_complete(&settings, &err), 0);
	assert_string_equal(settings.key_file, "/from/the/command/line/secret.key");
	assert_string_equal(settings.oidc_issuer, "https://h");
	settings_release(&settings);
}

static void
test_what_is_wrong_is_shown_with_its_place(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"nothing: 1\n", ":1:1: there is no setting 'nothing'"},
		{"data_dir: [a]\n", ":1:11: a string is meant"},
		{"insecure: maybe\n", ":1:11: true or false is meant"},
		{"- a\n", "a map of settings"},
		{"resource_classes: {o/x: {y: 1}}\n", "a class has no setting 'y'"},
		{"log_level: loud\n", ":1:12: "},
		{"data_dir: 'x\n", ":"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings settings;
		struct err err = ERR_INIT;

		settings_init(&settings);
		assert_int_equal(read_text(&settings, cases[i].text, &err), ERR_INPUT);
		assert_non_null(strstr(err.text, cases[i].says));
		settings_release(&settings);
	}
}

static void
test_a_private_hub_takes_every_class(void **state)
{
	struct settings settings;

	(void)state;
	settings_init(&settings);
	assert_null(settings_class(&settings, NULL));
	assert_null(settings_class(&settings, "large"));
	settings.is_private = true;
	assert_string_equal(settings_class(&settings, "large"), "large");
	assert_string_equal(settings_class(&settings, NULL), "local");
	assert_true(settings_docker_on_host(&settings, "large"));
	settings_release(&settings);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_is_read_and_the_command_line_wins),
		cmocka_unit_test(test_what_is_wrong_is_shown_with_its_place),
		cmocka_unit_test(test_a_private_hub_takes_every_class),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
