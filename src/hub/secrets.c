/*
 * secrets.c - contexts, and the variables of contexts and projects.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/names.h"
#include "format/seal.h"
#include "hub/key.h"
#include "hub/model.h"
#include "hub/store/store.h"

/* --- sealing ----------------------------------------------------------------------------- */

struct seal_name {
	unsigned char bytes[ID_BYTES + VARIABLE_NAME_BYTES];
	size_t len;
};

static struct seal_name
seal_name(const struct id *owner, const char *name)
{
	struct seal_name out;

	memcpy(out.bytes, owner->bytes, ID_BYTES);
	memcpy(out.bytes + ID_BYTES, name, strlen(name));
	out.len = ID_BYTES + strlen(name);
	return out;
}

void
secrets_seal(unsigned char **sealed, size_t *sealed_len, const unsigned char key[HUB_KEY_BYTES],
	     const struct id *owner, const char *name, const void *bytes, size_t len)
{
	struct seal_name bound = seal_name(owner, name);

	*sealed_len = len + SEAL_EXTRA_BYTES;
	*sealed = mem_zalloc(*sealed_len, 1);
	seal_close(*sealed, key, bound.bytes, bound.len, bytes, len);
}

bool
secrets_open(struct buffer *out, const unsigned char key[HUB_KEY_BYTES], const struct id *owner,
	     const char *name, const unsigned char *sealed, size_t len)
{
	struct seal_name bound = seal_name(owner, name);
	unsigned char *clear = mem_zalloc(len + 1, 1);
	bool is_open = seal_open(clear, key, bound.bytes, bound.len, sealed, len);

	if (is_open)
		buffer_putn(out, clear, len - SEAL_EXTRA_BYTES + 1);
	explicit_bzero(clear, len);
	free(clear);
	return is_open;
}

void
secrets_forget(struct buffer *clear)
{
	if (clear->len > 0)
		explicit_bzero(clear->data, clear->len);
	buffer_release(clear);
}

/* --- contexts ---------------------------------------------------------------------------- */

const char *
secrets_owner_of(char room[HUB_NAME_BYTES], const char *slug)
{
	const char *end = strrchr(slug, '/');

	(void)snprintf(room, HUB_NAME_BYTES, "%.*s", end != NULL ? (int)(end - slug) : 0, slug);
	return room;
}

struct context *
context_find(struct model *model, const struct id *id)
{
	struct context *context;

	HASH_FIND(hh, model->contexts, id, sizeof(*id), context);
	return context;
}

struct context *
context_find_name(struct model *model, const char *owner, const char *name)
{
	struct context *context, *next;

	HASH_ITER (hh, model->contexts, context, next)
		if (strcmp(context->row.name, name) == 0 && strcmp(context->row.owner, owner) == 0)
			return context;
	return NULL;
}

static struct context *
context_new(struct model *model, const struct context_row *row)
{
	struct context *context = MEM_NEW(struct context);

	context->row = *row;
	context->variables.owner = row->id;
	HASH_ADD(hh, model->contexts, row.id, sizeof(context->row.id), context);
	return context;
}

static int
check_context(struct model *model, const char *owner, const char *name, struct err *err)
{
	if (!name_is_context(name) || strlen(name) >= CONTEXT_NAME_BYTES) {
		err->code = err_set(err, ERR_INPUT, "this cannot be the name of a context");
		return err_hint(err, "it has 1 to 200 characters and no white space at its ends");
	}
	if (context_find_name(model, owner, name) != NULL)
		return err_set(err, ERR_INPUT, "context '%s' is there already", name);
	if (HASH_COUNT(model->contexts) >= SECRETS_CONTEXTS_MOST)
		return err_set(err, ERR_LIMIT, "there are %d contexts, more are not kept",
			       SECRETS_CONTEXTS_MOST);
	return 0;
}

int
context_make(struct context **out, struct model *model, const char *owner, const char *name,
	     struct err *err)
{
	struct context_row row = {.created_ms = model->unix_ms()};
	struct store_op *op;

	if (check_context(model, owner, name, err) < 0)
		return err->code;
	id_random(&row.id);
	(void)snprintf(row.owner, sizeof(row.owner), "%s", owner);
	(void)snprintf(row.name, sizeof(row.name), "%s", name);
	op = store_op_new(STORE_PUT_CONTEXT);
	op->context = row;
	store_submit(model->store, op, NULL, NULL);
	*out = context_new(model, &row);
	return 0;
}

static void
context_free(struct model *model, struct context *context)
{
	HASH_DEL(model->contexts, context);
	variables_release(&context->variables);
	free(context);
}

void
context_delete(struct model *model, struct context *context)
{
	struct store_op *op = store_op_new(STORE_DELETE_CONTEXT);

	op->id = context->row.id;
	store_submit(model->store, op, NULL, NULL);
	context_free(model, context);
}

/* --- variables --------------------------------------------------------------------------- */

struct variable *
variable_find(const struct variables *variables, const char *name)
{
	struct variable *variable;

	HASH_FIND(hh, variables->table, name, strlen(name), variable);
	return variable;
}

static struct variable *
variable_new(struct variables *variables, const struct variable_row *row)
{
	struct variable *variable = MEM_NEW(struct variable);

	variable->row = *row;
	HASH_ADD(hh, variables->table, row.name, strlen(variable->row.name), variable);
	return variable;
}

static void
variable_free(struct variables *variables, struct variable *variable)
{
	HASH_DEL(variables->table, variable);
	free((void *)(uintptr_t)variable->row.sealed);
	free(variable);
}

/* What a shell can name (POSIX XBD 3.230). */
static bool
is_variable_name(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	size_t len = strlen(name);

	return len > 0 && len < VARIABLE_NAME_BYTES && strspn(name, letters) == len &&
	       (name[0] < '0' || name[0] > '9');
}

/* The value itself is in none of these sentences. */
int
variable_check(const struct variables *variables, const char *name, const char *value,
	       struct err *err)
{
	if (!is_variable_name(name)) {
		err->code = err_set(err, ERR_INPUT, "this cannot be the name of a variable");
		return err_hint(
			err, "it has 1 to 255 letters, digits and '_', and begins with no digit");
	}
	if (strlen(value) > SECRETS_VALUE_MOST_BYTES)
		return err_set(err, ERR_LIMIT, "the value of '%s' has %zu bytes, %d are allowed",
			       name, strlen(value), SECRETS_VALUE_MOST_BYTES);
	if (variable_find(variables, name) == NULL &&
	    HASH_COUNT(variables->table) >= SECRETS_VARIABLES_MOST)
		return err_set(err, ERR_LIMIT, "there are %d variables, more are not kept here",
			       SECRETS_VARIABLES_MOST);
	return 0;
}

static void
submit_variable(struct model *model, enum store_op_kind kind, const struct variable_row *row)
{
	struct store_op *op = store_op_new(kind);

	op->variable = *row;
	store_submit(model->store, op, NULL, NULL);
}

struct variable *
variable_put(struct model *model, struct variables *variables, const char *name, const char *value)
{
	struct variable *variable = variable_find(variables, name);
	struct variable_row row = {.owner = variables->owner, .updated_ms = model->unix_ms()};
	unsigned char *sealed;

	(void)snprintf(row.name, sizeof(row.name), "%s", name);
	row.created_ms = variable != NULL ? variable->row.created_ms : row.updated_ms;
	secrets_seal(&sealed, &row.sealed_len, model->seal_key, &row.owner, name, value, strlen(value));
	row.sealed = sealed;
	submit_variable(model, STORE_PUT_VARIABLE, &row);
	if (variable != NULL)
		variable_free(variables, variable);
	return variable_new(variables, &row);
}

int
variable_set(struct variable **out, struct model *model, struct variables *variables,
	     const char *name, const char *value, struct err *err)
{
	if (variable_check(variables, name, value, err) < 0)
		return err->code;
	*out = variable_put(model, variables, name, value);
	return 0;
}

void
variable_delete(struct model *model, struct variables *variables, struct variable *variable)
{
	submit_variable(model, STORE_DELETE_VARIABLE, &variable->row);
	variable_free(variables, variable);
}

int
variable_open(struct buffer *out, const struct model *model, const struct variable *variable,
	      struct err *err)
{
	const struct variable_row *row = &variable->row;

	if (secrets_open(out, model->seal_key, &row->owner, row->name, row->sealed, row->sealed_len))
		return 0;
	return err_set(err, ERR_HOST, "the value of variable '%s' is damaged: set it again",
		       row->name);
}

const char *
variable_masked(char room[SECRETS_MASKED_BYTES], const struct model *model,
		const struct variable *variable)
{
	enum { TAIL = 4, SHOWN_FROM = 8 };
	struct buffer clear = BUFFER_INIT;
	struct err err = ERR_INIT;
	size_t len, i;

	(void)strcpy(room, "xxxx");
	if (variable_open(&clear, model, variable, &err) == 0 && clear.len > SHOWN_FROM) {
		const unsigned char *tail = clear.data + clear.len - 1 - TAIL;

		len = strlen(room);
		for (i = 0; i < TAIL && tail[i] > ' ' && tail[i] < 0x7f; i++)
			room[len + i] = (char)tail[i];
		room[i == TAIL ? len + i : len] = '\0';
	}
	secrets_forget(&clear);
	return room;
}

/* --- start and end ----------------------------------------------------------------------- */

void
secrets_take_key(struct model *model, const struct hub_key *key, const struct store_snapshot *snapshot)
{
	struct store_op *op;

	hub_key_of_seals(model->seal_key, key);
	if (snapshot->has_key_name)
		return;
	op = store_op_new(STORE_PUT_KEY_NAME);
	hub_key_name(op->key_name, key);
	store_submit(model->store, op, NULL, NULL);
}

static unsigned char *
copy_sealed(const struct variable_row *row)
{
	unsigned char *copy = mem_zalloc(row->sealed_len + 1, 1);

	memcpy(copy, row->sealed, row->sealed_len);
	return copy;
}

static struct variables *
find_owner(struct model *model, const struct id *owner)
{
	struct context *context = context_find(model, owner);
	struct project *project, *next;

	if (context != NULL)
		return &context->variables;
	if (id_eq(&model->oidc.owner, owner))
		return &model->oidc;
	HASH_ITER (hh, model->projects, project, next) {
		if (id_eq(&project->row.id, owner))
			return &project->variables;
		if (id_eq(&project->ssh_keys.owner, owner))
			return &project->ssh_keys;
	}
	return NULL;
}

int
secrets_load(struct model *model, const struct store_snapshot *snapshot, struct err *err)
{
	struct variables *owner = NULL;
	struct variable_row row;
	struct task *task;
	size_t i;

	for (i = 0; i < snapshot->context_count; i++)
		context_new(model, &snapshot->contexts[i]);
	for (i = 0; i < snapshot->variable_count; i++) {
		row = snapshot->variables[i];
		if (row.name[0] == '\0') {
			/* A task that has ended since has none. */
			task = model_task(model, &row.owner);
			if (task == NULL)
				continue;
			task->grant = copy_sealed(&row);
			task->grant_len = row.sealed_len;
			continue;
		}
		/* They come by owner. */
		if (owner == NULL || !id_eq(&owner->owner, &row.owner))
			owner = find_owner(model, &row.owner);
		if (owner == NULL)
			return err_set(err, ERR_INPUT,
				       "the database has variable '%s' without its owner",
				       row.name);
		row.sealed = copy_sealed(&row);
		variable_new(owner, &row);
	}
	return 0;
}

void
variables_release(struct variables *variables)
{
	struct variable *variable, *next;

	HASH_ITER (hh, variables->table, variable, next)
		variable_free(variables, variable);
}

void
secrets_release(struct model *model)
{
	struct context *context, *next;

	HASH_ITER (hh, model->contexts, context, next)
		context_free(model, context);
	variables_release(&model->oidc);
	explicit_bzero(model->seal_key, sizeof(model->seal_key));
}
