/*
 * orb_ref.h - a reference to a registry's orb: "ns/name@version", and which version it means.
 *
 * A version is X.Y.Z; X.Y or X (the highest of these); volatile (the highest of all); or
 * dev:LABEL (that one, which may change). Orbs on disk and in a hub are kept by their exact
 * version, so a parsed reference is safe as a path: no part of it has a '/', none is "." or "..".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_ORB_REF_H
#define COMPILE_ORB_REF_H

#include <stdbool.h>
#include <stdint.h>

enum { ORB_NAME_MAX_BYTES = 128, ORB_VERSION_MAX_BYTES = 128, ORB_REF_MAX_BYTES = 400 };

struct orb_version {
	char text[ORB_VERSION_MAX_BYTES]; /* as written */
	bool is_dev, is_volatile;
	uint8_t parts; /* 1 to 3 numbers; 0 for dev and volatile */
	uint32_t numbers[3];
};

struct orb_ref {
	char space[ORB_NAME_MAX_BYTES]; /* "circleci" */
	char name[ORB_NAME_MAX_BYTES];	/* "node" */
	struct orb_version version;
};

/* False for what is no reference, or has a longer part than fits. */
bool orb_ref_parse(struct orb_ref *out, const char *text);
bool orb_version_parse(struct orb_version *out, const char *text);

/* X.Y.Z or dev:LABEL: what an orb is kept as. */
bool orb_version_is_exact(const struct orb_version *version);

/* Whether the reference may mean this exact version. */
bool orb_ref_accepts(const struct orb_ref *ref, const struct orb_version *exact);

/* Below 0: a comes before b. Of exact ones; every dev: comes before every number. */
int orb_version_order(const struct orb_version *a, const struct orb_version *b);

/* "ns/name@version", with another version than its own. Returns room. */
const char *orb_ref_text(char room[ORB_REF_MAX_BYTES], const struct orb_ref *ref,
			 const struct orb_version *version);

#endif
