/*
 * words_test.c - what people type: commands, slugs, variables; and what --help offers to shells.
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

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/commands.h"
#include "ctl/completion.h"
#include "ctl/environment.h"
#include "ctl/project.h"

/* --- commands ----------------------------------------------------------------------------------
 */

static const char *
found(const char *line, bool prefixes, int *used)
{
	static struct err err;
	static char copy[128];
	const struct command *command;
	char *words[8], *rest = copy;
	int n = 0;

	(void)snprintf(copy, sizeof(copy), "%s", line);
	while (n < 8 && (words[n] = strsep(&rest, " ")) != NULL)
		n++;
	memset(&err, 0, sizeof(err));
	if (commands_find(&command, n, words, prefixes, used, &err) < 0)
		return err.text;
	return command->name;
}

static void
test_commands_find_takes_other_names_plurals_and_prefixes(void **state)
{
	int used;

	(void)state;
	assert_string_equal(found("run -j 2", false, &used), "run");
	assert_int_equal(used, 1);
	assert_string_equal(found("local execute -c x", false, &used), "run");
	assert_int_equal(used, 2);
	assert_string_equal(found("jobs list", false, &used), "job list");
	assert_string_equal(found("job logs 12", false, &used), "logs");
	assert_int_equal(used, 2);
	assert_string_equal(found("resource-classes list", false, &used), "resource-class list");
	assert_string_equal(found("runner resource-class create a/b", false, &used),
			    "resource-class create");
	assert_int_equal(used, 3);
	assert_string_equal(found("runner instance list", false, &used), "agent list");
	assert_string_equal(found("pip sh x", true, &used), "pipeline show");
	assert_string_equal(found("comp bash", true, &used), "completion");
}

static void
test_commands_find_says_what_is_near_or_possible(void **state)
{
	int used;

	(void)state;
	assert_string_equal(found("rn", false, &used),
			    "there is no command 'rn': did you mean 'run'?");
	assert_string_equal(found("pip sh x", false, &used), "there is no command 'pip'");
	assert_string_equal(found("job", false, &used), "'job' needs one of list, show, cancel, rerun, keep");
	assert_string_equal(found("jobs frob", false, &used),
			    "there is no command 'job frob': it can be list, show, cancel, rerun, keep");
	assert_true(text_starts(found("p", true, &used), "there is no command 'p'"));
}

static void
test_every_command_has_help_and_its_own_name(void **state)
{
	const struct command *const *a, *const *b;
	const struct option *option;

	(void)state;
	for (a = commands; *a != NULL; a++) {
		assert_true((*a)->help != NULL && (*a)->help[0] != '\0' && (*a)->run != NULL);
		assert_false(text_ends((*a)->help, "."));
		for (b = commands; b != a; b++)
			assert_string_not_equal((*a)->name, (*b)->name);
		for (option = (*a)->options; option != NULL && option->name != NULL; option++)
			assert_true(option->help[0] >= 'a' ||
				    strchr("N.", option->help[0]) == NULL);
	}
}

/* --- slugs
 * ------------------------------------------------------------------------------------------ */

static void
test_project_slug_of_remote_knows_the_forms_of_urls(void **state)
{
	static const struct {
		const char *url, *slug;
	} rows[] = {
		{"https://github.com/ada/engine.git", "gh/ada/engine"},
		{"https://github.com/ada/engine", "gh/ada/engine"},
		{"https://ada@github.com:443/ada/engine/", "gh/ada/engine"},
		{"git@github.com:ada/engine.git", "gh/ada/engine"},
		{"ssh://git@gitlab.com/group/sub/engine.git", "gl/sub/engine"},
		{"https://bitbucket.org/ada/engine.git", "bb/ada/engine"},
		{"https://forge.example/ada/engine.git", "circleci/ada/engine"},
		{"/srv/git/engine.git", NULL},
		{"engine", NULL},
		{"https://github.com/", NULL},
		{"https://github.com/engine", NULL},
		{"", NULL},
	};
	char *slug;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		slug = project_slug_of_remote(rows[i].url);
		if (rows[i].slug == NULL)
			assert_null(slug);
		else
			assert_string_equal(slug, rows[i].slug);
		free(slug);
	}
}

/* --- variables
 * ---------------------------------------------------------------------------------------- */

static void
test_environment_takes_pairs_names_of_ours_and_files(void **state)
{
	struct environment environment = {0};
	struct err err = ERR_INIT;
	char path[] = "/tmp/words-test-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_true(write(fd, "# comment\nFILE=a=b\r\n\nHOME_OF_TEST\n", 34) == 34);
	assert_int_equal(setenv("HOME_OF_TEST", "ours", 1), 0);
	assert_int_equal(environment_add(&environment, "A=1", &err), 0);
	assert_int_equal(environment_add(&environment, "A=2", &err), 0);
	assert_int_equal(environment_add(&environment, "NOT_OURS_AT_ALL", &err), 0);
	assert_int_equal(environment_add_file(&environment, path, &err), 0);
	assert_int_equal(environment.count, 3);
	assert_string_equal(environment.pairs[0].value, "2");
	assert_string_equal(environment.pairs[1].value, "a=b");
	assert_string_equal(environment.pairs[2].value, "ours");
	environment_release(&environment);
	(void)close(fd);
	(void)unlink(path);
}

static void
test_environment_refuses_what_is_no_name_without_repeating_the_value(void **state)
{
	struct environment environment = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(environment_add(&environment, "1A=secret", &err), ERR_INPUT);
	assert_null(strstr(err.text, "secret"));
	assert_int_equal(environment_add(&environment, "=x", &err), ERR_INPUT);
	assert_int_equal(environment_add(&environment, "A B=x", &err), ERR_INPUT);
	assert_int_equal(environment_add_file(&environment, "/nonexistent/file", &err), ERR_HOST);
	environment_release(&environment);
}

/* --- completion
 * ----------------------------------------------------------------------------------------- */

static void
test_offer_read_help_reads_what_options_help_writes(void **state)
{
	static const struct option table[] = {
		{"config", 'c', "FILE", "the config"},
		{"json", 0, "[=lines]", "print JSON"},
		{"keep", 0, NULL, "keep what failed"},
		{"a-name-that-is-long", 0, "SHA256:HEXADECIMAL", "on the next line"},
		{NULL, 0, NULL, NULL},
	};
	struct offer_program program = {.name = "prog"};
	struct buffer text = BUFFER_INIT;
	struct offer_option *options;

	(void)state;
	(void)offer_add_command(&program, "", "");
	buffer_puts(&text, "usage: prog\n\nCommands:\n  serve         serve it\n  job list      "
			   "list them\n\nOptions:\n");
	options_help(&text, table);
	offer_read_help(&program, 0, buffer_text(&text));
	assert_int_equal(program.command_count, 3);
	assert_string_equal(program.commands[1].name, "serve");
	assert_string_equal(program.commands[2].name, "job list");
	assert_string_equal(program.commands[2].help, "list them");
	assert_int_equal(program.commands[0].option_count, 4);
	options = program.commands[0].options;
	assert_string_equal(options[0].name, "config");
	assert_int_equal(options[0].letter, 'c');
	assert_string_equal(options[0].value, "FILE");
	assert_string_equal(options[0].help, "the config");
	assert_string_equal(options[1].name, "json");
	assert_string_equal(options[1].value, "[=lines]");
	assert_string_equal(options[1].help, "print JSON");
	assert_string_equal(options[2].value, "");
	assert_string_equal(options[3].value, "SHA256:HEXADECIMAL");
	assert_string_equal(options[3].help, "on the next line");
	buffer_release(&text);
	offer_program_release(&program);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands_find_takes_other_names_plurals_and_prefixes),
		cmocka_unit_test(test_commands_find_says_what_is_near_or_possible),
		cmocka_unit_test(test_every_command_has_help_and_its_own_name),
		cmocka_unit_test(test_project_slug_of_remote_knows_the_forms_of_urls),
		cmocka_unit_test(test_environment_takes_pairs_names_of_ours_and_files),
		cmocka_unit_test(
			test_environment_refuses_what_is_no_name_without_repeating_the_value),
		cmocka_unit_test(test_offer_read_help_reads_what_options_help_writes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
