/*
 * orb_registry.h - a registry of orbs that answers GraphQL as CircleCI's does.
 *
 * One question: POST of {"query", "variables": {"orbVersionRef": "ns/name@1"}}, the query being
 * orbVersion(orbVersionRef:) {version source}, as CircleCI's own tools ask it. Over HTTP/2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_ORB_REGISTRY_H
#define CTL_ORB_REGISTRY_H

struct buffer;
struct err;
struct orb_ref;
struct orb_registry;
struct orb_version;

enum {
	ORB_REGISTRY_ANSWER_MAX_BYTES = 20 << 20, /* six bytes of JSON for one of an orb's */
	ORB_REGISTRY_TIMEOUT_MS = 60 * 1000,
};

/*
 * url: https://HOST[/PATH], http:// for a loopback address; without a path it is
 * /graphql-unstable. Its token is that of --token-file, which must be given for it; none else.
 * Fails: ERR_INPUT, ERR_HOST.
 */
int orb_registry_open(struct orb_registry **out, const char *url, struct err *err);
void orb_registry_close(struct orb_registry *registry); /* NULL is fine */

/*
 * The version that ref means there, and its bytes appended. What comes is checked: an exact version
 * that ref accepts, a source of at most ORB_MAX_BYTES. Fails: ERR_GONE when the registry has none,
 * ERR_INPUT, ERR_HOST, ERR_AGAIN, ERR_LIMIT.
 */
int orb_registry_get(struct orb_registry *registry, const struct orb_ref *ref,
		     struct orb_version *version, struct buffer *bytes, struct err *err);

#endif
