/*
 * config_graph.c - "config graph": which job waits for which.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <unistd.h>

#include "base/buffer.h"
#include "base/err.h"
#include "compile/compile.h"
#include "compile/plan.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/config.h"
#include "ctl/graph.h"
#include "ctl/say.h"
#include "ctl/screen.h"
#include "ctl/table.h"
#include "format/json.h"
#include "runner/exit.h"

static int config_graph(int argc, char **argv);

static const struct option graph_options[] = {
	INPUT_OPTIONS,
	{"dot", 0, NULL, "print it for Graphviz"},
	{NULL, 0, NULL, NULL},
};

const struct command config_graph_command = {
	"config graph", "[FILE|-]", "show which job waits for which", graph_options, config_graph};

enum { COLUMNS_WITHOUT_TERMINAL = 100 };

static int
set_dot(void *arg, const struct option *option, const char *value, struct err *err)
{
	(void)option;
	(void)value;
	(void)err;
	*(bool *)arg = true;
	return 0;
}

static int
print_text(const struct plan *plan, bool dot)
{
	unsigned rows = 0, columns = COLUMNS_WITHOUT_TERMINAL;
	struct buffer text = BUFFER_INIT;
	int status;

	screen_size(STDOUT_FILENO, &rows, &columns);
	if (dot)
		graph_dot(&text, plan);
	else
		graph_text(&text, plan, columns);
	status = say_result(&text);
	buffer_release(&text);
	if (plan->workflow_count == 0)
		say_note("no workflow runs with these values");
	return status;
}

static int
print_json(const struct plan *plan)
{
	struct json *document = json_new_object(), *items = graph_json(plan);
	int status;

	json_put(document, "items", items);
	status = table_print(document, items, NULL);
	json_free(document);
	return status;
}

static int
config_graph(int argc, char **argv)
{
	struct input source;
	bool dot = false;
	int status;

	status = config_read(&source, &config_graph_command, argc, argv, set_dot, &dot);
	if (status == ARGS_GO)
		status = input_compile_aloud(&source, FEATURE_ALL);
	if (status == EXIT_OK && source.plan != NULL)
		status = globals()->json != JSON_FORM_NONE ? print_json(source.plan)
							   : print_text(source.plan, dot);
	input_release(&source);
	return status;
}
