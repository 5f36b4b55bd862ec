/*
 * test_lines.c - tests as lines that "tests split" reads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/test_lines.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "format/json.h"
#include "hub/api/router.h"
#include "hub/hub.h"

enum { TOKEN_BYTES = 64 };

bool
test_lines_read_token(struct store_test_query *query, const char *text)
{
	char id[ID_TEXT_BYTES];
	struct err err = ERR_INIT;
	uint64_t from;

	if (text == NULL || text[0] == '\0')
		return true;
	if (strlen(text) < ID_TEXT_BYTES || text[ID_TEXT_BYTES - 1] != '.')
		return false;
	memcpy(id, text, ID_TEXT_BYTES - 1);
	id[ID_TEXT_BYTES - 1] = '\0';
	if (!id_parse(&query->id, id) ||
	    text_parse_u64(text + ID_TEXT_BYTES, INT64_MAX, &from, &err) < 0)
		return false;
	query->from = (int64_t)from;
	return true;
}

/* A name is one line without tabs. */
static void
put_field(struct buffer *out, const char *text, char end)
{
	size_t from = out->len, i;

	buffer_puts(out, text);
	for (i = from; i < out->len; i++)
		if (out->data[i] < ' ')
			out->data[i] = ' ';
	buffer_putn(out, &end, 1);
}

static void
on_tests(void *arg, struct store_op *op)
{
	struct call *call = arg;
	struct buffer lines = BUFFER_INIT;
	char id[ID_TEXT_BYTES], token[TOKEN_BYTES];
	struct json *reply;
	size_t i;

	if (op->count == 0 && op->test_query.of == STORE_TESTS_TIMED && op->test_query.from == 0) {
		call_reply_message(call, 404, "no run of this job that succeeded has tests");
		return;
	}
	for (i = 0; i < op->count; i++) {
		const struct test_case *test = &op->tests[i].test;

		buffer_printf(&lines, "%llu\t", (unsigned long long)test->run_time_us);
		put_field(&lines, test->file, '\t');
		put_field(&lines, test->classname, '\t');
		put_field(&lines, test->name, '\n');
	}
	(void)snprintf(token, sizeof(token), "%s.%lld", id_text(id, &op->test_query.id),
		       (long long)op->next_page);
	reply = json_new_object();
	json_put(reply, "lines", json_new_stringn((const char *)lines.data, lines.len));
	json_put_str(reply, "next_page_token", op->more ? token : NULL);
	buffer_release(&lines);
	call_reply_json(call, 200, reply);
}

void
test_lines_submit(struct call *call, struct store_op *op)
{
	op->test_query.limit = TEST_LINES_PAGE;
	store_submit(call->hub->store, op, on_tests, call);
}
