/*
 * orb_origin.h - where fetched orbs come from: a directory, a hub, or a registry.
 *
 * orb_origin_open() -> orb_origin_get() any number of times -> orb_origin_close().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_ORB_ORIGIN_H
#define CTL_ORB_ORIGIN_H

struct api;
struct buffer;
struct err;
struct orb_ref;
struct orb_registry;
struct orb_version;

/* Zeroed: closed. */
struct orb_origin {
	const char *directory; /* borrowed */
	struct orb_registry *registry;
	struct api *hub;
};

/* Of directory or the registry at that URL; with neither, the hub of the global options. Fails:
 * ERR_INPUT, ERR_HOST with a hint. */
int orb_origin_open(struct orb_origin *origin, const char *directory, const char *registry,
		    struct err *err);
void orb_origin_close(struct orb_origin *origin);

/* The highest version there that ref accepts, and its bytes appended. Fails: ERR_GONE when there is
 * none, ERR_INPUT, ERR_HOST, ERR_AGAIN, ERR_LIMIT. */
int orb_origin_get(struct orb_origin *origin, const struct orb_ref *ref,
		   struct orb_version *version, struct buffer *bytes, struct err *err);

#endif
