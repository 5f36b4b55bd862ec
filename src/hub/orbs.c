/*
 * orbs.c - the registry orbs that the hub keeps, and how its compiler finds them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/orbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "compile/diag.h"
#include "compile/plan.h"
#include "format/json.h"
#include "hub/model.h"
#include "hub/store/store.h"

/* --- finding ----------------------------------------------------------------------------- */

static bool
is_better(const struct orb_ref *asked, const struct orb_ref *found, const struct orb_version *than)
{
	if (strcmp(asked->space, found->space) != 0 || strcmp(asked->name, found->name) != 0 ||
	    !orb_ref_accepts(asked, &found->version))
		return false;
	return than == NULL || orb_version_order(&found->version, than) > 0;
}

const struct orb_entry *
orb_find(const struct model *model, const struct orb_ref *ref)
{
	const struct orb_entry *best = NULL;
	struct orb_entry *orb, *next;

	HASH_ITER (hh, model->orbs, orb, next)
		if (is_better(ref, &orb->ref, best != NULL ? &best->ref.version : NULL))
			best = orb;
	return best;
}

/* The highest that came along; NULL: none. *found is its reference. */
static const char *
find_sent(const struct json *sent, const struct orb_ref *ref, struct orb_ref *found)
{
	const char *source = NULL;
	struct orb_ref one;
	size_t i;

	for (i = 0; i < json_count(sent); i++) {
		const struct json *item = json_at(sent, i);

		if (orb_ref_parse(&one, json_get_str(item, "ref")) &&
		    is_better(ref, &one, source != NULL ? &found->version : NULL)) {
			source = json_get_str(item, "source");
			*found = one;
		}
	}
	return source;
}

/* The best that the hub keeps; NULL: nothing. The caller frees. */
static char *
copy_kept(struct model *model, const struct orb_ref *ref, struct orb_ref *found)
{
	const struct orb_entry *kept;
	char *copy = NULL;

	pthread_mutex_lock(&model->orb_lock);
	kept = orb_find(model, ref);
	if (kept != NULL) {
		copy = mem_strdup(kept->row.source);
		*found = kept->ref;
	}
	pthread_mutex_unlock(&model->orb_lock);
	return copy;
}

int
orbs_find(void *arg, const char *text, void **bytes, size_t *len, char **path, char **resolved,
	  struct err *err)
{
	const struct orb_finder *finder = arg;
	struct orb_ref ref, found;
	char room[ORB_REF_MAX_BYTES];
	const char *source;
	char *copy;

	if (!orb_ref_parse(&ref, text))
		return err_set(err, ERR_INPUT, "it is no reference");
	source = find_sent(finder->sent, &ref, &found);
	/* Who sends orbs has chosen their versions: a lock file is beside that config. */
	copy = source != NULL ? mem_strdup(source) : copy_kept(finder->model, &ref, &found);
	if (copy == NULL) {
		err->code = err_set(err, ERR_GONE, "the hub keeps no such version of it");
		return err_hint(err, "'runnerctl orb add' keeps it at the hub or beside the "
				     "config, which 'pipeline run' sends along");
	}
	*len = strlen(copy);
	*bytes = copy;
	*resolved = mem_strdup(orb_ref_text(room, &found, &found.version));
	*path = mem_strdup(*resolved);
	return 0;
}

int
orbs_check_sent(const struct json *sent, struct err *err)
{
	const char *text, *source;
	struct orb_ref ref;
	size_t i;

	if (!json_is_array(sent))
		return err_set(err, ERR_INPUT, "member 'orbs' must be an array");
	if (json_count(sent) > ORBS_SENT_MOST)
		return err_set(err, ERR_LIMIT, "%zu orbs come with the config, %d are allowed",
			       json_count(sent), ORBS_SENT_MOST);
	for (i = 0; i < json_count(sent); i++) {
		if (json_need_str(json_at(sent, i), "ref", &text, err) < 0 ||
		    json_need_str(json_at(sent, i), "source", &source, err) < 0)
			return err_wrap(err, "orbs.%zu", i);
		if (!orb_ref_parse(&ref, text) || !orb_version_is_exact(&ref.version))
			return err_set(err, ERR_INPUT,
				       "orbs.%zu: 'ref' must be ns/name@1.2.3 or ns/name@dev:LABEL",
				       i);
		if (strlen(source) > COMPILE_CONFIG_MAX_BYTES)
			return err_set(err, ERR_LIMIT, "orbs.%zu is larger than %d bytes", i,
				       COMPILE_CONFIG_MAX_BYTES);
	}
	return 0;
}

/* --- checking ---------------------------------------------------------------------------- */

int
orb_check(struct model *model, const struct orb_ref *ref, const char *source,
	  struct diags **diags)
{
	struct orb_finder finder = {.model = model};
	char name[ORB_REF_MAX_BYTES];

	return compile_orb(orb_ref_text(name, ref, &ref->version), source, strlen(source),
			   orbs_find, &finder, diags);
}

/* --- keeping ----------------------------------------------------------------------------- */

static struct orb_entry *
orb_new(struct model *model, const struct orb_row *row)
{
	struct orb_entry *orb = MEM_NEW(struct orb_entry);

	orb->row = *row;
	orb->row.source = mem_strdup(row->source);
	(void)orb_ref_parse(&orb->ref, row->name);
	model->orb_bytes += strlen(row->source);
	pthread_mutex_lock(&model->orb_lock);
	HASH_ADD(hh, model->orbs, row.name, strlen(orb->row.name), orb);
	pthread_mutex_unlock(&model->orb_lock);
	return orb;
}

static void
orb_free(struct model *model, struct orb_entry *orb)
{
	model->orb_bytes -= strlen(orb->row.source);
	pthread_mutex_lock(&model->orb_lock);
	HASH_DEL(model->orbs, orb);
	pthread_mutex_unlock(&model->orb_lock);
	free((void *)(uintptr_t)orb->row.source);
	free(orb);
}

static struct orb_entry *
find_exact(const struct model *model, const struct orb_ref *ref, char room[ORB_REF_MAX_BYTES])
{
	const char *name = orb_ref_text(room, ref, &ref->version);
	struct orb_entry *orb;

	HASH_FIND(hh, model->orbs, name, strlen(name), orb);
	return orb;
}

static int
check_room(const struct model *model, const struct orb_entry *known, const char *source,
	   struct err *err)
{
	size_t bytes = model->orb_bytes + strlen(source);

	if (known != NULL)
		bytes -= strlen(known->row.source);
	if (bytes > ORBS_MOST_BYTES || (known == NULL && HASH_COUNT(model->orbs) >= ORBS_MOST))
		return err_set(err, ERR_LIMIT,
			       "the hub keeps %d orbs of %d bytes together, not more", ORBS_MOST,
			       ORBS_MOST_BYTES);
	return 0;
}

int
orb_keep(const struct orb_entry **out, struct model *model, const struct orb_ref *ref,
	 const char *source, bool *is_new, struct err *err)
{
	struct orb_row row = {.source = source, .created_ms = model->unix_ms()};
	struct orb_entry *known = find_exact(model, ref, row.name);
	struct store_op *op;

	*out = known;
	*is_new = known == NULL || strcmp(known->row.source, source) != 0;
	if (!*is_new)
		return 0;
	if (known != NULL && !ref->version.is_dev)
		return err_set(err, ERR_GONE,
			       "orb '%s' is kept with another source, and a version never changes",
			       row.name);
	if (check_room(model, known, source, err) < 0)
		return err->code;
	op = store_op_new(STORE_PUT_ORB);
	op->orb = row;
	store_submit(model->store, op, NULL, NULL);
	if (known != NULL)
		orb_free(model, known);
	*out = orb_new(model, &row);
	return 0;
}

void
orb_delete(struct model *model, const struct orb_ref *ref)
{
	char room[ORB_REF_MAX_BYTES];
	struct orb_entry *orb = find_exact(model, ref, room);
	struct store_op *op = store_op_new(STORE_DELETE_ORB);

	op->orb = orb->row;
	op->orb.source = NULL;
	store_submit(model->store, op, NULL, NULL);
	orb_free(model, orb);
}

void
orbs_load(struct model *model, const struct store_snapshot *snapshot)
{
	size_t i;

	for (i = 0; i < snapshot->orb_count; i++)
		orb_new(model, &snapshot->orbs[i]);
}

void
orbs_release(struct model *model)
{
	struct orb_entry *orb, *next;

	HASH_ITER (hh, model->orbs, orb, next)
		orb_free(model, orb);
}
