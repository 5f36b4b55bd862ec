/*
 * offer_test.c - what agents have room for, and who gets it: packing, passing by, keeping free.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/log.h"
#include "format/json.h"
#include "hub/offer.h"
#include "world.h"

enum { TICK_MS = 10000, RUNNING_MOST = 64 };

/* --- a host ---------------------------------------------------------------------------------- */

struct host {
	struct offer offer; /* what it has free now */
	struct agent *agent;
	struct {
		struct task *task; /* NULL: none */
		unsigned idx;
		unsigned ticks; /* that are left of it */
	} running[RUNNING_MOST];
};

static void
add_class(struct world *world, struct host *host, const char *name, unsigned cpus, unsigned gpus)
{
	struct offered_class *class = &host->offer.classes[host->offer.class_count++];

	class->class = model_class(&world->model, name);
	class->need[OFFER_CPUS] = cpus;
	class->need[OFFER_DEVICES] = gpus;
	class->slots = host->offer.total;
}

static void
host_init(struct world *world, struct host *host, unsigned slots, unsigned cpus, unsigned gpus)
{
	unsigned i;

	memset(host, 0, sizeof(*host));
	host->agent = world_agent(world, "host");
	host->offer.free = host->offer.total = slots;
	for (i = 0; i < OFFER_SIZES; i++)
		host->offer.left[i] = UINT64_MAX;
	host->offer.left[OFFER_CPUS] = cpus;
	host->offer.left[OFFER_DEVICES] = gpus;
	(void)strcpy(host->offer.devices[0], "gpu");
}

static struct job *
queue(struct world *world, const char *class, unsigned count)
{
	struct job_row row = {
		.name = "job",
		.type = "build",
		.requires = "",
		.resource_class = class,
		.parallelism = count,
		.position = (uint32_t)world->workflow->job_count,
		.document = "{\"environment\":{},\"steps\":[{\"name\":\"a\",\"kind\":\"run\"}]}",
		.number = 7,
	};
	struct job *job;

	id_random(&row.id);
	job = job_new(world->workflow, &row);
	workflow_advance(world->workflow);
	return job;
}

static void
start(struct host *host, struct task *task, unsigned ticks)
{
	struct id claim;
	unsigned i, idx;

	for (idx = 0; host->offer.classes[idx].class != task->job->class; idx++)
		;
	for (i = 0; host->running[i].task != NULL; i++)
		assert_true(i + 1 < RUNNING_MOST);
	host->running[i].task = task;
	host->running[i].idx = idx;
	host->running[i].ticks = ticks;
	offer_take(&host->offer, task->job->class);
	id_random(&claim);
	lease_take(task, host->agent, &claim);
}

/* As an agent would say it in its next claim. */
static void
give_back(struct host *host, unsigned i)
{
	unsigned size;

	host->offer.free++;
	host->offer.classes[host->running[i].idx].slots++;
	for (size = 0; size < OFFER_SIZES; size++)
		if (host->offer.left[size] != UINT64_MAX)
			host->offer.left[size] +=
				host->offer.classes[host->running[i].idx].need[size];
	task_enter(host->running[i].task, HUB_ENDED, OUTCOME_SUCCESS, "");
	host->running[i].task = NULL;
}

static void
tick(struct host *host)
{
	unsigned i;

	for (i = 0; i < RUNNING_MOST; i++)
		if (host->running[i].task != NULL && --host->running[i].ticks == 0)
			give_back(host, i);
}

/* Give out all that can be; each runs for so many ticks. */
static unsigned
dispatch(struct host **hosts, size_t count, unsigned ticks)
{
	struct offer *offers[8], *to;
	struct task *task;
	unsigned given = 0;
	size_t i;

	for (i = 0; i < count; i++)
		offers[i] = &hosts[i]->offer;
	while (schedule_next(offers, count, world_unix_ms(), &task, &to)) {
		for (i = 0; &hosts[i]->offer != to; i++)
			;
		start(hosts[i], task, ticks);
		given++;
	}
	return given;
}

static bool
is_leased(const struct job *job)
{
	return job->tasks[0]->row.state != HUB_QUEUED;
}

/* --- packing -----------------------------------------------------------------------------------
 */

static void
test_tasks_of_several_classes_are_packed_by_what_they_reserve(void **state)
{
	struct world world;
	struct host host, *hosts[] = {&host};

	(void)state;
	world_init(&world);
	host_init(&world, &host, 64, 8, 0);
	add_class(&world, &host, "o/large", 4, 0);
	add_class(&world, &host, "o/small", 1, 0);
	(void)queue(&world, "o/large", 1);
	world_ms++;
	(void)queue(&world, "o/small", 6);
	world_ms++;
	(void)queue(&world, "o/large", 1);
	assert_int_equal(dispatch(hosts, 1, 1),
			 5); /* 4 + 4 of 1: what each class alone could have is more */
	assert_int_equal(host.offer.left[OFFER_CPUS], 0);
	assert_int_equal(model_class(&world.model, "o/small")->queued, 2);
	world_release(&world);
}

static void
test_a_paused_class_gets_nothing_and_keeps_nothing(void **state)
{
	struct world world;
	struct host host, *hosts[] = {&host};

	(void)state;
	world_init(&world);
	host_init(&world, &host, 64, 8, 0);
	add_class(&world, &host, "o/large", 9, 0);
	add_class(&world, &host, "o/small", 1, 0);
	host.offer.classes[0].slots = 0;
	(void)strcpy(host.offer.classes[0].paused, "3 failures in a row");
	(void)queue(&world, "o/large", 1);
	world_ms += 10 * SCHEDULE_PATIENCE_MS;
	(void)queue(&world, "o/small", 20);
	assert_int_equal(dispatch(hosts, 1, 1), 8);
	world_release(&world);
}

/* --- passing by, and keeping free
 * ----------------------------------------------------------------- */

/* Small ones come faster than they can run; without something that keeps room a large one never
 * fits. */
static void
test_a_large_task_is_passed_only_for_so_long(void **state)
{
	struct world world;
	struct host host, *hosts[] = {&host};
	struct job *large;
	unsigned ticks, late;
	uint64_t since;

	(void)state;
	world_init(&world);
	host_init(&world, &host, 64, 8, 0);
	add_class(&world, &host, "o/large", 8, 0);
	add_class(&world, &host, "o/small", 1, 0);
	(void)queue(&world, "o/small", 8);
	assert_int_equal(dispatch(hosts, 1, 3), 8);
	world_ms++;
	large = queue(&world, "o/large", 1);
	since = world_ms;
	for (ticks = 0; !is_leased(large); ticks++) {
		assert_true(ticks < 30);
		world_ms += TICK_MS;
		tick(&host);
		(void)queue(&world, "o/small", 4);
		late = dispatch(hosts, 1, 3);
		/* As long as it has patience the others do not wait for it. */
		assert_true(world_ms - since >= SCHEDULE_PATIENCE_MS || late > 0 ||
			    host.offer.left[OFFER_CPUS] == 0);
	}
	assert_true(world_ms - since <= SCHEDULE_PATIENCE_MS + 3 * TICK_MS);
	/* And then the small ones run. */
	for (ticks = 0; model_class(&world.model, "o/small")->queued > 0; ticks++) {
		assert_true(ticks < 100);
		world_ms += TICK_MS;
		tick(&host);
		(void)dispatch(hosts, 1, 3);
	}
	world_release(&world);
}

/* What waits for the GPU does not keep CPUs idle that others can have meanwhile. */
static void
test_a_task_that_waits_for_a_device_holds_up_nobody_who_needs_none(void **state)
{
	struct world world;
	struct host host, *hosts[] = {&host};
	struct job *waiting;

	(void)state;
	world_init(&world);
	host_init(&world, &host, 64, 8, 1);
	add_class(&world, &host, "o/gpu", 2, 1);
	add_class(&world, &host, "o/small", 1, 0);
	(void)queue(&world, "o/gpu", 1);
	assert_int_equal(dispatch(hosts, 1, 100), 1);
	world_ms++;
	waiting = queue(&world, "o/gpu", 1);
	world_ms += 2 * SCHEDULE_PATIENCE_MS;
	(void)queue(&world, "o/small", 20);
	/* 8 CPUs: 2 are taken, and 2 are kept for when the GPU is free. */
	assert_int_equal(dispatch(hosts, 1, 100), 4);
	give_back(&host, 0);
	assert_int_equal(dispatch(hosts, 1, 100), 1 + 2);
	assert_true(is_leased(waiting));
	world_release(&world);
}

static void
test_one_host_is_kept_and_not_all_that_could_be(void **state)
{
	struct world world;
	struct host one, two, *hosts[] = {&one, &two};
	struct job *large;

	(void)state;
	world_init(&world);
	host_init(&world, &one, 64, 8, 0);
	host_init(&world, &two, 64, 8, 0);
	add_class(&world, &one, "o/large", 8, 0);
	add_class(&world, &one, "o/small", 1, 0);
	add_class(&world, &two, "o/large", 8, 0);
	add_class(&world, &two, "o/small", 1, 0);
	one.offer.left[OFFER_CPUS] = 3;
	two.offer.left[OFFER_CPUS] = 5; /* less short */
	large = queue(&world, "o/large", 1);
	world_ms += SCHEDULE_PATIENCE_MS;
	(void)queue(&world, "o/small", 20);
	assert_int_equal(dispatch(hosts, 2, 1), 3);
	assert_int_equal(one.offer.left[OFFER_CPUS], 0);
	assert_int_equal(two.offer.left[OFFER_CPUS], 5);
	two.offer.left[OFFER_CPUS] = 8;
	assert_int_equal(dispatch(hosts, 2, 1), 1);
	assert_true(is_leased(large));
	world_release(&world);
}

static void
test_what_has_waited_longer_than_a_large_task_still_passes_it(void **state)
{
	struct world world;
	struct host host, *hosts[] = {&host};

	(void)state;
	world_init(&world);
	host_init(&world, &host, 64, 4, 0);
	add_class(&world, &host, "o/large", 8, 0);
	add_class(&world, &host, "o/small", 1, 0);
	(void)queue(&world, "o/small", 3);
	world_ms++;
	(void)queue(&world, "o/large", 1);
	world_ms += SCHEDULE_PATIENCE_MS;
	(void)queue(&world, "o/small", 3);
	assert_int_equal(dispatch(hosts, 1, 1), 3);
	world_release(&world);
}

/* --- whatever comes
 * -------------------------------------------------------------------------------- */

static uint32_t seed;

static unsigned
random_below(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % n;
}

/* Never more than there is; nothing waits for ever; all ends. */
static void
test_random_tasks_fit_and_all_of_them_run(void **state)
{
	static const char *const names[] = {"o/large", "o/middle", "o/small", "o/gpu"};
	struct world world;
	struct host a, b, *hosts[] = {&a, &b};
	unsigned round, i;

	(void)state;
	seed = 7;
	world_init(&world);
	host_init(&world, &a, 12, 8, 2);
	host_init(&world, &b, 6, 16, 0);
	add_class(&world, &a, names[0], 8, 0);
	add_class(&world, &a, names[1], 3, 0);
	add_class(&world, &a, names[2], 1, 0);
	add_class(&world, &a, names[3], 2, 1);
	add_class(&world, &b, names[0], 12, 0);
	add_class(&world, &b, names[2], 2, 0);
	for (round = 0; round < 2000; round++) {
		world_ms += TICK_MS;
		tick(&a);
		tick(&b);
		if (round < 600 && random_below(3) > 0)
			(void)queue(&world, names[random_below(4)], 1 + random_below(4));
		(void)dispatch(hosts, 2, 1 + random_below(5));
		assert_true(a.offer.left[OFFER_CPUS] <= 8 && a.offer.left[OFFER_DEVICES] <= 2);
		assert_true(b.offer.left[OFFER_CPUS] <= 16);
		assert_true(a.offer.free <= 12 && b.offer.free <= 6);
	}
	for (i = 0; i < 4; i++)
		assert_int_equal(model_class(&world.model, names[i])->queued, 0);
	assert_int_equal(a.offer.left[OFFER_CPUS] + b.offer.left[OFFER_CPUS], 24);
	world_release(&world);
}

/* --- as it is read and told ----------------------------------------------------------------------
 */

static void
test_an_offer_is_read_from_a_claim(void **state)
{
	static const char claim[] = "{\"free\":{\"slots\":3,\"cpus\":6,\"memory_bytes\":4294967296,"
				    "\"devices\":{\"gpu\":1}},"
				    "\"class\":{\"slots\":1,\"cpus\":8,\"memory_bytes\":1073741824,"
				    "\"devices\":{\"gpu\":2},\"paused\":\"\"}}";
	struct offer offer = {.class_count = 1, .total = 4};
	struct buffer text = BUFFER_INIT;
	struct err err = ERR_INIT;
	struct json *json;

	(void)state;
	assert_int_equal(json_parse(&json, claim, strlen(claim), &err), 0);
	assert_int_equal(offer_parse_free(&offer, json, &err), 0);
	assert_int_equal(
		offer_parse_class(&offer, &offer.classes[0], json_get(json, "class"), &err), 0);
	assert_int_equal(offer.free, 3);
	assert_int_equal(offer.left[OFFER_CPUS], 6);
	assert_int_equal(offer.left[OFFER_DISK], UINT64_MAX); /* it does not say: boundless */
	assert_int_equal(offer.classes[0].need[OFFER_DISK], 0);
	assert_false(offer_has_room(&offer, 0));
	assert_true(offer_is_short(&offer, 0));
	offer_put_need(&offer, 0, &text);
	assert_string_equal(buffer_text(&text), "8 CPUs, 1.0 GiB of memory, 2 of device 'gpu'");
	buffer_clear(&text);
	offer_put_shortage(&offer, 0, &text);
	assert_string_equal(buffer_text(&text), "2 of device 'gpu' where 1 is free");
	buffer_release(&text);
	json_free(json);
}

static void
test_an_offer_without_sizes_is_one_of_slots(void **state)
{
	static const char claim[] = "{\"free\":{\"slots\":3},\"class\":{\"slots\":3}}";
	struct offer offer = {.class_count = 1, .total = 4};
	struct err err = ERR_INIT;
	struct json *json;

	(void)state;
	assert_int_equal(json_parse(&json, claim, strlen(claim), &err), 0);
	assert_int_equal(offer_parse_free(&offer, json, &err), 0);
	assert_int_equal(
		offer_parse_class(&offer, &offer.classes[0], json_get(json, "class"), &err), 0);
	assert_true(offer_has_room(&offer, 0));
	json_free(json);
}

static void
test_an_offer_refuses_sizes_that_are_none(void **state)
{
	static const char *const bad[] = {
		"{\"free\":3}",
		"{\"free\":{\"slots\":-1}}",
		"{\"free\":{\"slots\":1,\"cpus\":-1}}",
		"{\"free\":{\"slots\":1,\"memory_bytes\":\"1G\"}}",
		"{\"free\":{\"slots\":1,\"devices\":{\"gpu\":-1}}}",
		"{\"free\":{\"slots\":1,\"devices\":{\"gpu\":\"all\"}}}",
		("{\"free\":{\"slots\":1,\"devices\":"
		 "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}}}"),
	};
	struct offer offer;
	struct err err;
	struct json *json;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&offer, 0, sizeof(offer));
		err = (struct err)ERR_INIT;
		assert_int_equal(json_parse(&json, bad[i], strlen(bad[i]), &err), 0);
		assert_true(offer_parse_free(&offer, json, &err) < 0);
		json_free(json);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tasks_of_several_classes_are_packed_by_what_they_reserve),
		cmocka_unit_test(test_a_paused_class_gets_nothing_and_keeps_nothing),
		cmocka_unit_test(test_a_large_task_is_passed_only_for_so_long),
		cmocka_unit_test(
			test_a_task_that_waits_for_a_device_holds_up_nobody_who_needs_none),
		cmocka_unit_test(test_one_host_is_kept_and_not_all_that_could_be),
		cmocka_unit_test(test_what_has_waited_longer_than_a_large_task_still_passes_it),
		cmocka_unit_test(test_random_tasks_fit_and_all_of_them_run),
		cmocka_unit_test(test_an_offer_is_read_from_a_claim),
		cmocka_unit_test(test_an_offer_without_sizes_is_one_of_slots),
		cmocka_unit_test(test_an_offer_refuses_sizes_that_are_none),
	};

	log_setup(LOG_ERROR, false, world_unix_ms); /* thousands of tasks come and go */
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
