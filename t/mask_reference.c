/*
 * mask_reference.c - what masking must do, said as plainly as it can be.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mask_reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "task/mask.h"
#include "task/secret_forms.h"

struct form {
	struct form *next;
	size_t len;
	unsigned char bytes[];
};

struct mask_reference {
	struct form *forms;
};

struct mask_reference *
mask_reference_new(void)
{
	return MEM_NEW(struct mask_reference);
}

void
mask_reference_free(struct mask_reference *reference)
{
	struct form *form;

	while ((form = reference->forms) != NULL) {
		reference->forms = form->next;
		free(form);
	}
	free(reference);
}

static void
add_form(struct mask_reference *reference, const unsigned char *bytes, size_t len)
{
	struct form *form = mem_zalloc(1, sizeof(*form) + len);

	form->len = len;
	memcpy(form->bytes, bytes, len);
	form->next = reference->forms;
	reference->forms = form;
}

static void
on_form(void *arg, const unsigned char *bytes, size_t len)
{
	size_t at = 0;

	for (; len - at > MASK_PIECE_BYTES; at += MASK_PIECE_BYTES - 1)
		add_form(arg, bytes + at, MASK_PIECE_BYTES);
	if (at > 0)
		at = len - MASK_PIECE_BYTES;
	add_form(arg, bytes + at, len - at);
}

void
mask_reference_add(struct mask_reference *reference, const void *value, size_t len)
{
	secret_forms(value, len, false, on_form, reference);
}

/* End of the longest form that stands at a place, or the place. */
static size_t
longest_at(const struct mask_reference *reference, const unsigned char *in, size_t len, size_t at)
{
	const struct form *form;
	size_t most = 0;

	for (form = reference->forms; form != NULL; form = form->next)
		if (form->len > most && form->len <= len - at &&
		    memcmp(form->bytes, in + at, form->len) == 0)
			most = form->len;
	return at + most;
}

size_t
mask_reference_apply(const struct mask_reference *reference, const unsigned char *in, size_t len,
		     unsigned char **out)
{
	size_t at, end, run = 0, covered = 0, n = 0;
	unsigned char *text = mem_zalloc(len + 1, 1);

	for (at = 0; at < len; at++) {
		end = longest_at(reference, in, len, at);
		if (end > at && (at >= covered || (end > covered && at - run >= MASK_RUN_BYTES))) {
			memcpy(text + n, "****", 4);
			n += 4;
			run = at;
		}
		if (end > covered)
			covered = end;
		if (at >= covered)
			text[n++] = in[at];
	}
	*out = text;
	return n;
}
