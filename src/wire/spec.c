/*
 * spec.c - what a step's sealed memfd holds.
 *
 * Ten numbers of four bytes (version, total size, umask, argc, envc, and the counts of
 * filter instructions, resource limits and groups, two zeros), then the filter (8 bytes
 * each), the limits (24 each), the groups (4 each), and the strings with their NULs: the
 * working directory, the arguments, the environment.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wire/spec.h"

#include <string.h>

#include "base/assert.h"
#include "wire/bytes.h"

enum {
	HEAD_NUMBERS = 10,
	HEAD_BYTES = 4 * HEAD_NUMBERS,
	FILTER_BYTES = 8,
	RLIMIT_BYTES = 24,
	GROUP_BYTES = 4,
	UMASK_MOST = 07777
};

/* Adds the strings' bytes to *size. */
static const char *
measure_strings(const char *const *strings, uint32_t most, uint32_t *count, size_t *size)
{
	size_t len;

	for (*count = 0; strings != NULL && strings[*count] != NULL; ++*count) {
		if (*count == most)
			return "there are more than 65536 arguments or variables";
		len = strnlen(strings[*count], SPEC_STRING_MOST_BYTES) + 1;
		if (len > SPEC_STRING_MOST_BYTES)
			return "an argument or a variable is longer than the kernel's 128 KiB";
		*size += len;
		if (*size > SPEC_MOST_BYTES)
			return "arguments and environment are larger than 4 MiB";
	}
	return NULL;
}

size_t
spec_size(const struct spec *spec, const char **wrong)
{
	const char *const cwd[] = {spec->cwd, NULL};
	size_t size = HEAD_BYTES;
	uint32_t count;

	*wrong = NULL;
	if (spec->filter_count > SPEC_FILTER_MOST)
		*wrong = "the system call filter has more than 4096 instructions";
	else if (spec->rlimit_count > SPEC_RLIMITS_MOST)
		*wrong = "there are more than 16 resource limits";
	else if (spec->group_count > SPEC_GROUPS_MOST)
		*wrong = "the user has more than 1024 groups";
	else if (spec->cwd == NULL || spec->cwd[0] != '/')
		*wrong = "the working directory is not an absolute path";
	else if (spec->argv == NULL || spec->argv[0] == NULL || spec->argv[0][0] == '\0')
		*wrong = "there is no program to start";
	else
		*wrong = measure_strings(cwd, 1, &count, &size);
	if (*wrong != NULL)
		return 0;
	size += (size_t)spec->filter_count * FILTER_BYTES +
		(size_t)spec->rlimit_count * RLIMIT_BYTES + (size_t)spec->group_count * GROUP_BYTES;
	*wrong = measure_strings(spec->argv, SPEC_ARGS_MOST, &count, &size);
	if (*wrong == NULL)
		*wrong = measure_strings(spec->env, SPEC_ENV_MOST, &count, &size);
	return *wrong == NULL ? size : 0;
}

static uint8_t *
pack_string(uint8_t *at, const char *text)
{
	size_t len = strlen(text) + 1;

	memcpy(at, text, len);
	return at + len;
}

static uint8_t *
pack_strings(uint8_t *at, const char *const *strings, uint32_t *count)
{
	for (*count = 0; strings != NULL && strings[*count] != NULL; ++*count)
		at = pack_string(at, strings[*count]);
	return at;
}

void
spec_pack(uint8_t *room, const struct spec *spec)
{
	uint8_t *at = room + HEAD_BYTES;
	uint32_t argc, envc, i;

	if (spec->filter_count > 0)
		memcpy(at, spec->filter, (size_t)spec->filter_count * FILTER_BYTES);
	at += (size_t)spec->filter_count * FILTER_BYTES;
	for (i = 0; i < spec->rlimit_count; i++, at += RLIMIT_BYTES) {
		bytes_put(at, spec->rlimits[i].resource, 8);
		bytes_put(at + 8, spec->rlimits[i].soft, 8);
		bytes_put(at + 16, spec->rlimits[i].hard, 8);
	}
	for (i = 0; i < spec->group_count; i++, at += GROUP_BYTES)
		bytes_put(at, spec->groups[i], GROUP_BYTES);
	at = pack_string(at, spec->cwd);
	at = pack_strings(at, spec->argv, &argc);
	at = pack_strings(at, spec->env, &envc);
	memset(room, 0, HEAD_BYTES);
	bytes_put(room, SUPERVISOR_VERSION, 4);
	bytes_put(room + 4, (uint64_t)(at - room), 4);
	bytes_put(room + 8, spec->umask, 4);
	bytes_put(room + 12, argc, 4);
	bytes_put(room + 16, envc, 4);
	bytes_put(room + 20, spec->filter_count, 4);
	bytes_put(room + 24, spec->rlimit_count, 4);
	bytes_put(room + 28, spec->group_count, 4);
}

/* Steps over count strings; returns NULL when they do not end within [at, end) or one is too long.
 */
static const char *
skip_strings(const char *at, const char *end, uint32_t count)
{
	const char *nul;
	size_t most;

	for (; count > 0; count--) {
		most = (size_t)(end - at);
		if (most > SPEC_STRING_MOST_BYTES)
			most = SPEC_STRING_MOST_BYTES;
		nul = memchr(at, '\0', most);
		if (nul == NULL)
			return NULL;
		at = nul + 1;
	}
	return at;
}

static const char *
head_unpack(struct spec_view *view, const uint8_t *head, size_t size)
{
	if (size < HEAD_BYTES)
		return "it is shorter than its head";
	if (size > SPEC_MOST_BYTES)
		return "it is larger than 4 MiB";
	if (bytes_get(head, 4) != SUPERVISOR_VERSION)
		return "its version is not ours";
	if (bytes_get(head + 4, 4) != size)
		return "its size is not the one it states";
	view->umask = (uint32_t)bytes_get(head + 8, 4);
	view->argc = (uint32_t)bytes_get(head + 12, 4);
	view->envc = (uint32_t)bytes_get(head + 16, 4);
	view->filter_count = (uint32_t)bytes_get(head + 20, 4);
	view->rlimit_count = (uint32_t)bytes_get(head + 24, 4);
	view->group_count = (uint32_t)bytes_get(head + 28, 4);
	if (view->argc == 0)
		return "there is no program to start";
	if (view->umask > UMASK_MOST || view->argc > SPEC_ARGS_MOST || view->envc > SPEC_ENV_MOST ||
	    view->filter_count > SPEC_FILTER_MOST || view->rlimit_count > SPEC_RLIMITS_MOST ||
	    view->group_count > SPEC_GROUPS_MOST)
		return "a count in its head is above its limit";
	return NULL;
}

const char *
spec_unpack(struct spec_view *view, const void *bytes, size_t size)
{
	const char *wrong = head_unpack(view, bytes, size);
	const char *end = (const char *)bytes + size;
	size_t fixed;

	if (wrong != NULL)
		return wrong;
	fixed = HEAD_BYTES + (size_t)view->filter_count * FILTER_BYTES +
		(size_t)view->rlimit_count * RLIMIT_BYTES + (size_t)view->group_count * GROUP_BYTES;
	if (fixed > size)
		return "its lists are longer than it is";
	view->filter = (const uint8_t *)bytes + HEAD_BYTES;
	view->rlimits = view->filter + (size_t)view->filter_count * FILTER_BYTES;
	view->groups = view->rlimits + (size_t)view->rlimit_count * RLIMIT_BYTES;
	view->cwd = (const char *)bytes + fixed;
	view->args = skip_strings(view->cwd, end, 1);
	view->env = view->args == NULL ? NULL : skip_strings(view->args, end, view->argc);
	if (view->env == NULL || skip_strings(view->env, end, view->envc) != end)
		return "its strings do not end where it ends";
	if (view->cwd[0] != '/')
		return "the working directory is not an absolute path";
	if (view->args[0] == '\0')
		return "there is no program to start";
	return NULL;
}

void
spec_rlimit(const struct spec_view *view, uint32_t i, struct spec_rlimit *out)
{
	const uint8_t *at = view->rlimits + (size_t)i * RLIMIT_BYTES;

	assert(i < view->rlimit_count);
	out->resource = (uint32_t)bytes_get(at, 4);
	out->soft = bytes_get(at + 8, 8);
	out->hard = bytes_get(at + 16, 8);
}

uint32_t
spec_group(const struct spec_view *view, uint32_t i)
{
	assert(i < view->group_count);
	return (uint32_t)bytes_get(view->groups + (size_t)i * GROUP_BYTES, GROUP_BYTES);
}

void
spec_pointers(const char *first, uint32_t count, const char **out)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		out[i] = first;
		first += strlen(first) + 1;
	}
	out[count] = NULL;
}
