/*
 * table.c - lists and single things as people read them, or as JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/table.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"
#include "ctl/args.h"
#include "ctl/clean.h"
#include "ctl/say.h"
#include "format/json.h"
#include "runner/exit.h"

enum { COLUMNS_MAX = 12, CELL_BYTES = 512, PATH_BYTES = 64 };

static const struct json *
walk(const struct json *thing, const char *path, size_t len)
{
	char name[PATH_BYTES];
	size_t part;

	while (thing != NULL && len > 0) {
		for (part = 0; part < len && path[part] != '.'; part++)
			;
		(void)snprintf(name, sizeof(name), "%.*s", (int)part, path);
		thing = json_get(thing, name);
		path += part;
		len -= part;
		if (len > 0) {
			path++;
			len--;
		}
	}
	return thing;
}

/* A number's member says by its name what it counts; path is of len bytes. */
static const char *
write_number(char cell[CELL_BYTES], uint64_t number, const char *path, size_t len)
{
	static const char *const units[] = {"_bytes", "_ms", "_us"};
	size_t i, unit_len;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		unit_len = strlen(units[i]);
		if (len > unit_len && memcmp(path + len - unit_len, units[i], unit_len) == 0)
			return i == 0 ? text_bytes(cell, number)
				      : text_duration(cell, i == 1 ? number : number / 1000);
	}
	(void)snprintf(cell, CELL_BYTES, "%llu", (unsigned long long)number);
	return cell;
}

static void
write_value(char cell[CELL_BYTES], const struct json *value, const char *path, size_t len)
{
	struct buffer list = BUFFER_INIT;
	size_t i;

	cell[0] = '\0';
	if (json_is_string(value))
		clean_text(cell, CELL_BYTES, json_str(value), strlen(json_str(value)));
	else if (json_is_int(value) && json_int_value(value) >= 0)
		(void)write_number(cell, (uint64_t)json_int_value(value), path, len);
	else if (json_is_int(value))
		(void)snprintf(cell, CELL_BYTES, "%lld", (long long)json_int_value(value));
	else if (json_is_real(value))
		(void)snprintf(cell, CELL_BYTES, "%.1f", json_number(value));
	else if (json_is_bool(value))
		(void)snprintf(cell, CELL_BYTES, "%s", json_bool_value(value) ? "yes" : "no");
	else if (json_is_array(value)) {
		for (i = 0; i < json_count(value); i++)
			if (json_is_string(json_at(value, i)))
				buffer_printf(&list, "%s%s", list.len > 0 ? ", " : "",
					      json_str(json_at(value, i)));
		clean_text(cell, CELL_BYTES, buffer_text(&list), list.len);
		buffer_release(&list);
	}
}

static void
write_cell(char cell[CELL_BYTES], const struct json *thing, const char *path)
{
	const struct json *value = NULL;
	size_t len = 0;

	while (*path != '\0') {
		len = strcspn(path, "|");
		value = walk(thing, path, len);
		if (value != NULL && !json_is_null(value))
			break;
		path += len;
		if (*path == '|')
			path++;
	}
	cell[0] = '\0';
	if (value != NULL)
		write_value(cell, value, path, len);
}

void
table_write(struct buffer *out, const struct json *items, const struct column *columns)
{
	unsigned widths[COLUMNS_MAX] = {0}, width;
	char cell[CELL_BYTES];
	size_t i, c, count = 0;

	while (count < COLUMNS_MAX && columns[count].title != NULL)
		count++;
	for (c = 0; c < count; c++) {
		widths[c] = clean_width(columns[c].title);
		for (i = 0; i < json_count(items); i++) {
			write_cell(cell, json_at(items, i), columns[c].path);
			width = clean_width(cell);
			if (width > widths[c])
				widths[c] = width;
		}
	}
	for (i = 0; i <= json_count(items); i++) {
		for (c = 0; c < count; c++) {
			if (i == 0)
				(void)snprintf(cell, sizeof(cell), "%s", columns[c].title);
			else
				write_cell(cell, json_at(items, i - 1), columns[c].path);
			buffer_puts(out, cell);
			if (c + 1 < count)
				buffer_printf(out, "%*s", (int)(widths[c] - clean_width(cell) + 2),
					      "");
		}
		while (out->len > 0 && out->data[out->len - 1] == ' ')
			out->len--; /* of cells that are empty */
		buffer_puts(out, "\n");
	}
}

void
table_write_one(struct buffer *out, const struct json *thing, const struct column *columns)
{
	char cell[CELL_BYTES];

	for (; columns->title != NULL; columns++) {
		write_cell(cell, thing, columns->path);
		if (cell[0] != '\0')
			buffer_printf(out, "%-15s %s\n", columns->title, cell);
	}
}

static int
print_lines(const struct json *items)
{
	struct buffer text = BUFFER_INIT;
	size_t i;
	int status;

	for (i = 0; i < json_count(items); i++) {
		json_write(&text, json_at(items, i));
		buffer_puts(&text, "\n");
	}
	status = say_result(&text);
	buffer_release(&text);
	return status;
}

int
table_print(const struct json *document, const struct json *items, const struct column *columns)
{
	struct buffer text = BUFFER_INIT;
	int status;

	if (globals()->json == JSON_FORM_LINES)
		return print_lines(items);
	if (globals()->json == JSON_FORM_DOCUMENT)
		return say_json(document);
	table_write(&text, items, columns);
	status = say_result(&text);
	buffer_release(&text);
	return status;
}

int
table_print_one(const struct json *thing, const struct column *columns)
{
	struct buffer text = BUFFER_INIT;
	int status;

	if (globals()->json != JSON_FORM_NONE)
		return say_json(thing);
	table_write_one(&text, thing, columns);
	status = say_result(&text);
	buffer_release(&text);
	return status;
}
