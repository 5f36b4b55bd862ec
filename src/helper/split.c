/*
 * split.c - tests split and tests run: one node's share of a list of tests.
 *
 * Every node comes to the same division by itself: items are sorted by weight and name, and each
 * goes to the node that has least so far, the first of several.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/helper.h"
#include "helper/items.h"
#include "helper/known.h"
#include "helper/seconds.h"
#include "helper/timings.h"
#include "runner/exit.h"

enum {
	INPUT_MOST_BYTES = 256 << 20,
	NODES_MOST = 10000,
	FILES_MOST = 1024,
	TYPE_AUTODETECT = TIMINGS_TYPE_COUNT,
};

enum by { BY_NAME, BY_FILESIZE, BY_TIMINGS };

struct share {
	enum by by;
	int type; /* enum timings_type, or TYPE_AUTODETECT */
	const char *index_text, *total_text;
	unsigned index, total;
	const char *time_default; /* NULL: the smallest known */
	const char *timings[FILES_MOST];
	size_t timings_count;
	const char *command; /* of "tests run" */
	const char *file;    /* NULL: standard input */
	bool verbose, runs;
};

/* --- the command line --- */

static int
set_by(struct share *share, const char *value)
{
	static const char *const names[] = {"name", "filesize", "timings"};
	int i;

	for (i = 0; i < 3; i++)
		if (strcmp(value, names[i]) == 0) {
			share->by = (enum by)i;
			return EXIT_OK;
		}
	return helper_fail(EXIT_USAGE, "--split-by is name, filesize or timings, not '%.40s'",
			   value);
}

static int
set_type(struct share *share, const char *value)
{
	static const struct {
		const char *name;
		int type;
	} names[] = {{"autodetect", TYPE_AUTODETECT}, {"filename", TIMINGS_FILENAME},
		     {"file", TIMINGS_FILENAME},      {"classname", TIMINGS_CLASSNAME},
		     {"testname", TIMINGS_TESTNAME},  {"name", TIMINGS_TESTNAME}};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(value, names[i].name) == 0) {
			share->type = names[i].type;
			return EXIT_OK;
		}
	return helper_fail(
		EXIT_USAGE,
		"--timings-type is autodetect, filename, classname or testname, not '%.40s'",
		value);
}

static int
set_option(struct share *share, const char *name, const char *value)
{
	if (strcmp(name, "split-by") == 0)
		return set_by(share, value);
	if (strcmp(name, "timings-type") == 0)
		return set_type(share, value);
	if (strcmp(name, "index") == 0)
		share->index_text = value;
	else if (strcmp(name, "total") == 0)
		share->total_text = value;
	else if (strcmp(name, "time-default") == 0)
		share->time_default = value;
	else if (strcmp(name, "timings") == 0 && share->timings_count < FILES_MOST)
		share->timings[share->timings_count++] = value;
	else if (strcmp(name, "command") == 0 && share->runs)
		share->command = value;
	else
		return helper_fail(EXIT_USAGE, "tests %s has no option --%.40s (or too many)",
				   share->runs ? "run" : "split", name);
	return EXIT_OK;
}

/* "--name=value" and "--name value". */
static int
read_option(struct share *share, int argc, char **argv, int *i)
{
	char *name = argv[*i] + 2, *equals = strchr(name, '=');

	if (strcmp(name, "verbose") == 0 && share->runs) {
		share->verbose = true;
		return EXIT_OK;
	}
	if (equals != NULL)
		*equals = '\0';
	else if (*i + 1 >= argc)
		return helper_fail(EXIT_USAGE, "option --%.40s needs a value", name);
	return set_option(share, name, equals != NULL ? equals + 1 : argv[++*i]);
}

static int
read_arguments(struct share *share, int argc, char **argv)
{
	int i, status = EXIT_OK;

	for (i = 0; status == EXIT_OK && i < argc; i++) {
		if (strncmp(argv[i], "--", 2) == 0 && argv[i][2] != '\0')
			status = read_option(share, argc, argv, &i);
		else if (share->file == NULL && !share->runs)
			share->file = argv[i];
		else
			status = helper_fail(EXIT_USAGE, "'%.60s' is one argument too many",
					     argv[i]);
	}
	if (status == EXIT_OK && share->runs && share->command == NULL)
		status = helper_fail(EXIT_USAGE, "tests run needs --command");
	return status;
}

static bool
read_number(const char *option, const char *variable, unsigned absent, unsigned *out)
{
	const char *text = option != NULL ? option : getenv(variable);
	char *end;
	unsigned long value;

	*out = absent;
	if (text == NULL || *text == '\0')
		return true;
	errno = 0;
	value = strtoul(text, &end, 10);
	*out = (unsigned)value;
	return *end == '\0' && errno == 0 && value <= NODES_MOST && text[0] >= '0' &&
	       text[0] <= '9';
}

static int
settle_node(struct share *share)
{
	if (!read_number(share->index_text, "CIRCLE_NODE_INDEX", 0, &share->index) ||
	    !read_number(share->total_text, "CIRCLE_NODE_TOTAL", 1, &share->total) ||
	    share->total == 0)
		return helper_fail(EXIT_USAGE, "index and total are whole numbers, total 1 to %d",
				   NODES_MOST);
	if (share->index >= share->total)
		return helper_fail(EXIT_NO, "index %u is none of %u nodes (the first is 0)",
				   share->index, share->total);
	return EXIT_OK;
}

/* --- weights --- */

static void
weigh_sizes(struct items *items)
{
	struct stat st;
	size_t i;

	for (i = 0; i < items->count; i++)
		if (stat(items->list[i].text, &st) == 0)
			items->list[i].weight = (uint64_t)st.st_size;
		else
			(void)helper_fail(0, "'%.200s' has no size: %s", items->list[i].text,
					  strerror(errno));
}

static int
read_timings(const struct share *share, struct timings *timings)
{
	bool understood;
	char *text;
	size_t len, i;
	int fd;

	for (i = 0; i < share->timings_count; i++) {
		fd = open(share->timings[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return helper_fail(EXIT_REFUSED, "cannot open '%.200s': %s",
					   share->timings[i], strerror(errno));
		text = helper_read(fd, share->timings[i], INPUT_MOST_BYTES, &len);
		(void)close(fd);
		if (text == NULL)
			return EXIT_REFUSED;
		understood = timings_read(timings, text);
		free(text);
		if (!understood)
			return helper_fail(
				EXIT_NO, "'%.200s' is neither JUnit XML nor lines of SECONDS NAME",
				share->timings[i]);
	}
	/* Where no file is named, the hub's; that nobody can be asked is told, and no failure. */
	if (share->timings_count == 0)
		(void)known_timings(timings);
	timings_settle(timings);
	return EXIT_OK;
}

static size_t
count_known(const struct items *items, const struct timings *timings, int type)
{
	size_t i, known = 0;

	for (i = 0; i < items->count; i++)
		if (timings_find(timings, (enum timings_type)type, items->list[i].text) != NULL)
			known++;
	return known;
}

/* The type by which most items are known; TYPE_AUTODETECT: none is. */
static int
detect_type(const struct items *items, const struct timings *timings)
{
	int type, best = TYPE_AUTODETECT;
	size_t known, most = 0;

	for (type = 0; type < TIMINGS_TYPE_COUNT; type++) {
		known = count_known(items, timings, type);
		if (known > most) {
			most = known;
			best = type;
		}
	}
	return best;
}

/* "1.5", "90s", "2m", "500ms". */
static uint64_t
parse_duration(const char *text)
{
	uint64_t microseconds = seconds_us(text);
	const char *unit = text + strspn(text, "0123456789.");

	if (strcmp(unit, "ms") == 0)
		return microseconds / 1000;
	if (strcmp(unit, "m") == 0)
		return microseconds * 60;
	if (strcmp(unit, "h") == 0)
		return microseconds * 3600;
	return microseconds;
}

static void
weigh_by_type(const struct share *share, struct items *items, const struct timings *timings,
	      int type)
{
	uint64_t absent = UINT64_MAX;
	const struct item *known;
	size_t i;

	for (i = 0; i < items->count; i++) {
		known = timings_find(timings, (enum timings_type)type, items->list[i].text);
		items->list[i].weight = known != NULL ? known->weight : UINT64_MAX;
		if (known != NULL && known->weight < absent)
			absent = known->weight;
	}
	if (share->time_default != NULL)
		absent = parse_duration(share->time_default);
	for (i = 0; i < items->count; i++)
		if (items->list[i].weight == UINT64_MAX)
			items->list[i].weight = absent;
}

/* False: nothing is known, and by name it is. */
static bool
weigh_timings(const struct share *share, struct items *items, const struct timings *timings)
{
	int type = share->type == TYPE_AUTODETECT ? detect_type(items, timings) : share->type;

	if (type == TYPE_AUTODETECT || count_known(items, timings, type) == 0) {
		(void)fputs(
			"Error auto-detecting timing type, falling back to weighting by name.\n",
			stderr);
		return false;
	}
	weigh_by_type(share, items, timings, type);
	return true;
}

/* --- a rerun of what failed --- */

static void
keep_known(struct items *items, const struct timings *failed, int type)
{
	size_t i, n = 0;

	for (i = 0; i < items->count; i++)
		if (timings_find(failed, (enum timings_type)type, items->list[i].text) != NULL)
			items->list[n++] = items->list[i];
	items->count = n;
}

/* A name with a secret in it: it may be that of any item. */
static bool
has_masked(const struct items *items)
{
	size_t i;

	for (i = 0; i < items->count; i++)
		if (strstr(items->list[i].text, "****") != NULL)
			return true;
	return false;
}

/*
 * Of the items those stay that failed in the attempt before, by file, class or name. Where none is
 * known to have failed all stay, or where one's name is masked: nothing is ever left out that was not
 * seen to pass.
 */
static void
reduce_to_failed(const struct share *share, struct items *items)
{
	struct timings failed = {{ITEMS_INIT, ITEMS_INIT, ITEMS_INIT}};
	enum known known = known_failed(&failed);
	size_t all = items->count;
	int type = share->type;

	timings_settle(&failed);
	if (type == TYPE_AUTODETECT)
		type = detect_type(items, &failed);
	if (known != KNOWN_YES) {
		timings_release(&failed);
		return;
	}
	if (type != TYPE_AUTODETECT && has_masked(&failed.of[type])) {
		(void)fputs("The name of a test that failed is masked: all of them run.\n", stderr);
	} else if (type == TYPE_AUTODETECT || count_known(items, &failed, type) == 0) {
		(void)fputs("None of these tests is known to have failed: all of them run.\n", stderr);
	} else {
		keep_known(items, &failed, type);
		(void)fprintf(stderr, "%zu of %zu tests failed before and run again\n",
			      items->count, all);
	}
	timings_release(&failed);
}

/* --- the division --- */

static int
by_weight(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return strcmp(x->text, y->text);
}

static void
divide_by_weight(struct items *items, unsigned total)
{
	uint64_t *loads = calloc(total, sizeof(*loads));
	unsigned node, least;
	size_t i;

	if (loads == NULL)
		exit(helper_fail(EXIT_REFUSED, "there is no memory"));
	qsort(items->list, items->count, sizeof(*items->list), by_weight);
	for (i = 0; i < items->count; i++) {
		for (least = 0, node = 1; node < total; node++)
			if (loads[node] < loads[least])
				least = node;
		items->list[i].node = least;
		loads[least] += items->list[i].weight;
	}
	free(loads);
	items_sort(items);
}

static void
divide_by_name(struct items *items, unsigned total)
{
	size_t i;

	items_sort(items);
	for (i = 0; i < items->count; i++)
		items->list[i].node = (unsigned)(i % total);
}

static int
divide(const struct share *share, struct items *items)
{
	struct timings timings = {{ITEMS_INIT, ITEMS_INIT, ITEMS_INIT}};
	bool weighed = items->count > 0;
	int status = EXIT_OK;

	switch (share->by) {
	case BY_NAME:
		weighed = false;
		break;
	case BY_FILESIZE:
		weigh_sizes(items);
		break;
	case BY_TIMINGS:
		status = read_timings(share, &timings);
		weighed = status == EXIT_OK && weighed && weigh_timings(share, items, &timings);
		break;
	}
	if (weighed)
		divide_by_weight(items, share->total);
	else
		divide_by_name(items, share->total);
	timings_release(&timings);
	return status;
}

/* --- what becomes of it --- */

static int
read_items(const struct share *share, struct items *items)
{
	int fd = share->file != NULL ? open(share->file, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	char *text;
	size_t len;

	if (fd < 0)
		return helper_fail(EXIT_REFUSED, "cannot open '%.200s': %s", share->file,
				   strerror(errno));
	text = helper_read(fd, share->file != NULL ? share->file : "standard input",
			   INPUT_MOST_BYTES, &len);
	if (share->file != NULL)
		(void)close(fd);
	if (text == NULL)
		return EXIT_REFUSED;
	items_add_words(items, text);
	free(text);
	return EXIT_OK;
}

/* The node's items with a separator between; how many there were. */
static size_t
print_share(const struct share *share, const struct items *items, char separator, FILE *to)
{
	size_t i, n = 0;

	for (i = 0; i < items->count; i++) {
		if (items->list[i].node != share->index)
			continue;
		if (n++ > 0)
			(void)putc(separator, to);
		(void)fputs(items->list[i].text, to);
	}
	if (n > 0)
		(void)putc('\n', to);
	return n;
}

static int
select_items(struct share *share, struct items *items, int argc, char **argv)
{
	int status = read_arguments(share, argc, argv);

	if (status == EXIT_OK)
		status = settle_node(share);
	if (status == EXIT_OK)
		status = read_items(share, items);
	if (status == EXIT_OK && share->runs)
		reduce_to_failed(share, items);
	if (status == EXIT_OK)
		status = divide(share, items);
	return status;
}

int
helper_tests_split(int argc, char **argv)
{
	struct share share = {.type = TYPE_AUTODETECT};
	struct items items = ITEMS_INIT;
	int status = select_items(&share, &items, argc, argv);

	if (status == EXIT_OK)
		(void)print_share(&share, &items, '\n', stdout);
	items_release(&items);
	if (status != EXIT_OK)
		return status;
	return fflush(stdout) == 0 ? EXIT_OK : helper_fail(EXIT_REFUSED, "cannot write");
}

/* Becomes the command, so that its status and its signals are ours. */
static int
become(const char *command, int input)
{
	const char *shell = access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";

	if (lseek(input, 0, SEEK_SET) != 0 || dup2(input, STDIN_FILENO) != STDIN_FILENO)
		return helper_fail(EXIT_REFUSED, "cannot hand the tests over: %s", strerror(errno));
	(void)execl(shell, shell, "-c", command, (char *)NULL);
	return helper_fail(EXIT_REFUSED, "cannot run %s: %s", shell, strerror(errno));
}

/* The share, for the command to read. */
static int
run_share(const struct share *share, const struct items *items)
{
	int fd = memfd_create("tests", MFD_CLOEXEC), status = EXIT_OK;
	FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;
	size_t n = to != NULL ? print_share(share, items, ' ', to) : 0;

	if (to == NULL || fflush(to) != 0)
		return helper_fail(EXIT_REFUSED, "cannot keep the tests: %s", strerror(errno));
	if (share->verbose)
		(void)fprintf(stderr, "%zu of %zu tests are for node %u of %u\n", n, items->count,
			      share->index, share->total);
	if (n > 0)
		status = become(share->command, fd);
	(void)fclose(to);
	return status;
}

int
helper_tests_run(int argc, char **argv)
{
	struct share share = {.type = TYPE_AUTODETECT, .runs = true};
	struct items items = ITEMS_INIT;
	int status = select_items(&share, &items, argc, argv);

	if (status == EXIT_OK)
		status = run_share(&share, &items);
	items_release(&items);
	return status;
}
