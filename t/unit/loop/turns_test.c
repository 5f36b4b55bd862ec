/*
 * turns_test.c - who wants a turn gets one in order, and others have the loop between.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

#include "base/err.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "loop/turns.h"

enum { MANY = 20, BUSY_US = 1000 };

struct player {
	struct turn turn;
	struct table *table;
	unsigned wants; /* so many more */
};

struct table {
	struct loop *loop;
	struct turns turns;
	struct player players[MANY];
	struct timer deadline;
	char order[4 * MANY + 1]; /* who had a turn: 'a' and on; '!': the descriptor was read */
	size_t count;
	size_t end; /* stop behind so many */
	int fds[2];
	struct watch watch;
};

static void
note(struct table *table, char what)
{
	table->order[table->count++] = what;
	if (table->count >= table->end)
		loop_stop(table->loop);
}

static void
be_busy(void)
{
	uint64_t end_us = clock_monotonic_us() + BUSY_US;

	while (clock_monotonic_us() < end_us)
		continue;
}

static void
on_turn(void *arg)
{
	struct player *player = arg;
	struct table *table = player->table;

	be_busy();
	if (table->count == 0 && table->fds[1] >= 0)
		assert_int_equal(write(table->fds[1], "x", 1), 1);
	if (player->wants > 0) {
		player->wants--;
		turn_want(&player->turn);
		turn_want(&player->turn); /* twice is once */
	}
	note(table, (char)('a' + (player - table->players)));
}

static void
on_deadline(void *arg)
{
	struct table *table = arg;

	loop_stop(table->loop);
}

static void
on_ready(void *arg, unsigned events)
{
	struct table *table = arg;
	char byte;

	(void)events;
	assert_int_equal(read(table->fds[0], &byte, 1), 1);
	note(table, '!');
}

static struct table *
table_new(void)
{
	struct table *table = test_calloc(1, sizeof(*table));
	struct err err = ERR_INIT;
	size_t i;

	assert_int_equal(loop_new(&table->loop, &err), 0);
	turns_init(&table->turns, table->loop);
	timer_init(&table->deadline, table->loop, on_deadline, table);
	for (i = 0; i < MANY; i++) {
		table->players[i].table = table;
		turn_init(&table->players[i].turn, &table->turns, on_turn, &table->players[i]);
	}
	table->fds[0] = table->fds[1] = -1;
	return table;
}

static void
play(struct table *table, size_t end)
{
	table->end = end;
	timer_start_ms(&table->deadline, 60000);
	loop_run(table->loop);
	timer_stop(&table->deadline);
}

static void
table_free(struct table *table)
{
	size_t i;

	for (i = 0; i < MANY; i++)
		turn_stop(&table->players[i].turn);
	watch_stop(&table->watch);
	timer_release(&table->deadline);
	turns_release(&table->turns);
	loop_free(table->loop);
	test_free(table);
}

static void
test_turns_go_round_while_they_are_wanted(void **state)
{
	struct table *table = table_new();
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		table->players[i].wants = 2;
		turn_want(&table->players[i].turn);
		turn_want(&table->players[i].turn);
	}
	play(table, 9);
	assert_string_equal(table->order, "abcabcabc");
	table_free(table);
}

static void
test_turn_stop_takes_it_back(void **state)
{
	struct table *table = table_new();
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		turn_want(&table->players[i].turn);
	turn_stop(&table->players[1].turn);
	turn_stop(&table->players[1].turn);
	play(table, 2);
	assert_string_equal(table->order, "ac");
	table_free(table);
}

/* What becomes ready during the first turn is not kept waiting until all have had theirs. */
static void
test_turns_leave_the_loop_to_others_between(void **state)
{
	struct table *table = table_new();
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	assert_int_equal(pipe(table->fds), 0);
	assert_int_equal(watch_start(&table->watch, table->loop, table->fds[0], WATCH_READ,
				     on_ready, table, &err),
			 0);
	for (i = 0; i < MANY; i++)
		turn_want(&table->players[i].turn);
	play(table, MANY + 1);
	assert_int_equal(table->count, MANY + 1);
	for (i = 0; i < MANY && table->order[i] != '!'; i++)
		continue;
	assert_in_range(i, 1, TURNS_MOST_US / BUSY_US);
	assert_int_equal(table->order[MANY], 'a' + MANY - 1);
	watch_stop(&table->watch);
	(void)close(table->fds[0]);
	(void)close(table->fds[1]);
	table_free(table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns_go_round_while_they_are_wanted),
		cmocka_unit_test(test_turn_stop_takes_it_back),
		cmocka_unit_test(test_turns_leave_the_loop_to_others_between),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
