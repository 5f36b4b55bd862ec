/*
 * overlap.h - which files of a workspace two jobs have persisted of which neither ran behind the
 * other.
 *
 * Layers come in their order (task/layers.h). A later one stands above an earlier one where both
 * are of one task, or its job runs behind the other's; else what both have is a conflict. Nothing
 * is kept of files where every layer stands above all before it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_OVERLAP_H
#define ARCHIVE_OVERLAP_H

#include <stdbool.h>
#include <stddef.h>

struct layers;
struct overlap;

/* layers are borrowed. */
struct overlap *overlap_new(const struct layers *layers);
void overlap_free(struct overlap *overlap); /* NULL is fine */

/*
 * Layer number i of the list has a file of that name, relative to the workspace. True where one
 * before it has it that it does not stand above: *other is its number.
 */
bool overlap_note(struct overlap *overlap, size_t i, const char *name, size_t *other);

#endif
