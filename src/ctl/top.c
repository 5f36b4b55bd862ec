/*
 * top.c - "top": what the agent of this host, or the hub, is doing.
 *
 * On a terminal it is drawn anew until q or Ctrl-C, on the terminal's other screen, so that what
 * was there before is there after. Whatever ends it restores the terminal; signals come as events.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/top.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/args.h"
#include "ctl/clean.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "ctl/screen.h"
#include "format/json.h"
#include "loop/loop.h"
#include "runner/exit.h"

enum {
	DELAY_MS = 1000,
	DELAY_LEAST_MS = 100,
	DELAY_MOST_MS = 3600000,
	SIGNALS = 4,
	PROBLEM_BYTES = 512
};

static int run_top(int argc, char **argv);

static const struct option top_options[] = {
	{"run-dir", 0, "DIR", "ask the runnerd of this run directory"},
	{"delay", 'd', "TIME", "between two looks (1s)"},
	{"once", 0, NULL, "one look, and no more"},
	{NULL, 0, NULL, NULL},
};

const struct command top_command = {
	"top", NULL, "show what this host's agent, or the hub, is doing", top_options, run_top};

struct choice {
	const char *run_dir;
	uint64_t delay_ms;
	bool once;
};

struct top {
	struct top_source source;
	struct choice choice;
	struct top_sample now, before;
	struct termios terminal; /* as it was, where keys come from one */
	bool has_terminal;
	struct watch keys;
	struct signal_watch signals[SIGNALS];
	struct timer tick;
	bool due, stop;
	int signo; /* that stopped it; 0: a key */
	char problem[PROBLEM_BYTES];
};

/* --- the screen ---------------------------------------------------------------------------------
 */

static void
write_all(const char *bytes, size_t len)
{
	if (fwrite(bytes, 1, len, stdout) == len)
		(void)fflush(stdout);
}

/* Keys come one by one and unseen; Ctrl-C stays a signal, Ctrl-Z would leave the terminal to a
 * shell as it is. */
static void
enter_screen(struct top *top)
{
	static const char enter[] = "\033[?1049h\033[?25l";
	struct termios raw;

	top->has_terminal = tcgetattr(STDIN_FILENO, &top->terminal) == 0;
	if (top->has_terminal) {
		raw = top->terminal;
		raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
		raw.c_cc[VSUSP] = _POSIX_VDISABLE;
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	write_all(enter, sizeof(enter) - 1);
}

static void
leave_screen(const struct top *top)
{
	static const char leave[] = "\033[?25h\033[?1049l";

	if (top->has_terminal)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &top->terminal);
	write_all(leave, sizeof(leave) - 1);
}

static void
draw(struct top *top)
{
	struct buffer text = BUFFER_INIT, lines = BUFFER_INIT;
	unsigned rows = 24, columns = 80, i;
	char cut[PROBLEM_BYTES];

	screen_size(STDOUT_FILENO, &rows, &columns);
	columns = columns > 1 ? columns - 1 : 1;
	rows = rows > 2 ? rows - 1 : 1;
	buffer_puts(&text, "\033[H");
	if (top->problem[0] != '\0')
		buffer_printf(&lines, "%s\n", clean_cut(cut, sizeof(cut), top->problem, columns));
	if (top->now.json != NULL)
		top_draw(&lines, &top->now, &top->before, rows - (top->problem[0] != '\0'),
			 columns);
	for (i = 0; i < lines.len; i++) {
		if (lines.data[i] == '\n')
			buffer_puts(&text, "\033[K\r");
		buffer_putn(&text, lines.data + i, 1);
	}
	buffer_puts(&text, "\033[J");
	write_all(buffer_text(&text), text.len);
	buffer_release(&lines);
	buffer_release(&text);
}

/* --- looking
 * --------------------------------------------------------------------------------------- */

static int
look(struct top *top, struct err *err)
{
	struct json *json;

	if (top_source_ask(&top->source, &json, err) < 0)
		return err->code;
	json_free(top->before.json);
	top->before = top->now;
	top->now = (struct top_sample){json, loop_now_us(top_source_loop(&top->source))};
	return 0;
}

/* Who does not answer may answer the next time: a restart takes a moment. */
static void
look_or_say(struct top *top)
{
	struct err err = ERR_INIT;

	top->problem[0] = '\0';
	if (look(top, &err) == 0)
		return;
	clean_text(top->problem, sizeof(top->problem), err.text, strlen(err.text));
}

static void
on_tick(void *arg)
{
	struct top *top = arg;

	top->due = true;
	loop_stop(top_source_loop(&top->source));
}

static void
on_key(void *arg, unsigned events)
{
	struct top *top = arg;
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys)), i;

	(void)events;
	for (i = 0; i < n; i++)
		top->stop = top->stop || keys[i] == 'q' || keys[i] == 'Q' || keys[i] == 4;
	top->stop = top->stop || n == 0;
	loop_stop(top_source_loop(&top->source));
}

static void
on_signal(void *arg, int signo)
{
	struct top *top = arg;

	if (signo != SIGWINCH) {
		top->stop = true;
		top->signo = signo;
	}
	loop_stop(top_source_loop(&top->source));
}

static int
watch_all(struct top *top, struct err *err)
{
	static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
	struct loop *loop = top_source_loop(&top->source);
	size_t i;

	for (i = 0; i < SIGNALS; i++)
		if (signal_start(&top->signals[i], loop, numbers[i], on_signal, top, err) < 0)
			return err->code;
	if (isatty(STDIN_FILENO) == 1)
		return watch_start(&top->keys, loop, STDIN_FILENO, WATCH_READ, on_key, top, err);
	return 0;
}

static void
unwatch_all(struct top *top)
{
	size_t i;

	watch_stop(&top->keys);
	for (i = 0; i < SIGNALS; i++)
		signal_stop(&top->signals[i]);
	timer_release(&top->tick);
}

static int
keep_looking(struct top *top)
{
	struct loop *loop = top_source_loop(&top->source);
	struct err err = ERR_INIT;

	timer_init(&top->tick, loop, on_tick, top);
	if (watch_all(top, &err) < 0) {
		unwatch_all(top);
		return say_error(&err);
	}
	enter_screen(top);
	while (!top->stop) {
		draw(top);
		if (!timer_is_on(&top->tick))
			timer_start_ms(&top->tick, top->choice.delay_ms);
		loop_run(loop);
		if (top->due && !top->stop)
			look_or_say(top);
		top->due = false;
	}
	leave_screen(top);
	unwatch_all(top);
	return top->signo == 0	      ? EXIT_OK
	       : top->signo == SIGINT ? EXIT_INTERRUPTED
				      : EXIT_TERMINATED;
}

/* --- the command
 * ------------------------------------------------------------------------------------ */

static int
print_once(const struct top *top)
{
	struct buffer text = BUFFER_INIT;

	if (globals()->json != JSON_FORM_NONE)
		return say_json(top->now.json);
	top_draw(&text, &top->now, &top->before, 0, 0);
	return say_result(&text);
}

static int
set_choice(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct choice *choice = arg;

	if (text_eq(option->name, "run-dir"))
		choice->run_dir = value;
	else if (text_eq(option->name, "once"))
		choice->once = true;
	else if (text_parse_duration_ms(value, &choice->delay_ms, err) < 0)
		return err_wrap(err, "--delay");
	if (choice->delay_ms < DELAY_LEAST_MS || choice->delay_ms > DELAY_MOST_MS)
		return err_set(err, ERR_INPUT, "--delay: %.32s is not between 100ms and 1h", value);
	return 0;
}

static int
run_top(int argc, char **argv)
{
	struct top top = {.choice = {.delay_ms = DELAY_MS}};
	struct err err = ERR_INIT;
	int count, status = args_read(&top_command, argc, argv, &count, set_choice, &top.choice);

	if (status == ARGS_GO)
		status = args_count(&top_command, count, 0, 0);
	if (status != ARGS_GO)
		return status;
	if (top_source_open(&top.source, top.choice.run_dir, &err) < 0)
		return say_error(&err);
	if (look(&top, &err) < 0)
		status = say_error(&err);
	else if (top.choice.once || globals()->json != JSON_FORM_NONE ||
		 !screen_redraws(STDOUT_FILENO))
		status = print_once(&top);
	else
		status = keep_looking(&top);
	json_free(top.now.json);
	json_free(top.before.json);
	top_source_close(&top.source);
	return status;
}
