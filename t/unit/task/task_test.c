/*
 * task_test.c - what travels between hub and agent: documents, events, output records.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "format/json.h"
#include "task/event.h"
#include "task/names.h"
#include "task/output_record.h"
#include "task/task_doc.h"

#define ID "77aa0000-0000-4000-8000-000000000001"

static const char full_doc[] =
	"{\"version\":1,\"id\":\"" ID "\",\"epoch\":2,\"token\":\"t\",\"lease_ms\":60000,"
	"\"job\":{\"id\":\"j\",\"name\":\"build\",\"number\":7},\"workflow\":{\"name\":\"w\"},"
	"\"project\":{\"slug\":\"local/o/r\"},\"resource_class\":\"o/"
	"big\",\"node_index\":1,\"node_total\":3,"
	"\"shell\":[\"/bin/sh\",\"-e\"],\"working_directory\":\"~/"
	"x\",\"environment\":{\"A\":\"1\",\"B_2\":\"\"},"
	"\"key_environment\":{\"A\":null,\"B_2\":\"x\"},"
	"\"mask\":[\"shared one\",\"its own\"],\"mask_own\":1,"
	"\"max_run_time_ms\":1000,\"no_new_privs\":false,"
	"\"source\":{\"kind\":\"git\",\"url\":\"u\",\"revision\":\"r\",\"branch\":\"b\",\"tag\":"
	"null},"
	"\"workspace\":[{\"job\":\"a\",\"after\":[],\"layers\":[{\"task\":\"" ID
	"\",\"step\":3,\"node\":0}]},{\"job\":\"b\",\"after\":[0],\"layers\":[{\"task\":\"" ID
	"\",\"step\":4,\"node\":1},{\"task\":\"" ID "\",\"step\":5,\"node\":2}]}],"
	"\"steps\":[{\"kind\":\"checkout\",\"name\":\"Checkout code\",\"path\":\"src\"},"
	"{\"kind\":\"run\",\"name\":\"n\",\"command\":\"true\",\"background\":true,\"no_output_"
	"timeout_ms\":5,"
	"\"when\":\"always\",\"max_auto_reruns\":2,\"auto_rerun_delay_ms\":10}]}";

static int
parse_doc(struct task_doc **out, const char *text, struct err *err)
{
	struct json *json = NULL;
	int rc = json_parse(&json, text, strlen(text), err);

	assert_int_equal(rc, 0);
	rc = task_doc_parse(out, json, err);
	json_free(json);
	return rc;
}

static void
test_task_doc_is_read_and_written_whole(void **state)
{
	struct buffer first = BUFFER_INIT, second = BUFFER_INIT;
	struct task_doc *doc = NULL, *again = NULL;
	struct err err = ERR_INIT;
	struct json *json;

	(void)state;
	assert_int_equal(parse_doc(&doc, full_doc, &err), 0);
	assert_int_equal(doc->epoch, 2);
	assert_int_equal(doc->step_count, 2);
	assert_int_equal(doc->source.kind, SOURCE_GIT);
	assert_null(doc->source.tag);
	assert_int_equal(doc->steps[1].when, WHEN_ALWAYS);
	assert_string_equal(doc->steps[0].path, "src");
	assert_false(doc->no_new_privs);
	assert_int_equal(doc->key_environment_count, 2);
	assert_null(doc->key_environment[0].value);
	assert_string_equal(doc->key_environment[1].value, "x");
	assert_string_equal(doc->mask[1], "its own");
	assert_int_equal(doc->mask_own, 1);
	assert_int_equal(doc->workspace.job_count, 2);
	assert_int_equal(doc->workspace.count, 3);
	assert_ptr_equal(layers_find(&doc->workspace, ID "/5"), &doc->workspace.list[2]);
	assert_null(layers_find(&doc->workspace, ID "/6"));
	json = task_doc_write(doc);
	json_write(&first, json);
	json_free(json);
	assert_int_equal(parse_doc(&again, buffer_text(&first), &err), 0);
	json = task_doc_write(again);
	json_write(&second, json);
	json_free(json);
	assert_string_equal(buffer_text(&first), buffer_text(&second));
	task_doc_free(doc);
	task_doc_free(again);
	buffer_release(&first);
	buffer_release(&second);
}

/* Replace one part of the full document and see what is said. */
static void
expect_refused(const char *from, const char *to, const char *sentence)
{
	struct buffer text = BUFFER_INIT;
	struct task_doc *doc = NULL;
	struct err err = ERR_INIT;
	const char *at = strstr(full_doc, from);

	assert_non_null(at);
	buffer_putn(&text, full_doc, (size_t)(at - full_doc));
	buffer_puts(&text, to);
	buffer_puts(&text, at + strlen(from));
	assert_true(parse_doc(&doc, buffer_text(&text), &err) < 0);
	assert_string_equal(err.text, sentence);
	buffer_release(&text);
}

static void
test_task_doc_refuses_what_is_missing_or_wrong_by_name(void **state)
{
	(void)state;
	expect_refused("\"version\":1,", "", "member 'version' is missing");
	expect_refused("\"version\":1", "\"version\":9",
		       "the task document has version 9, this agent reads up to 1");
	expect_refused(ID, "77aa", "member 'id' must be a UUID");
	expect_refused("\"name\":\"build\",", "", "job: member 'name' is missing");
	expect_refused("\"command\":\"true\",", "", "step 1: member 'command' is missing");
	expect_refused("\"when\":\"always\"", "\"when\":\"often\"",
		       "step 1: member 'when' must be on_success, on_fail or always");
	expect_refused("\"kind\":\"git\"", "\"kind\":\"svn\"",
		       "source: member 'kind' must be 'directory' or 'git'");
	expect_refused("\"mask_own\":1", "\"mask_own\":3", "member 'mask_own' must be from 0 to 2");
	expect_refused("\"after\":[0]", "\"after\":[1]",
		       "workspace: member 'after' must name jobs before it");
	expect_refused("\"step\":3", "\"step\":1000",
		       "workspace: member 'step' must be from 0 to 999");
	expect_refused("\"A\":\"1\"", "\"A=\":\"1\"",
		       "environment has the name 'A=': letters, digits and _ are allowed");
	expect_refused("\"A\":\"1\"", "\"A\":1", "environment variable 'A' must be a string");
	expect_refused("\"node_index\":1", "\"node_index\":3",
		       "member 'node_index' must be from 0 to 2");
	expect_refused("[\"/bin/sh\",\"-e\"]", "[]", "member 'shell' must not be empty");
	expect_refused("\"max_auto_reruns\":2", "\"max_auto_reruns\":6",
		       "step 1: member 'max_auto_reruns' must be from 0 to 5");
}

static void
test_task_doc_ignores_members_it_does_not_know(void **state)
{
	struct task_doc *doc = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
		parse_doc(&doc,
			  "{\"future\":{\"x\":[1]},\"version\":1,\"id\":\"" ID
			  "\",\"epoch\":1,\"token\":\"t\",\"lease_ms\":60000,"
			  "\"job\":{\"id\":\"j\",\"name\":\"b\",\"number\":1,\"color\":\"red\"},"
			  "\"resource_class\":\"c\","
			  "\"steps\":[{\"kind\":\"teleport\",\"name\":\"t\",\"to\":\"moon\"}]}",
			  &err),
		0);
	assert_int_equal(doc->steps[0].kind, STEP_KIND_UNKNOWN);
	assert_string_equal(doc->steps[0].kind_name, "teleport");
	assert_string_equal(doc->working_directory, "~/project");
	assert_true(doc->no_new_privs);
	task_doc_free(doc);
}

static const char typed_steps[] =
	"[{\"kind\":\"checkout\",\"name\":\"c\",\"path\":\".\",\"method\":\"shallow\",\"depth\":3},"
	"{\"kind\":\"save_cache\",\"name\":\"s\",\"when\":\"on_fail\",\"key\":\"v1-{{ arch "
	"}}\",\"paths\":[\"~/.m2\",\"x\"]},"
	"{\"kind\":\"restore_cache\",\"name\":\"r\",\"keys\":[\"a\",\"b\"]},"
	"{\"kind\":\"store_artifacts\",\"name\":\"a\",\"when\":\"always\",\"path\":\"out\","
	"\"destination\":\"d\"},"
	"{\"kind\":\"store_test_results\",\"name\":\"t\",\"when\":\"always\",\"path\":\"junit\"},"
	"{\"kind\":\"persist_to_workspace\",\"name\":\"p\",\"root\":\"/w\",\"paths\":[\"*\"]},"
	"{\"kind\":\"attach_workspace\",\"name\":\"w\",\"at\":\"/w\"},"
	"{\"kind\":\"add_ssh_keys\",\"name\":\"k\",\"fingerprints\":[\"SHA256:x\"]},"
	"{\"kind\":\"setup_remote_docker\",\"name\":\"d\",\"version\":\"default\",\"docker_layer_"
	"caching\":true}]";

static int
parse_steps(struct task_doc **out, const char *steps, struct err *err)
{
	struct buffer text = BUFFER_INIT;
	int rc;

	buffer_puts(&text, "{\"version\":1,\"id\":\"" ID
			   "\",\"epoch\":1,\"token\":\"t\",\"lease_ms\":60000,"
			   "\"job\":{\"id\":\"j\",\"name\":\"b\",\"number\":1},\"resource_class\":"
			   "\"c\",\"steps\":");
	buffer_puts(&text, steps);
	buffer_puts(&text, "}");
	rc = parse_doc(out, buffer_text(&text), err);
	buffer_release(&text);
	return rc;
}

/* A number that is its default (no_output_timeout_ms) is the one thing that comes back unasked. */
static void
test_task_doc_keeps_every_member_of_every_kind_of_step(void **state)
{
	struct buffer written = BUFFER_INIT;
	struct task_doc *doc = NULL;
	struct err err = ERR_INIT;
	struct json *json;

	(void)state;
	assert_int_equal(parse_steps(&doc, typed_steps, &err), 0);
	assert_int_equal(doc->steps[1].kind, STEP_SAVE_CACHE);
	assert_int_equal(doc->steps[1].when, WHEN_ON_FAIL);
	assert_string_equal(doc->steps[2].keys[1], "b");
	assert_null(doc->steps[2].keys[2]);
	json = task_doc_write(doc);
	json_write(&written, json_get(json, "steps"));
	assert_string_equal(buffer_text(&written), typed_steps);
	json_free(json);
	buffer_release(&written);
	task_doc_free(doc);
}

static void
test_task_doc_refuses_a_typed_step_without_what_it_needs(void **state)
{
	static const char *const wrong[][2] = {
		{"{\"kind\":\"save_cache\",\"name\":\"s\",\"paths\":[\"x\"]}",
		 "step 0: member 'key' is missing"},
		{"{\"kind\":\"save_cache\",\"name\":\"s\",\"key\":\"k\",\"paths\":[]}",
		 "step 0: member 'paths' must not be empty"},
		{"{\"kind\":\"restore_cache\",\"name\":\"s\",\"keys\":\"a\"}",
		 "step 0: member 'keys' must be a list"},
		{"{\"kind\":\"attach_workspace\",\"name\":\"s\",\"path\":\"a\"}",
		 "step 0: member 'at' is missing"},
		{"{\"kind\":\"checkout\",\"name\":\"s\",\"depth\":0}",
		 "step 0: member 'depth' must be from 1 to 1000000000"},
	};
	char steps[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct task_doc *doc = NULL;
		struct err err = ERR_INIT;

		(void)snprintf(steps, sizeof(steps), "[%s]", wrong[i][0]);
		assert_true(parse_steps(&doc, steps, &err) < 0);
		assert_string_equal(err.text, wrong[i][1]);
	}
}

static void
test_task_doc_identity_is_found_in_a_wrong_document(void **state)
{
	static const char text[] = "{\"id\":\"" ID "\",\"epoch\":4,\"token\":\"t\",\"steps\":5}";
	struct json *json = NULL;
	struct err err = ERR_INIT;
	const char *token;
	uint32_t epoch;
	struct id id;

	(void)state;
	assert_int_equal(json_parse(&json, text, strlen(text), &err), 0);
	assert_true(task_doc_identity(json, &id, &epoch, &token));
	assert_int_equal(epoch, 4);
	json_free(json);
}

static void
test_event_is_read_as_it_was_written(void **state)
{
	struct task_event event = {.epoch = 1,
				   .seq = 4,
				   .time_ms = 5,
				   .type = EVENT_STEP_ENDED,
				   .step = 2,
				   .attempt = 1,
				   .outcome = OUTCOME_FAILED,
				   .reason = "exit 3",
				   .exit_code = 3,
				   .output_bytes = 9,
				   .wall_ms = 8,
				   .user_us = 7,
				   .system_us = 6,
				   .max_rss_bytes = 4096,
				   .peak_bytes = 5,
				   .read_bytes = 4,
				   .write_bytes = 3};
	struct task_event again;
	struct err err = ERR_INIT;
	struct json *json;

	(void)state;
	id_random(&event.task);
	json = task_event_write(&event);
	assert_int_equal(task_event_parse(&again, json, &err), 0);
	assert_memory_equal(&event, &again, sizeof(event));
	json_put_str(json, "type", "exploded");
	assert_int_equal(task_event_parse(&again, json, &err), ERR_INPUT);
	assert_string_equal(err.text, "member 'type' is 'exploded', which is no kind of event");
	json_free(json);
}

static void
test_names_go_both_ways(void **state)
{
	enum outcome outcome = OUTCOME_NONE;
	int i;

	(void)state;
	for (i = 0; i < OUTCOME_COUNT; i++) {
		assert_true(outcome_parse(&outcome, outcome_name((enum outcome)i)));
		assert_int_equal(outcome, i);
	}
	assert_string_equal(outcome_name(OUTCOME_INFRA_FAIL), "infra-fail");
	assert_false(outcome_parse(&outcome, "meh"));
	assert_false(outcome_parse(&outcome, NULL));
}

static void
make_record(unsigned char room[RUNNER_RECORD_HEADER_BYTES + 16], struct output_record *record)
{
	memset(record, 0, sizeof(*record));
	memset(room, 0x5a, RUNNER_RECORD_HEADER_BYTES + 16);
	id_random(&record->task);
	record->epoch = 1;
	record->attempt = 1;
	record->offset = 1ull << 40;
	record->time_ms = 1769850847123;
	record->raw_len = 100;
	record->frame_len = 16;
	record->lines = 3;
	record->source_len = 120;
	record->frame_crc = crc32c(0, room + RUNNER_RECORD_HEADER_BYTES, 16);
	output_record_pack(record, room);
}

static void
test_output_record_is_cut_short_at_every_length_but_the_whole(void **state)
{
	unsigned char room[RUNNER_RECORD_HEADER_BYTES + 16];
	const unsigned char *frame = NULL;
	struct output_record record, again;
	struct err err = ERR_INIT;
	size_t len;

	(void)state;
	make_record(room, &record);
	for (len = 0; len < sizeof(room); len++)
		assert_int_equal(output_record_unpack(&again, &frame, room, len, &err), ERR_AGAIN);
	memset(&again, 0, sizeof(again));
	assert_int_equal(output_record_unpack(&again, &frame, room, sizeof(room), &err), 0);
	assert_memory_equal(&record, &again, sizeof(record));
	assert_ptr_equal(frame, room + RUNNER_RECORD_HEADER_BYTES);
}

static void
test_output_record_with_any_flipped_bit_is_refused(void **state)
{
	unsigned char room[RUNNER_RECORD_HEADER_BYTES + 16];
	const unsigned char *frame;
	struct output_record record;
	struct err err = ERR_INIT;
	size_t bit;

	(void)state;
	make_record(room, &record);
	for (bit = 0; bit < sizeof(room) * 8; bit++) {
		room[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(output_record_unpack(&record, &frame, room, sizeof(room), &err),
				 ERR_INPUT);
		room[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
}

static void
test_output_record_that_lies_about_its_size_is_refused(void **state)
{
	unsigned char room[RUNNER_RECORD_HEADER_BYTES + 16];
	const unsigned char *frame;
	struct output_record record;
	struct err err = ERR_INIT;

	(void)state;
	make_record(room, &record);
	record.raw_len = RUNNER_RECORD_RAW_MOST_BYTES + 1;
	output_record_pack(&record, room);
	assert_int_equal(output_record_unpack(&record, &frame, room, sizeof(room), &err),
			 ERR_INPUT);
	assert_string_equal(err.text,
			    "output record says 65537 bytes of output, 1 to 65536 are allowed");
	make_record(room, &record);
	record.frame_len = 66001;
	output_record_pack(&record, room);
	assert_int_equal(output_record_unpack(&record, &frame, room, sizeof(room), &err),
			 ERR_INPUT);
	make_record(room, &record);
	record.offset = UINT64_MAX - 5;
	output_record_pack(&record, room);
	assert_int_equal(output_record_unpack(&record, &frame, room, sizeof(room), &err),
			 ERR_INPUT);
}

/* Give a record another version's magic and what stands where source_len is. */
static void
make_version(unsigned char *room, const char *magic, uint32_t value)
{
	struct output_record record;
	uint32_t crc;

	make_record(room, &record);
	memcpy(room, magic, 4);
	memcpy(room + 68, &value, 4); /* tests run on little-endian machines */
	crc = crc32c(0, room + 8, RUNNER_RECORD_HEADER_BYTES - 8);
	memcpy(room + 4, &crc, 4);
}

/* Versions 1 and 2, as agents before masking and before limits wrote them. */
static void
test_output_record_of_an_earlier_version_is_read(void **state)
{
	unsigned char room[RUNNER_RECORD_HEADER_BYTES + 16];
	const unsigned char *frame = NULL;
	struct output_record record;
	struct err err = ERR_INIT;

	(void)state;
	make_version(room, "ROB1", 0);
	assert_int_equal(output_record_unpack(&record, &frame, room, sizeof(room), &err), 0);
	assert_int_equal(record.source_len, 100);
	make_version(room, "ROB2", 120);
	assert_int_equal(output_record_unpack(&record, &frame, room, sizeof(room), &err), 0);
	assert_int_equal(record.source_len, 120);
	make_version(room, "ROB2", 0);
	assert_int_equal(output_record_unpack(&record, &frame, room, sizeof(room), &err),
			 ERR_INPUT);
	make_version(room, "ROB2", RUNNER_RECORD_RAW_MOST_BYTES + 1);
	assert_int_equal(output_record_unpack(&record, &frame, room, sizeof(room), &err),
			 ERR_INPUT);
}

static void
test_output_record_says_what_was_dropped_or_that_nothing_follows(void **state)
{
	unsigned char room[RUNNER_RECORD_HEADER_BYTES + 16];
	const unsigned char *frame = NULL;
	struct output_record record;
	struct err err = ERR_INIT;

	(void)state;
	make_record(room, &record);
	record.source_len = UINT32_MAX;
	output_record_pack(&record, room);
	assert_int_equal(output_record_unpack(&record, &frame, room, sizeof(room), &err), 0);
	assert_int_equal(record.source_len, UINT32_MAX);
	record.source_len = 0;
	output_record_pack(&record, room);
	assert_int_equal(output_record_unpack(&record, &frame, room, sizeof(room), &err), 0);
	assert_int_equal(record.source_len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_task_doc_is_read_and_written_whole),
		cmocka_unit_test(test_task_doc_refuses_what_is_missing_or_wrong_by_name),
		cmocka_unit_test(test_task_doc_ignores_members_it_does_not_know),
		cmocka_unit_test(test_task_doc_keeps_every_member_of_every_kind_of_step),
		cmocka_unit_test(test_task_doc_refuses_a_typed_step_without_what_it_needs),
		cmocka_unit_test(test_task_doc_identity_is_found_in_a_wrong_document),
		cmocka_unit_test(test_event_is_read_as_it_was_written),
		cmocka_unit_test(test_names_go_both_ways),
		cmocka_unit_test(test_output_record_is_cut_short_at_every_length_but_the_whole),
		cmocka_unit_test(test_output_record_with_any_flipped_bit_is_refused),
		cmocka_unit_test(test_output_record_of_an_earlier_version_is_read),
		cmocka_unit_test(test_output_record_says_what_was_dropped_or_that_nothing_follows),
		cmocka_unit_test(test_output_record_that_lies_about_its_size_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
