/*
 * slots_test.c - room for tasks: slots, and what each resource class reserves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/slots.h"
#include "base/buffer.h"
#include "base/err.h"
#include "format/json.h"

static const struct room host = {.cpus = 8, .memory_bytes = 1000};

static void
add_class(struct slots *slots, const char *name, unsigned cpus, uint64_t memory)
{
	struct slots_class class = {.need = {.cpus = cpus, .memory_bytes = memory}};
	struct err err = ERR_INIT;

	(void)snprintf(class.name, sizeof(class.name), "%s", name);
	(void)snprintf(class.token, sizeof(class.token), "token-%s", name);
	assert_int_equal(slots_add_class(slots, &class, &err), 0);
}

/* What the tests hold, in the order of taking; the last is given back first. */
static struct reservation held[16];
static unsigned held_count;

static void
take(struct slots *slots, unsigned class)
{
	slots_take(slots, class, NULL, &held[held_count++]);
}

static void
give(struct slots *slots)
{
	slots_give(slots, &held[--held_count]);
}

static int
give_all(void **state)
{
	(void)state;
	while (held_count > 0)
		reservation_release(&held[--held_count]);
	return 0;
}

/* Nothing of this host's own layout: where CPUs lie is not these tests' subject. */
static int
settle(struct slots *slots, struct err *err)
{
	cpu_set_t cpus;
	unsigned i;

	CPU_ZERO(&cpus);
	for (i = 0; i < slots->host.cpus; i++)
		CPU_SET(i, &cpus);
	return slots_settle(slots, "/nonexistent", &cpus, err);
}

static void
add_devices(struct slots *slots, const char *kind, unsigned count)
{
	struct err err = ERR_INIT;
	char name[16];
	unsigned number, i;

	assert_int_equal(devices_kind(&slots->devices, kind, &number, &err), 0);
	for (i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "%s-%u", kind, i);
		assert_int_equal(devices_add(&slots->devices, number, name, &err), 0);
	}
	slots->host.devices[number] = count;
}

static void
test_slots_room_is_bounded_by_slots_when_nothing_is_reserved(void **state)
{
	struct slots slots;

	(void)state;
	slots_init(&slots, 3, &host);
	add_class(&slots, "a", 0, 0);
	assert_int_equal(slots_room(&slots, 0), 3);
	take(&slots, 0);
	take(&slots, 0);
	assert_int_equal(slots_room(&slots, 0), 1);
	give(&slots);
	assert_int_equal(slots_room(&slots, 0), 2);
}

static void
test_slots_lack_names_what_is_not_free(void **state)
{
	struct slots slots;
	char room[256];

	(void)state;
	slots_init(&slots, 64, &host);
	add_class(&slots, "large", 4, 300);
	add_class(&slots, "fat", 1, 600);
	assert_null(slots_lack(&slots, 0, room, sizeof(room)));
	take(&slots, 0);
	assert_null(slots_lack(&slots, 0, room, sizeof(room)));
	take(&slots, 0);
	assert_string_equal(slots_lack(&slots, 0, room, sizeof(room)),
			    "4 CPUs are reserved by each and 0 of 8 are not reserved");
	give(&slots);
	take(&slots, 1);
	assert_string_equal(slots_lack(&slots, 1, room, sizeof(room)),
			    "600 B of memory are reserved by each and 100 B are not reserved");
}

static void
test_slots_room_packs_by_what_is_reserved(void **state)
{
	struct slots slots;

	(void)state;
	slots_init(&slots, 64, &host);
	add_class(&slots, "large", 4, 300);
	add_class(&slots, "small", 1, 100);
	assert_int_equal(slots_room(&slots, 0), 2);
	assert_int_equal(slots_room(&slots, 1), 8);
	take(&slots, 0);
	assert_int_equal(slots_room(&slots, 0), 1);
	assert_int_equal(slots_room(&slots, 1), 4);
	take(&slots, 1);
	assert_int_equal(slots_room(&slots, 0), 0);
	assert_int_equal(slots_room(&slots, 1), 3);
}

static void
test_slots_room_is_none_when_more_is_taken_than_there_is(void **state)
{
	struct slots slots;

	(void)state;
	slots_init(&slots, 1, &host);
	add_class(&slots, "a", 5, 0);
	take(&slots, 0);
	take(&slots, 0);
	assert_int_equal(slots_free(&slots), 0);
	assert_int_equal(slots_room(&slots, 0), 0);
	give(&slots);
	give(&slots);
	assert_int_equal(slots_room(&slots, 0), 1);
}

static void
test_slots_offer_is_none_of_a_paused_class(void **state)
{
	struct slots slots;

	(void)state;
	slots_init(&slots, 2, &host);
	add_class(&slots, "a", 0, 0);
	add_class(&slots, "b", 0, 0);
	assert_false(slots_any_paused(&slots));
	(void)strcpy(slots.classes[0].paused, "3 failures in a row");
	assert_true(slots_any_paused(&slots));
	assert_int_equal(slots_offer(&slots, 0), 0);
	assert_int_equal(slots_offer(&slots, 1), 2);
	assert_int_equal(slots_room(&slots, 0), 2);
}

static void
test_slots_take_hands_out_devices_by_name(void **state)
{
	struct slots_class class = {.name = "gpu"};
	struct slots slots;
	struct err err = ERR_INIT;

	(void)state;
	slots_init(&slots, 8, &host);
	add_devices(&slots, "gpu", 3);
	class.need.devices[0] = 2;
	assert_int_equal(slots_add_class(&slots, &class, &err), 0);
	class.need.devices[0] = 1;
	assert_int_equal(slots_add_class(&slots, &class, &err), 0);
	assert_int_equal(slots_room(&slots, 0), 1);
	take(&slots, 0);
	assert_string_equal(held[0].words, "gpu:gpu-0 gpu:gpu-1");
	assert_int_equal(slots_room(&slots, 0), 0);
	take(&slots, 1);
	assert_string_equal(held[1].words, "gpu:gpu-2");
	give(&slots);
	give(&slots);
	assert_int_equal(slots_room(&slots, 1), 3);
}

/* A task that is found again has what it had, whatever its class says now. */
static void
test_slots_take_keeps_what_a_task_has_already(void **state)
{
	struct slots_class class = {.name = "gpu"};
	struct slots slots;
	struct err err = ERR_INIT;

	(void)state;
	slots_init(&slots, 8, &host);
	add_devices(&slots, "gpu", 2);
	assert_int_equal(slots_add_class(&slots, &class, &err), 0);
	class.need.devices[0] = 1;
	assert_int_equal(slots_add_class(&slots, &class, &err), 0);
	slots_take(&slots, 0, "gpu:gpu-0 gpu:gone cpus:1-2", &held[held_count++]);
	assert_int_equal(slots_room(&slots, 1), 1);
	take(&slots, 1);
	assert_string_equal(held[1].words, "gpu:gpu-1");
	assert_int_equal(slots_room(&slots, 1), 0);
	give(&slots);
	give(&slots);
	assert_int_equal(slots_room(&slots, 1), 2);
}

static void
test_slots_settle_refuses_a_task_larger_than_the_host(void **state)
{
	struct slots slots;
	struct err err = ERR_INIT;

	(void)state;
	slots_init(&slots, 8, &host);
	add_class(&slots, "fits", 8, 1000);
	add_class(&slots, "huge", 9, 0);
	assert_int_equal(settle(&slots, &err), ERR_INPUT);
	assert_string_equal(err.text, "tasks of resource class 'huge' are larger than this host: 9 CPUs are reserved "
				      "by each and 8 of 8 are not reserved");
}

/* All of the host, and nobody's twice, whatever the number of slots. */
static void
test_slots_take_divides_the_cpus_among_slots(void **state)
{
	struct slots_class class = {.name = "a", .share_cpus = true, .pin_cpus = true};
	struct slots slots;
	struct err err = ERR_INIT;
	unsigned i;

	(void)state;
	slots_init(&slots, 3, &host);
	assert_int_equal(slots_add_class(&slots, &class, &err), 0);
	assert_int_equal(settle(&slots, &err), 0);
	for (i = 0; i < 3; i++)
		take(&slots, 0);
	assert_string_equal(held[0].words, "cpus:0-1");
	assert_string_equal(held[1].words, "cpus:2-4");
	assert_string_equal(held[2].words, "cpus:5-7");
	assert_int_equal(CPU_COUNT(&slots.pinned), 8);
	while (held_count > 0)
		give(&slots);
	assert_int_equal(CPU_COUNT(&slots.pinned), 0);
	assert_int_equal(slots.reserved.cpus, 0);
}

static void
test_slots_take_pins_nothing_when_slots_outnumber_cpus(void **state)
{
	struct slots_class class = {.name = "a", .share_cpus = true, .pin_cpus = true};
	struct slots slots;
	struct err err = ERR_INIT;

	(void)state;
	slots_init(&slots, 9, &host);
	assert_int_equal(slots_add_class(&slots, &class, &err), 0);
	assert_int_equal(settle(&slots, &err), 0);
	assert_int_equal(slots_room(&slots, 0), 9);
	take(&slots, 0);
	assert_string_equal(held[0].words, "");
}

static void
test_slots_limits_are_what_the_task_has(void **state)
{
	struct slots_class class = {.name = "a", .pids = 512, .pin_cpus = true};
	static struct limits limits;
	struct slots slots;
	struct err err = ERR_INIT;

	(void)state;
	class.need = (struct room){.cpus = 2, .memory_bytes = 300};
	slots_init(&slots, 9, &host);
	assert_int_equal(slots_add_class(&slots, &class, &err), 0);
	assert_int_equal(settle(&slots, &err), 0);
	take(&slots, 0);
	take(&slots, 0);
	slots_limits(&slots, held[1].class, held[1].words, &limits);
	assert_int_equal(limits.cpus, 2);
	assert_int_equal(limits.memory_bytes, 300);
	assert_int_equal(limits.pids, 512);
	assert_string_equal(limits.cpu_list, "2-3");
}

/* --- whatever comes in whatever order -------------------------------------------------------- */

enum { ROUNDS = 20000, CLASSES = 5, TASKS = 40 };

static uint32_t seed;

static unsigned
random_below(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % n;
}

static void
add_random_class(struct slots *slots)
{
	struct slots_class class = {.pin_cpus = random_below(2) == 0};
	struct err err = ERR_INIT;

	class.need.cpus = random_below(5);
	class.need.memory_bytes = random_below(400);
	class.need.disk_bytes = random_below(60);
	class.need.devices[0] = random_below(3);
	class.need.devices[1] = random_below(2);
	assert_int_equal(slots_add_class(slots, &class, &err), 0);
}

/* No name in two of the texts, and no more held than there is. */
static void
check_held(const struct slots *slots, const struct reservation *tasks, const bool *runs)
{
	struct slots sum;
	struct reservation again[TASKS];
	unsigned i, pinned, handed_out;

	slots_init(&sum, slots->total, &slots->host);
	sum.devices = slots->devices;
	for (i = 0; i < sum.devices.count; i++)
		sum.devices.all[i].taken = false;
	memcpy(sum.classes, slots->classes, sizeof(sum.classes));
	sum.class_count = slots->class_count;
	for (i = 0; i < TASKS; i++) {
		if (!runs[i])
			continue;
		pinned = (unsigned)CPU_COUNT(&sum.pinned);
		slots_take(&sum, tasks[i].class, tasks[i].words, &again[i]);
		if (strstr(tasks[i].words, "cpus:") != NULL)
			assert_int_equal(CPU_COUNT(&sum.pinned), pinned + again[i].room.cpus);
		assert_int_equal(again[i].room.devices[0], slots->classes[tasks[i].class].need.devices[0]);
		reservation_release(&again[i]);
	}
	assert_true(slots->taken <= slots->total);
	assert_true(slots->reserved.cpus <= slots->host.cpus);
	assert_true(slots->reserved.memory_bytes <= slots->host.memory_bytes);
	assert_true(slots->reserved.disk_bytes <= slots->host.disk_bytes);
	assert_true(slots->reserved.devices[0] <= slots->host.devices[0]);
	assert_int_equal(sum.reserved.devices[0], slots->reserved.devices[0]);
	assert_int_equal(sum.reserved.devices[1], slots->reserved.devices[1]);
	for (i = 0, handed_out = 0; i < sum.devices.count; i++)
		handed_out += sum.devices.all[i].taken;
	assert_int_equal(handed_out, sum.reserved.devices[0] + sum.reserved.devices[1]); /* each is one task's */
}

static void
test_slots_are_never_overcommitted_and_devices_never_shared(void **state)
{
	static struct reservation tasks[TASKS];
	static struct slots slots;
	bool runs[TASKS] = {false};
	struct room room = host;
	struct err err = ERR_INIT;
	unsigned i, round, one, class;

	(void)state;
	seed = 20251128;
	room.disk_bytes = 200;
	slots_init(&slots, 12, &room);
	add_devices(&slots, "gpu", 4);
	add_devices(&slots, "board", 3);
	for (i = 0; i < CLASSES; i++)
		add_random_class(&slots);
	assert_int_equal(settle(&slots, &err), 0);
	for (round = 0; round < ROUNDS; round++) {
		one = random_below(TASKS);
		class = random_below(CLASSES);
		if (runs[one])
			slots_give(&slots, &tasks[one]);
		else if (slots_room(&slots, class) > 0)
			slots_take(&slots, class, NULL, &tasks[one]);
		else
			continue;
		runs[one] = !runs[one];
		if (round % 64 == 0)
			check_held(&slots, tasks, runs);
	}
	for (i = 0; i < TASKS; i++)
		if (runs[i])
			slots_give(&slots, &tasks[i]);
	for (i = 0; i < CLASSES; i++) /* nothing has leaked: each fits again */
		assert_true(slots_room(&slots, i) > 0);
	assert_int_equal(slots.taken + slots.reserved.cpus + slots.reserved.devices[0], 0);
	assert_int_equal(CPU_COUNT(&slots.pinned), 0);
}

static void
test_slots_class_of_takes_the_name_then_the_nameless_then_the_first(void **state)
{
	struct slots slots;

	(void)state;
	slots_init(&slots, 8, &host);
	add_class(&slots, "a", 0, 0);
	add_class(&slots, "b", 0, 0);
	assert_int_equal(slots_class_of(&slots, "b"), 1);
	assert_int_equal(slots_class_of(&slots, "unknown"), 0);
	add_class(&slots, "", 0, 0);
	assert_int_equal(slots_class_of(&slots, "unknown"), 2);
}

static void
test_slots_write_says_room_and_need_of_each_class(void **state)
{
	static const char wanted[] = "{\"free\":{\"slots\":1,\"cpus\":4,\"memory_bytes\":700,\"disk_bytes\":0},"
				     "\"classes\":[{\"token\":\"token-large\",\"slots\":1,\"cpus\":"
				     "4,\"memory_bytes\":300,\"disk_bytes\":0}]}";
	struct json *claim = json_new_object();
	struct buffer text = BUFFER_INIT;
	struct slots slots;

	(void)state;
	slots_init(&slots, 2, &host);
	add_class(&slots, "large", 4, 300);
	take(&slots, 0);
	slots_write(&slots, false, claim);
	json_write(&text, claim);
	assert_string_equal(buffer_text(&text), wanted);
	json_free(claim);
	buffer_release(&text);
}

static void
test_slots_write_says_no_room_when_nothing_is_wanted(void **state)
{
	struct json *claim = json_new_object();
	struct slots slots;

	(void)state;
	slots_init(&slots, 2, &host);
	add_class(&slots, "a", 0, 0);
	slots_write(&slots, true, claim);
	assert_int_equal(json_get_int(json_get(claim, "free"), "slots", -1), 0);
	assert_int_equal(json_get_int(json_at(json_get(claim, "classes"), 0), "slots", -1), 0);
	json_free(claim);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_slots_room_is_bounded_by_slots_when_nothing_is_reserved, give_all),
		cmocka_unit_test_teardown(test_slots_lack_names_what_is_not_free, give_all),
		cmocka_unit_test_teardown(test_slots_room_packs_by_what_is_reserved, give_all),
		cmocka_unit_test_teardown(test_slots_room_is_none_when_more_is_taken_than_there_is, give_all),
		cmocka_unit_test_teardown(test_slots_offer_is_none_of_a_paused_class, give_all),
		cmocka_unit_test_teardown(test_slots_take_hands_out_devices_by_name, give_all),
		cmocka_unit_test_teardown(test_slots_take_keeps_what_a_task_has_already, give_all),
		cmocka_unit_test_teardown(test_slots_settle_refuses_a_task_larger_than_the_host, give_all),
		cmocka_unit_test_teardown(test_slots_take_divides_the_cpus_among_slots, give_all),
		cmocka_unit_test_teardown(test_slots_take_pins_nothing_when_slots_outnumber_cpus, give_all),
		cmocka_unit_test_teardown(test_slots_limits_are_what_the_task_has, give_all),
		cmocka_unit_test_teardown(test_slots_are_never_overcommitted_and_devices_never_shared, give_all),
		cmocka_unit_test_teardown(test_slots_class_of_takes_the_name_then_the_nameless_then_the_first, give_all),
		cmocka_unit_test_teardown(test_slots_write_says_room_and_need_of_each_class, give_all),
		cmocka_unit_test_teardown(test_slots_write_says_no_room_when_nothing_is_wanted, give_all),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
