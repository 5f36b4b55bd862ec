/*
 * caches_test.c - which caches are found, kept and let go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/caches.h"
#include "base/err.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "scratch.h"

#define PROJECT "gh/o/r"

enum { ARCHIVE_BYTES = 1000, FILE_BYTES = CACHE_FILE_HEAD_BYTES + ARCHIVE_BYTES };

static const char digest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

struct fixture {
	struct loop *loop;
	struct caches *caches;
};

static void
begin(struct fixture *f, const struct scratch *scratch, uint64_t most)
{
	struct err err = ERR_INIT;

	assert_int_equal(loop_new(&f->loop, &err), 0);
	assert_int_equal(caches_new(&f->caches, f->loop, CACHES_OF_JOBS, scratch->path, most, &err),
			 0);
}

static void
finish(struct fixture *f)
{
	caches_free(f->caches);
	loop_free(f->loop);
}

static int
begin_file(struct fixture *f, const char *key)
{
	static const char bytes[ARCHIVE_BYTES];
	struct err err = ERR_INIT;
	int fd = -1;

	assert_int_equal(caches_begin(f->caches, PROJECT, key, &fd, &err), 0);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	return fd;
}

static int
save_file(struct caches *caches, const char *key, const char *sha256, int fd, struct err *err)
{
	const struct cache_offer offer = {PROJECT, key, sha256, 0};

	return caches_save(caches, &offer, fd, err);
}

static void
save(struct fixture *f, const char *key)
{
	struct err err = ERR_INIT;
	int fd = begin_file(f, key);

	assert_int_equal(save_file(f->caches, key, digest, fd, &err), 0);
	(void)close(fd);
}

/* What the key finds; "" for none. */
static const char *
found(struct fixture *f, const char *key)
{
	static struct cache_file file;
	struct err err = ERR_INIT;
	int fd = -1, rc = caches_find(f->caches, PROJECT, key, &file, &fd, &err);

	if (rc == ERR_GONE)
		return "";
	assert_int_equal(rc, 0);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), CACHE_FILE_HEAD_BYTES);
	(void)close(fd);
	return file.key;
}

/* Two of the same millisecond have no order. */
static void
next_millisecond(void)
{
	int64_t now = clock_unix_ms();

	while (clock_unix_ms() == now)
		;
}

static void
cache_path(char room[512], const struct scratch *scratch, const char *key)
{
	char name[CACHE_FILE_NAME_BYTES];

	(void)snprintf(room, 512, "%s/%s/%s", scratch->path, CACHE_FILE_DIR,
		       cache_file_name(name, PROJECT, key));
}

static void
test_caches_find_takes_the_newest_whose_key_begins_so(void **state)
{
	struct fixture f;

	begin(&f, *state, 0);
	save(&f, "v1-a-first");
	next_millisecond();
	save(&f, "v1-a-second");
	next_millisecond();
	save(&f, "v1-b");
	assert_string_equal(found(&f, "v1-a"), "v1-a-second");
	assert_string_equal(found(&f, "v1-a-first"), "v1-a-first");
	assert_string_equal(found(&f, "v1-"), "v1-b");
	assert_string_equal(found(&f, "v2"), "");
	finish(&f);
}

static void
test_caches_save_lets_the_first_of_two_win(void **state)
{
	struct err err = ERR_INIT;
	struct fixture f;
	int one, two;

	begin(&f, *state, 0);
	one = begin_file(&f, "key");
	two = begin_file(&f, "key");
	assert_int_equal(save_file(f.caches, "key", digest, two, &err), 0);
	assert_int_equal(save_file(f.caches, "key", digest, one, &err), ERR_GONE);
	(void)close(one);
	assert_int_equal(caches_begin(f.caches, PROJECT, "key", &one, &err), ERR_GONE);
	assert_int_equal(caches_begin(f.caches, "gh/o/other", "key", &one, &err), 0);
	(void)close(one);
	(void)close(two);
	finish(&f);
}

static void
test_caches_new_finds_what_an_earlier_runnerd_has_saved(void **state)
{
	struct fixture f;

	begin(&f, *state, 0);
	save(&f, "kept");
	finish(&f);
	begin(&f, *state, 0);
	assert_string_equal(found(&f, "k"), "kept");
	finish(&f);
}

static void
test_caches_find_sees_what_another_runnerd_does(void **state)
{
	struct fixture one, two;
	char path[512];

	begin(&one, *state, 0);
	begin(&two, *state, 0);
	assert_string_equal(found(&two, "k"), "");
	save(&one, "k1");
	assert_string_equal(found(&two, "k"), "k1");
	cache_path(path, *state, "k1");
	assert_int_equal(unlink(path), 0);
	assert_string_equal(found(&one, "k"), "");
	finish(&one);
	finish(&two);
}

static void
on_look(void *arg)
{
	loop_stop(arg);
}

/* 1 ms is over before the next one is asked for. */
static void
test_caches_find_nothing_when_its_time_is_over(void **state)
{
	struct fixture f;
	struct err err = ERR_INIT;
	struct cache_offer offer = {PROJECT, "short", digest, 1};
	int fd;

	begin(&f, *state, 0);
	fd = begin_file(&f, "short");
	assert_int_equal(caches_save(f.caches, &offer, fd, &err), 0);
	(void)close(fd);
	next_millisecond();
	next_millisecond();
	assert_string_equal(found(&f, "short"), "");
	offer = (struct cache_offer){PROJECT, "long", digest, 3600000};
	fd = begin_file(&f, "long");
	assert_int_equal(caches_save(f.caches, &offer, fd, &err), 0);
	(void)close(fd);
	assert_string_equal(found(&f, "long"), "long");
	save(&f, "short"); /* its key is free again */
	assert_string_equal(found(&f, "short"), "short");
	finish(&f);
}

static void
test_caches_save_removes_what_was_not_used_for_longest(void **state)
{
	struct fixture f;
	struct timer timer = {0};
	char path[512];
	int looks = 0;

	begin(&f, *state, 2 * FILE_BYTES);
	save(&f, "one");
	next_millisecond();
	save(&f, "two");
	next_millisecond();
	assert_string_equal(found(&f, "one"), "one");
	next_millisecond();
	save(&f, "three");
	assert_string_equal(found(&f, "two"), "");
	assert_string_equal(found(&f, "one"), "one");
	assert_string_equal(found(&f, "three"), "three");
	cache_path(path, *state, "two");
	(void)strcat(path, ".gone");
	timer_init(&timer, f.loop, on_look, f.loop);
	while (access(path, F_OK) == 0 && looks++ < 1000) { /* rm has ended then */
		timer_start_ms(&timer, 10);
		loop_run(f.loop);
	}
	timer_release(&timer);
	assert_int_not_equal(access(path, F_OK), 0);
	finish(&f);
}

static void
test_caches_find_passes_over_what_is_damaged(void **state)
{
	struct fixture f;
	char path[512];

	begin(&f, *state, 0);
	save(&f, "key-old");
	next_millisecond();
	save(&f, "key-new");
	cache_path(path, *state, "key-new");
	assert_int_equal(truncate(path, FILE_BYTES - 1), 0);
	assert_string_equal(found(&f, "key"), "key-old");
	save(&f, "key-other");
	cache_path(path, *state, "key-other");
	assert_int_equal(truncate(path, 10), 0);
	assert_string_equal(found(&f, "key-other"), "");
	finish(&f);
}

static void
test_caches_save_refuses_a_file_that_it_has_not_given(void **state)
{
	const struct scratch *scratch = *state;
	struct err err = ERR_INIT;
	struct fixture f;
	int fd;

	begin(&f, scratch, 0);
	fd = openat(scratch->fd, "own", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, FILE_BYTES), 0);
	assert_int_equal(save_file(f.caches, "key", digest, fd, &err), ERR_INPUT);
	(void)close(fd);
	(void)unlinkat(scratch->fd, "own", 0);
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_int_equal(save_file(f.caches, "key", digest, fd, &err), ERR_INPUT);
	(void)close(fd);
	fd = begin_file(&f, "key");
	assert_int_equal(save_file(f.caches, "key", "zz", fd, &err), ERR_INPUT);
	assert_int_equal(save_file(f.caches, "two\nlines", digest, fd, &err), ERR_INPUT);
	assert_int_equal(save_file(f.caches, "", digest, fd, &err), ERR_INPUT);
	(void)close(fd);
	finish(&f);
}

/* A head that says another project lies under another name: it is not believed. */
static void
test_caches_find_does_not_believe_a_head_that_its_name_denies(void **state)
{
	struct cache_file forged = {
		.project = "gh/o/other", .key = "key", .created_ms = 1, .size = ARCHIVE_BYTES};
	struct err err = ERR_INIT;
	struct cache_file file;
	struct fixture f;
	char path[512];
	int fd;

	begin(&f, *state, 0);
	save(&f, "key");
	cache_path(path, *state, "key");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	(void)strcpy(forged.digest, digest);
	assert_int_equal(cache_file_write_head(fd, &forged, &err), 0);
	(void)close(fd);
	assert_int_equal(caches_find(f.caches, "gh/o/other", "key", &file, &fd, &err), ERR_GONE);
	assert_string_equal(found(&f, "key"), "");
	finish(&f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_caches_find_takes_the_newest_whose_key_begins_so),
		TEST(test_caches_save_lets_the_first_of_two_win),
		TEST(test_caches_new_finds_what_an_earlier_runnerd_has_saved),
		TEST(test_caches_find_sees_what_another_runnerd_does),
		TEST(test_caches_find_nothing_when_its_time_is_over),
		TEST(test_caches_save_removes_what_was_not_used_for_longest),
		TEST(test_caches_find_passes_over_what_is_damaged),
		TEST(test_caches_save_refuses_a_file_that_it_has_not_given),
		TEST(test_caches_find_does_not_believe_a_head_that_its_name_denies),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
