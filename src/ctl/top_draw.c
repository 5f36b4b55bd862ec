/*
 * top_draw.c - what a host or a hub is doing: how it looks.
 *
 * Names, reasons and last lines are others' text: each line is made clean and cut as a whole,
 * at its end, where what matters least stands.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"
#include "ctl/clean.h"
#include "ctl/table.h"
#include "ctl/top.h"
#include "format/json.h"

enum {
	LINE_BYTES = 1024,
	WORD_BYTES = 24,
	ROWS_FOR_ALL = 1 << 30,
	STATE_COLUMNS = 10,
	WIDE_COLUMNS = 120,
	DISK_FROM_COLUMNS = 100,
	DISK_COLUMNS = 11,
};

struct page {
	struct buffer *out;
	unsigned rows_left, columns;
};

/* Off the end, a character at a time: what follows a UTF-8 character's first byte is 10xxxxxx. */
static void
shorten(char *text, unsigned width)
{
	size_t len = strlen(text);

	while (len > 0 && clean_width(text) > width) {
		do
			len--;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80);
		text[len] = '\0';
	}
}

static void
put_line(struct page *page, const char *text, size_t len)
{
	char clean[LINE_BYTES];

	if (page->rows_left == 0)
		return;
	page->rows_left--;
	clean_text(clean, sizeof(clean), text, len);
	if (page->columns > 0)
		shorten(clean, page->columns);
	buffer_puts(page->out, clean);
	buffer_puts(page->out, "\n");
}

static void
put_format(struct page *page, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
put_format(struct page *page, const char *fmt, ...)
{
	struct buffer line = BUFFER_INIT;
	va_list ap;

	va_start(ap, fmt);
	buffer_vprintf(&line, fmt, ap);
	va_end(ap);
	put_line(page, buffer_text(&line), line.len);
	buffer_release(&line);
}

static const char *
word(const struct json *json, const char *key, const char *absent)
{
	const char *text = json_get_str(json, key);

	return text != NULL && *text != '\0' ? text : absent;
}

static uint64_t
number(const struct json *json, const char *key)
{
	int64_t value = json_get_int(json, key, 0);

	return value > 0 ? (uint64_t)value : 0;
}

/* Where there is little room names give way to the last line. */
static unsigned
job_columns(const struct page *page)
{
	return page->columns > 0 && page->columns < WIDE_COLUMNS ? 12 : 24;
}

static unsigned
step_columns(const struct page *page)
{
	return page->columns > 0 && page->columns < WIDE_COLUMNS ? 6 : 16;
}

/* --- an agent ------------------------------------------------------------------------------- */

static unsigned
count_state(const struct json *tasks, const char *state)
{
	unsigned count = 0;
	size_t i;

	for (i = 0; i < json_count(tasks); i++)
		count += text_eq(json_get_str(json_at(tasks, i), "state"), state);
	return count;
}

static unsigned
count_waiting(const struct json *tasks)
{
	unsigned count = 0;
	size_t i;

	for (i = 0; i < json_count(tasks); i++)
		count += json_get_bool(json_at(tasks, i), "waits_for_room", false);
	return count;
}

static void
draw_agent(struct page *page, const struct json *state)
{
	const struct json *agent = json_get(state, "agent"), *hub = json_get(state, "hub");
	const struct json *slots = json_get(state, "slots"), *tasks = json_get(state, "tasks");
	const struct json *output = json_get(state, "output");
	char up[WORD_BYTES], held[WORD_BYTES], limit[WORD_BYTES], spool[WORD_BYTES],
		old[WORD_BYTES];

	put_format(page, "%s: runnerd %s, pid %llu, up %s; hub %s %s", word(agent, "name", "?"),
		   word(agent, "version", "?"), (unsigned long long)number(agent, "pid"),
		   text_duration(up, number(agent, "up_ms")), word(hub, "url", "?"),
		   json_get_bool(hub, "connected", false) ? "connected" : "away");
	put_format(page,
		   "slots: %llu of %llu taken; tasks: %u running, %u finishing, %u done, %u wait "
		   "for room",
		   (unsigned long long)number(slots, "taken"),
		   (unsigned long long)number(slots, "total"), count_state(tasks, "running"),
		   count_state(tasks, "finishing"), count_state(tasks, "done"),
		   count_waiting(tasks));
	put_format(page, "output: %s of %s memory, %s spooled, oldest unsent %s",
		   text_bytes(held, number(output, "memory_bytes")),
		   text_bytes(limit, number(output, "memory_limit_bytes")),
		   text_bytes(spool, number(output, "spool_bytes")),
		   text_duration(old, number(output, "oldest_unsent_ms")));
	if (json_get_str(hub, "why_not_ready") != NULL)
		put_format(page, "claims nothing: %s", json_get_str(hub, "why_not_ready"));
}

/* Classes that have a name or tasks; one without either says nothing. */
static void
draw_classes(struct page *page, const struct json *classes)
{
	const struct json *class;
	size_t i;

	for (i = 0; i < json_count(classes); i++) {
		class = json_at(classes, i);
		if (word(class, "resource_class", NULL) != NULL)
			put_format(page, "class %s: %llu tasks, room for %llu",
				   word(class, "resource_class", ""),
				   (unsigned long long)number(class, "tasks"),
				   (unsigned long long)number(class, "room"));
		if (json_get_str(class, "paused") != NULL)
			put_format(page, "claims nothing of it: %s", json_get_str(class, "paused"));
	}
}

static const struct json *
find_task(const struct json *tasks, const char *id)
{
	size_t i;

	for (i = 0; i < json_count(tasks); i++)
		if (text_eq(json_get_str(json_at(tasks, i), "id"), id))
			return json_at(tasks, i);
	return NULL;
}

/* Of a counter in a second; since the task began where it was not there before. */
static uint64_t
rate(const struct json *task, const struct json *before, const char *key, uint64_t between_us)
{
	uint64_t now = number(task, key), then = before != NULL ? number(before, key) : 0;

	if (before == NULL)
		between_us = number(task, "running_ms") * 1000;
	return between_us > 0 && now > then
		       ? (uint64_t)((double)(now - then) * 1e6 / (double)between_us)
		       : 0;
}

static bool
shows_disks(const struct page *page)
{
	return page->columns == 0 || page->columns >= DISK_FROM_COLUMNS;
}

/* Both ways; "-" where nobody could be asked. */
static void
put_disks(struct buffer *line, const struct json *task, const struct json *before,
	  uint64_t between_us)
{
	char text[WORD_BYTES];

	if (json_get(task, "read_bytes") == NULL)
		buffer_printf(line, "%*s ", DISK_COLUMNS, "-");
	else
		buffer_printf(line, "%*s/s ", DISK_COLUMNS - 2,
			      text_bytes(text, rate(task, before, "read_bytes", between_us) +
						       rate(task, before, "write_bytes", between_us)));
}

/* A column of others' text: clean, cut in its middle, filled up with blanks. */
static void
put_cell(struct buffer *line, const char *text, unsigned width)
{
	char clean[LINE_BYTES], cut[LINE_BYTES];
	unsigned taken;

	clean_text(clean, sizeof(clean), text, strlen(text));
	taken = clean_width(clean_cut(cut, sizeof(cut), clean, width));
	buffer_printf(line, "%s%*s ", cut, taken < width ? (int)(width - taken) : 0, "");
}

static void
draw_task(struct page *page, const struct json *task, const struct json *before,
	  uint64_t between_us)
{
	struct buffer line = BUFFER_INIT;
	char age[WORD_BYTES], memory[WORD_BYTES], out[WORD_BYTES];
	bool waits = json_get_bool(task, "waits_for_room", false);

	put_cell(&line, waits ? "waits" : word(task, "state", "?"), STATE_COLUMNS);
	put_cell(&line, word(task, "job", "?"), job_columns(page));
	/* CPU milliseconds in a second are tenths of a percent. */
	buffer_printf(&line, "%7s %5.1f%% %8s ", text_duration(age, number(task, "running_ms")),
		      (double)rate(task, before, "cpu_ms", between_us) / 10,
		      text_bytes(memory, number(task, "memory_bytes")));
	if (shows_disks(page))
		put_disks(&line, task, before, between_us);
	buffer_printf(&line, "%4llu %9s/s ", (unsigned long long)number(task, "processes"),
		      text_bytes(out, rate(task, before, "output_bytes", between_us)));
	put_cell(&line, word(task, "step_name", ""), step_columns(page));
	buffer_puts(&line, word(task, "reason", word(task, "last_line", "")));
	put_line(page, buffer_text(&line), line.len);
	buffer_release(&line);
}

static void
draw_tasks(struct page *page, const struct json *tasks, const struct json *before,
	   uint64_t between_us)
{
	size_t i, count = json_count(tasks);

	put_line(page, "", 0);
	put_format(page, "%-*s %-*s %7s %6s %8s%*s %4s %11s %-*s %s", STATE_COLUMNS, "STATE",
		   (int)job_columns(page), "JOB", "RUNS", "CPU", "MEMORY",
		   shows_disks(page) ? DISK_COLUMNS + 1 : 0, shows_disks(page) ? "DISK" : "", "PROC",
		   "OUTPUT", (int)step_columns(page), "STEP", "LAST LINE");
	for (i = 0; i < count; i++) {
		if (page->rows_left == 1 && i + 1 < count) {
			put_format(page, "and %zu more", count - i);
			return;
		}
		draw_task(page, json_at(tasks, i),
			  find_task(before, json_get_str(json_at(tasks, i), "id")), between_us);
	}
}

/* --- a hub ------------------------------------------------------------------------------------ */

static const struct column agent_columns[] = {
	{"AGENT", "name"},  {"CLASS", "resource_class"},	{"HOST", "hostname"},
	{"SLOTS", "slots"}, {"LAST CONTACT", "last_connected"}, {NULL, NULL},
};

static const struct column task_columns[] = {
	{"TASK", "id"},		 {"JOB", "job.name"},	    {"NODE", "node_index"},
	{"AGENT", "agent.name"}, {"STARTED", "started_at"}, {NULL, NULL},
};

static void
draw_table(struct page *page, const struct json *items, const struct column *columns)
{
	struct buffer text = BUFFER_INIT;
	const char *at, *end;

	put_line(page, "", 0);
	table_write(&text, items, columns);
	for (at = buffer_text(&text); *at != '\0'; at = end + (*end == '\n')) {
		end = at + strcspn(at, "\n");
		put_line(page, at, (size_t)(end - at));
	}
	buffer_release(&text);
}

static void
draw_hub(struct page *page, const struct json *all)
{
	const struct json *hub = json_get(all, "hub");

	put_format(page,
		   "hub: version %s; %llu pipelines, %llu tasks queued, %llu running; %llu agents",
		   word(hub, "version", "?"), (unsigned long long)number(hub, "pipelines_active"),
		   (unsigned long long)number(hub, "tasks_queued"),
		   (unsigned long long)number(hub, "tasks_running"),
		   (unsigned long long)number(hub, "agents"));
	draw_table(page, json_get(all, "agents"), agent_columns);
	draw_table(page, json_get(all, "tasks"), task_columns);
}

void
top_draw(struct buffer *out, const struct top_sample *now, const struct top_sample *before,
	 unsigned rows, unsigned columns)
{
	struct page page = {out, rows > 0 ? rows : ROWS_FOR_ALL, columns};

	if (json_get(now->json, "agent") == NULL) {
		draw_hub(&page, now->json);
		return;
	}
	draw_agent(&page, now->json);
	draw_classes(&page, json_get(json_get(now->json, "slots"), "classes"));
	draw_tasks(&page, json_get(now->json, "tasks"), json_get(before->json, "tasks"),
		   now->us - before->us);
}
