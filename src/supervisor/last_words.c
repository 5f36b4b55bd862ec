/*
 * last_words.c - what runner-init does when it finds itself wrong.
 *
 * Takes the place of base/assert.c, which would print and abort: the agent would see
 * a connection close, and in a task without a PID namespace its processes would go on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/last_words.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "supervisor/clock.h"
#include "supervisor/descent.h"
#include "supervisor/task.h"
#include "wire/record.h"

enum { ROUNDS_MOST = 1000 };

static struct task *ending;

void
last_words_of(struct task *task)
{
	ending = task;
}

static void
say(const char *text)
{
	(void)!write(STDERR_FILENO, text, strlen(text));
}

static void
tell_agent(struct task *task, int line)
{
	struct message message = {.type = MESSAGE_ERROR};

	message.error = (struct message_error){
		.what = FAULT_BUG, .sys = (uint32_t)line, .step = SUPERVISOR_NO_STEP};
	if (task->agent.fd >= 0)
		(void)agent_send(&task->agent, &message, NULL, 0);
}

static void
write_record(struct task *task)
{
	struct record record = {.type = RECORD_END};

	record.end =
		(struct record_end){.reason = SUPERVISOR_END_BROKEN, .ended_ms = clock_unix_ms()};
	(void)journal_append(&task->journal, &record);
}

/* In a PID namespace the kernel does it when we exit. */
static void
end_descendants(void)
{
	struct descent_count count;
	int round;

	for (round = 0; round < ROUNDS_MOST; round++) {
		if (descent_signal(SIGKILL, &count) != 0 || count.signaled == 0)
			return;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

_Noreturn void
assert_failed(const char *file, int line, const char *what)
{
	struct task *task = ending;

	ending = NULL; /* an assertion on the way ends here, not in a loop */
	say(file);
	say(": assertion does not hold: ");
	say(what);
	say("\n");
	if (task != NULL) {
		tell_agent(task, line);
		write_record(task);
		if (!task->agent.in_namespace)
			end_descendants();
	}
	_exit(LAST_WORDS_EXIT);
}
