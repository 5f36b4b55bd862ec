/*
 * state_dir_test.c - one runnerd a directory, and the page says what the tables say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/state_dir.h"
#include "agent/state_version.h"
#include "base/buffer.h"
#include "base/err.h"
#include "runner/state_dir.h"
#include "runner/supervisor.h"
#include "scratch.h"
#include "task/names.h"
#include "wire/journal_record.h"

static char path[300];

static const char *
run_dir(void **state)
{
	const struct scratch *scratch = *state;

	(void)snprintf(path, sizeof(path), "%s/a/run", scratch->path);
	return path;
}

static void
test_state_dir_open_is_refused_while_another_holds_it(void **state)
{
	struct state_dir one, two;
	struct err err = ERR_INIT;
	struct stat st;

	assert_int_equal(state_dir_open(&one, run_dir(state), NULL, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(state_dir_open(&two, path, NULL, &err), ERR_AGAIN);
	assert_non_null(strstr(err.text, "another runnerd"));
	state_dir_release(&one);
	assert_int_equal(state_dir_open(&two, path, NULL, &err), 0);
	state_dir_release(&two);
}

static void
test_state_dir_open_keeps_the_agents_id(void **state)
{
	struct state_dir dir;
	struct err err = ERR_INIT;
	struct id first;

	assert_int_equal(state_dir_open(&dir, run_dir(state), NULL, &err), 0);
	first = dir.agent;
	state_dir_release(&dir);
	assert_int_equal(state_dir_open(&dir, path, NULL, &err), 0);
	assert_true(id_eq(&first, &dir.agent));
	assert_int_equal(state_dir_write(dir.fd, STATE_AGENT_NAME, "no id\n", 6, &err), 0);
	state_dir_release(&dir);
	assert_int_equal(state_dir_open(&dir, path, NULL, &err), ERR_HOST);
}

static void
test_state_dir_open_takes_the_earlier_id_where_there_is_none(void **state)
{
	struct state_dir dir;
	struct err err = ERR_INIT;
	struct id earlier, other;

	id_random(&earlier);
	id_random(&other);
	assert_int_equal(state_dir_open(&dir, run_dir(state), &earlier, &err), 0);
	assert_true(id_eq(&earlier, &dir.agent));
	assert_true(dir.is_renewed);
	state_dir_release(&dir);
	assert_int_equal(state_dir_open(&dir, path, &other, &err), 0);
	assert_true(id_eq(&earlier, &dir.agent));
	assert_false(dir.is_renewed);
	state_dir_release(&dir);
}

static void
test_state_dir_open_refuses_what_others_may_write_to(void **state)
{
	struct state_dir dir;
	struct err err = ERR_INIT;

	assert_int_equal(state_dir_open(&dir, run_dir(state), NULL, &err), 0);
	state_dir_release(&dir);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(state_dir_open(&dir, path, NULL, &err), ERR_HOST);
	assert_int_equal(state_dir_open(&dir, "relative/path", NULL, &err), ERR_INPUT);
}

static void
test_state_dir_makes_lists_and_removes_tasks(void **state)
{
	struct state_dir dir;
	struct err err = ERR_INIT;
	struct id id, *ids;
	size_t count;
	int fd, again;

	id_random(&id);
	assert_int_equal(state_dir_open(&dir, run_dir(state), NULL, &err), 0);
	assert_int_equal(state_dir_make_task(&dir, &id, &fd, &err), 0);
	assert_int_equal(state_dir_make_task(&dir, &id, &again, &err), ERR_GONE);
	assert_int_equal(state_dir_write(fd, STATE_JOURNAL_NAME, "x", 1, &err), 0);
	assert_int_equal(state_dir_write(fd, STATE_SPOOL_PREFIX "00000009", "x", 1, &err), 0);
	assert_int_equal(mkdirat(dir.tasks_fd, "no-id", 0700), 0);
	assert_int_equal(state_dir_list_tasks(&dir, &ids, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_true(id_eq(&ids[0], &id));
	free(ids);
	state_dir_remove_task(&dir, &id, fd);
	(void)close(fd);
	assert_int_equal(state_dir_open_task(&dir, &id, &fd, &err), ERR_GONE);
	state_dir_release(&dir);
}

static void
test_state_dir_read_is_bounded(void **state)
{
	const struct scratch *scratch = *state;
	struct buffer text = BUFFER_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(state_dir_write(scratch->fd, "file", "0123456789", 10, &err), 0);
	assert_int_equal(state_dir_read(scratch->fd, "file", 10, &text, &err), 0);
	assert_int_equal(text.len, 10);
	buffer_clear(&text);
	assert_int_equal(state_dir_read(scratch->fd, "file", 9, &text, &err), ERR_LIMIT);
	assert_int_equal(state_dir_read(scratch->fd, "none", 9, &text, &err), ERR_GONE);
	buffer_release(&text);
}

/* --- the page --- */

static const char *page;

static void
assert_page_has(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (strstr(page, line) == NULL)
		fail_msg("doc/state-directory.md does not have: %s", line);
}

static void
test_page_names_what_the_tables_name(void **state)
{
	struct buffer text = BUFFER_INIT;
	struct err err = ERR_INIT;
	enum event_type event;
	int i;

	(void)state;
	assert_int_equal(state_dir_read(AT_FDCWD, TOP_SRCDIR "/doc/state-directory.md", 1 << 20,
					&text, &err),
			 0);
	page = buffer_text(&text);
#define X(NAME, name) assert_page_has("| `%s`", name);
	STATE_DIR_NAMES(X)
	STATE_TASK_NAMES(X)
#undef X
	for (i = JOURNAL_NO_TYPE + 1; i < JOURNAL_TYPE_COUNT; i++) {
		const char *name = journal_type_name((enum journal_type)i);

		if (journal_type_event((enum journal_type)i, &event))
			assert_page_has("| %d | `%s` | `%s` |", i, name, event_name(event));
		else
			assert_page_has("| %d | `%s` | |", i, name);
	}
	assert_page_has("records of %d bytes", JOURNAL_RECORD_BYTES);
	assert_page_has("| %d | 4 | crc |", JOURNAL_RECORD_BYTES - 4);
	assert_page_has("`0x%x`", SPOOL_MAGIC);
	assert_page_has("%d bytes: step (4)", SPOOL_STREAM_BYTES);
	buffer_release(&text);
}

static void
test_state_version_check_reads_up_to_what_is_known(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(state_version_check("keep", 1, 2, &err), 0);
	assert_int_equal(state_version_check("keep", 2, 2, &err), 0);
	assert_int_equal(state_version_check("keep", 0, 2, &err), ERR_INPUT);
	assert_int_equal(state_version_check("keep", 3, 2, &err), ERR_HOST);
	assert_string_equal(err.text, "file 'keep' has version 3, this runnerd reads up to 2");
	assert_non_null(err.hint);
}

static void
test_state_version_check_text_knows_the_version_by_the_blank_behind_it(void **state)
{
	static const struct {
		const char *text, *rest;
		int rc;
	} rows[] = {
		{"", "", 0},
		{"70000", "70000", 0},
		{"ppf", "ppf", 0},
		{"/run/runnerd", "/run/runnerd", 0},
		{"1 cpus:0", "cpus:0", 0},
		{"0 x", "x", ERR_INPUT},
		{"2 x", "x", ERR_HOST},
		{"99999999999999999999999 x", "x", ERR_HOST},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = ERR_INIT;
		const char *at = rows[i].text;

		assert_int_equal(state_version_check_text("user", &at, 1, &err), rows[i].rc);
		assert_string_equal(at, rows[i].rest);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_state_dir_open_is_refused_while_another_holds_it),
		T(test_state_dir_open_keeps_the_agents_id),
		T(test_state_dir_open_takes_the_earlier_id_where_there_is_none),
		T(test_state_dir_open_refuses_what_others_may_write_to),
		T(test_state_dir_makes_lists_and_removes_tasks),
		T(test_state_dir_read_is_bounded),
		cmocka_unit_test(test_state_version_check_reads_up_to_what_is_known),
		cmocka_unit_test(test_state_version_check_text_knows_the_version_by_the_blank_behind_it),
		cmocka_unit_test(test_page_names_what_the_tables_name),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
