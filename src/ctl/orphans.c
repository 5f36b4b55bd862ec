/*
 * orphans.c - processes whose parents have gone come to us, and nobody stays.
 *
 * A killed process's children become ours, so that killing all of our children again
 * and again ends with none, whatever they have started.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/orphans.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/loop.h"

enum { ORPHANS_ROUND_MS = 100, ORPHANS_ROUNDS = 100 };

int
orphans_adopt(struct err *err)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == 0)
		return 0;
	if (errno != EINVAL)
		return err_sys(err, "cannot become the parent of orphaned processes");
	log_warn("this kernel has no subreapers (an emulator, perhaps): what a job leaves behind may outlive a kill of the agent");
	return 0;
}

/* True while there are children. */
static bool
reap(void)
{
	pid_t pid;

	do
		pid = waitpid(-1, NULL, WNOHANG);
	while (pid > 0 || (pid < 0 && errno == EINTR));
	return pid == 0;
}

/* proc(5): the fourth field, behind a name that may hold anything but ends with the last ')'. */
static pid_t
parent_of(const char *pid)
{
	char path[64], text[512];
	const char *at;
	ssize_t n;
	LOCAL_FD fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (n <= 0)
		return -1;
	text[n] = '\0';
	at = strrchr(text, ')');
	if (at == NULL || strlen(at) < 4)
		return -1;
	return (pid_t)strtol(at + 3, NULL, 10);
}

/* They are children and not reaped: their numbers cannot have gone to others. */
static void
kill_children(void)
{
	DIR *list = opendir("/proc");
	struct dirent *entry;
	pid_t self = getpid();

	if (list == NULL)
		return;
	while ((entry = readdir(list)) != NULL)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    parent_of(entry->d_name) == self)
			(void)kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
	(void)closedir(list);
}

static void
on_child_signal(void *arg, int signo)
{
	(void)signo;
	loop_stop(arg);
}

static void
on_round_timer(void *arg)
{
	loop_stop(arg);
}

int
orphans_end(struct loop *loop, uint64_t patience_ms, struct err *err)
{
	uint64_t since_us = loop_now_us(loop);
	struct signal_watch signal = {0};
	struct timer timer = {0};
	unsigned rounds = 0;
	bool left;

	if (signal_start(&signal, loop, SIGCHLD, on_child_signal, loop, err) < 0)
		return err->code;
	timer_init(&timer, loop, on_round_timer, loop);
	while ((left = reap()) && rounds < ORPHANS_ROUNDS) {
		if (loop_now_us(loop) - since_us >= patience_ms * 1000) {
			kill_children();
			rounds++;
		}
		timer_start_ms(&timer, ORPHANS_ROUND_MS);
		loop_run(loop);
	}
	timer_release(&timer);
	signal_stop(&signal);
	if (left)
		return err_set(err, ERR_HOST,
			       "some processes of the jobs do not end, though they were killed");
	return 0;
}
