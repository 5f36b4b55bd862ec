/*
 * spec.h - what a step's sealed memfd holds: all that outgrows a message.
 *
 * Agent: spec_size() -> a memfd of that size -> spec_pack() into its mapping -> seal it
 * (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW). runner-init: spec_unpack() of the mapping,
 * then spec_pointers() for argv and the environment. No heap on either side; what unpack
 * gives points into the bytes it was given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WIRE_SPEC_H
#define WIRE_SPEC_H

#include <stddef.h>
#include <stdint.h>

#include "runner/supervisor.h"

struct spec_rlimit {
	uint32_t resource;   /* RLIMIT_* */
	uint64_t soft, hard; /* UINT64_MAX: no limit */
};

/* For the agent. Everything is borrowed until the call returns. */
struct spec {
	const char *cwd;	 /* absolute; made if absent */
	const char *const *argv; /* NULL-terminated, at least one; no slash in argv[0]: looked
				    up in the PATH of env */
	const char *const *env;	 /* NULL-terminated, NAME=value; NULL: empty */
	uint32_t umask;
	const struct spec_rlimit *rlimits;
	uint32_t rlimit_count;
	const uint32_t *groups; /* supplementary groups, used with START_SETS_IDS */
	uint32_t group_count;
	const uint64_t *filter; /* struct sock_filter as 8 bytes each, of this machine */
	uint32_t filter_count;
};

/* For runner-init: checked, and pointing into the mapping. */
struct spec_view {
	const char *cwd;
	const char *args; /* argc strings, each with its NUL */
	const char *env;  /* envc strings */
	uint32_t argc, envc;
	uint32_t umask;
	uint32_t rlimit_count, group_count, filter_count;
	const uint8_t *rlimits; /* read with spec_rlimit() */
	const uint8_t *groups;	/* read with spec_group() */
	const uint8_t *filter;	/* 8-aligned when the bytes were */
};

/*
 * Bytes that spec_pack() writes, or 0 with *wrong set to a static clause when spec passes a limit
 * ("an argument is longer than 128 KiB").
 */
size_t spec_size(const struct spec *spec, const char **wrong);

/* room holds spec_size() bytes. */
void spec_pack(uint8_t *room, const struct spec *spec);

/* Returns NULL, or what is wrong: a static clause. bytes must be aligned to 8. */
const char *spec_unpack(struct spec_view *view, const void *bytes, size_t size);

void spec_rlimit(const struct spec_view *view, uint32_t i, struct spec_rlimit *out);
uint32_t spec_group(const struct spec_view *view, uint32_t i);

/* Fill out[0..count] with the strings that begin at first, then NULL. */
void spec_pointers(const char *first, uint32_t count, const char **out);

#endif
