/*
 * settings_test.c - command line over environment over runnerd.yaml.
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
#include <unistd.h>

#include <cmocka.h>

#include "agent/settings.h"
#include "base/err.h"
#include "base/text.h"

enum { ARGS_MOST = 16 };

static char dir[64], yaml[96], tokens[96];

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) >= 0, 1);
	assert_int_equal(fclose(file), 0);
}

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/settings_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(yaml, sizeof(yaml), "%s/runnerd.yaml", dir);
	(void)snprintf(tokens, sizeof(tokens), "%s/tokens", dir);
	write_file(tokens, "# the class acme/large\n\n  abc123\r\ndef456\n");
	write_file(yaml, "hub: unix:/x\n");
	(void)unsetenv("RUNNERD_JOBS");
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	(void)unsetenv("CIRCLECI_RUNNER_NAME");
	(void)unsetenv("CIRCLECI_RUNNER_API_AUTH_TOKEN");
	(void)unsetenv("CIRCLECI_RUNNER_COMMAND_PREFIX");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(yaml);
	(void)unlink(tokens);
	return rmdir(dir);
}

/* The words after the program's name end with NULL. */
static int
load(struct settings *settings, struct err *err, ...)
{
	char *argv[ARGS_MOST] = {(char *)"runnerd"};
	int argc = 1;
	va_list ap;

	va_start(ap, err);
	while ((argv[argc] = va_arg(ap, char *)) != NULL)
		argc++;
	va_end(ap);
	return settings_load(settings, argc, argv, err);
}

static void
test_settings_load_takes_the_line_then_the_environment_then_the_file(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	write_file(yaml, "hub: unix:/x\njobs: 2\ngrace: 3s\noutput_memory: 8M\n");
	assert_int_equal(load(&settings, &err, "-c", yaml, "--token-file", tokens, NULL), 0);
	assert_int_equal(settings.jobs, 2);
	settings_release(&settings);
	assert_int_equal(setenv("RUNNERD_JOBS", "3", 1), 0);
	assert_int_equal(load(&settings, &err, "-c", yaml, "--token-file", tokens, NULL), 0);
	assert_int_equal(settings.jobs, 3);
	settings_release(&settings);
	assert_int_equal(load(&settings, &err, "-c", yaml, "--token-file", tokens, "-j5", NULL), 0);
	assert_int_equal(settings.jobs, 5);
	assert_int_equal(settings.slots.total, 5);
	assert_int_equal(settings.grace_ms, 3000);
	assert_int_equal(settings.output_memory, 8 << 20);
	assert_string_equal(settings.hub, "unix:/x");
	settings_release(&settings);
}

static void
test_settings_load_reads_one_token_a_line(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(load(&settings, &err, "-c", yaml, "--token-file", tokens, NULL), 0);
	assert_int_equal(settings.slots.class_count, 2);
	assert_string_equal(settings.slots.classes[0].token, "abc123");
	assert_string_equal(settings.slots.classes[1].token, "def456");
	settings_release(&settings);
}

static void
test_settings_load_refuses_a_token_of_two_words(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	write_file(tokens, "ab cd\n");
	assert_int_equal(load(&settings, &err, "-c", yaml, "--token-file", tokens, NULL),
			 ERR_INPUT);
	assert_non_null(strstr(err.text, "tokens:1:"));
	assert_null(strstr(err.text, "cd")); /* no part of a token in a message */
}

static void
test_settings_load_takes_the_credential_when_no_file_is_named(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/token", dir);
	write_file(path, "from-systemd\n");
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	assert_int_equal(load(&settings, &err, "-c", yaml, NULL), 0);
	assert_string_equal(settings.slots.classes[0].token, "from-systemd");
	settings_release(&settings);
	(void)unlink(path);
}

static void
test_settings_load_needs_a_hub_and_a_token(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(load(&settings, &err, "-c", yaml, NULL), ERR_INPUT);
	assert_non_null(err.hint);
	write_file(yaml, "# nothing\n");
	assert_int_equal(load(&settings, &err, "-c", yaml, "--token-file", tokens, NULL),
			 ERR_INPUT);
	assert_string_equal(err.text, "no hub is named");
}

static void
test_settings_load_names_line_and_nearest_of_an_unknown_key(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	write_file(yaml, "hub: unix:/x\noutput_memry: 8M\n");
	assert_int_equal(load(&settings, &err, "-c", yaml, NULL), ERR_INPUT);
	assert_string_equal(err.text,
			    "runnerd.yaml:2: output_memry is no setting of runnerd: did you mean "
			    "'output_memory'?");
}

static void
test_settings_load_names_line_and_key_of_a_bad_value(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	write_file(yaml, "hub: unix:/x\ngrace: soon\n");
	assert_int_equal(load(&settings, &err, "-c", yaml, NULL), ERR_INPUT);
	assert_true(text_starts(err.text, "runnerd.yaml:2: grace: "));
	write_file(yaml, "jobs: [1, 2]\n");
	assert_int_equal(load(&settings, &err, "-c", yaml, NULL), ERR_INPUT);
	assert_true(text_starts(err.text, "runnerd.yaml:1: jobs must be one value"));
}

static void
test_settings_load_reads_classes_with_what_they_reserve(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;
	char text[512];

	(void)state;
	(void)snprintf(
		text, sizeof(text),
		"hub: unix:/x\njobs: 64\n"
		"resource_classes:\n"
		"  - {name: acme/large, token_file: %s, cpus: 4, memory: 1G, devices: {gpu: 1}}\n"
		"capacity: {cpus: 16, memory: 2G, devices: {gpu: 4}}\n",
		tokens);
	write_file(yaml, text);
	assert_int_equal(load(&settings, &err, "-c", yaml, NULL), 0);
	assert_string_equal(settings.slots.classes[0].name, "acme/large");
	assert_int_equal(slots_room(&settings.slots, 0), 2);
	settings_release(&settings);
}

static void
test_settings_load_reads_isolation_of_the_host_and_of_classes(void **state)
{
	char text[1024];
	const struct isolation *isolation;
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	(void)snprintf(text, sizeof(text),
		       "hub: unix:/x\nisolation: {level: namespace, home: overlay, hidden: [/srv/, /mnt]}\n"
		       "resource_classes:\n"
		       "  - {name: a/plain, token_file: %s}\n"
		       "  - {name: a/none, token_file: %s, isolation: none}\n"
		       "  - {name: a/alone, token_file: %s, isolation: {network: none, read_only: [/opt], "
		       "metadata_address: block, privileges: keep}}\n",
		       tokens, tokens, tokens);
	write_file(yaml, text);
	assert_int_equal(load(&settings, &err, "-c", yaml, NULL), 0);
	isolation = isolations_of(&settings.isolations, "a/plain");
	assert_int_equal(isolation->level, ISOLATION_NAMESPACE);
	assert_int_equal(isolation->home, ISOLATION_HOME_OVERLAY);
	assert_int_equal(isolation->hidden_count, 2);
	assert_string_equal(isolation->hidden[0], "/srv");
	assert_ptr_equal(isolation, isolations_of(&settings.isolations, "a/other"));
	isolation = isolations_of(&settings.isolations, "a/none");
	assert_int_equal(isolation->level, ISOLATION_NONE);
	isolation = isolations_of(&settings.isolations, "a/alone");
	assert_int_equal(isolation->level, ISOLATION_NAMESPACE); /* the host's */
	assert_int_equal(isolation->network, ISOLATION_NETWORK_NONE);
	assert_int_equal(isolation->home, ISOLATION_HOME_PRIVATE);
	assert_int_equal(isolation->hidden_count, 0);
	assert_string_equal(isolation->read_only[0], "/opt");
	assert_true(isolation->keeps_privileges);
	settings_release(&settings);
	/* The line's level stands above that of the file, and of classes that say none. */
	assert_int_equal(load(&settings, &err, "-c", yaml, "--isolation", "auto", NULL), 0);
	assert_int_equal(isolations_of(&settings.isolations, "a/plain")->level, ISOLATION_AUTO);
	assert_int_equal(isolations_of(&settings.isolations, "a/alone")->level, ISOLATION_AUTO);
	assert_int_equal(isolations_of(&settings.isolations, "a/none")->level, ISOLATION_NONE);
	settings_release(&settings);
}

static void
test_settings_load_refuses_isolation_that_does_not_go_together(void **state)
{
	static const struct {
		const char *isolation, *says;
	} wrong[] = {
		{"strong", "isolation 'strong' is not known: it is auto, none, user or namespace"},
		{"{level: none, network: none}", "isolation none has the host's own files and network"},
		{"{hidden: [srv]}", "hidden: 'srv' is not an absolute path below /"},
		{"{hidden: [/]}", "hidden: '/' is not an absolute path below /"},
		{"{hidden: /srv}", "hidden must be a list of paths"},
		{"{home: shared}", "home 'shared' is not known: it is private or overlay"},
		{"{homes: private}", "'homes' is none of level"},
		{"[none]", "isolation must be one value"},
	};
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct settings settings;
		struct err err = ERR_INIT;

		(void)snprintf(text, sizeof(text), "hub: unix:/x\ntoken_file: %s\nisolation: %s\n",
			       tokens, wrong[i].isolation);
		write_file(yaml, text);
		assert_int_equal(load(&settings, &err, "-c", yaml, NULL), ERR_INPUT);
		if (strstr(err.text, wrong[i].says) == NULL)
			fail_msg("'%s' says '%s'", wrong[i].isolation, err.text);
	}
}

static void
test_settings_load_reads_who_is_let_into_a_class(void **state)
{
	char text[512];
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	(void)snprintf(text, sizeof(text),
		       "hub: unix:/x\nresource_classes:\n  - {name: a/a, token_file: %s}\n"
		       "  - {name: a/b, token_file: %s, attach: false}\n"
		       "  - {name: a/c, token_file: %s, attach: true}\n",
		       tokens, tokens, tokens);
	write_file(yaml, text);
	assert_int_equal(load(&settings, &err, "-c", yaml, NULL), 0);
	assert_int_equal(settings.slots.classes[slots_class_of(&settings.slots, "a/a")].attach, SLOTS_ATTACH_UNSAID);
	assert_int_equal(settings.slots.classes[slots_class_of(&settings.slots, "a/b")].attach, SLOTS_ATTACH_NO);
	assert_int_equal(settings.slots.classes[slots_class_of(&settings.slots, "a/c")].attach, SLOTS_ATTACH_YES);
	settings_release(&settings);
	(void)snprintf(text, sizeof(text),
		       "hub: unix:/x\nresource_classes:\n  - {name: a/a, token_file: %s, attach: sometimes}\n", tokens);
	write_file(yaml, text);
	assert_int_equal(load(&settings, &err, "-c", yaml, NULL), ERR_INPUT);
	assert_non_null(strstr(err.text, "attach must be true or false"));
}

static void
test_settings_load_refuses_a_class_without_a_token(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	write_file(yaml, "hub: unix:/x\nresource_classes:\n  - name: acme/large\n");
	assert_int_equal(load(&settings, &err, "-c", yaml, NULL), ERR_INPUT);
	assert_non_null(strstr(err.text, "runnerd.yaml:3"));
	assert_non_null(strstr(err.text, "token_file"));
}

static void
test_settings_load_reads_how_far_a_class_may_press(void **state)
{
	static const struct {
		const char *keys, *refused;
	} wrong[] = {
		{"cpu_max: 0", "cpu_max is '0': a number of processors is between 0.01 and 65536"},
		{"cpu_max: 0.005", "cpu_max is '0.005'"},
		{"cpu_max: 1.x", "cpu_max is '1.x'"},
		{"cpu_max: .5", "cpu_max is '.5'"},
		{"cpu_max: 1.", "cpu_max is '1.'"},
		{"cpu_max: 65537", "cpu_max is '65537'"},
		{"cpu_max: [1]", "cpu_max must be a number of processors"},
		{"cpu_weight: 0", "cpu_weight is 0: a weight is between 1 and 10000"},
		{"io_weight: 10001", "io_weight is 10001: a weight is between 1 and 10000"},
		{"memory: 1G, memory_high: 2G", "has a memory_high above its memory"},
	};
	struct settings settings;
	struct err err = ERR_INIT;
	char text[512];
	size_t i;

	(void)state;
	(void)snprintf(text, sizeof(text),
		       "hub: unix:/x\nresource_classes:\n"
		       "  - {token_file: %s, memory: 1G, memory_high: 1G, cpu_max: 1.5, cpu_weight: 300, io_weight: 1}\n"
		       "  - {name: a, token_file: %s, memory_high: 1M, cpu_max: 0.07}\n"
		       "  - {name: b, token_file: %s, cpu_max: 2}\n",
		       tokens, tokens, tokens);
	write_file(yaml, text);
	assert_int_equal(load(&settings, &err, "-c", yaml, NULL), 0);
	assert_int_equal(settings.slots.classes[0].throttle.memory_high_bytes, 1 << 30);
	assert_int_equal(settings.slots.classes[0].throttle.cpu_hundredths, 150);
	assert_int_equal(settings.slots.classes[0].throttle.cpu_weight, 300);
	assert_int_equal(settings.slots.classes[0].throttle.io_weight, 1);
	assert_int_equal(settings.slots.classes[2].throttle.cpu_hundredths, 7);
	assert_int_equal(settings.slots.classes[2].throttle.cpu_weight, 0);
	assert_int_equal(settings.slots.classes[4].throttle.cpu_hundredths, 200);
	settings_release(&settings);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(text, sizeof(text), "hub: unix:/x\nresource_classes:\n  - {token_file: %s, %s}\n",
			       tokens, wrong[i].keys);
		write_file(yaml, text);
		assert_int_equal(load(&settings, &err, "-c", yaml, NULL), ERR_INPUT);
		assert_non_null(strstr(err.text, wrong[i].refused));
	}
}

static void
test_settings_load_refuses_what_is_out_of_range(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(load(&settings, &err, "-c", yaml, "-j0", NULL), ERR_INPUT);
	assert_int_equal(load(&settings, &err, "-c", yaml, "-j4097", NULL), ERR_INPUT);
	assert_int_equal(load(&settings, &err, "-c", yaml, "--mode=once", NULL), ERR_INPUT);
	assert_int_equal(load(&settings, &err, "-c", yaml, "--output-zstd-level=20", NULL),
			 ERR_INPUT);
	assert_int_equal(load(&settings, &err, "-c", yaml, "--log-level=loud", NULL), ERR_INPUT);
	assert_int_equal(load(&settings, &err, "-c", yaml, "operand", NULL), ERR_INPUT);
}

static void
test_settings_load_needs_nothing_when_help_is_asked(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	write_file(yaml, "# nothing\n");
	assert_int_equal(load(&settings, &err, "-c", yaml, "--help", NULL), 0);
	assert_true(settings.help);
	settings_release(&settings);
}

static void
test_settings_load_line_list_replaces_the_files(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	write_file(yaml, "hub: unix:/x\ntoken_file: [/a, /b]\n");
	assert_int_equal(load(&settings, &err, "-c", yaml, "--token-file", tokens, NULL), 0);
	assert_int_equal(settings.token_file_count, 1);
	settings_release(&settings);
}

static void
assert_prefix(const struct settings *settings, const char *first, const char *second)
{
	assert_non_null(settings->command_prefix);
	assert_string_equal(settings->command_prefix[0], first);
	assert_string_equal(settings->command_prefix[1], second);
	assert_null(settings->command_prefix[2]);
}

static void
test_settings_load_takes_a_command_prefix_in_each_form(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	write_file(yaml, "hub: unix:/x\ncommand_prefix: [nice, -n 5]\n");
	assert_int_equal(load(&settings, &err, "-c", yaml, "--token-file", tokens, NULL), 0);
	assert_prefix(&settings, "nice", "-n 5");
	assert_true(settings.attach);
	assert_int_equal(settings.keep_failed_ms, 0);
	assert_int_equal(settings.keep_failed_max, SETTINGS_KEPT);
	assert_true(settings.cleanup_working_directory);
	settings_release(&settings);
	assert_int_equal(load(&settings, &err, "-c", yaml, "--token-file", tokens,
			      "--command-prefix", " sudo\t-n ", "--cleanup-working-directory", "no",
			      NULL),
			 0);
	assert_prefix(&settings, "sudo", "-n");
	assert_false(settings.cleanup_working_directory);
	settings_release(&settings);
	assert_int_equal(load(&settings, &err, "-c", yaml, "--token-file", tokens,
			      "--command-prefix", "['a b', \"--\"]", NULL),
			 0);
	assert_prefix(&settings, "a b", "--");
	settings_release(&settings);
	assert_int_equal(load(&settings, &err, "-c", yaml, "--token-file", tokens,
			      "--command-prefix", "", NULL),
			 0);
	assert_null(settings.command_prefix);
	settings_release(&settings);
}

static void
test_settings_load_refuses_a_command_prefix_that_is_no_list_of_words(void **state)
{
	static const char *const bad[] = {"[\"sudo\"", "[\"sudo\", [7]]", "[\"\"]"};
	struct settings settings;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = (struct err)ERR_INIT;
		assert_int_equal(load(&settings, &err, "-c", yaml, "--command-prefix", bad[i], NULL),
				 ERR_INPUT);
		assert_non_null(strstr(err.text, "--command-prefix: "));
	}
	err = (struct err)ERR_INIT;
	write_file(yaml, "hub: unix:/x\ncommand_prefix:\n- a\n- [b]\n");
	assert_int_equal(load(&settings, &err, "-c", yaml, NULL), ERR_INPUT);
	assert_non_null(strstr(err.text, ": command_prefix: word 2 of the list is"));
}

static const char circleci[] = "api:\n"
			       "  auth_token: \"c0ffee\"\n"
			       "  url: https://runner.circleci.com\n"
			       "runner:\n"
			       "  name: \"big (1)\"\n"
			       "  task_agent_directory: /opt/circleci\n"
			       "  command_prefix: [\"nice\", \"-n5\"]\n"
			       "  working_directory: /srv/work\n"
			       "  cleanup_working_directory: false\n"
			       "  mode: single-task\n"
			       "  max_run_time: 1h30m20s\n"
			       "  idle_timeout: 72h\n"
			       "  ssh:\n"
			       "    advertise_addr: host:54782\n"
			       "logging:\n"
			       "  level: debug\n"
			       "  format: json\n"
			       "  file: \"-\"\n";

static void
test_settings_load_takes_the_file_of_the_machine_runner(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;
	uint64_t warned = log_count(LOG_WARN);

	(void)state;
	write_file(yaml, circleci);
	assert_int_equal(load(&settings, &err, "-c", yaml, "--hub", "unix:/x", NULL), 0);
	assert_string_equal(settings.hub, "unix:/x");
	assert_int_equal(settings.slots.class_count, 1);
	assert_string_equal(settings.slots.classes[0].token, "c0ffee");
	assert_string_equal(settings.name, "big (1)");
	assert_string_equal(settings.work_dir, "/srv/work");
	assert_prefix(&settings, "nice", "-n5");
	assert_false(settings.cleanup_working_directory);
	assert_string_equal(settings.mode, "single-task");
	assert_int_equal(settings.max_run_time_ms, 5420000);
	assert_int_equal(settings.idle_timeout_ms, 72 * 3600000);
	assert_int_equal(settings.log_level, LOG_DEBUG);
	assert_true(settings.log_json);
	assert_int_equal(log_count(LOG_WARN) - warned, 2); /* task agent, SSH */
	settings_release(&settings);
}

static void
test_settings_load_puts_variables_of_the_machine_runner_above_its_file(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	write_file(yaml, circleci);
	assert_int_equal(setenv("CIRCLECI_RUNNER_NAME", "other", 1), 0);
	assert_int_equal(setenv("CIRCLECI_RUNNER_API_AUTH_TOKEN", "7ea", 1), 0);
	assert_int_equal(setenv("CIRCLECI_RUNNER_COMMAND_PREFIX", "['/opt/w.sh', 'a b']", 1), 0);
	assert_int_equal(load(&settings, &err, "-c", yaml, "--hub", "unix:/x", NULL), 0);
	assert_string_equal(settings.name, "other");
	assert_string_equal(settings.slots.classes[0].token, "7ea");
	assert_prefix(&settings, "/opt/w.sh", "a b");
	settings_release(&settings);
	assert_int_equal(load(&settings, &err, "-c", yaml, "--hub", "unix:/x", "--token-file",
			      tokens, "--name", "mine", NULL),
			 0);
	assert_string_equal(settings.name, "mine");
	assert_int_equal(settings.slots.class_count, 2);
	assert_string_equal(settings.slots.classes[0].token, "abc123");
	settings_release(&settings);
}

/* Every variable of the machine runner's reference. */
static void
test_settings_load_takes_the_variables_of_the_machine_runner(void **state)
{
	static const char *const variables[][2] = {
		{"CIRCLECI_RUNNER_API_AUTH_TOKEN", "c0ffee"},
		{"CIRCLECI_RUNNER_API_URL", "https://hub.example.org"},
		{"CIRCLECI_RUNNER_NAME", "big (1)"},
		{"CIRCLECI_RUNNER_TASK_AGENT_DIRECTORY", "/opt/circleci"},
		{"CIRCLECI_RUNNER_COMMAND_PREFIX", "['nice', '-n5']"},
		{"CIRCLECI_RUNNER_WORK_DIR", "/srv/work"},
		{"CIRCLECI_RUNNER_CLEANUP_WORK_DIR", "false"},
		{"USE_HOME_SSH_DIR_FOR_CHECKOUT_KEYS", "true"},
		{"CIRCLECI_RUNNER_MODE", "single-task"},
		{"CIRCLECI_RUNNER_CACHE_TASK_AGENT", "true"},
		{"CIRCLECI_RUNNER_MAX_RUN_TIME", "1h30m20s"},
		{"CIRCLECI_RUNNER_IDLE_TIMEOUT", "72h"},
		{"CIRCLECI_RUNNER_SSH_ADVERTISE_ADDR", "host:54782"},
		{"CIRCLECI_RUNNER_LOGGING_LEVEL", "debug"},
		{"CIRCLECI_RUNNER_LOGGING_FORMAT", "json"},
		{"CIRCLECI_RUNNER_LOGGING_FILE", "-"},
	};
	struct settings settings;
	struct err err = ERR_INIT;
	uint64_t warned = log_count(LOG_WARN);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		assert_int_equal(setenv(variables[i][0], variables[i][1], 1), 0);
	write_file(yaml, "# nothing\n");
	assert_int_equal(load(&settings, &err, "-c", yaml, NULL), 0);
	for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		assert_int_equal(unsetenv(variables[i][0]), 0);
	assert_string_equal(settings.hub, "https://hub.example.org");
	assert_string_equal(settings.slots.classes[0].token, "c0ffee");
	assert_string_equal(settings.name, "big (1)");
	assert_string_equal(settings.work_dir, "/srv/work");
	assert_prefix(&settings, "nice", "-n5");
	assert_false(settings.cleanup_working_directory);
	assert_string_equal(settings.mode, "single-task");
	assert_int_equal(settings.max_run_time_ms, 5420000);
	assert_int_equal(settings.idle_timeout_ms, 72 * 3600000);
	assert_int_equal(settings.log_level, LOG_DEBUG);
	assert_true(settings.log_json);
	/* Those without a counterpart: directory and cache of a task agent, keys in HOME, SSH. */
	assert_int_equal(log_count(LOG_WARN) - warned, 4);
	settings_release(&settings);
}

static void
test_settings_load_takes_the_url_of_a_server_as_the_hub(void **state)
{
	struct settings settings;
	struct err err = ERR_INIT;

	(void)state;
	write_file(yaml, "api: {auth_token: t, url: 'https://hub.example.org'}\nrunner:\n");
	assert_int_equal(load(&settings, &err, "-c", yaml, NULL), 0);
	assert_string_equal(settings.hub, "https://hub.example.org");
	settings_release(&settings);
	write_file(yaml, circleci);
	assert_int_equal(load(&settings, &err, "-c", yaml, NULL), ERR_INPUT);
	assert_string_equal(err.text, "no hub is named");
}

static void
test_settings_load_refuses_what_the_machine_runner_does_not_know(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"runner:\n  nam: x\n", "runnerd.yaml:2: runner.nam is no setting of CircleCI's "
					"machine runner: did you mean 'runner.name'?"},
		{"runner:\n  ssh:\n    advertise_adr: x\n", "did you mean 'runner.ssh.advertise_addr'"},
		{"api:\n  auth_token: t\nlogin:\n  a: b\n", "runnerd.yaml:3: login is no setting"},
		{"runner: 7\n", "runnerd.yaml:1: runner must be a map"},
		{"runner:\n  name: [a]\n", "runnerd.yaml:2: runner.name must be one value"},
		{"runner:\n  max_run_time: soon\n", "runnerd.yaml:2: runner.max_run_time: 'soon'"},
		{"runner:\n  command_prefix: [[a]]\n", "runnerd.yaml:2: runner.command_prefix: word 1"},
		{"logging:\n  format: xml\n", "runnerd.yaml:2: logging.format: 'xml'"},
		{"api:\n  auth_token: two words\n", "api.auth_token: a token is one word"},
	};
	struct settings settings;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_INIT;

		write_file(yaml, bad[i].text);
		assert_int_equal(load(&settings, &err, "-c", yaml, "--hub", "unix:/x", NULL),
				 ERR_INPUT);
		assert_non_null(strstr(err.text, bad[i].says));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_settings_load_takes_the_line_then_the_environment_then_the_file),
		TEST(test_settings_load_reads_one_token_a_line),
		TEST(test_settings_load_refuses_a_token_of_two_words),
		TEST(test_settings_load_takes_the_credential_when_no_file_is_named),
		TEST(test_settings_load_needs_a_hub_and_a_token),
		TEST(test_settings_load_names_line_and_nearest_of_an_unknown_key),
		TEST(test_settings_load_names_line_and_key_of_a_bad_value),
		TEST(test_settings_load_reads_classes_with_what_they_reserve),
		TEST(test_settings_load_reads_how_far_a_class_may_press),
		TEST(test_settings_load_reads_isolation_of_the_host_and_of_classes),
		TEST(test_settings_load_refuses_isolation_that_does_not_go_together),
		TEST(test_settings_load_reads_who_is_let_into_a_class),
		TEST(test_settings_load_refuses_a_class_without_a_token),
		TEST(test_settings_load_refuses_what_is_out_of_range),
		TEST(test_settings_load_needs_nothing_when_help_is_asked),
		TEST(test_settings_load_line_list_replaces_the_files),
		TEST(test_settings_load_takes_a_command_prefix_in_each_form),
		TEST(test_settings_load_refuses_a_command_prefix_that_is_no_list_of_words),
		TEST(test_settings_load_takes_the_file_of_the_machine_runner),
		TEST(test_settings_load_puts_variables_of_the_machine_runner_above_its_file),
		TEST(test_settings_load_takes_the_variables_of_the_machine_runner),
		TEST(test_settings_load_takes_the_url_of_a_server_as_the_hub),
		TEST(test_settings_load_refuses_what_the_machine_runner_does_not_know),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
