/*
 * api_doc_test.c - the router's table, doc/api.md and doc/openapi.yaml name the same routes.
 *
 * A route is written "METHOD /path" with "{}" for each variable. Where the page has a
 * "Prefix `/x`" the paths in back quotes behind it begin with that.
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

#include "base/arena.h"
#include "hub/api/router.h"

enum { ROUTES_MOST = 200 };

struct routes {
	const char *names[ROUTES_MOST];
	size_t count;
};

static struct arena arena;

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", NULL};

static bool
has(const struct routes *routes, const char *name)
{
	size_t i;

	for (i = 0; i < routes->count; i++)
		if (strcmp(routes->names[i], name) == 0)
			return true;
	return false;
}

/* path ends at a blank, a "?" or the end; "{x}" becomes "{}", a "/" at the end goes. */
static void
add(struct routes *routes, const char *method, const char *prefix, const char *path)
{
	char name[256], *at;
	const char *close;

	at = name + snprintf(name, sizeof(name), "%s %s", method, prefix);
	for (; *path != '\0' && strchr(" ?`\n", *path) == NULL; path++) {
		*at++ = *path;
		close = *path == '{' ? strchr(path, '}') : NULL;
		if (close != NULL) {
			*at++ = '}';
			path = close;
		}
	}
	if (at[-1] == '/')
		at--;
	*at = '\0';
	if (has(routes, name))
		return;
	assert_true(routes->count < ROUTES_MOST);
	routes->names[routes->count++] = arena_strdup(&arena, name);
}

static void
read_table(struct routes *routes)
{
	const struct route *route;
	size_t i;

	for (i = 0; route_tables[i] != NULL; i++)
		for (route = route_tables[i]; route->method != NULL; route++)
			add(routes, route->method, "", route->pattern);
}

static FILE *
open_doc(const char *name)
{
	const char *top = getenv("top_srcdir");
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/doc/%s", top != NULL ? top : TOP_SRCDIR, name);
	file = fopen(path, "r");
	if (file == NULL)
		fail_msg("cannot open %s", path);
	return file;
}

/* "METHOD /path" at text. */
static void
add_words(struct routes *routes, const char *prefix, const char *text)
{
	size_t i, len;

	for (i = 0; methods[i] != NULL; i++) {
		len = strlen(methods[i]);
		if (strncmp(text, methods[i], len) == 0 && text[len] == ' ' && text[len + 1] == '/')
			add(routes, methods[i], prefix, text + len + 1);
	}
}

static void
read_page(struct routes *routes)
{
	FILE *file = open_doc("api.md");
	char line[4096], prefix[64] = "";
	const char *at;

	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "### ", 4) == 0)
			add_words(routes, "", line + 4);
		at = strstr(line, "Prefix `");
		if (at != NULL)
			(void)snprintf(prefix, sizeof(prefix), "%.*s",
				       (int)strcspn(at + 8, "`"), at + 8);
		if (strncmp(line, "| `", 3) == 0)
			add_words(routes, prefix, line + 3);
	}
	(void)fclose(file);
}

static const char *
method_of_key(const char *key)
{
	static char name[8];
	size_t i, j;

	for (i = 0; methods[i] != NULL; i++) {
		for (j = 0; methods[i][j] != '\0' && (key[j] & ~32) == methods[i][j]; j++)
			name[j] = methods[i][j];
		name[j] = '\0';
		if (methods[i][j] == '\0' && key[j] == ':')
			return name;
	}
	return NULL;
}

/* Keys of "paths:" have two blanks before them, their methods four. */
static void
read_openapi(struct routes *routes)
{
	FILE *file = open_doc("openapi.yaml");
	char line[4096], path[256] = "";
	const char *method;
	bool in_paths = false;

	while (fgets(line, sizeof(line), file) != NULL) {
		if (line[0] != ' ')
			in_paths = strncmp(line, "paths:", 6) == 0;
		else if (in_paths && strncmp(line, "  /", 3) == 0)
			(void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(line + 2, ":"), line + 2);
		else if (in_paths && strncmp(line, "    ", 4) == 0 && line[4] != ' ' &&
			 (method = method_of_key(line + 4)) != NULL)
			add(routes, method, "", path);
	}
	(void)fclose(file);
}

static void
assert_holds(const struct routes *all, const struct routes *some, const char *where)
{
	size_t i;

	for (i = 0; i < some->count; i++)
		if (!has(all, some->names[i]))
			fail_msg("%s has no '%s'", where, some->names[i]);
}

static struct routes table, page, openapi;

static void
test_page_names_every_route(void **state)
{
	(void)state;
	assert_true(table.count >= 37);
	assert_holds(&page, &table, "doc/api.md");
	assert_holds(&table, &page, "the router");
}

static void
test_openapi_names_every_route(void **state)
{
	(void)state;
	assert_holds(&openapi, &table, "doc/openapi.yaml");
	assert_holds(&table, &openapi, "the router");
}

static int
read_all(void **state)
{
	(void)state;
	read_table(&table);
	read_page(&page);
	read_openapi(&openapi);
	return 0;
}

static int
forget_all(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_names_every_route),
		cmocka_unit_test(test_openapi_names_every_route),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, read_all, forget_all);
}
