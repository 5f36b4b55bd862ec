/*
 * cache_key_test.c - keys of caches, and where paths lie in an archive.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "archive/cache_key.h"
#include "archive/overlap.h"
#include "archive/place.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "task/layers.h"

static int unset;

static const char *
variable(void *arg, const char *name)
{
	(void)arg;
	return text_eq(name, "CIRCLE_BRANCH") ? "main" : text_eq(name, "OS") ? "linux" : NULL;
}

static int
checksum(void *arg, const char *path, unsigned char digest[32], struct err *err)
{
	(void)arg;
	if (!text_eq(path, "a}} b\"c"))
		return err_set(err, ERR_HOST, "there is no '%s'", path);
	memset(digest, 0xff, 32);
	return 0;
}

static void
on_unset(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	unset++;
}

static const struct cache_key_facts facts = {.variable = variable,
					     .checksum = checksum,
					     .epoch = 1700000000,
					     .arch = "arch1",
					     .on_unset = on_unset};

static struct buffer out;

/* NULL when it is refused. */
static const char *
key_of(const char *text)
{
	struct err err = ERR_INIT;

	buffer_clear(&out);
	return cache_key_render(&out, text, &facts, &err) == 0 ? buffer_text(&out) : NULL;
}

static void
test_cache_key_render_puts_facts_in(void **state)
{
	(void)state;
	assert_string_equal(key_of("plain"), "plain");
	assert_string_equal(key_of("v1-{{ .Branch }}-{{.Environment.OS}}-{{ epoch }}-{{arch}}"),
			    "v1-main-linux-1700000000-arch1");
	assert_string_equal(key_of("{{ checksum \"a}} b\\\"c\" }}"),
			    "//////////////////////////////////////////8=");
	assert_string_equal(key_of("}} { {{ `"
				   "a}} b\"c` }}") != NULL
				    ? "taken"
				    : "refused",
			    "refused");
	unset = 0;
	assert_string_equal(key_of("a{{ .Environment.NO }}b{{ .Revision }}"), "ab");
	assert_int_equal(unset, 2);
}

static void
test_cache_key_render_refuses_what_it_does_not_know(void **state)
{
	static const char *const wrong[] = {
		"",
		"{{",
		"{{ }}",
		"{{ .Branchx }}",
		"{{ .Environment. }}",
		"{{ checksum x }}",
		"{{ checksum \"x }}",
		"{{ checksum \"x\" }}",
		"{{ epoch now }}",
		"{{ hash \"x\" }}",
		"two\nlines",
		"\xff",
	};
	char text[CACHE_KEY_MOST_BYTES + 2];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_null(key_of(wrong[i]));
	memset(text, 'k', sizeof(text));
	text[CACHE_KEY_MOST_BYTES + 1] = '\0';
	assert_null(key_of(text));
	text[CACHE_KEY_MOST_BYTES] = '\0';
	assert_non_null(key_of(text));
}

static const struct place place = {.home = "/w/home", .cwd = "/w/home/project"};

static const char *
name_of(const char *path)
{
	static char name[PATH_MAX];
	struct err err = ERR_INIT;
	char absolute[PATH_MAX];

	if (place_resolve(&place, path, absolute, &err) < 0 || !place_name(&place, absolute, name))
		return NULL;
	return name;
}

static void
test_place_name_tells_home_from_all_else(void **state)
{
	(void)state;
	assert_string_equal(name_of("deps"), "home/project/deps");
	assert_string_equal(name_of("."), "home/project");
	assert_string_equal(name_of("../x/./y//"), "home/x/y");
	assert_string_equal(name_of("~"), "home");
	assert_string_equal(name_of("~/.m2"), "home/.m2");
	assert_string_equal(name_of("~user"), "home/project/~user");
	assert_string_equal(name_of("/opt/tool"), "root/opt/tool");
	assert_string_equal(name_of("/w/homework"), "root/w/homework");
	assert_string_equal(name_of("/w/home/z"), "home/z");
	assert_string_equal(name_of("/../.."), "root");
}

static const char *
lasting_name_of(const struct place *of, const char *path)
{
	static char absolute[PATH_MAX];
	struct err err = ERR_INIT;

	return place_resolve(of, path, absolute, &err) < 0 ? NULL : place_lasting_name(of, absolute);
}

/* case 062 */
static void
test_place_lasting_name_is_the_same_in_each_task(void **state)
{
	static const struct place elsewhere = {.home = "/tmp/1/home", .cwd = "/w"};

	(void)state;
	assert_string_equal(lasting_name_of(&place, "out"), "project/out");
	assert_string_equal(lasting_name_of(&place, "/w/home/project/out/"), "project/out");
	assert_string_equal(lasting_name_of(&place, "~/.log"), ".log");
	assert_string_equal(lasting_name_of(&place, "~"), "");
	assert_string_equal(lasting_name_of(&place, "/var/log/x"), "var/log/x");
	assert_string_equal(lasting_name_of(&elsewhere, "out"), "w/out");
	assert_string_equal(lasting_name_of(&elsewhere, "/"), "");
}

static void
test_place_parse_refuses_what_leads_out(void **state)
{
	enum place_tree tree;
	const char *rest;

	(void)state;
	assert_true(place_parse(&place, "home/a/b", &tree, &rest));
	assert_int_equal(tree, PLACE_HOME);
	assert_string_equal(rest, "a/b");
	assert_true(place_parse(&place, "root", &tree, &rest));
	assert_string_equal(rest, ".");
	assert_true(place_parse(&place, "root//etc/..b", &tree, &rest));
	assert_string_equal(rest, "etc/..b");
	assert_false(place_parse(&place, "home/../x", &tree, &rest));
	assert_false(place_parse(&place, "home/a/..", &tree, &rest));
	assert_false(place_parse(&place, "/home/a", &tree, &rest));
	assert_false(place_parse(&place, "homework", &tree, &rest));
	assert_false(place_parse(&place, "", &tree, &rest));
}

static void
test_place_parse_has_one_tree_in_a_workspace(void **state)
{
	static const struct place space = {
		.home = "/w/home", .cwd = "/w/home/project", .workspace = "/w/home/project/ws"};
	enum place_tree tree;
	const char *rest;
	char name[PATH_MAX];

	(void)state;
	assert_true(place_parse(&space, "workspace/a", &tree, &rest));
	assert_int_equal(tree, PLACE_WORKSPACE);
	assert_string_equal(place_dir(&space, tree), "/w/home/project/ws");
	assert_false(place_parse(&space, "home/a", &tree, &rest));
	assert_false(place_parse(&space, "root/a", &tree, &rest));
	assert_false(place_parse(&place, "workspace/a", &tree, &rest));
	assert_true(place_name(&space, "/w/home/project/ws/a", name));
	assert_string_equal(name, "workspace/a");
	assert_false(place_name(&space, "/w/home/project/wsa", name));
}

/* All pairs of three jobs' layers: a before b, c beside both. */
static void
test_overlap_tells_who_stands_above_whom(void **state)
{
	static const uint32_t behind_a[] = {0};
	struct layer_job jobs[] = {{"a", NULL, 0}, {"b", behind_a, 1}, {"c", NULL, 0}};
	struct layer list[] = {{"t1", 0, 0, 0}, {"t2", 1, 0, 1}, {"t2", 4, 0, 1}, {"t3", 1, 0, 2}};
	struct layers layers = {jobs, 3, list, 4};
	struct overlap *overlap = overlap_new(&layers);
	size_t other = 9;

	(void)state;
	assert_false(overlap_note(overlap, 0, "f", &other));
	assert_false(overlap_note(overlap, 0, "g", &other));
	assert_false(overlap_note(overlap, 1, "f", &other));
	assert_false(overlap_note(overlap, 2, "f", &other));
	assert_false(overlap_note(overlap, 3, "h", &other));
	assert_true(overlap_note(overlap, 3, "f", &other));
	assert_int_equal(other, 2);
	assert_true(overlap_note(overlap, 3, "g", &other));
	assert_int_equal(other, 0);
	overlap_free(overlap);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache_key_render_puts_facts_in),
		cmocka_unit_test(test_cache_key_render_refuses_what_it_does_not_know),
		cmocka_unit_test(test_place_name_tells_home_from_all_else),
		cmocka_unit_test(test_place_lasting_name_is_the_same_in_each_task),
		cmocka_unit_test(test_place_parse_refuses_what_leads_out),
		cmocka_unit_test(test_place_parse_has_one_tree_in_a_workspace),
		cmocka_unit_test(test_overlap_tells_who_stands_above_whom),
	};
	int failed;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	buffer_release(&out);
	return failed;
}
