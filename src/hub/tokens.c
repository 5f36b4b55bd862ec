/*
 * tokens.c - who holds a token: resource classes and people.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/model.h"
#include "hub/store/store.h"

const struct token *
token_find(struct model *model, enum token_kind kind, const char *text)
{
	unsigned char digest[DIGEST_BYTES];
	struct token *token;

	if (text == NULL || text[0] == '\0')
		return NULL;
	digest_sha256(digest, text, strlen(text));
	HASH_FIND(hh, model->tokens, digest, sizeof(digest), token);
	return token != NULL && token->row.kind == kind ? token : NULL;
}

const struct token *
token_find_id(struct model *model, const struct id *id)
{
	struct token *token, *next;

	HASH_ITER(hh, model->tokens, token, next)
		if (id_eq(&token->row.id, id))
			return token;
	return NULL;
}

struct token *
token_new(struct model *model, const struct token_row *row)
{
	struct token *token = MEM_NEW(struct token);

	token->row = *row;
	HASH_ADD(hh, model->tokens, row.digest, sizeof(token->row.digest), token);
	return token;
}

const struct token *
token_enter(struct model *model, enum token_kind kind, const char *name, const char *nickname,
	    const char *text)
{
	struct token_row row = {.kind = kind, .created_ms = model->unix_ms()};
	const struct token *known = token_find(model, kind, text);
	struct store_op *op;

	if (known != NULL)
		return known;
	id_random(&row.id);
	digest_sha256(row.digest, text, strlen(text));
	snprintf(row.name, sizeof(row.name), "%s", name);
	snprintf(row.nickname, sizeof(row.nickname), "%s", nickname);
	op = store_op_new(STORE_PUT_TOKEN);
	op->token = row;
	store_submit(model->store, op, NULL, NULL);
	return token_new(model, &row);
}

const struct token *
token_make(struct model *model, enum token_kind kind, const char *name, const char *nickname,
	   char room[TOKEN_TEXT_BYTES])
{
	random_hex(room, (TOKEN_TEXT_BYTES - 1) / 2);
	return token_enter(model, kind, name, nickname, room);
}

static void
remove_token(struct model *model, struct token *token)
{
	struct store_op *op = store_op_new(STORE_DELETE_TOKEN);

	op->id = token->row.id;
	store_submit(model->store, op, NULL, NULL);
	HASH_DEL(model->tokens, token);
	free(token);
}

void
token_delete(struct model *model, const struct id *id)
{
	struct token *token, *next;

	HASH_ITER(hh, model->tokens, token, next)
		if (id_eq(&token->row.id, id))
			remove_token(model, token);
}

void
resource_class_make(struct resource_class *class, const char *description)
{
	struct store_op *op = store_op_new(STORE_PUT_CLASS);

	if (!class->is_known)
		id_random(&class->row.id);
	class->is_known = true;
	snprintf(class->row.description, sizeof(class->row.description), "%s", description);
	op->class = class->row;
	store_submit(class->model->store, op, NULL, NULL);
}

void
resource_class_delete(struct resource_class *class)
{
	struct model *model = class->model;
	struct store_op *op = store_op_new(STORE_DELETE_CLASS);
	struct token *token, *next;

	HASH_ITER(hh, model->tokens, token, next)
		if (token->row.kind == TOKEN_CLASS && strcmp(token->row.name, class->row.name) == 0)
			remove_token(model, token);
	op->id = class->row.id;
	store_submit(model->store, op, NULL, NULL);
	class->is_known = false;
}
