/*
 * names.c - which texts may be names of what.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/names.h"

#include <stddef.h>
#include <string.h>

enum {
	SERIAL_GROUP_MAX_BYTES = 512,
	CONTEXT_MAX_BYTES = 200,
	LINE_MAX_BYTES = 300,
	VARIABLE_MAX_BYTES = 500
};

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"

static bool
is_letter(char ch)
{
	return ch != '\0' && strchr(LETTERS, ch) != NULL;
}

static bool
consists_of(const char *name, const char *chars)
{
	return name[strspn(name, chars)] == '\0';
}

bool
name_is_element(const char *name)
{
	return is_letter(name[0]) && consists_of(name, LETTERS DIGITS "_-");
}

bool
name_is_job(const char *name)
{
	return is_letter(name[0]) && consists_of(name, LETTERS DIGITS "_- \t");
}

static int
lower(char ch)
{
	return ch >= 'A' && ch <= 'Z' ? ch - 'A' + 'a' : (unsigned char)ch;
}

int
name_compare_ignoring_case(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) - lower(*b);
}

bool
name_is_line(const char *name)
{
	size_t len = strlen(name), i;

	for (i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return false;
	return len >= 1 && len <= LINE_MAX_BYTES;
}

bool
name_is_variable(const char *name)
{
	return (is_letter(name[0]) || name[0] == '_') && consists_of(name, LETTERS DIGITS "_") &&
	       strlen(name) <= VARIABLE_MAX_BYTES;
}

bool
name_is_container_variable(const char *name)
{
	return (is_letter(name[0]) || name[0] == '_') && consists_of(name, LETTERS DIGITS "_.-") &&
	       strlen(name) <= VARIABLE_MAX_BYTES;
}

bool
name_is_serial_group(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= SERIAL_GROUP_MAX_BYTES &&
	       consists_of(name, LETTERS DIGITS "._-/");
}

bool
name_is_own_resource_class(const char *name)
{
	size_t space = strspn(name, LETTERS DIGITS "_-"), class;

	if (space == 0 || name[space] != '/')
		return false;
	class = strspn(name + space + 1, LETTERS DIGITS "_-");
	return class > 0 && name[space + 1 + class] == '\0';
}

bool
name_is_context(const char *name)
{
	size_t len = strlen(name), i;

	if (len == 0 || len > CONTEXT_MAX_BYTES || name[0] == ' ' || name[len - 1] == ' ')
		return false;
	for (i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ')
			return false;
	return true;
}
