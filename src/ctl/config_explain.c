/*
 * config_explain.c - "config explain": what a diagnostic's code means.
 *
 * The texts are the compiler's own (compile/diag.h). doc/config-errors.md is what
 * --markdown prints; a test compares the two.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "compile/diag.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "ctl/table.h"
#include "format/json.h"
#include "runner/exit.h"

static int config_explain(int argc, char **argv);

static const struct option explain_options[] = {
	{"markdown", 0, NULL, "print all of them as a page"},
	{NULL, 0, NULL, NULL},
};

const struct command config_explain_command = {"config explain", "[CODE]",
					       "say what a diagnostic's code means",
					       explain_options, config_explain};

enum { CODE_MAX_BYTES = 64, LINE_COLUMNS = 80 };

static int
set_markdown(void *arg, const struct option *option, const char *value, struct err *err)
{
	(void)option;
	(void)value;
	(void)err;
	*(bool *)arg = true;
	return 0;
}

/* --- one code ------------------------------------------------------------------------- */

/* "e_type" and "TYPE" are E_TYPE, too; NULL: no such code. */
static const char *
find_code(const char *typed)
{
	const char *code;
	size_t i;

	for (i = 0; (code = diag_code(i)) != NULL; i++)
		if (strcasecmp(code, typed) == 0 || strcasecmp(code + 2, typed) == 0)
			return code;
	return NULL;
}

static int
refuse_code(const char *typed, struct err *err)
{
	char upper[CODE_MAX_BYTES];
	const char *code, *nearest = NULL;
	unsigned distance, best = 4;
	size_t i;

	for (i = 0; typed[i] != '\0' && i < sizeof(upper) - 1; i++)
		upper[i] = (char)toupper((unsigned char)typed[i]);
	upper[i] = '\0';
	for (i = 0; (code = diag_code(i)) != NULL; i++) {
		distance = text_distance(upper, code, 3);
		if (distance < best) {
			best = distance;
			nearest = code;
		}
	}
	if (nearest != NULL)
		return err_set(err, ERR_INPUT, "there is no code '%s': did you mean '%s'?", upper,
			       nearest);
	if (err_set(err, ERR_INPUT, "there is no code '%s'", upper) < 0)
		err_hint(err, "'runnerctl config explain' lists the codes");
	return err->code;
}

static const char *
severity_of(const char *code)
{
	return code[0] == 'W' ? "warning" : "error";
}

/* A paragraph of prose in lines a terminal has room for. */
static void
wrap(struct buffer *out, const char *text, size_t len)
{
	size_t column = 0, word;

	while (len > 0) {
		for (word = 0; word < len && text[word] != ' ';)
			word++;
		if (column > 0)
			buffer_puts(out, column + 1 + word > LINE_COLUMNS ? "\n" : " ");
		column = column > 0 && column + 1 + word <= LINE_COLUMNS ? column + 1 + word : word;
		buffer_putn(out, text, word);
		word += word < len;
		text += word;
		len -= word;
	}
	buffer_puts(out, "\n");
}

/* The text, then the example as a block: indented by four, as Markdown has code. */
static void
write_text(struct buffer *out, const char *code)
{
	const char *text = diag_explain(code), *line = diag_example(code), *end;

	wrap(out, text, strlen(text));
	if (line != NULL)
		buffer_puts(out, "\n");
	for (; line != NULL && *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		buffer_printf(out, "    %.*s\n", (int)(end - line), line);
	}
}

static struct json *
describe(const char *code)
{
	struct json *item = json_new_object();

	json_put_str(item, "code", code);
	json_put_str(item, "severity", severity_of(code));
	json_put_str(item, "text", diag_explain(code));
	json_put_str(item, "example", diag_example(code));
	return item;
}

static int
explain_one(const char *typed)
{
	struct buffer text = BUFFER_INIT;
	struct err err = ERR_INIT;
	const char *code = find_code(typed);
	struct json *item;
	int status;

	if (code == NULL)
		return refuse_code(typed, &err) < 0 ? say_error(&err) : EXIT_NO;
	if (globals()->json != JSON_FORM_NONE) {
		item = describe(code);
		status = say_json(item);
		json_free(item);
		return status;
	}
	buffer_printf(&text, "%s (%s)\n\n", code, severity_of(code));
	write_text(&text, code);
	status = say_result(&text);
	buffer_release(&text);
	return status;
}

/* --- all of them ---------------------------------------------------------------------- */

/* Up to the first full stop that ends a sentence. */
static size_t
first_sentence(const char *text)
{
	const char *end = strstr(text, ". ");

	return end != NULL ? (size_t)(end + 1 - text) : strlen(text);
}

static int
list_all(void)
{
	static const struct column columns[] = {
		{"CODE", "code"}, {"MEANS", "summary"}, {NULL, NULL}};
	struct json *document = json_new_object(), *items = json_new_array(), *item;
	const char *code, *text;
	size_t i;
	int status;

	for (i = 0; (code = diag_code(i)) != NULL; i++) {
		text = diag_explain(code);
		item = describe(code);
		json_put(item, "summary", json_new_stringn(text, first_sentence(text)));
		json_push(items, item);
	}
	json_put(document, "items", items);
	status = table_print(document, items, columns);
	json_free(document);
	return status;
}

static int
print_page(void)
{
	struct buffer text = BUFFER_INIT;
	const char *code;
	size_t i;
	int status;

	buffer_puts(
		&text,
		"# Diagnostics of the config compiler\n\n"
		"What each code in `PATH:LINE:COL: error[CODE]: …` means. Codes that begin with\n"
		"`W_` are warnings: the config compiles all the same. So are other mistakes\n"
		"in what no workflow runs. The same texts, one at a time:\n"
		"`runnerctl config explain CODE`. This page is what\n"
		"`runnerctl config explain --markdown` prints.\n\n"
		"An example gives its own code and no other; where a remark stands in it, it says\n"
		"what to write instead. One that begins with `steps:` is a job's.\n");
	for (i = 0; (code = diag_code(i)) != NULL; i++) {
		buffer_printf(&text, "\n## %s\n", code);
		write_text(&text, code);
	}
	status = say_result(&text);
	buffer_release(&text);
	return status;
}

static int
config_explain(int argc, char **argv)
{
	bool markdown = false;
	int count, status;

	status = args_read(&config_explain_command, argc, argv, &count, set_markdown, &markdown);
	if (status == ARGS_GO)
		status = args_count(&config_explain_command, count, 0, markdown ? 0 : 1);
	if (status != ARGS_GO)
		return status;
	if (markdown)
		return print_page();
	return count == 1 ? explain_one(argv[0]) : list_all();
}
