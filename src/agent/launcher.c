/*
 * launcher.c - runnerd's end of runner-launcher: what needs root's rights.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/launcher.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/packet.h"

enum {
	LAUNCHER_MAGIC = 0x1a0c4e55,
	ANSWER_MS = 30000, /* a disk that makes a directory may be slow */
	NUMBER_BYTES = 12,
	MIB = 1 << 20,
	ARGUMENTS = 16,
};

struct launcher {
	uint32_t magic;
	struct loop *loop;
	struct child child;
	int fd; /* -1: it has ended */
	uint32_t first_uid, slots;
	void (*on_end)(void *arg);
	void *arg;
};

/* --- one question and its answer ---------------------------------------------------------------- */

static struct launcher_request
request_of(enum launcher_verb verb, uint32_t slot, const struct id *task)
{
	struct launcher_request request = {
		.version = LAUNCHER_VERSION, .verb = (uint32_t)verb, .slot = slot};

	if (task != NULL)
		memcpy(request.task, task->bytes, sizeof(request.task));
	return request;
}

static int
gone(struct launcher *launcher, struct err *err)
{
	if (launcher->fd >= 0)
		(void)close(launcher->fd);
	launcher->fd = -1;
	return err_set(err, ERR_GONE, "runner-launcher has ended");
}

static int
send_request(struct launcher *launcher, const struct launcher_request *request, const int *fds,
	     size_t fd_count, struct err *err)
{
	const struct iovec piece = {(void *)(uintptr_t)request, sizeof(*request)};

	if (launcher->fd < 0)
		return gone(launcher, err);
	return packet_send(launcher->fd, &piece, fds, fd_count, 0) == (ssize_t)sizeof(*request)
		       ? 0
		       : gone(launcher, err);
}

static int
receive_answer(struct launcher *launcher, struct launcher_answer *answer, int *pidfd,
	       struct err *err)
{
	struct packet packet = {.fd_count = 0};
	struct pollfd polled = {.fd = launcher->fd, .events = POLLIN};
	ssize_t n;
	int ready;

	do
		ready = poll(&polled, 1, ANSWER_MS);
	while (ready < 0 && errno == EINTR);
	n = ready == 1
		    ? packet_receive(&packet, launcher->fd, answer, sizeof(*answer), MSG_DONTWAIT)
		    : -1;
	if (n != (ssize_t)sizeof(*answer) || answer->version != LAUNCHER_VERSION ||
	    answer->fault >= LAUNCHER_FAULT_COUNT) {
		packet_drop(&packet);
		return gone(launcher, err); /* what would come later could not be told apart */
	}
	*pidfd = packet_take_only(&packet);
	return 0;
}

static int
fail(const struct launcher_answer *answer, struct err *err)
{
	static const char *const sentences[LAUNCHER_FAULT_COUNT] = {
#define X(NAME, name, sentence) [LAUNCHER_FAULT_##NAME] = sentence,
		LAUNCHER_FAULTS(X)
#undef X
	};

	if (answer->sys == 0)
		return err_set(err, ERR_HOST, "runner-launcher cannot %s",
			       sentences[answer->fault]);
	errno = (int)answer->sys;
	return err_sys(err, "runner-launcher cannot %s", sentences[answer->fault]);
}

/* One that was born and could not begin has ended already. */
static void
bury(const struct launcher_answer *answer, int pidfd)
{
	if (pidfd >= 0)
		(void)close(pidfd);
	if (answer->pid > 0)
		(void)waitpid(answer->pid, NULL, 0);
}

static int
ask(struct launcher *launcher, const struct launcher_request *request, const int *fds,
    size_t fd_count, const struct launcher_child *child, struct err *err)
{
	struct launcher_answer answer = {0};
	struct child_born born = {0, -1};
	int rc;

	OBJ_CHECK(launcher, LAUNCHER_MAGIC);
	rc = send_request(launcher, request, fds, fd_count, err);
	if (rc == 0)
		rc = receive_answer(launcher, &answer, &born.pidfd, err);
	if (rc < 0)
		return rc;
	if (answer.fault != LAUNCHER_FAULT_NONE) {
		bury(&answer, born.pidfd);
		return fail(&answer, err);
	}
	if (child == NULL)
		return 0;
	born.pid = answer.pid;
	return child_adopt(child->child, launcher->loop, &born, child->on_exit, child->arg, err);
}

/* --- life ---------------------------------------------------------------------------------------- */

static void
on_exit_of_launcher(void *arg, int status, const struct rusage *usage)
{
	struct launcher *launcher = arg;
	struct err err = ERR_INIT;

	(void)usage;
	OBJ_CHECK(launcher, LAUNCHER_MAGIC);
	log_error("runner-launcher has ended with wait status 0x%x: no task can be started any more",
		  (unsigned)status);
	(void)!gone(launcher, &err);
	launcher->on_end(launcher->arg);
}

static int
start_process(struct launcher *launcher, const struct launcher_settings *settings, int fd,
	      struct err *err)
{
	char path[PATH_MAX], init[PATH_MAX], numbers[4][NUMBER_BYTES];
	const uint32_t values[4] = {settings->first_uid, settings->slots, settings->agent_uid,
				    settings->agent_gid};
	const char *argv[ARGUMENTS] = {"runner-launcher", "--first-uid", numbers[0],
				       "--slots",	  numbers[1],	 "--agent-uid",
				       numbers[2],	  "--agent-gid", numbers[3],
				       "--init",	  init,		 "--work-dir",
				       settings->work_dir,
				       settings->home != NULL ? "--home" : NULL,
				       settings->home};
	char *envp[] = {NULL};
	struct child_fd fds[] = {{fd, LAUNCHER_FD},
				 {settings->work_fd, LAUNCHER_WORK_FD},
				 {STDERR_FILENO, STDERR_FILENO}};
	struct child_spec spec = {.path = path,
				  .argv = (char *const *)(uintptr_t)argv,
				  .envp = envp,
				  .cwd = "/",
				  .fds = fds,
				  .fd_count = 3,
				  .flags = CHILD_NEW_SESSION};
	size_t i;

	for (i = 0; i < 4; i++)
		(void)snprintf(numbers[i], sizeof(numbers[i]), "%u", values[i]);
	if (child_find_program(path, sizeof(path), "runner-launcher", err) < 0 ||
	    child_find_program(init, sizeof(init), "runner-init", err) < 0)
		return err->code;
	return child_start(&launcher->child, launcher->loop, &spec, on_exit_of_launcher, launcher,
			   err);
}

int
launcher_new(struct launcher **out, struct loop *loop, const struct launcher_settings *settings,
	     void (*on_end)(void *arg), void *arg, struct err *err)
{
	struct launcher *launcher;
	struct launcher_answer ready = {0};
	int ends[2], none = -1, rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return err_sys(err, "cannot make a socket for runner-launcher");
	launcher = MEM_NEW(struct launcher);
	*launcher = (struct launcher){.magic = LAUNCHER_MAGIC,
				      .loop = loop,
				      .child = CHILD_INIT,
				      .fd = ends[0],
				      .first_uid = settings->first_uid,
				      .slots = settings->slots,
				      .on_end = on_end,
				      .arg = arg};
	rc = start_process(launcher, settings, ends[1], err);
	(void)close(ends[1]);
	if (rc == 0)
		rc = receive_answer(launcher, &ready, &none, err);
	if (rc == 0 && ready.fault != LAUNCHER_FAULT_NONE)
		rc = fail(&ready, err);
	if (rc < 0) {
		launcher_free(launcher);
		return rc;
	}
	*out = launcher;
	return 0;
}

void
launcher_free(struct launcher *launcher)
{
	if (launcher == NULL)
		return;
	OBJ_CHECK(launcher, LAUNCHER_MAGIC);
	if (launcher->fd >= 0)
		(void)close(launcher->fd);
	child_release(&launcher->child);
	OBJ_WIPE(launcher);
	free(launcher);
}

pid_t
launcher_pid(const struct launcher *launcher)
{
	return launcher->child.pid;
}

uint32_t
launcher_slots(const struct launcher *launcher)
{
	return launcher->slots;
}

uid_t
launcher_uid(const struct launcher *launcher, uint32_t slot)
{
	return (uid_t)(launcher->first_uid + slot);
}

/* --- verbs --------------------------------------------------------------------------------------- */

int
launcher_start_init(struct launcher *launcher, const struct launcher_start *start,
		    const struct launcher_child *child, struct err *err)
{
	struct launcher_request request = request_of(LAUNCHER_START, start->slot, start->task);
	const int fds[] = {start->listen_fd, start->dir_fd, start->shelter_fd};
	const size_t count = start->listen_fd < 0 ? 0 : start->shelter_fd < 0 ? 2 : 3;

	request.level = (uint32_t)start->level;
	request.orphan_ms = start->orphan_ms;
	if (start->cpus != NULL)
		memcpy(request.cpus, start->cpus, sizeof(request.cpus));
	return ask(launcher, &request, fds, count, child, err);
}

int
launcher_make_place(struct launcher *launcher, uint32_t slot, const struct id *task,
		    uint64_t disk_bytes, struct err *err)
{
	struct launcher_request request = request_of(LAUNCHER_MAKE, slot, task);
	uint64_t mib = disk_bytes / MIB + (disk_bytes % MIB != 0);

	request.disk_mib = mib > UINT32_MAX ? UINT32_MAX : (uint32_t)mib;
	return ask(launcher, &request, NULL, 0, NULL, err);
}

int
launcher_keep_place(struct launcher *launcher, const struct id *task, struct err *err)
{
	struct launcher_request request = request_of(LAUNCHER_KEEP, 0, task);

	return ask(launcher, &request, NULL, 0, NULL, err);
}

int
launcher_remove_place(struct launcher *launcher, const struct id *task,
		      const struct launcher_child *child, struct err *err)
{
	struct launcher_request request = request_of(LAUNCHER_REMOVE, 0, task);

	return ask(launcher, &request, NULL, 0, child, err);
}

int
launcher_kill_slot(struct launcher *launcher, uint32_t slot, struct err *err)
{
	struct launcher_request request = request_of(LAUNCHER_KILL, slot, NULL);

	return ask(launcher, &request, NULL, 0, NULL, err);
}

int
launcher_clean_slot(struct launcher *launcher, uint32_t slot, const struct launcher_child *child,
		    struct err *err)
{
	struct launcher_request request = request_of(LAUNCHER_CLEAN, slot, NULL);

	return ask(launcher, &request, NULL, 0, child, err);
}
