/*
 * options.c - a program's options as one table: parsing and --help.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/options.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"

enum { HELP_COLUMN = 30 };

static const struct option *
find_long(const struct option *table, const char *name, size_t len)
{
	for (; table->name != NULL; table++)
		if (strlen(table->name) == len && memcmp(table->name, name, len) == 0)
			return table;
	return NULL;
}

static const struct option *
find_letter(const struct option *table, char letter)
{
	for (; table->name != NULL; table++)
		if (table->letter != 0 && table->letter == letter)
			return table;
	return NULL;
}

static int
refuse_unknown(const struct option *table, const char *name, size_t len, struct err *err)
{
	char typed[64];
	const char *nearest = NULL;
	unsigned distance, best = 3;

	(void)snprintf(typed, sizeof(typed), "%.*s", (int)(len < 60 ? len : 60), name);
	for (; table->name != NULL; table++) {
		distance = text_distance(typed, table->name, 2);
		if (distance < best) {
			best = distance;
			nearest = table->name;
		}
	}
	if (nearest != NULL)
		return err_set(err, ERR_INPUT, "there is no option '--%s': did you mean '--%s'?",
			       typed, nearest);
	return err_set(err, ERR_INPUT, "there is no option '--%s'", typed);
}

struct parser {
	const struct option *table;
	int argc, at;
	char **argv;
	option_set_fn *set;
	void *arg;
};

/* Where no argument is attached, the next word is it. */
static int
take_value(struct parser *p, const struct option *option, const char *attached, const char **value,
	   struct err *err)
{
	*value = attached;
	if (option->value == NULL && attached != NULL)
		return err_set(err, ERR_INPUT, "option '--%s' takes no argument", option->name);
	if (option->value == NULL || option->value[0] == '[' || attached != NULL)
		return 0;
	if (p->at + 1 >= p->argc)
		return err_set(err, ERR_INPUT, "option '--%s' needs an argument: %s", option->name,
			       option->value);
	*value = p->argv[++p->at];
	return 0;
}

static int
parse_long(struct parser *p, const char *text, struct err *err)
{
	const char *equals = strchr(text, '='), *value;
	size_t len = equals != NULL ? (size_t)(equals - text) : strlen(text);
	const struct option *option = find_long(p->table, text, len);
	int rc;

	if (option == NULL)
		return refuse_unknown(p->table, text, len, err);
	rc = take_value(p, option, equals != NULL ? equals + 1 : NULL, &value, err);
	return rc < 0 ? rc : p->set(p->arg, option, value, err);
}

static int
parse_letters(struct parser *p, const char *letters, struct err *err)
{
	const struct option *option;
	const char *value;
	bool takes;
	int rc;

	for (; *letters != '\0'; letters++) {
		option = find_letter(p->table, *letters);
		if (option == NULL)
			return err_set(err, ERR_INPUT, "there is no option '-%c'", *letters);
		takes = option->value != NULL && option->value[0] != '[';
		rc = take_value(p, option, takes && letters[1] != '\0' ? letters + 1 : NULL,
				&value, err);
		if (rc == 0)
			rc = p->set(p->arg, option, value, err);
		if (rc < 0)
			return rc;
		if (takes)
			return 0;
	}
	return 0;
}

int
options_parse(const struct option *table, int argc, char **argv, int *operands, option_set_fn *set,
	      void *arg, struct err *err)
{
	struct parser p = {table, argc, 0, argv, set, arg};
	bool ended = false;
	char *word;
	int n = 0, rc;

	for (; p.at < argc; p.at++) {
		word = argv[p.at];
		if (ended || word[0] != '-' || word[1] == '\0') {
			argv[n++] = word;
			continue;
		}
		if (strcmp(word, "--") == 0) {
			ended = true;
			continue;
		}
		rc = word[1] == '-' ? parse_long(&p, word + 2, err)
				    : parse_letters(&p, word + 1, err);
		if (rc < 0)
			return rc;
	}
	*operands = n;
	return 0;
}

void
options_help(struct buffer *out, const struct option *table)
{
	char left[80];
	int n;

	for (; table->name != NULL; table++) {
		n = table->letter != 0 ? snprintf(left, sizeof(left), "  -%c, --%s", table->letter, table->name)
				       : snprintf(left, sizeof(left), "      --%s", table->name);
		if (table->value != NULL)
			(void)snprintf(left + n, sizeof(left) - (size_t)n, "%s%s",
				       table->value[0] == '[' ? "" : " ", table->value);
		if (strlen(left) < HELP_COLUMN)
			buffer_printf(out, "%-*s %s\n", HELP_COLUMN, left, table->help);
		else
			buffer_printf(out, "%s\n%*s %s\n", left, HELP_COLUMN, "", table->help);
	}
}
