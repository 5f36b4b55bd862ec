/*
 * tokens.h - who holds a token: resource classes and people.
 *
 * The hub keeps SHA-256 digests only. All are in memory; a change is stored with
 * the turn it is made in.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_TOKENS_H
#define HUB_TOKENS_H

#include <stddef.h>

#include "base/id.h"
#include "hub/rows.h"

struct model;
struct resource_class;
struct token;

enum { TOKEN_TEXT_BYTES = 65 };

/* NULL: unknown. text may be NULL. */
const struct token *token_find(struct model *model, enum token_kind kind, const char *text);
const struct token *token_find_id(struct model *model, const struct id *id);

/*
 * Make a token; its text is in room and nowhere else. name: class or login. Reply after
 * model_after_commit().
 */
const struct token *token_make(struct model *model, enum token_kind kind, const char *name,
			       const char *nickname, char room[TOKEN_TEXT_BYTES]);
/* A token whose text someone else chose (runner-hub serve --private). */
const struct token *token_enter(struct model *model, enum token_kind kind, const char *name,
				const char *nickname, const char *text);
/* For the start: it is stored already. */
struct token *token_new(struct model *model, const struct token_row *row);
void token_delete(struct model *model, const struct id *id);

/* Give the class a row (it may exist by name only), or take it away with its tokens. */
void resource_class_make(struct resource_class *class, const char *description);
void resource_class_delete(struct resource_class *class);

#endif
