/*
 * work_dir_test.c - work directories go from task to task only as they were made.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/work_dir.h"
#include "base/err.h"
#include "loop/loop.h"
#include "scratch.h"

struct fixture {
	struct loop *loop;
	struct work_dirs dirs;
	struct work_dir work;
	bool gone;
};

static void
begin(struct fixture *f, const struct scratch *scratch)
{
	struct err err = ERR_INIT;

	f->gone = false;
	assert_int_equal(loop_new(&f->loop, &err), 0);
	assert_int_equal(work_dirs_init(&f->dirs, f->loop, scratch->path, &err), 0);
	work_dir_init(&f->work, &f->dirs, "one");
	assert_int_equal(work_dir_make(&f->work, &f->dirs, &err), 0);
}

static void
finish(struct fixture *f)
{
	work_dir_release(&f->work);
	work_dirs_release(&f->dirs);
	loop_free(f->loop);
}

static void
on_gone(void *arg)
{
	struct fixture *f = arg;

	f->gone = true;
	loop_stop(f->loop);
}

/* Until it is gone, by whatever way. */
static void
remove_work(struct fixture *f)
{
	f->gone = work_dir_remove(&f->work, &f->dirs, on_gone, f);
	while (!f->gone)
		loop_run(f->loop);
}

static ino_t
inode_of(int at, const char *name)
{
	struct stat st;

	return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
}

/*
 * cmocka's skip() prints "not ok", which prove(1) takes for a failure: what cannot be shown says so
 * and returns.
 */
static bool
cannot_show(bool cannot, const char *why)
{
	if (cannot)
		print_message("# not shown here: %s\n", why);
	return cannot;
}

/* Where paths cannot be opened without crossing mounts (qemu-user) no directory is used again. */
static bool
lacks_openat2(void)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC};
	long fd = syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof(how));
	bool lacks = fd < 0 && errno == ENOSYS;

	(void)close((int)fd);
	return cannot_show(lacks, "this host has no openat2");
}

static void
write_byte(int at, const char *name)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	(void)close(fd);
}

static void
test_work_dir_make_gives_what_an_earlier_task_left_as_it_was(void **state)
{
	const struct scratch *scratch = *state;
	struct err err = ERR_INIT;
	struct fixture f;
	ino_t home;

	if (lacks_openat2())
		return;
	begin(&f, scratch);
	home = inode_of(f.dirs.fd, "one/home");
	assert_true(home != 0);
	assert_true(work_dir_remove(&f.work, &f.dirs, on_gone, &f));
	assert_true(inode_of(f.dirs.fd, "one") == 0);
	work_dir_release(&f.work);
	work_dir_init(&f.work, &f.dirs, "two");
	assert_int_equal(work_dir_make(&f.work, &f.dirs, &err), 0);
	assert_true(inode_of(f.dirs.fd, "two/home") == home);
	assert_true(inode_of(f.dirs.fd, "two/home/project") != 0);
	remove_work(&f);
	finish(&f);
	assert_int_equal(scratch_count_files(scratch), 0);
}

static void
test_work_dir_make_goes_on_with_what_is_there(void **state)
{
	const struct scratch *scratch = *state;
	struct err err = ERR_INIT;
	struct fixture f;
	struct work_dir other;

	begin(&f, scratch);
	work_dir_init(&other, &f.dirs, "other");
	assert_int_equal(work_dir_make(&other, &f.dirs, &err), 0);
	assert_true(work_dir_remove(&other, &f.dirs, on_gone, &f));
	work_dir_release(&other);
	write_byte(f.dirs.fd, "one/home/kept");
	assert_int_equal(work_dir_make(&f.work, &f.dirs, &err), 0);
	assert_true(inode_of(f.dirs.fd, "one/home/kept") != 0);
	remove_work(&f);
	finish(&f);
	assert_int_equal(scratch_count_files(scratch), 0);
}

static void
test_work_dirs_init_removes_spares_of_a_runnerd_that_was_killed(void **state)
{
	const struct scratch *scratch = *state;
	struct fixture f;

	if (lacks_openat2())
		return;
	begin(&f, scratch);
	assert_true(work_dir_remove(&f.work, &f.dirs, on_gone, &f));
	f.dirs.spares = 0; /* forgotten */
	finish(&f);
	assert_int_equal(scratch_count_files(scratch), 1);
	begin(&f, scratch);
	assert_true(inode_of(f.dirs.fd, "spare-0") == 0);
	remove_work(&f);
	finish(&f);
	assert_int_equal(scratch_count_files(scratch), 0);
}

/* --- what a job may do to them --- */

static void
leave_file_in_home(int fd)
{
	write_byte(fd, "one/home/.profile");
}

static void
leave_file_in_project(int fd)
{
	write_byte(fd, "one/home/project/core");
}

static void
leave_link_in_tmp(int fd)
{
	assert_int_equal(symlinkat("/", fd, "one/tmp/root"), 0);
}

static void
leave_file_beside(int fd)
{
	write_byte(fd, "one/command-0-0");
}

static void
write_bash_env(int fd)
{
	write_byte(fd, "one/bash_env");
}

static void
link_bash_env(int fd)
{
	assert_int_equal(linkat(fd, "one/bash_env", fd, "one/tmp/same", 0), 0);
	assert_int_equal(renameat(fd, "one/tmp/same", fd, "link"), 0);
}

static void
open_home_to_all(int fd)
{
	assert_int_equal(fchmodat(fd, "one/home", 0777, 0), 0);
}

static void
remove_tmp(int fd)
{
	assert_int_equal(unlinkat(fd, "one/tmp", AT_REMOVEDIR), 0);
}

static void
replace_tmp_by_link(int fd)
{
	remove_tmp(fd);
	assert_int_equal(symlinkat("home/project", fd, "one/tmp"), 0);
}

static void
name_an_attribute(int fd)
{
	int home = openat(fd, "one/home", O_RDONLY | O_CLOEXEC);

	assert_true(home >= 0);
	if (fsetxattr(home, "user.note", "x", 1, 0) != 0) {
		assert_int_equal(errno, EOPNOTSUPP); /* a file system without them: the next best */
		write_byte(home, "note");
	}
	(void)close(home);
}

/* The file is empty still, and holds room that no listing shows. */
static void
set_room_aside(int fd)
{
	int file = openat(fd, "one/bash_env", O_WRONLY | O_CLOEXEC);

	assert_true(file >= 0);
	if (fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 1 << 20) != 0) {
		assert_int_equal(errno, EOPNOTSUPP);
		assert_int_equal(write(file, "x", 1), 1);
	}
	(void)close(file);
}

/* Both the job's project and its flags travel to what is made below. */
static void
set_project(int fd)
{
	int tmp = openat(fd, "one/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct fsxattr more;

	assert_true(tmp >= 0);
	if (ioctl(tmp, FS_IOC_FSGETXATTR, &more) == 0)
		more.fsx_projid = 4711;
	if (ioctl(tmp, FS_IOC_FSSETXATTR, &more) != 0)
		write_byte(tmp, "note"); /* a file system without projects: the next best */
	(void)close(tmp);
}

static void
test_work_dir_remove_keeps_nothing_that_a_job_has_changed(void **state)
{
	static void (*const changes[])(int fd) = {
		leave_file_in_home,  leave_file_in_project, leave_link_in_tmp, leave_file_beside,
		write_bash_env,	     link_bash_env,	    open_home_to_all,  remove_tmp,
		replace_tmp_by_link, name_an_attribute,	    set_room_aside,    set_project,
	};
	const struct scratch *scratch = *state;
	struct fixture f;
	size_t i;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		begin(&f, scratch);
		changes[i](f.dirs.fd);
		remove_work(&f);
		assert_int_equal(f.dirs.spares, 0);
		(void)unlinkat(f.dirs.fd, "link", 0);
		assert_int_equal(scratch_count_files(scratch), 0);
		finish(&f);
	}
}

static void
test_work_dir_remove_takes_mount_points_away_but_not_what_lies_in_them(void **state)
{
	const struct scratch *scratch = *state;
	struct fixture f;

	if (lacks_openat2())
		return;
	begin(&f, scratch);
	assert_int_equal(mkdirat(f.dirs.fd, "one/tmp/opt", 0711), 0);
	assert_int_equal(mkdirat(f.dirs.fd, "one/tmp/opt/.bin", 0711), 0);
	assert_int_equal(mkdirat(f.dirs.fd, "one/tmp/src", 0711), 0);
	assert_true(work_dir_remove(&f.work, &f.dirs, on_gone, &f));
	assert_int_equal(f.dirs.spares, 1);
	assert_true(inode_of(f.dirs.fd, "spare-0/tmp/opt") == 0);
	assert_true(inode_of(f.dirs.fd, "spare-0/tmp/src") == 0);
	finish(&f);

	begin(&f, scratch);
	assert_int_equal(mkdirat(f.dirs.fd, "one/tmp/opt", 0711), 0);
	write_byte(f.dirs.fd, "one/tmp/opt/core");
	remove_work(&f);
	assert_int_equal(f.dirs.spares, 0);
	finish(&f);
	assert_int_equal(scratch_count_files(scratch), 0);
}

static void
test_work_dir_remove_keeps_nothing_when_a_process_may_be_left(void **state)
{
	const struct scratch *scratch = *state;
	struct fixture f;

	begin(&f, scratch);
	f.work.doubtful = true;
	remove_work(&f);
	assert_int_equal(f.dirs.spares, 0);
	finish(&f);
	assert_int_equal(scratch_count_files(scratch), 0);
}

/* Mounts of its own for this process, as root of its own where it is not root. */
static bool
can_mount(void)
{
	char map[64];
	uid_t uid = geteuid();
	int fd;

	if (unshare(CLONE_NEWNS) == 0)
		return mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return false;
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	(void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	if (fd < 0 || write(fd, map, strlen(map)) < 0)
		return false;
	(void)close(fd);
	return geteuid() == uid && mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0;
}

/* Another directory that looks the same, on the same file system: only the mount tells. */
static void
test_work_dir_remove_keeps_nothing_that_is_mounted_over(void **state)
{
	static const char *const places[] = {"one", "one/home/project", "one/tmp", "one/bash_env"};
	const struct scratch *scratch = *state;
	struct err err = ERR_INIT;
	struct work_dir other;
	char from[512], to[512];
	struct fixture f;
	size_t i;

	if (cannot_show(!can_mount(), "this user cannot mount"))
		return;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		begin(&f, scratch);
		work_dir_init(&other, &f.dirs, "two");
		assert_int_equal(work_dir_make(&other, &f.dirs, &err), 0);
		(void)snprintf(from, sizeof(from), "%s/two%s", scratch->path, places[i] + 3);
		(void)snprintf(to, sizeof(to), "%s/%s", scratch->path, places[i]);
		assert_int_equal(mount(from, to, "none", MS_BIND, NULL), 0);
		remove_work(&f);
		assert_int_equal(f.dirs.spares, 0);
		assert_int_equal(umount2(to, MNT_DETACH), 0);
		remove_work(&f); /* what the mount held back */
		work_dir_release(&f.work);
		f.work = other;
		remove_work(&f);
		finish(&f);
		assert_int_equal(scratch_count_files(scratch), 0);
	}
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_work_dir_make_gives_what_an_earlier_task_left_as_it_was),
		IN_SCRATCH(test_work_dir_make_goes_on_with_what_is_there),
		IN_SCRATCH(test_work_dirs_init_removes_spares_of_a_runnerd_that_was_killed),
		IN_SCRATCH(test_work_dir_remove_keeps_nothing_that_a_job_has_changed),
		IN_SCRATCH(test_work_dir_remove_takes_mount_points_away_but_not_what_lies_in_them),
		IN_SCRATCH(test_work_dir_remove_keeps_nothing_when_a_process_may_be_left),
		IN_SCRATCH(test_work_dir_remove_keeps_nothing_that_is_mounted_over),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
