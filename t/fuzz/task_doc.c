/*
 * task_doc.c - fuzz target: whatever a hub sends as a task document or an event.
 *
 * A document that is accepted must come back the same when it is written and read again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "format/json.h"
#include "task/event.h"
#include "task/task_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct task_doc *
write_and_read(const struct task_doc *doc, struct buffer *text)
{
	struct json *json = task_doc_write(doc), *read = NULL;
	struct task_doc *again = NULL;
	struct err err = ERR_INIT;
	int rc;

	json_write(text, json);
	json_free(json);
	rc = json_parse(&read, text->data, text->len, &err);
	assert(rc == 0);
	rc = task_doc_parse(&again, read, &err);
	assert(rc == 0);
	json_free(read);
	return again;
}

static void
try_document(const struct json *json)
{
	struct buffer first = BUFFER_INIT, second = BUFFER_INIT;
	struct task_doc *doc = NULL, *again, *third;
	struct err err = ERR_INIT;

	if (task_doc_parse(&doc, json, &err) < 0)
		return;
	again = write_and_read(doc, &first);
	third = write_and_read(again, &second);
	assert(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	task_doc_free(doc);
	task_doc_free(again);
	task_doc_free(third);
	buffer_release(&first);
	buffer_release(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct json *json = NULL;
	struct task_event event;
	struct err err = ERR_INIT;

	if (json_parse(&json, bytes, len, &err) < 0)
		return 0;
	try_document(json);
	if (task_event_parse(&event, json, &err) == 0)
		json_free(task_event_write(&event));
	json_free(json);
	return 0;
}
