/*
 * timings.c - how long tests took: from JUnit XML, or lines of "SECONDS NAME".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "helper/timings.h"

#include <stdlib.h>
#include <string.h>

#include "helper/seconds.h"

#define WHITE " \t\r\n"

enum { SUITES_MOST = 64 };

/* Reporters write "./x" where a shell's patterns give "x". */
static const char *
plain(const char *name)
{
	while (name != NULL && name[0] == '.' && name[1] == '/')
		name += 2;
	return name;
}

static void
add(struct items *items, const char *name, uint64_t microseconds)
{
	name = plain(name);
	if (name == NULL || *name == '\0')
		return;
	items_add(items, name, strlen(name));
	items->list[items->count - 1].weight = microseconds;
}

/* --- lines --- */

static bool
read_lines(struct timings *timings, char *text)
{
	char *line, *rest = NULL, *name;
	int type;

	for (line = strtok_r(text, "\r\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\r\n", &rest)) {
		name = line + strcspn(line, " \t");
		if (strspn(line, "0123456789.") != (size_t)(name - line) || *name == '\0')
			return false;
		name += strspn(name, " \t");
		for (type = 0; type < TIMINGS_TYPE_COUNT; type++)
			add(&timings->of[type], name, seconds_us(line));
	}
	return true;
}

void
timings_read_table(struct timings *timings, char *text)
{
	char *line, *rest = text, *fields[4];
	uint64_t microseconds;
	size_t i;

	while ((line = strsep(&rest, "\n")) != NULL) {
		for (i = 0; i < 4; i++)
			fields[i] = strsep(&line, "\t");
		if (fields[3] == NULL)
			continue;
		microseconds = strtoull(fields[0], NULL, 10);
		add(&timings->of[TIMINGS_FILENAME], fields[1], microseconds);
		add(&timings->of[TIMINGS_CLASSNAME], fields[2], microseconds);
		add(&timings->of[TIMINGS_TESTNAME], fields[3], microseconds);
	}
}

/* --- XML --- */

static char *
put_character(char *to, unsigned long code)
{
	if (code < 0x80) {
		*to++ = (char)code;
	} else if (code < 0x800) {
		*to++ = (char)(0xc0 | code >> 6);
		*to++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*to++ = (char)(0xe0 | code >> 12);
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
		*to++ = (char)(0x80 | (code & 0x3f));
	} else {
		*to++ = (char)(0xf0 | code >> 18);
		*to++ = (char)(0x80 | (code >> 12 & 0x3f));
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
		*to++ = (char)(0x80 | (code & 0x3f));
	}
	return to;
}

/* What at (at "&") stands for goes to *to; NULL where it is nothing that we know. The result is
 * never longer than what it is written as. */
static char *
put_entity(char **to, char *at)
{
	static const struct {
		const char *name;
		char is;
	} known[] = {
		{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
	unsigned long code;
	size_t i;
	char *end;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strncmp(at, known[i].name, strlen(known[i].name)) == 0) {
			*(*to)++ = known[i].is;
			return at + strlen(known[i].name);
		}
	if (at[1] != '#')
		return NULL;
	at += 2;
	code = *at == 'x' ? strtoul(at + 1, &end, 16) : strtoul(at, &end, 10);
	if (*end != ';' || end == at || code == 0 || code > 0x10ffff || end - at < 2)
		return NULL;
	*to = put_character(*to, code);
	return end + 1;
}

/* In its place; it ends at end. */
static void
decode(char *value, char *end)
{
	char *to = value, *next;

	*end = '\0';
	while (*value != '\0') {
		next = *value == '&' ? put_entity(&to, value) : NULL;
		if (next == NULL) {
			*to++ = *value;
			next = value + 1;
		}
		value = next;
	}
	*to = '\0';
}

enum attribute {
	ATTRIBUTE_FILE,
	ATTRIBUTE_CLASSNAME,
	ATTRIBUTE_CLASS,
	ATTRIBUTE_NAME,
	ATTRIBUTE_TIME,
	ATTRIBUTE_DURATION,
	ATTRIBUTE_TESTS,
	ATTRIBUTE_COUNT
};

struct attributes {
	char *of[ATTRIBUTE_COUNT]; /* NULL: it is not there */
};

static void
keep(struct attributes *out, const char *key, size_t len, char *value, char *end)
{
	static const char *const names[ATTRIBUTE_COUNT] = {"file", "classname", "class", "name",
							   "time", "duration",	"tests"};
	size_t i;

	for (i = 0; i < ATTRIBUTE_COUNT; i++)
		if (strlen(names[i]) == len && memcmp(key, names[i], len) == 0) {
			decode(value, end);
			out->of[i] = value;
		}
}

/* at is behind an element's name. Returns what is behind its ">"; NULL where there is none. */
static char *
read_attributes(struct attributes *out, char *at, bool *closed)
{
	char *key, *value, *end;
	size_t len;

	*out = (struct attributes){{NULL}};
	*closed = false;
	for (;;) {
		at += strspn(at, WHITE);
		if (*at == '/' || *at == '?') {
			*closed = true;
			at++;
			continue;
		}
		if (*at == '>' || *at == '\0')
			return *at == '>' ? at + 1 : NULL;
		key = at;
		len = strcspn(at, WHITE "=/>");
		at += len;
		at += strspn(at, WHITE);
		if (*at != '=' || len == 0)
			return NULL;
		at++;
		at += strspn(at, WHITE);
		if (*at != '"' && *at != '\'')
			return NULL;
		value = at + 1;
		end = strchr(value, *at);
		if (end == NULL)
			return NULL;
		at = end + 1;
		keep(out, key, len, value, end);
	}
}

/* Behind a comment, character data or a declaration. */
static char *
skip(char *at)
{
	const char *close = ">";
	char *end;

	if (strncmp(at, "<!--", 4) == 0)
		close = "-->";
	else if (strncmp(at, "<![CDATA[", 9) == 0)
		close = "]]>";
	end = strstr(at, close);
	return end != NULL ? end + strlen(close) : NULL;
}

static bool
is_element(const char *at, const char *name)
{
	size_t len = strlen(name);

	return strncmp(at + 1, name, len) == 0 && strchr(WHITE "/>", at[1 + len]) != NULL &&
	       at[1 + len] != '\0';
}

/* Those that a case lies in, from the outermost. */
struct suites {
	struct {
		const char *file;
		uint64_t part_us; /* of its time, for a case that says none */
	} list[SUITES_MOST];
	size_t count;
};

static bool
begin_suite(struct suites *suites, const struct attributes *it)
{
	const char *time = it->of[ATTRIBUTE_TIME], *tests = it->of[ATTRIBUTE_TESTS];
	unsigned long count = tests != NULL ? strtoul(tests, NULL, 10) : 0;

	if (suites->count == SUITES_MOST)
		return false;
	suites->list[suites->count].file = it->of[ATTRIBUTE_FILE];
	suites->list[suites->count++].part_us =
		time != NULL && count > 0 ? seconds_us(time) / count : 0;
	return true;
}

/* What a case does not say itself the innermost suite says that does. */
static void
add_case(struct timings *timings, const struct attributes *it, const struct suites *suites)
{
	const char *time = it->of[ATTRIBUTE_TIME], *class = it->of[ATTRIBUTE_CLASSNAME];
	const char *file = it->of[ATTRIBUTE_FILE], *name = it->of[ATTRIBUTE_NAME];
	size_t i = suites->count;
	uint64_t us = i > 0 ? suites->list[i - 1].part_us : 0;

	if (time == NULL)
		time = it->of[ATTRIBUTE_DURATION];
	if (time != NULL)
		us = seconds_us(time);
	if (class == NULL)
		class = it->of[ATTRIBUTE_CLASS];
	for (; i > 0 && (file == NULL || *file == '\0'); i--)
		file = suites->list[i - 1].file;
	add(&timings->of[TIMINGS_FILENAME], file, us);
	add(&timings->of[TIMINGS_CLASSNAME], class, us);
	add(&timings->of[TIMINGS_TESTNAME], name != NULL && *name != '\0' ? name : class, us);
}

static bool
read_xml(struct timings *timings, char *text)
{
	struct suites suites = {.count = 0};
	struct attributes attributes;
	char *at = text;
	bool closed;

	while (at != NULL && (at = strchr(at, '<')) != NULL) {
		if (at[1] == '!' || at[1] == '?' || at[1] == '/') {
			if (strncmp(at, "</testsuite", 11) == 0 && suites.count > 0)
				suites.count--;
			at = skip(at);
		} else if (is_element(at, "testcase")) {
			at = read_attributes(&attributes, at + 9, &closed);
			if (at != NULL)
				add_case(timings, &attributes, &suites);
		} else if (is_element(at, "testsuite") || is_element(at, "testsuites")) {
			at = read_attributes(&attributes, at + strcspn(at, WHITE "/>"), &closed);
			if (at != NULL && !closed && !begin_suite(&suites, &attributes))
				return false;
		} else {
			at++;
		}
	}
	return true;
}

/* --- all of it --- */

bool
timings_read(struct timings *timings, char *text)
{
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	text += strspn(text, WHITE);
	return *text == '<' ? read_xml(timings, text) : read_lines(timings, text);
}

/* Tests of one name are one: their times are added. */
static void
settle(struct items *items)
{
	size_t i, n = 0;

	items_sort(items);
	for (i = 0; i < items->count; i++)
		if (n > 0 && strcmp(items->list[n - 1].text, items->list[i].text) == 0)
			items->list[n - 1].weight += items->list[i].weight;
		else
			items->list[n++] = items->list[i];
	items->count = n;
}

void
timings_settle(struct timings *timings)
{
	int type;

	for (type = 0; type < TIMINGS_TYPE_COUNT; type++)
		settle(&timings->of[type]);
}

static int
name_to_item(const void *name, const void *item)
{
	const struct item *it = item;

	return strcmp(name, it->text);
}

const struct item *
timings_find(const struct timings *timings, enum timings_type type, const char *name)
{
	const struct items *items = &timings->of[type];

	if (items->count == 0)
		return NULL;
	return bsearch(plain(name), items->list, items->count, sizeof(*items->list), name_to_item);
}

void
timings_release(struct timings *timings)
{
	int type;

	for (type = 0; type < TIMINGS_TYPE_COUNT; type++)
		items_release(&timings->of[type]);
}
