/*
 * task_sessions.c - the terminals that people have in the tasks of this host.
 *
 * A session's place in its list is the number that runner-init knows it by. What cannot be
 * opened is a session all the same, which tells the person why and is over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/task_sessions.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/task_struct.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "task/session_frame.h"

enum { SESSION_ARENA_BYTES = 24 << 20, GROUP_NAME_BYTES = 24 };

/* --- which step's environment ---------------------------------------------------------------- */

/* The one that runs, else the one that failed, else the last that ran. */
static uint32_t
step_of_interest(const struct task *task)
{
	const struct sequence *sequence = &task->sequence;
	uint32_t count = (uint32_t)task->doc->step_count;

	if (task->current != NULL)
		return task->current->index;
	if (sequence->failed)
		return sequence->failed_step;
	return sequence->step < count ? sequence->step : count - 1;
}

/* Where tasks have control groups it is held by the task's, and ends with it. */
static int
enter_cgroup(struct task *task, uint32_t number, int *fd, struct err *err)
{
	char name[GROUP_NAME_BYTES];

	(void)snprintf(name, sizeof(name), "session-%u", number);
	return task_enter_cgroup_beside(task, name, task->tasks->settings.launcher != NULL, fd, err);
}

static int
ask_runner_init(struct task *task, const struct command *command, uint32_t number,
		const struct session_open *open, struct err *err)
{
	struct message message = {.type = MESSAGE_START_SESSION};
	int fds[2] = {-1, -1}, rc;

	rc = command_seal(command, &fds[0], err);
	if (rc < 0)
		return rc;
	rc = enter_cgroup(task, number, &fds[1], err);
	if (rc == 0) {
		message.start_session = (struct message_start_session){
			.session = number,
			.flags = (command->no_new_privs ? START_NO_NEW_PRIVS : 0u) |
				 (fds[1] >= 0 ? START_IN_CGROUP : 0u) |
				 (open->is_terminal ? START_TERMINAL : 0u),
			.rows = open->rows,
			.cols = open->cols};
		supervisor_send(&task->supervisor, &message, fds, fds[1] >= 0 ? 2 : 1);
	}
	(void)close(fds[0]);
	if (fds[1] >= 0)
		(void)close(fds[1]);
	return rc;
}

static int
on_open(void *arg, struct session *session, const struct session_open *open, struct err *err)
{
	struct task *task = arg;
	struct env_layer of_host;
	struct command command;
	struct arena arena;
	int rc;

	OBJ_CHECK(task, TASK_MAGIC);
	if (task_session_refusal(task) != NULL)
		return err_set(err, ERR_GONE, "%s", task_session_refusal(task));
	arena_init(&arena, SESSION_ARENA_BYTES);
	of_host = task_host_environment(task, &arena);
	rc = command_make_session(&command, &arena, &task->tasks->command_host, task->doc,
				  step_of_interest(task), &task->work, &of_host, open, err);
	if (rc == 0)
		task_bound(task, &command);
	if (rc == 0)
		rc = ask_runner_init(task, &command, session_number(session), open, err);
	arena_release(&arena);
	return rc;
}

static void
on_signal(void *arg, struct session *session, int signo)
{
	struct task *task = arg;
	struct message message = {.type = MESSAGE_SIGNAL_STEP};

	OBJ_CHECK(task, TASK_MAGIC);
	message.signal_step = (struct message_signal_step){.step = session_number(session),
							   .attempt = SUPERVISOR_SESSION_ATTEMPT,
							   .signo = (uint32_t)signo};
	if (supervisor_is_alive(&task->supervisor))
		supervisor_send(&task->supervisor, &message, NULL, 0);
}

/* --- the list -------------------------------------------------------------------------------- */

static void
forget(struct sessions *sessions, struct session *session)
{
	uint32_t number = session_number(session);

	assert(sessions->slots[number] == session);
	sessions->slots[number] = NULL;
	session_free(session);
}

static void
on_over(void *arg, struct session *session)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	forget(&task->sessions, session);
}

static void
on_refused_over(void *arg, struct session *session)
{
	struct tasks *tasks = arg;

	OBJ_CHECK(tasks, TASKS_MAGIC);
	forget(&tasks->refused_sessions, session);
}

static bool
find_place(const struct sessions *sessions, uint32_t *number)
{
	for (*number = 0; *number < SESSIONS_OF_TASK_MOST; ++*number)
		if (sessions->slots[*number] == NULL)
			return true;
	return false;
}

static void
refuse(struct tasks *tasks, struct hub_link *link, const struct session_order *order,
       const char *task, const char *sentence)
{
	const struct session_hooks hooks = {.arg = tasks, .task = task, .on_over = on_refused_over};
	uint32_t number;

	if (!find_place(&tasks->refused_sessions, &number))
		return; /* the hub tells them that no answer came */
	tasks->refused_sessions.slots[number] =
		session_start(tasks->loop, link, order, number, sentence, &hooks);
}

static bool
lets_in(const struct task *task)
{
	const struct tasks_hooks *hooks = &task->tasks->hooks;

	return hooks->lets_in != NULL ? hooks->lets_in(hooks->arg, task, task->tasks->settings.attach)
				      : task->tasks->settings.attach;
}

const char *
task_session_refusal(const struct task *task)
{
	if (!lets_in(task))
		return "nobody is let into tasks of this resource class here (the agent's setting 'attach')";
	if (task->tasks->settings.command_prefix != NULL)
		return "this agent starts commands through a prefix: there is no way in";
	if (task->state == TASK_CLAIMED || task->state == TASK_PREPARING)
		return "the task has not begun to run: try again in a moment";
	if ((task->state != TASK_RUNNING && !task_is_kept(task)) || task->doc == NULL)
		return "the task has ended";
	if (!supervisor_is_alive(&task->supervisor))
		return "the task is kept without its namespaces: its runner-init is gone";
	if (!task->ready)
		return "the agent has just been restarted: try again in a moment";
	if (!supervisor_has_sessions(&task->supervisor))
		return "the task was started by an older runnerd, which knew no terminals";
	return NULL;
}

void
tasks_open_session(struct tasks *tasks, struct hub_link *link, const struct id *id,
		   const struct session_order *order)
{
	struct session_hooks hooks = {.on_open = on_open, .on_signal = on_signal, .on_over = on_over};
	struct task *task = tasks_find(tasks, id);
	uint32_t number;

	OBJ_CHECK(tasks, TASKS_MAGIC);
	if (task == NULL) {
		refuse(tasks, link, order, NULL, "the task is not on this host any more");
		return;
	}
	if (task_session_refusal(task) != NULL) {
		refuse(tasks, link, order, task->id_text, task_session_refusal(task));
		return;
	}
	if (!find_place(&task->sessions, &number)) {
		refuse(tasks, link, order, task->id_text,
		       "as many terminals are open in this task as there can be");
		return;
	}
	hooks.arg = task;
	hooks.task = task->id_text;
	task->sessions.slots[number] =
		session_start(tasks->loop, link, order, number, NULL, &hooks);
}

static void
drop_all(struct sessions *sessions)
{
	size_t i;

	for (i = 0; i < SESSIONS_OF_TASK_MOST; i++) {
		session_free(sessions->slots[i]);
		sessions->slots[i] = NULL;
	}
}

void
task_drop_sessions(struct task *task)
{
	drop_all(&task->sessions);
}

void
tasks_drop_sessions(struct tasks *tasks)
{
	struct task *task;

	OBJ_CHECK(tasks, TASKS_MAGIC);
	for (task = tasks->by_id; task != NULL; task = task->hh.next)
		task_drop_sessions(task);
	drop_all(&tasks->refused_sessions);
}

void
task_end_sessions(struct task *task, const char *sentence)
{
	size_t i;

	for (i = 0; i < SESSIONS_OF_TASK_MOST; i++)
		if (task->sessions.slots[i] != NULL)
			session_end(task->sessions.slots[i], sentence);
}

/* --- news ------------------------------------------------------------------------------------ */

static struct session *
find(struct task *task, uint32_t number)
{
	struct session *session =
		number < SESSIONS_OF_TASK_MOST ? task->sessions.slots[number] : NULL;

	return session != NULL && session_has_process(session) ? session : NULL;
}

void
task_session_started(struct task *task, uint32_t number, const int *fds, size_t fd_count)
{
	struct session *session = find(task, number);

	if (session != NULL) {
		session_note_started(session, fds, fd_count);
		return;
	}
	while (fd_count > 0)
		(void)close(fds[--fd_count]);
}

static void
acknowledge(struct task *task, uint32_t number)
{
	struct message message = {.type = MESSAGE_ACK_STEP};

	message.ack_step = (struct message_ack_step){.step = number,
						     .attempt = SUPERVISOR_SESSION_ATTEMPT};
	supervisor_send(&task->supervisor, &message, NULL, 0);
}

void
task_session_failed(struct task *task, const struct message_step_failed_to_start *failed)
{
	struct session *session = find(task, failed->step);
	char sentence[RUNNER_REASON_BYTES];

	(void)snprintf(sentence, sizeof(sentence), "runner-init cannot %s%s%s",
		       message_fault_sentence(failed->what), failed->sys != 0 ? ": " : "",
		       failed->sys != 0 ? strerror((int)failed->sys) : "");
	acknowledge(task, failed->step);
	if (session != NULL)
		session_note_failed(session, sentence);
}

void
task_session_exited(struct task *task, const struct message_step_exited *exited)
{
	struct session *session = find(task, exited->step);

	acknowledge(task, exited->step);
	if (session != NULL)
		session_note_exited(session, exited);
}

void
task_lose_sessions(struct task *task, const char *sentence)
{
	size_t i;

	for (i = 0; i < SESSIONS_OF_TASK_MOST; i++)
		if (task->sessions.slots[i] != NULL && session_has_process(task->sessions.slots[i]))
			session_note_lost(task->sessions.slots[i], sentence);
}
