/*
 * dotenv.c - fuzz target: a file of variables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "ctl/dotenv.h"
#include "ctl/environment.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
write_quoted(struct buffer *out, const struct plan_pair *pair)
{
	const char *at;

	buffer_printf(out, "%s=\"", pair->name);
	for (at = pair->value; *at != '\0'; at++)
		buffer_printf(out, strchr("\"\\$", *at) != NULL ? "\\%c" : "%c", *at);
	buffer_puts(out, "\"\n");
}

/* What was understood must be understood again, the same, from how we quote it. */
static void
check_again(const struct environment *first)
{
	struct environment again = {NULL, 0};
	struct buffer text = BUFFER_INIT;
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < first->count; i++)
		write_quoted(&text, &first->pairs[i]);
	assert(dotenv_parse(&again, buffer_text(&text), &err) == 0);
	assert(again.count == first->count);
	for (i = 0; i < first->count; i++)
		assert(strcmp(again.pairs[i].name, first->pairs[i].name) == 0 &&
		       strcmp(again.pairs[i].value, first->pairs[i].value) == 0);
	environment_release(&again);
	buffer_release(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct environment environment = {NULL, 0};
	struct err err = ERR_INIT;
	char *text = malloc(len + 1);

	memcpy(text, bytes, len);
	text[len] = '\0';
	if (dotenv_parse(&environment, text, &err) == 0)
		check_again(&environment);
	environment_release(&environment);
	free(text);
	return 0;
}
