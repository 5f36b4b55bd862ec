/*
 * place_test.c - what a run uses of the machine and gives back: directories, orphans, standard
 * output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "ctl/orphans.h"
#include "ctl/outlet.h"
#include "ctl/scratch.h"
#include "loop/child.h"
#include "loop/loop.h"

struct fixture {
	struct loop *loop;
	struct err err;
	char base[64];
	bool flag;
};

static int
setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	(void)snprintf(f.base, sizeof(f.base), "/tmp/place-test-XXXXXX");
	assert_non_null(mkdtemp(f.base));
	assert_int_equal(loop_new(&f.loop, &f.err), 0);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	loop_free(f->loop);
	assert_int_equal(rmdir(f->base), 0);
	return 0;
}

static bool
is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* --- scratch ------------------------------------------------------------------------------------
 */

static void
test_scratch_removes_all_that_is_in_it_and_follows_no_link(void **state)
{
	struct fixture *f = *state;
	struct scratch scratch;
	struct stat st;
	char path[PATH_MAX + 64], outside[128];
	int fd;

	(void)snprintf(outside, sizeof(outside), "%s/outside", f->base);
	assert_int_equal(mkdir(outside, 0700), 0);
	assert_int_equal(scratch_make(&scratch, f->base, &f->err), 0);
	assert_int_equal(stat(scratch.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	(void)snprintf(path, sizeof(path), "%s/a", scratch.path);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/a/file", scratch.path);
	fd = open(path, O_CREAT | O_WRONLY, 0400);
	assert_true(fd >= 0);
	(void)close(fd);
	(void)snprintf(path, sizeof(path), "%s/a/link", scratch.path);
	assert_int_equal(symlink(outside, path), 0);
	(void)snprintf(path, sizeof(path), "%s/a", scratch.path);
	assert_int_equal(chmod(path, 0), 0);
	(void)snprintf(path, sizeof(path), "%s", scratch.path);
	scratch_remove(&scratch);
	assert_false(is_there(path));
	assert_int_equal(rmdir(outside), 0); /* still there, and empty as it was */
}

static void
test_scratch_sweeps_what_a_dead_owner_left_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct scratch mine, dead, next;
	char dead_path[PATH_MAX], kept_path[PATH_MAX], entry[PATH_MAX + 16];

	assert_int_equal(scratch_make(&mine, f->base, &f->err), 0);
	assert_int_equal(scratch_make(&dead, f->base, &f->err), 0);
	(void)snprintf(dead_path, sizeof(dead_path), "%s", dead.path);
	(void)close(dead.lock); /* as the end of its owner does */
	assert_int_equal(scratch_make(&next, f->base, &f->err), 0);
	assert_false(is_there(dead_path));
	assert_true(is_there(mine.path));
	(void)snprintf(kept_path, sizeof(kept_path), "%s", next.path);
	(void)snprintf(entry, sizeof(entry), "%s/kept", next.path);
	assert_int_equal(mkdir(entry, 0700), 0);
	scratch_keep(&next, "kept");
	assert_int_equal(scratch_make(&next, f->base, &f->err), 0);
	assert_true(is_there(kept_path));
	scratch_remove(&next);
	scratch_remove(&mine);
	assert_int_equal(rmdir(entry), 0);
	assert_int_equal(rmdir(kept_path), 0);
}

static void
test_scratch_says_where_it_could_not_be_made(void **state)
{
	struct fixture *f = *state;
	struct scratch scratch;

	assert_int_equal(scratch_make(&scratch, "/nonexistent", &f->err), ERR_HOST);
	assert_non_null(strstr(f->err.text, "'/nonexistent'"));
	scratch_remove(&scratch);
}

/* --- orphans -------------------------------------------------------------------------------------
 */

static void
on_exit_of_child(void *arg, int status, const struct rusage *usage)
{
	struct fixture *f = arg;

	(void)status;
	(void)usage;
	f->flag = true;
	loop_stop(f->loop);
}

static void
run_shell(struct fixture *f, const char *script)
{
	char *argv[] = {(char *)(uintptr_t) "/bin/sh", (char *)(uintptr_t) "-c",
			(char *)(uintptr_t)script, NULL};
	struct child_spec spec = {.path = "/bin/sh", .argv = argv};
	struct child child = CHILD_INIT;

	f->flag = false;
	assert_int_equal(child_start(&child, f->loop, &spec, on_exit_of_child, f, &f->err), 0);
	while (!f->flag)
		loop_run(f->loop);
}

static void
test_orphans_end_leaves_no_generation(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(orphans_adopt(&f->err), 0);
	run_shell(f, "setsid sh -c 'trap \"\" TERM INT; sleep 1000 & setsid sleep 1000 & wait' &");
	assert_int_equal(orphans_end(f->loop, 0, &f->err), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
test_orphans_end_lets_those_go_that_go_by_themselves(void **state)
{
	struct fixture *f = *state;
	char script[256], path[128];

	assert_int_equal(orphans_adopt(&f->err), 0);
	(void)snprintf(path, sizeof(path), "%s/done", f->base);
	(void)snprintf(script, sizeof(script), "sh -c 'sleep 0.1; : > %s' &", path);
	run_shell(f, script);
	assert_int_equal(orphans_end(f->loop, 60000, &f->err), 0);
	assert_int_equal(unlink(path), 0);
}

/* --- outlet
 * --------------------------------------------------------------------------------------- */

static void
on_room(void *arg)
{
	struct fixture *f = arg;

	f->flag = true;
	loop_stop(f->loop);
}

struct reader {
	struct watch watch;
	size_t taken;
};

static void
on_readable(void *arg, unsigned events)
{
	struct reader *reader = arg;
	char bytes[4096];
	ssize_t n = read(reader->watch.fd, bytes, sizeof(bytes));

	(void)events;
	assert_true(n > 0);
	reader->taken += (size_t)n;
}

static void
test_outlet_is_full_until_its_reader_has_taken_enough(void **state)
{
	struct fixture *f = *state;
	static char bytes[3 * OUTLET_FULL_BYTES];
	struct reader reader = {0};
	struct outlet outlet;
	bool stop = false;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	outlet_init(&outlet, f->loop, ends[1], on_room, f);
	outlet_put(&outlet, bytes, 10);
	outlet_finish(&outlet, &stop);
	assert_true(outlet_is_empty(&outlet));
	assert_false(outlet_is_full(&outlet));
	outlet_put(&outlet, bytes, sizeof(bytes));
	assert_true(outlet_is_full(&outlet));
	assert_int_equal(watch_start(&reader.watch, f->loop, ends[0], WATCH_READ, on_readable,
				     &reader, &f->err),
			 0);
	while (!f->flag)
		loop_run(f->loop);
	assert_false(outlet_is_full(&outlet));
	outlet_finish(&outlet, &stop);
	assert_true(reader.taken > sizeof(bytes) - 65536);
	watch_stop(&reader.watch);
	stop = true; /* nobody reads on: finish() does not wait then */
	outlet_put(&outlet, bytes, sizeof(bytes));
	outlet_finish(&outlet, &stop);
	outlet_release(&outlet);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void
test_outlet_drops_everything_when_its_reader_is_gone(void **state)
{
	struct fixture *f = *state;
	struct outlet outlet;
	struct err err = ERR_INIT;
	bool stop = false;
	int ends[2];

	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	(void)close(ends[0]);
	outlet_init(&outlet, f->loop, ends[1], NULL, NULL);
	outlet_put(&outlet, "text", 4);
	outlet_finish(&outlet, &stop);
	assert_true(outlet_has_failed(&outlet, &err));
	assert_int_equal(err.code, 0); /* a reader that has enough is no failure */
	outlet_put(&outlet, "text", 4);
	assert_true(outlet_is_empty(&outlet));
	outlet_release(&outlet);
	(void)close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_scratch_removes_all_that_is_in_it_and_follows_no_link, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_scratch_sweeps_what_a_dead_owner_left_and_nothing_else, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_scratch_says_where_it_could_not_be_made, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_orphans_end_leaves_no_generation, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_orphans_end_lets_those_go_that_go_by_themselves, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_outlet_is_full_until_its_reader_has_taken_enough, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_outlet_drops_everything_when_its_reader_is_gone, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
