/*
 * devices.c - what this host has by the piece: GPUs, boards, licences, each one task's at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/devices.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "agent/holding.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"

/* --- what there is -----------------------------------------------------------------------------
 */

/* A kind's name becomes part of a variable's. */
static int
check_kind(const char *name, struct err *err)
{
	const char *at = name;

	while (isalnum((unsigned char)*at) || *at == '_')
		at++;
	if (*at != '\0' || at == name || at - name >= DEVICES_NAME_BYTES ||
	    text_eq(name, HOLDING_CPUS))
		return err_set(err, ERR_INPUT,
			       "'%.64s' is no name for a kind of device: take letters, digits and "
			       "_, at most %d, "
			       "and not '" HOLDING_CPUS "'",
			       name, DEVICES_NAME_BYTES - 1);
	return 0;
}

int
devices_kind(struct devices *devices, const char *name, unsigned *kind, struct err *err)
{
	unsigned i;

	if (check_kind(name, err) < 0)
		return err->code;
	for (i = 0; i < DEVICES_KINDS_MOST && devices->kinds[i][0] != '\0'; i++)
		if (text_eq(devices->kinds[i], name))
			break;
	if (i == DEVICES_KINDS_MOST)
		return err_set(err, ERR_LIMIT, "more than %d kinds of device: '%.64s' has no place",
			       DEVICES_KINDS_MOST, name);
	(void)snprintf(devices->kinds[i], DEVICES_NAME_BYTES, "%s", name);
	*kind = i;
	return 0;
}

static struct device *
find(struct devices *devices, const char *kind, size_t kind_len, const char *name, size_t name_len)
{
	unsigned i;

	for (i = 0; i < devices->count; i++) {
		struct device *one = &devices->all[i];
		const char *its = devices->kinds[one->kind];

		if (strlen(its) == kind_len && memcmp(its, kind, kind_len) == 0 &&
		    strlen(one->name) == name_len && memcmp(one->name, name, name_len) == 0)
			return one;
	}
	return NULL;
}

static bool
is_name(const char *name)
{
	const unsigned char *at = (const unsigned char *)name;

	while (*at > 0x20 && *at < 0x7f && *at != ',')
		at++;
	return *at == '\0' && name[0] != '\0';
}

int
devices_add(struct devices *devices, unsigned kind, const char *name, struct err *err)
{
	const char *its = devices->kinds[kind];
	struct device *one;

	assert(kind < DEVICES_KINDS_MOST && its[0] != '\0');
	if (!is_name(name) || strlen(name) >= DEVICES_NAME_BYTES)
		return err_set(err, ERR_INPUT,
			       "'%.64s' is no name for a device: take 1 to %d characters without "
			       "blanks and commas",
			       name, DEVICES_NAME_BYTES - 1);
	if (find(devices, its, strlen(its), name, strlen(name)) != NULL)
		return err_set(err, ERR_INPUT, "device '%s' of kind '%s' is named twice", name,
			       its);
	if (devices->count == DEVICES_MOST)
		return err_set(err, ERR_LIMIT,
			       "more than %d devices: '%s' of kind '%s' has no place", DEVICES_MOST,
			       name, its);
	one = &devices->all[devices->count++];
	one->kind = (uint8_t)kind;
	one->taken = false;
	(void)snprintf(one->name, sizeof(one->name), "%s", name);
	return 0;
}

unsigned
devices_count(const struct devices *devices, unsigned kind)
{
	unsigned i, n = 0;

	for (i = 0; i < devices->count; i++)
		n += devices->all[i].kind == kind;
	return n;
}

/* --- whose it is -------------------------------------------------------------------------------
 */

unsigned
devices_take(struct devices *devices, unsigned kind, unsigned n, struct buffer *words)
{
	unsigned i, got = 0;

	for (i = 0; i < devices->count && got < n; i++) {
		struct device *one = &devices->all[i];

		if (one->kind != kind || one->taken)
			continue;
		one->taken = true;
		holding_put(words, devices->kinds[kind], one->name);
		got++;
	}
	return got;
}

static struct device *
next_of(struct devices *devices, const char **words)
{
	struct holding_word word;
	struct device *one;

	while (holding_next(words, &word)) {
		one = find(devices, word.noun, word.noun_len, word.what, word.what_len);
		if (one != NULL)
			return one;
	}
	return NULL;
}

void
devices_retake(struct devices *devices, const char *words, uint32_t counts[DEVICES_KINDS_MOST])
{
	struct device *one;

	memset(counts, 0, DEVICES_KINDS_MOST * sizeof(*counts));
	while ((one = next_of(devices, &words)) != NULL) {
		one->taken = true;
		counts[one->kind]++;
	}
}

void
devices_give(struct devices *devices, const char *words)
{
	struct device *one;

	while ((one = next_of(devices, &words)) != NULL)
		one->taken = false;
}

void
devices_names(const char *words, const char *kind, struct buffer *out)
{
	struct holding_word word;

	while (holding_next(&words, &word)) {
		if (holding_is(&word, HOLDING_CPUS) || (kind != NULL && !holding_is(&word, kind)))
			continue;
		if (out->len > 0)
			buffer_puts(out, ",");
		buffer_putn(out, word.what, word.what_len);
	}
}
