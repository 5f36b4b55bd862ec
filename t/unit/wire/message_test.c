/*
 * message_test.c - messages survive the way, malformed ones are refused, the page agrees.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/message.h"

/* A message of this kind with a different value in each field. */
static void
fill(struct message *message, const struct message_kind *kind)
{
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];
	size_t i, size = message_size(kind);
	const char *wrong;

	for (i = 0; i < size; i++)
		bytes[i] = (uint8_t)(0x81 + 7 * i);
	bytes[0] = SUPERVISOR_VERSION;
	bytes[1] = (uint8_t)kind->type;
	bytes[2] = (uint8_t)size;
	bytes[3] = 0;
	wrong = message_unpack(message, kind->sender, bytes, size, kind->fds_least);
	assert_null(wrong);
}

static void
test_message_pack_gives_back_what_unpack_took(void **state)
{
	uint8_t once[SUPERVISOR_MESSAGE_MOST_BYTES], again[SUPERVISOR_MESSAGE_MOST_BYTES];
	struct message message, copy;
	size_t i, len;

	(void)state;
	for (i = 0; i < message_kind_count; i++) {
		fill(&message, &message_kinds[i]);
		len = message_pack(once, &message);
		assert_int_equal(len, message_size(&message_kinds[i]));
		assert_null(message_unpack(&copy, message_kinds[i].sender, once, len,
					   message_kinds[i].fds_most));
		assert_int_equal(message_pack(again, &copy), len);
		assert_memory_equal(once, again, len);
	}
}

static void
test_message_pack_writes_little_endian_in_field_order(void **state)
{
	static const uint8_t expected[] = {1, 1, 40, 0, 4,    3,    2,	  1,	2, 0, 0, 0, 5, 0,
					   0, 0, 6,  0, 0,    0,    7,	  0,	0, 0, 8, 0, 0, 0,
					   9, 0, 0,  0, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0};
	struct message message = {.type = MESSAGE_START_STEP};
	uint8_t room[SUPERVISOR_MESSAGE_MOST_BYTES];

	(void)state;
	message.start_step = (struct message_start_step){.step = 0x01020304,
							 .attempt = 2,
							 .flags = 5,
							 .uid = 6,
							 .gid = 7,
							 .orphan_ms = 8,
							 .grace_ms = 9,
							 .deadline_ms = 0x44332211};
	assert_int_equal(message_pack(room, &message), sizeof(expected));
	assert_memory_equal(room, expected, sizeof(expected));
}

static void
test_message_unpack_refuses_every_other_length(void **state)
{
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES + 64] = {0};
	struct message message;
	size_t i, len, size;

	(void)state;
	for (i = 0; i < message_kind_count; i++) {
		size = message_size(&message_kinds[i]);
		for (len = 0; len <= sizeof(bytes); len++) {
			const char *wrong;

			bytes[0] = SUPERVISOR_VERSION;
			bytes[1] = (uint8_t)message_kinds[i].type;
			bytes[2] = (uint8_t)len;
			bytes[3] = (uint8_t)(len >> 8);
			wrong = message_unpack(&message, message_kinds[i].sender, bytes, len,
					       message_kinds[i].fds_least);
			if (len == size)
				assert_null(wrong);
			else
				assert_non_null(wrong);
			bytes[2]++; /* it states another length than it has */
			assert_non_null(message_unpack(&message, message_kinds[i].sender, bytes,
						       len, message_kinds[i].fds_least));
		}
	}
}

static void
test_message_unpack_refuses_version_type_sender_and_descriptors(void **state)
{
	struct message message = {.type = MESSAGE_START_STEP}, untouched;
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];
	size_t len = message_pack(bytes, &message);
	unsigned type;

	(void)state;
	memset(&message, 0x5a, sizeof(message));
	untouched = message;
	assert_string_equal(message_unpack(&message, MESSAGE_FROM_AGENT, bytes, len, 1),
			    "its number of descriptors is not that of its type");
	assert_non_null(message_unpack(&message, MESSAGE_FROM_AGENT, bytes, len, 4));
	assert_string_equal(message_unpack(&message, MESSAGE_FROM_INIT, bytes, len, 2),
			    "its type is one that the other side sends");
	for (type = 0; type < 256; type++) {
		bytes[1] = (uint8_t)type;
		if (message_kind(type) == NULL)
			assert_string_equal(message_unpack(&message, MESSAGE_FROM_AGENT, bytes, len,
							   2),
					    "its type is not known");
	}
	bytes[0] = SUPERVISOR_VERSION + 1;
	assert_string_equal(message_unpack(&message, MESSAGE_FROM_AGENT, bytes, len, 2),
			    "its version is not ours");
	assert_memory_equal(&message, &untouched, sizeof(message));
}

/* The page, read whole. */
static char page[64 * 1024];

static void
page_has(const char *line)
{
	if (strstr(page, line) == NULL)
		fail_msg("doc/supervisor-messages.md has no '%s'", line);
}

static void
test_message_page_names_every_message_and_field_with_its_place(void **state)
{
	char *section, *next, line[160];
	size_t i, f, at, rows;

	(void)state;
	for (i = 0; i < message_kind_count; i++) {
		const struct message_kind *kind = &message_kinds[i];

		(void)snprintf(line, sizeof(line), "\n### %s (%d), ", kind->name, (int)kind->type);
		section = strstr(page, line);
		if (section == NULL)
			fail_msg("doc/supervisor-messages.md has no section '%s'", line + 1);
		next = strstr(section + 1, "\n## ");
		if (strstr(section + 1, "\n### ") != NULL &&
		    (next == NULL || strstr(section + 1, "\n### ") < next))
			next = strstr(section + 1, "\n### ");
		assert_non_null(next);
		for (f = 0, at = SUPERVISOR_HEAD_BYTES; f < kind->field_count; f++) {
			char *row;

			(void)snprintf(line, sizeof(line), "\n| `%s` | %zu | %u | ",
				       kind->fields[f].name, at, kind->fields[f].bytes);
			row = strstr(section, line);
			if (row == NULL || row > next)
				fail_msg("%s: no row '%s'", kind->name, line + 1);
			at += kind->fields[f].bytes;
		}
		for (rows = 0, section = strstr(section, "\n| `");
		     section != NULL && section < next; section = strstr(section + 1, "\n| `"))
			rows++;
		assert_int_equal(rows, kind->field_count);
	}
}

static void
test_message_page_names_every_word_of_the_lists(void **state)
{
	char line[160];
	unsigned i;

	(void)state;
	for (i = 0; i < INIT_STEP_COUNT; i++) {
		(void)snprintf(line, sizeof(line), "| %u | `%s` | ", i, message_step_state_name(i));
		page_has(line);
	}
	for (i = 0; i < STEP_WHY_COUNT; i++) {
		(void)snprintf(line, sizeof(line), "| %u | `%s` | ", i, message_why_name(i));
		page_has(line);
	}
	for (i = 0; i < SUPERVISOR_END_COUNT; i++) {
		(void)snprintf(line, sizeof(line), "| %u | `%s` | ", i, message_end_name(i));
		page_has(line);
	}
	for (i = 1; i < FAULT_COUNT; i++) {
		(void)snprintf(line, sizeof(line), "| %u | `%s` | %s |", i, message_fault_name(i),
			       message_fault_sentence(i));
		page_has(line);
	}
	assert_string_equal(message_fault_name(FAULT_COUNT), "unknown");
	assert_string_equal(message_step_state_name(INIT_STEP_COUNT), "unknown");
	assert_string_equal(message_why_name(STEP_WHY_COUNT), "unknown");
	assert_string_equal(message_end_name(SUPERVISOR_END_COUNT), "unknown");
	assert_string_equal(message_name(255), "unknown");
	assert_string_equal(message_name(MESSAGE_HELLO), "HELLO");
}

static int
read_page(void **state)
{
	FILE *file = fopen(TOP_SRCDIR "/doc/supervisor-messages.md", "r");
	size_t len;

	(void)state;
	if (file == NULL)
		return -1;
	len = fread(page, 1, sizeof(page) - 1, file);
	(void)fclose(file);
	return len > 0 && len < sizeof(page) - 1 ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_pack_gives_back_what_unpack_took),
		cmocka_unit_test(test_message_pack_writes_little_endian_in_field_order),
		cmocka_unit_test(test_message_unpack_refuses_every_other_length),
		cmocka_unit_test(test_message_unpack_refuses_version_type_sender_and_descriptors),
		cmocka_unit_test(test_message_page_names_every_message_and_field_with_its_place),
		cmocka_unit_test(test_message_page_names_every_word_of_the_lists),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, read_page, NULL);
}
