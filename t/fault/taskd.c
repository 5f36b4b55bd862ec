/*
 * taskd.c - tasks without a hub: runs documents and keeps what comes, as a hub would.
 *
 * taskd --run-dir DIR --work-dir DIR --sink DIR [options] [DOCUMENT.json...]
 *
 * Recovers what an earlier taskd left in the run directory, takes the documents that the
 * sink does not know yet, and ends when nothing is left (0: all succeeded, 1: not). TERM cancels
 * them, QUIT leaves them running. In the
 * sink: TASK.events (a JSON line each), TASK.STEP.ATTEMPT (output as printed). It follows
 * the hub's rules for what is sent twice, and ends with "wrong" where an agent may not be:
 * a gap, a damaged record.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/isolation.h"
#include "agent/journal.h"
#include "agent/spool.h"
#include "agent/state_dir.h"
#include "agent/task.h"
#include "agent/tasks.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/options.h"
#include "base/text.h"
#include "format/frame.h"
#include "format/json.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "runner/exit.h"
#include "runner/supervisor.h"
#include "task/event.h"
#include "task/names.h"
#include "task/output_record.h"

enum { BATCH_BYTES = 256 * 1024, EVENTS_A_TIME = 64 };

static struct {
	const char *run_dir, *work_dir, *sink, *isolation, *mirrors, *known_hosts, *caches, *workspaces;
	uint64_t spool_most, output_most, cache_most, grace_ms, max_run_ms, orphan_ms, cancel_ms, ack_ms;
	bool keep_failed, leave;
} options = {.isolation = "auto", .spool_most = 64 << 20, .output_most = 64 << 20, .orphan_ms = SUPERVISOR_ORPHAN_FOREVER};

static struct loop *loop;
static struct tasks *tasks;
static struct frame_reader *reader;
static struct later send_later;
static struct timer send_timer, cancel_timer;
static struct signal_watch on_quit, on_term;
static unsigned char batch[BATCH_BYTES];
static bool all_succeeded = true;

static _Noreturn void
die(const char *what)
{
	(void)fprintf(stderr, "taskd: %s\n", what);
	_exit(EXIT_REFUSED);
}

/* --- the sink: what a hub stores --- */

static int
open_sink(const char *task, const char *rest)
{
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s.%s", options.sink, task, rest);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die(path);
	return fd;
}

/* Lines stored; the file's position is behind the last whole one, since a kill may have cut one. */
static uint32_t
count_lines(int fd)
{
	char bytes[4096];
	uint32_t lines = 0;
	off_t at = 0, whole = 0;
	ssize_t n, i;

	while ((n = pread(fd, bytes, sizeof(bytes), at)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		for (i = 0; i < n; i++)
			if (bytes[i] == '\n') {
				lines++;
				whole = at + i + 1;
			}
		at += n;
	}
	if (n < 0)
		die("cannot read the events");
	if (ftruncate(fd, whole) != 0 || lseek(fd, whole, SEEK_SET) < 0)
		die("cannot cut the events");
	return lines;
}

static void
store_event(const struct task_event *event, int fd, uint32_t *stored)
{
	struct buffer line = BUFFER_INIT;
	struct json *json;

	if (event->seq <= *stored)
		return;
	if (event->seq != *stored + 1)
		die("wrong: a gap in the events");
	json = task_event_write(event);
	json_write(&line, json);
	buffer_puts(&line, "\n");
	if (write(fd, line.data, line.len) != (ssize_t)line.len)
		die("cannot write the events");
	json_free(json);
	buffer_release(&line);
	(*stored)++;
}

static void
send_events(struct task *task)
{
	struct task_event events[EVENTS_A_TIME];
	struct err err = ERR_INIT;
	uint32_t stored;
	size_t count, i;
	int fd;

	if (!journal_has_unsent(task_journal(task)))
		return;
	fd = open_sink(task_id_text(task), "events");
	stored = count_lines(fd);
	while (journal_has_unsent(task_journal(task))) {
		if (journal_unsent(task_journal(task), 0, events, EVENTS_A_TIME, &count, &err) < 0)
			die(err.text);
		for (i = 0; i < count; i++)
			store_event(&events[i], fd, &stored);
		task_events_acked(task, events[count - 1].seq);
	}
	(void)close(fd);
}

static uint64_t
store_output(struct task *task, const struct output_record *record, const unsigned char *frame)
{
	static unsigned char raw[RUNNER_RECORD_RAW_MOST_BYTES];
	struct err err = ERR_INIT;
	char name[64];
	struct stat st;
	int fd;

	if (frame_unpack(reader, raw, record->raw_len, frame, record->frame_len, &err) < 0)
		die(err.text);
	(void)snprintf(name, sizeof(name), "%u.%u", record->step, record->attempt);
	fd = open_sink(task_id_text(task), name);
	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size < record->offset)
		die("wrong: a gap in the output");
	if ((uint64_t)st.st_size >= record->offset + record->raw_len) {
		(void)close(fd);
		return (uint64_t)st.st_size;
	}
	/* A record that a kill of ours cut short in the file is written over: the same bytes. */
	if (pwrite(fd, raw, record->raw_len, (off_t)record->offset) != (ssize_t)record->raw_len)
		die("cannot write the output");
	(void)close(fd);
	return record->offset + record->raw_len;
}

static void
send_output(struct task *task)
{
	struct output_record record;
	const unsigned char *frame;
	struct err err = ERR_INIT;
	uint64_t stored;
	size_t len, at;

	while (spool_has_unsent(task_spool(task))) {
		if (spool_unsent(task_spool(task), batch, sizeof(batch), &len, &err) < 0)
			die(err.text);
		for (at = 0; at < len; at += RUNNER_RECORD_HEADER_BYTES + record.frame_len) {
			if (output_record_unpack(&record, &frame, batch + at, len - at, &err) < 0)
				die(err.text);
			stored = store_output(task, &record, frame);
			task_output_acked(task, record.step, record.attempt, stored);
		}
	}
}

/* --- hooks --- */

static void
on_send(void *arg)
{
	struct task *task, *next;

	(void)arg;
	for (task = tasks_next(tasks, NULL); task != NULL; task = next) {
		next = tasks_next(tasks, task);
		if (task_is_dropped(task))
			continue;
		send_output(task);
		send_events(task);
	}
}

static void
on_news(void *arg, struct task *task)
{
	(void)arg;
	(void)task;
	if (options.ack_ms == 0)
		later_want(&send_later);
	else if (!timer_is_on(&send_timer))
		timer_start_ms(&send_timer, options.ack_ms);
}

static void
on_done(void *arg, struct task *task)
{
	(void)arg;
	if (task_outcome(task) != OUTCOME_SUCCESS)
		all_succeeded = false;
	(void)printf("done %s %s %s\n", task_id_text(task), outcome_name(task_outcome(task)),
		     task_last_line(task));
	(void)fflush(stdout);
}

static void
on_removed(void *arg, struct task *task)
{
	(void)arg;
	(void)task;
	if (tasks_count(tasks) == 0)
		loop_stop(loop);
}

static void
on_quit_signal(void *arg, int signo)
{
	(void)arg;
	(void)signo;
	options.leave = true;
	loop_stop(loop);
}

static void
on_cancel(void *arg)
{
	struct task *task;

	(void)arg;
	for (task = tasks_next(tasks, NULL); task != NULL; task = tasks_next(tasks, task))
		task_cancel(task, "canceled by a test");
}

static void
on_term_signal(void *arg, int signo)
{
	(void)signo;
	on_cancel(arg);
}

/* --- documents --- */

static void
add_document(const char *path)
{
	struct buffer text = BUFFER_INIT;
	struct err err = ERR_INIT;
	struct json *json = NULL;
	struct task *task;
	char known[512];
	int rc;

	if (state_dir_read(AT_FDCWD, path, 16 << 20, &text, &err) < 0 ||
	    json_parse(&json, text.data, text.len, &err) < 0)
		die(err.text);
	buffer_release(&text);
	(void)snprintf(known, sizeof(known), "%s/%s.known", options.sink, json_get_str(json, "id"));
	if (access(known, F_OK) == 0) {
		json_free(json);
		return;
	}
	rc = tasks_add(&task, tasks, json, &err);
	json_free(json);
	if (rc < 0 && rc != ERR_GONE)
		die(err.text);
	/* Known from now on: it is journaled, and a restart finds it. */
	(void)close(open(known, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	if (rc == 0)
		task_begin(task, "");
}

/* There is always room here. */
static void
begin_recovered(void)
{
	struct task *task;

	for (task = tasks_next(tasks, NULL); task != NULL; task = tasks_next(tasks, task))
		if (task_state(task) == TASK_CLAIMED)
			task_begin(task, "");
}

static const struct option table[] = {
	{"run-dir", 0, "DIR", "state"},
	{"work-dir", 0, "DIR", "work directories"},
	{"sink", 0, "DIR", "what the hub would have"},
	{"cache-dir", 0, "DIR", "keep caches"},
	{"cache-max", 0, "BYTES", "of all caches"},
	{"workspace-dir", 0, "DIR", "keep workspaces"},
	{"git-mirrors", 0, "DIR", "have git mirrors"},
	{"known-hosts", 0, "FILE", "SSH host keys"},
	{"isolation", 0, "KIND", "auto, namespace, none"},
	{"spool-most", 0, "BYTES", "ceiling of a task's spool"},
	{"output-most", 0, "BYTES", "ceiling of output in memory"},
	{"grace", 0, "TIME", "from TERM to KILL"},
	{"max-run-time", 0, "TIME", "of each task"},
	{"orphan", 0, "TIME", "how long tasks go on without taskd"},
	{"cancel-after", 0, "TIME", "cancel every task then"},
	{"ack-after", 0, "TIME", "how long the hub takes"},
	{"keep-failed", 0, NULL, "keep work directories of failed tasks"},
	{"log", 0, "LEVEL", "error, warn, info, debug"},
	{NULL},
};

static int
set_option(void *arg, const struct option *option, const char *value, struct err *err)
{
	enum log_level level;

	(void)arg;
	if (text_eq(option->name, "run-dir"))
		options.run_dir = value;
	else if (text_eq(option->name, "work-dir"))
		options.work_dir = value;
	else if (text_eq(option->name, "sink"))
		options.sink = value;
	else if (text_eq(option->name, "cache-dir"))
		options.caches = value;
	else if (text_eq(option->name, "cache-max"))
		return text_parse_bytes(value, &options.cache_most, err);
	else if (text_eq(option->name, "workspace-dir"))
		options.workspaces = value;
	else if (text_eq(option->name, "git-mirrors"))
		options.mirrors = value;
	else if (text_eq(option->name, "known-hosts"))
		options.known_hosts = value;
	else if (text_eq(option->name, "isolation"))
		options.isolation = value;
	else if (text_eq(option->name, "spool-most"))
		return text_parse_bytes(value, &options.spool_most, err);
	else if (text_eq(option->name, "output-most"))
		return text_parse_bytes(value, &options.output_most, err);
	else if (text_eq(option->name, "grace"))
		return text_parse_duration_ms(value, &options.grace_ms, err);
	else if (text_eq(option->name, "max-run-time"))
		return text_parse_duration_ms(value, &options.max_run_ms, err);
	else if (text_eq(option->name, "orphan"))
		return text_parse_duration_ms(value, &options.orphan_ms, err);
	else if (text_eq(option->name, "cancel-after"))
		return text_parse_duration_ms(value, &options.cancel_ms, err);
	else if (text_eq(option->name, "ack-after"))
		return text_parse_duration_ms(value, &options.ack_ms, err);
	else if (text_eq(option->name, "keep-failed"))
		options.keep_failed = true;
	else if (log_level_parse(value, &level, err) < 0)
		return err->code;
	else
		log_setup(level, false, clock_unix_ms);
	return 0;
}

/* What it cost us, without the tasks themselves. */
static void
log_cost(void)
{
	const struct tasks_counters *counters = tasks_counters(tasks);
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	log_info("%llu tasks, %llu bytes of output in %llu records, %lld ms user, %lld ms system",
		 (unsigned long long)counters->done, (unsigned long long)counters->output_bytes,
		 (unsigned long long)counters->output_records,
		 (long long)usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000,
		 (long long)usage.ru_stime.tv_sec * 1000 + usage.ru_stime.tv_usec / 1000);
}

static void
run(int argc, char **argv, struct state_dir *dir)
{
	static struct isolations isolations;
	const char *const ours[] = {options.run_dir, options.caches, options.workspaces, NULL};
	const struct tasks_hooks hooks = {NULL, on_news, on_news, on_done, on_removed, on_removed};
	struct tasks_settings settings = {.state_dir = dir,
					  .work_dir = options.work_dir,
					  .run_dir = options.run_dir,
					  .cache_dir = options.caches,
					  .cache_most_bytes = options.cache_most,
					  .workspace_dir = options.workspaces,
					  .mirrors = options.mirrors,
					  .mirrors_most_bytes = (uint64_t)1 << 40,
					  .mirrors_age_ms = UINT32_MAX,
					  .known_hosts = options.known_hosts,
					  .isolations = &isolations,
					  .ours = ours,
					  .max_run_time_ms = options.max_run_ms,
					  .grace_ms = (uint32_t)options.grace_ms,
					  .orphan_ms = (uint32_t)options.orphan_ms,
					  .spool_most_bytes = options.spool_most,
					  .output_most_bytes = options.output_most,
					  .zstd_level = 1,
					  .keep_failed_ms = options.keep_failed ? 10000 : 0,
					  .keep_most = 8};
	struct err err = ERR_INIT;
	size_t recovered;
	int i;

	isolations_init(&isolations);
	if (isolation_set(&isolations.host, "level", options.isolation, &err) < 0 ||
	    tasks_new(&tasks, loop, &settings, &hooks, &err) < 0 ||
	    tasks_recover(tasks, &recovered, &err) < 0)
		die(err.text);
	begin_recovered();
	for (i = 0; i < argc; i++)
		add_document(argv[i]);
	if (options.cancel_ms > 0)
		timer_start_ms(&cancel_timer, options.cancel_ms);
	if (tasks_count(tasks) > 0)
		loop_run(loop);
	log_cost();
	tasks_free(tasks);
}

int
main(int argc, char **argv)
{
	struct state_dir dir = STATE_DIR_INIT;
	struct err err = ERR_INIT;
	int operands;

	log_setup(LOG_INFO, false, clock_unix_ms);
	if (options_parse(table, argc - 1, argv + 1, &operands, set_option, NULL, &err) < 0 ||
	    loop_new(&loop, &err) < 0 || frame_reader_new(&reader, &err) < 0 ||
	    state_dir_open(&dir, options.run_dir, NULL, &err) < 0 ||
	    signal_start(&on_quit, loop, SIGQUIT, on_quit_signal, NULL, &err) < 0 ||
	    signal_start(&on_term, loop, SIGTERM, on_term_signal, NULL, &err) < 0)
		die(err.text);
	later_init(&send_later, loop, on_send, NULL);
	timer_init(&send_timer, loop, on_send, NULL);
	timer_init(&cancel_timer, loop, on_cancel, NULL);
	run(operands, argv + 1, &dir);
	signal_stop(&on_quit);
	signal_stop(&on_term);
	later_release(&send_later);
	timer_release(&send_timer);
	timer_release(&cancel_timer);
	frame_reader_free(reader);
	state_dir_release(&dir);
	loop_free(loop);
	return options.leave || all_succeeded ? EXIT_OK : EXIT_NO;
}
