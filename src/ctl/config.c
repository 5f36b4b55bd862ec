/*
 * config.c - "config validate", "config process": the compiler by itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/config.h"

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "compile/compile.h"
#include "compile/plan.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "format/json.h"
#include "loop/loop.h"
#include "runner/exit.h"

static int config_validate(int argc, char **argv);
static int config_process(int argc, char **argv);

static const struct option validate_options[] = {
	INPUT_OPTIONS,
	{"all", 0, NULL, "accept what the language has and this version cannot run yet"},
	{NULL, 0, NULL, NULL},
};

static const struct option process_options[] = {INPUT_OPTIONS, {NULL, 0, NULL, NULL}};

const struct command config_validate_command = {"config validate", "[FILE|-]",
						"say what is wrong with a config", validate_options,
						config_validate};
const struct command config_process_command = {"config process", "[FILE|-]",
					       "print a config with everything expanded",
					       process_options, config_process};

/* --- what the commands share ------------------------------------------------------------ */

struct words {
	struct input *source;
	option_set_fn *set;
	void *arg;
};

/* True for the rows that INPUT_OPTIONS has. */
static bool
is_of_input(const struct option *option)
{
	static const struct option rows[] = {INPUT_OPTIONS};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (text_eq(option->name, rows[i].name))
			return true;
	return false;
}

static int
set_word(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct words *words = arg;

	if (is_of_input(option))
		return input_set(words->source, option, value, err);
	return words->set(words->arg, option, value, err);
}

int
config_read(struct input *source, const struct command *command, int argc, char **argv,
	    option_set_fn *set, void *arg)
{
	struct words words = {source, set, arg};
	struct err err = ERR_INIT;
	struct loop *loop;
	int count, status;

	input_init(source);
	status = args_read(command, argc, argv, &count, set_word, &words);
	if (status == ARGS_GO)
		status = args_count(command, count, 0, 1);
	if (status != ARGS_GO)
		return status;
	if (count == 1)
		source->file = argv[0];
	if (loop_new(&loop, &err) < 0)
		return say_error(&err);
	if (input_read(source, loop, &err) < 0) {
		(void)say_error(&err);
		status = EXIT_USAGE;
	}
	loop_free(loop);
	return status;
}

int
config_compile(struct input *source, const struct command *command, uint64_t features, int argc,
	       char **argv)
{
	int status = config_read(source, command, argc, argv, NULL, NULL);

	return status == ARGS_GO ? input_compile_aloud(source, features) : status;
}

/* --- validate --------------------------------------------------------------------------- */

static int
set_all(void *arg, const struct option *option, const char *value, struct err *err)
{
	(void)option;
	(void)value;
	(void)err;
	*(bool *)arg = true;
	return 0;
}

static int
print_verdict(const struct input *source, const struct diags *diags)
{
	struct json *verdict = json_new_object();
	int status;

	json_put_bool(verdict, "valid", source->plan != NULL);
	json_put_str(verdict, "path", source->path);
	json_put(verdict, "diagnostics", diags_describe(diags));
	status = say_json(verdict);
	json_free(verdict);
	return status;
}

static int
config_validate(int argc, char **argv)
{
	struct input source;
	struct diags *diags = NULL;
	bool all = false;
	int status;

	status = config_read(&source, &config_validate_command, argc, argv, set_all, &all);
	if (status == ARGS_GO) {
		(void)input_compile(&source, all ? FEATURE_ALL : FEATURE_CARRIED_OUT, &diags);
		status = source.plan != NULL ? EXIT_OK : EXIT_NO;
		if (globals()->json != JSON_FORM_NONE) {
			if (print_verdict(&source, diags) != EXIT_OK)
				status = EXIT_REFUSED;
		} else {
			input_say_diags(diags);
			if (source.plan != NULL)
				say_note("config '%s' is valid", source.path);
		}
		diags_free(diags);
	}
	input_release(&source);
	return status;
}

/* --- process ------------------------------------------------------------------------------ */

static int
config_process(int argc, char **argv)
{
	struct input source;
	struct buffer text = BUFFER_INIT;
	int status;

	status = config_compile(&source, &config_process_command, FEATURE_ALL, argc, argv);
	if (status == EXIT_OK && source.plan != NULL) {
		plan_process(source.plan, &text);
		status = say_result(&text);
		buffer_release(&text);
	}
	input_release(&source);
	return status;
}
