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

static void
test_slots_room_is_bounded_by_slots_when_nothing_is_reserved(void **state)
{
	struct slots slots;

	(void)state;
	slots_init(&slots, 3, &host);
	add_class(&slots, "a", 0, 0);
	assert_int_equal(slots_room(&slots, 0), 3);
	slots_take(&slots, 0);
	slots_take(&slots, 0);
	assert_int_equal(slots_room(&slots, 0), 1);
	slots_give(&slots, 0);
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
	slots_take(&slots, 0);
	assert_null(slots_lack(&slots, 0, room, sizeof(room)));
	slots_take(&slots, 0);
	assert_string_equal(slots_lack(&slots, 0, room, sizeof(room)),
			    "4 CPUs are reserved by each and 0 of 8 are not reserved");
	slots_give(&slots, 0);
	slots_take(&slots, 1);
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
	slots_take(&slots, 0);
	assert_int_equal(slots_room(&slots, 0), 1);
	assert_int_equal(slots_room(&slots, 1), 4);
	slots_take(&slots, 1);
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
	slots_take(&slots, 0);
	slots_take(&slots, 0);
	assert_int_equal(slots_free(&slots), 0);
	assert_int_equal(slots_room(&slots, 0), 0);
	slots_give(&slots, 0);
	slots_give(&slots, 0);
	assert_int_equal(slots_room(&slots, 0), 1);
}

static void
test_slots_room_counts_devices_by_kind(void **state)
{
	struct room with_gpu = host;
	struct slots slots;
	struct slots_class class = {.name = "gpu"};
	struct err err = ERR_INIT;
	unsigned kind, again;

	(void)state;
	slots_init(&slots, 8, &with_gpu);
	assert_int_equal(slots_device(&slots, "gpu", &kind, &err), 0);
	assert_int_equal(slots_device(&slots, "gpu", &again, &err), 0);
	assert_int_equal(kind, again);
	slots.host.devices[kind] = 2;
	class.need.devices[kind] = 1;
	assert_int_equal(slots_add_class(&slots, &class, &err), 0);
	assert_int_equal(slots_room(&slots, 0), 2);
	slots_take(&slots, 0);
	assert_int_equal(slots_room(&slots, 0), 1);
}

static void
test_slots_device_refuses_a_kind_too_many(void **state)
{
	struct slots slots;
	struct err err = ERR_INIT;
	char name[16];
	unsigned kind;
	int i;

	(void)state;
	slots_init(&slots, 8, &host);
	for (i = 0; i < SLOTS_DEVICES_MOST; i++) {
		(void)snprintf(name, sizeof(name), "kind%d", i);
		assert_int_equal(slots_device(&slots, name, &kind, &err), 0);
	}
	assert_int_equal(slots_device(&slots, "one more", &kind, &err), ERR_LIMIT);
}

static void
test_slots_add_class_refuses_a_task_larger_than_the_host(void **state)
{
	struct slots slots;
	struct slots_class class = {.name = "huge", .need = {.cpus = 9}};
	struct err err = ERR_INIT;

	(void)state;
	slots_init(&slots, 8, &host);
	assert_int_equal(slots_add_class(&slots, &class, &err), ERR_INPUT);
	assert_non_null(strstr(err.text, "'huge'"));
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
	static const char wanted[] = "{\"free\":{\"slots\":1,\"cpus\":4,\"memory_bytes\":700},"
				     "\"classes\":[{\"token\":\"token-large\",\"slots\":1,\"cpus\":"
				     "4,\"memory_bytes\":300}]}";
	struct json *claim = json_new_object();
	struct buffer text = BUFFER_INIT;
	struct slots slots;

	(void)state;
	slots_init(&slots, 2, &host);
	add_class(&slots, "large", 4, 300);
	slots_take(&slots, 0);
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
		cmocka_unit_test(test_slots_room_is_bounded_by_slots_when_nothing_is_reserved),
		cmocka_unit_test(test_slots_room_packs_by_what_is_reserved),
		cmocka_unit_test(test_slots_lack_names_what_is_not_free),
		cmocka_unit_test(test_slots_room_is_none_when_more_is_taken_than_there_is),
		cmocka_unit_test(test_slots_room_counts_devices_by_kind),
		cmocka_unit_test(test_slots_device_refuses_a_kind_too_many),
		cmocka_unit_test(test_slots_add_class_refuses_a_task_larger_than_the_host),
		cmocka_unit_test(
			test_slots_class_of_takes_the_name_then_the_nameless_then_the_first),
		cmocka_unit_test(test_slots_write_says_room_and_need_of_each_class),
		cmocka_unit_test(test_slots_write_says_no_room_when_nothing_is_wanted),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
