/*
 * oidc.h - identity tokens (OpenID Connect) that jobs show to others, and the keys they are checked by.
 *
 * A token says who runs what: JSON claims, signed (RS256) with the hub's key. Others find the public
 * keys by the issuer's address: a document for discovery names the set of keys. The issuer is
 * "oidc_issuer" or else "public_url" of the settings; a hub without either makes no tokens.
 *
 * The keys, and what people have set of tokens ("claims" here), are variables of an owner of their
 * own (secrets.h), so they are sealed like all others: "key/THUMBPRINT", a private key as PEM;
 * "audience/ID", an array as JSON; "ttl/ID", a length of time. ID is an organization's or a project's.
 * The newest key signs. An older one is shown for OIDC_OVERLAP_MS after another took its place.
 *
 * Signing is a worker's (loop/worker.h), with as many threads as there are CPUs, four at most:
 *
 *	oidc_batch_new() -> oidc_batch_add()... -> oidc_batch_start() -> done(), in the loop -> oidc_batch_free()
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_OIDC_H
#define HUB_OIDC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hub/rows.h"

struct err;
struct hub;
struct id;
struct json;
struct oidc_batch;
struct settings;
struct task;
struct variables;

enum {
	OIDC_TTL_MS = 60 * 60 * 1000, /* of a token, where nobody has set it */
	OIDC_TTL_LEAST_MS = 60 * 1000,
	OIDC_TTL_MOST_MS = 24 * 60 * 60 * 1000,
	OIDC_OVERLAP_MS = 2 * OIDC_TTL_MOST_MS,
	OIDC_AUDIENCES_MOST = 16,
	OIDC_AUDIENCE_MOST_BYTES = 256,
};

/* The owner of keys and claims among variables. */
void oidc_owner(struct id *out);

/* Keys into memory, the first one made; keys whose time is over are deleted. hub->oidc stays NULL where there is
 * no issuer. Fails: ERR_HOST, ERR_INPUT (a key that is none). */
int oidc_start(struct hub *hub, struct err *err);
void oidc_stop(struct hub *hub);

/* --- what others are shown; hub->oidc is not NULL --- */

/* "https://ci.example", or with the organization's id "https://ci.example/org/ID". The caller frees. */
char *oidc_issuer(const struct hub *hub, const struct id *organization);
struct json *oidc_discovery(const struct hub *hub, const struct id *organization);
struct json *oidc_key_set(const struct hub *hub);
/* Of both, the one that lies at path ("/org/ID/.well-known/jwks-pub.json"); NULL: none. hub->oidc may be NULL. */
struct json *oidc_document(const struct hub *hub, const char *path);

/* --- tokens --- */

struct oidc_wish {
	struct json *audience;	  /* a string or an array of them; NULL: what is set. Borrowed */
	bool is_root_issuer;
	bool has_origin_in_subject; /* as CIRCLE_OIDC_TOKEN_V2 */
};

/* Is it what "aud" may be. Fails: ERR_INPUT, ERR_LIMIT. */
int oidc_check_audience(const struct json *audience, struct err *err);

/* The claims of a leased task. The caller frees. */
struct json *oidc_claims(const struct hub *hub, struct task *task, const struct oidc_wish *wish);

typedef void oidc_done_fn(void *arg, struct oidc_batch *batch);

struct oidc_batch *oidc_batch_new(const struct hub *hub);
/* Takes claims. */
void oidc_batch_add(struct oidc_batch *batch, struct json *claims);
/* Fails: ERR_AGAIN when too many wait. */
int oidc_batch_start(struct oidc_batch *batch, struct hub *hub, oidc_done_fn *done, void *arg, struct err *err);
/* The token of the claims that were added as the i-th; from done() on. Borrowed. */
const char *oidc_batch_token(const struct oidc_batch *batch, size_t i);
void oidc_batch_free(struct oidc_batch *batch); /* not while it is signed */

/* --- what people set: of an organization or a project --- */

/* {"audience", "audience_updated_at", "ttl", "ttl_updated_at"}, what is not set is absent; into json. */
void oidc_custom_put(const struct hub *hub, const struct id *scope, struct json *json);
/* json has "audience" or "ttl" or both. Fails: ERR_INPUT, ERR_LIMIT; nothing is changed then. */
int oidc_custom_set(struct hub *hub, const struct id *scope, const struct json *json, struct err *err);
/* name: "audience" or "ttl". False: it is neither. */
bool oidc_custom_delete(struct hub *hub, const struct id *scope, const char *name);

/* --- "runner-hub rotate-oidc-key" --- */

/* The name of a key's variable. Returns room. */
const char *oidc_key_variable(char room[VARIABLE_NAME_BYTES], const char *thumbprint);
bool oidc_is_key_variable(const char *name);

#endif
