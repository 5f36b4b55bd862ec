/*
 * oidc.c - the keys that sign identity tokens, what others check them by, and the signing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/oidc.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "format/rsa_key.h"
#include "hub/hub.h"
#include "hub/secrets.h"
#include "loop/worker.h"

enum { KEYS_MOST = 16, SIGNERS_MOST = 4, WORKS_WAITING_MOST = 4096 };

struct signing_key {
	struct rsa_key *rsa;
	int64_t created_ms, replaced_ms; /* 0: it signs */
};

struct oidc {
	struct signing_key keys[KEYS_MOST]; /* newest first */
	size_t key_count;
	struct worker *signers;
	unsigned signer_count; /* threads */
};

/* Each thread takes the next one that nobody has. */
struct oidc_batch {
	const struct rsa_key *key;
	struct work works[SIGNERS_MOST];
	unsigned running;
	atomic_size_t next;
	oidc_done_fn *done;
	void *arg;
	size_t count;
	char **texts; /* claims as JSON, then tokens */
};

static const char key_prefix[] = "key/";

void
oidc_owner(struct id *out)
{
	/* 16 letters: no id that id_random() makes, whose version is 4. */
	memcpy(out->bytes, "runner-hub oidc.", ID_BYTES);
}

const char *
oidc_key_variable(char room[VARIABLE_NAME_BYTES], const char *thumbprint)
{
	(void)snprintf(room, VARIABLE_NAME_BYTES, "%s%s", key_prefix, thumbprint);
	return room;
}

bool
oidc_is_key_variable(const char *name)
{
	return text_starts(name, key_prefix);
}

/* --- keys ---------------------------------------------------------------------------------- */

static int
newest_first(const void *a, const void *b)
{
	const struct signing_key *x = a, *y = b;

	return x->created_ms > y->created_ms ? -1 : x->created_ms < y->created_ms;
}

static int
open_key(struct signing_key *key, const struct model *model, const struct variable *variable,
	 struct err *err)
{
	struct buffer pem = BUFFER_INIT;
	int rc = variable_open(&pem, model, variable, err);

	if (rc == 0)
		rc = rsa_key_read(&key->rsa, (const char *)pem.data, pem.len - 1, err);
	secrets_forget(&pem);
	key->created_ms = variable->row.created_ms;
	return rc < 0 ? err_wrap(err, "the key of tokens '%s'", variable->row.name) : 0;
}

static int
open_keys(struct oidc *oidc, const struct model *model, struct err *err)
{
	struct variable *variable, *next;
	size_t i;

	HASH_ITER (hh, model->oidc.table, variable, next) {
		if (!oidc_is_key_variable(variable->row.name))
			continue;
		if (oidc->key_count == KEYS_MOST)
			return err_set(err, ERR_INPUT, "there are more than %d keys of tokens", KEYS_MOST);
		if (open_key(&oidc->keys[oidc->key_count], model, variable, err) < 0)
			return err->code;
		oidc->key_count++;
	}
	qsort(oidc->keys, oidc->key_count, sizeof(oidc->keys[0]), newest_first);
	for (i = 1; i < oidc->key_count; i++)
		oidc->keys[i].replaced_ms = oidc->keys[i - 1].created_ms;
	return 0;
}

static int
make_first_key(struct oidc *oidc, struct model *model, struct err *err)
{
	struct buffer pem = BUFFER_INIT;
	char name[VARIABLE_NAME_BYTES];
	struct rsa_key *rsa;

	if (rsa_key_make(&rsa, err) < 0)
		return err->code;
	rsa_key_write(rsa, &pem);
	(void)variable_put(model, &model->oidc, oidc_key_variable(name, rsa_key_id(rsa)),
			   buffer_text(&pem));
	secrets_forget(&pem);
	oidc->keys[oidc->key_count++] = (struct signing_key){rsa, model->unix_ms(), 0};
	log_info("a key that signs tokens of jobs was made: %s", rsa_key_id(rsa));
	return 0;
}

static bool
is_over(const struct signing_key *key, int64_t now_ms)
{
	return key->replaced_ms > 0 && now_ms - key->replaced_ms > OIDC_OVERLAP_MS;
}

/* They are the last ones. */
static void
drop_old_keys(struct oidc *oidc, struct model *model)
{
	char name[VARIABLE_NAME_BYTES];
	struct variable *variable;

	while (oidc->key_count > 0 && is_over(&oidc->keys[oidc->key_count - 1], model->unix_ms())) {
		struct rsa_key *rsa = oidc->keys[--oidc->key_count].rsa;

		log_info("key %s of tokens is deleted: nothing that it signed is valid any more",
			 rsa_key_id(rsa));
		variable = variable_find(&model->oidc, oidc_key_variable(name, rsa_key_id(rsa)));
		if (variable != NULL)
			variable_delete(model, &model->oidc, variable);
		rsa_key_free(rsa);
	}
}

static unsigned
count_signers(void)
{
	cpu_set_t cpus;
	int count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;

	return count < SIGNERS_MOST ? (unsigned)count : SIGNERS_MOST;
}

int
oidc_start(struct hub *hub, struct err *err)
{
	struct oidc *oidc;
	int rc;

	if (hub->settings.oidc_issuer == NULL)
		return 0;
	hub->oidc = oidc = MEM_NEW(struct oidc);
	rc = open_keys(oidc, &hub->model, err);
	if (rc == 0 && oidc->key_count == 0)
		rc = make_first_key(oidc, &hub->model, err);
	if (rc == 0) {
		drop_old_keys(oidc, &hub->model);
		oidc->signer_count = count_signers();
		rc = worker_new(&oidc->signers, hub->loop, oidc->signer_count, WORKS_WAITING_MOST, err);
	}
	return rc;
}

void
oidc_stop(struct hub *hub)
{
	struct oidc *oidc = hub->oidc;

	if (oidc == NULL)
		return;
	worker_free(oidc->signers);
	while (oidc->key_count > 0)
		rsa_key_free(oidc->keys[--oidc->key_count].rsa);
	free(oidc);
	hub->oidc = NULL;
}

/* --- what others are shown ----------------------------------------------------------------- */

char *
oidc_issuer(const struct hub *hub, const struct id *organization)
{
	char id[ID_TEXT_BYTES];

	if (organization == NULL)
		return mem_strdup(hub->settings.oidc_issuer);
	return mem_printf("%s/org/%s", hub->settings.oidc_issuer, id_text(id, organization));
}

static void
put_words(struct json *json, const char *key, const char *const *words)
{
	struct json *list = json_new_array();

	for (; *words != NULL; words++)
		json_push(list, json_new_string(*words));
	json_put(json, key, list);
}

/* OpenID Connect Discovery 1.0, 3. */
struct json *
oidc_discovery(const struct hub *hub, const struct id *organization)
{
	static const char *const claims[] = {"iss", "sub", "aud", "iat", "exp", NULL};
	LOCAL_FREE char *issuer = oidc_issuer(hub, organization);
	LOCAL_FREE char *keys = mem_printf("%s/.well-known/jwks-pub.json", issuer);
	struct json *json = json_new_object();

	json_put_str(json, "issuer", issuer);
	json_put_str(json, "jwks_uri", keys);
	put_words(json, "response_types_supported", (const char *const[]){"id_token", NULL});
	put_words(json, "subject_types_supported", (const char *const[]){"public", NULL});
	put_words(json, "id_token_signing_alg_values_supported", (const char *const[]){"RS256", NULL});
	put_words(json, "scopes_supported", (const char *const[]){"openid", NULL});
	put_words(json, "claims_supported", claims);
	return json;
}

/* RFC 7517, 5. */
struct json *
oidc_key_set(const struct hub *hub)
{
	const struct oidc *oidc = hub->oidc;
	struct json *set = json_new_object(), *list = json_new_array(), *json;
	size_t i;

	for (i = 0; i < oidc->key_count; i++) {
		const struct rsa_key *rsa = oidc->keys[i].rsa;

		if (is_over(&oidc->keys[i], hub->model.unix_ms()))
			break;
		json = json_new_object();
		json_put_str(json, "kty", "RSA");
		json_put_str(json, "use", "sig");
		json_put_str(json, "alg", "RS256");
		json_put_str(json, "kid", rsa_key_id(rsa));
		json_put_str(json, "n", rsa_key_modulus(rsa));
		json_put_str(json, "e", rsa_key_exponent(rsa));
		json_push(list, json);
	}
	json_put(set, "keys", list);
	return set;
}

struct json *
oidc_document(const struct hub *hub, const char *path)
{
	char text[ID_TEXT_BYTES] = "";
	struct id organization;
	bool is_root = !text_starts(path, "/org/");

	if (hub->oidc == NULL)
		return NULL;
	if (!is_root) {
		path += strlen("/org/");
		if (strlen(path) < sizeof(text))
			return NULL;
		memcpy(text, path, sizeof(text) - 1);
		path += sizeof(text) - 1;
		if (!id_parse(&organization, text))
			return NULL;
	}
	if (text_eq(path, "/.well-known/openid-configuration"))
		return oidc_discovery(hub, is_root ? NULL : &organization);
	return text_eq(path, "/.well-known/jwks-pub.json") ? oidc_key_set(hub) : NULL;
}

/* --- signing ------------------------------------------------------------------------------- */

struct oidc_batch *
oidc_batch_new(const struct hub *hub)
{
	struct oidc_batch *batch = MEM_NEW(struct oidc_batch);

	batch->key = hub->oidc->keys[0].rsa;
	return batch;
}

void
oidc_batch_add(struct oidc_batch *batch, struct json *claims)
{
	struct buffer text = BUFFER_INIT;

	json_write(&text, claims);
	json_free(claims);
	batch->texts = mem_resize(batch->texts, batch->count + 1, sizeof(*batch->texts));
	batch->texts[batch->count++] = buffer_take_text(&text);
}

/* header.claims.signature: RFC 7515, 7.1. */
static char *
sign(const struct rsa_key *key, const char *claims)
{
	LOCAL_FREE char *head = mem_printf("{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
					   rsa_key_id(key));
	LOCAL_FREE char *first = text_base64url(head, strlen(head));
	LOCAL_FREE char *second = text_base64url(claims, strlen(claims));
	struct buffer token = BUFFER_INIT;
	size_t len;

	buffer_printf(&token, "%s.%s", first, second);
	len = token.len;
	buffer_puts(&token, ".");
	rsa_key_sign(key, &token, token.data, len);
	return buffer_take_text(&token);
}

static void
run_batch(void *arg)
{
	struct oidc_batch *batch = arg;
	size_t i;

	while ((i = atomic_fetch_add(&batch->next, 1)) < batch->count) {
		char *token = sign(batch->key, batch->texts[i]);

		free(batch->texts[i]);
		batch->texts[i] = token;
	}
}

static void
on_batch_done(void *arg)
{
	struct oidc_batch *batch = arg;

	if (--batch->running == 0)
		batch->done(batch->arg, batch);
}

int
oidc_batch_start(struct oidc_batch *batch, struct hub *hub, oidc_done_fn *done, void *arg,
		 struct err *err)
{
	const struct oidc *oidc = hub->oidc;
	struct work *work;

	batch->done = done;
	batch->arg = arg;
	/* The first one does it all where no other finds room, or something to do. */
	while (batch->running < oidc->signer_count &&
	       (batch->running == 0 || batch->running < batch->count)) {
		work = &batch->works[batch->running];
		*work = (struct work){NULL, run_batch, on_batch_done, batch, NULL};
		if (worker_submit(oidc->signers, work, err) < 0)
			break;
		batch->running++;
	}
	return batch->running > 0 ? 0 : err->code;
}

const char *
oidc_batch_token(const struct oidc_batch *batch, size_t i)
{
	return batch->texts[i];
}

void
oidc_batch_free(struct oidc_batch *batch)
{
	if (batch == NULL)
		return;
	while (batch->count > 0)
		free(batch->texts[--batch->count]);
	free(batch->texts);
	free(batch);
}
