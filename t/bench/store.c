/*
 * store.c - rows and commits a second of the hub's store, durable, in a folder of your choice.
 *
 * usage: store DIRECTORY [ROWS]
 * Keeps so many task rows under way (each is written again when it is acknowledged) and prints a line
 * for each: "UNDER_WAY ROWS_PER_SECOND COMMITS_PER_SECOND CPU_US_PER_ROW".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/err.h"
#include "hub/store/store.h"
#include "loop/clock.h"
#include "loop/loop.h"

struct bench {
	struct loop *loop;
	struct store *store;
	unsigned long left, under_way;
	uint32_t seq;
};

static void
on_failed(void *arg, const struct err *err)
{
	(void)arg;
	(void)fprintf(stderr, "store: %s\n", err->text);
	exit(3);
}

static void put_row(struct bench *bench, const struct id *id);

static void
on_stored(void *arg, struct store_op *op)
{
	struct bench *bench = arg;

	if (bench->left > 0)
		put_row(bench, &op->task.id);
	else if (--bench->under_way == 0)
		loop_stop(bench->loop);
}

static void
put_row(struct bench *bench, const struct id *id)
{
	struct store_op *op = store_op_new(STORE_PUT_TASK);

	bench->left--;
	op->task.id = op->task.job = op->task.pipeline = *id;
	op->task.event_seq = ++bench->seq;
	(void)snprintf(op->task.agent_name, sizeof(op->task.agent_name), "agent");
	store_submit(bench->store, op, on_stored, bench);
}

static double
cpu_seconds(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void
measure(struct bench *bench, unsigned long rows, unsigned long under_way)
{
	struct store_numbers before = store_numbers(bench->store), after;
	double cpu = cpu_seconds(), seconds;
	uint64_t from = clock_monotonic_us();
	unsigned long i;

	bench->left = rows;
	bench->under_way = under_way;
	for (i = 0; i < under_way; i++) {
		struct id id;

		id_random(&id);
		put_row(bench, &id);
	}
	loop_run(bench->loop);
	seconds = (double)(clock_monotonic_us() - from) / 1e6;
	after = store_numbers(bench->store);
	(void)printf("%lu %.0f %.0f %.1f\n", under_way, (double)rows / seconds,
		     (double)(after.commits - before.commits) / seconds, (cpu_seconds() - cpu) * 1e6 / (double)rows);
}

int
main(int argc, char **argv)
{
	static const unsigned long loads[] = {1, 16, 256, 1024};
	unsigned long rows = argc > 2 ? strtoul(argv[2], NULL, 10) : 50000;
	struct bench bench = {.seq = 0};
	struct err err = ERR_INIT;
	size_t i;

	if (argc < 2 || rows < 1024) {
		(void)fprintf(stderr, "usage: store DIRECTORY [ROWS, 1024 at least]\n");
		return 2;
	}
	if (store_open(&bench.store, argv[1], &err) < 0 || loop_new(&bench.loop, &err) < 0 ||
	    store_start(bench.store, bench.loop, on_failed, NULL, &err) < 0) {
		(void)fprintf(stderr, "store: %s\n", err.text);
		return 3;
	}
	for (i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
		measure(&bench, loads[i] == 1 ? rows / 20 : rows, loads[i]);
	store_close(bench.store);
	loop_free(bench.loop);
	return 0;
}
