/*
 * diags.h - collecting diagnostics while compiling; diag.h is the reader's side.
 *
 * diags_new() -> (diags_fold(), diags_add())* -> diags_finish() -> diag.h's functions ->
 * diags_free().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_DIAGS_H
#define COMPILE_DIAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "compile/diag.h"

struct diags *diags_new(void);

/* Count a repeat of one that is kept already, whatever its chain, hint and source; false: it is
 * new. */
bool diags_fold(struct diags *diags, const struct diag *diag);

/*
 * Keep a copy of everything in diag; source has source_len bytes, need not end in a NUL, and
 * is cut to what is near source_column. Beyond DIAG_KEPT_MAX a warning is dropped; false: no room
 * for another error, the compilation should end.
 */
bool diags_add(struct diags *diags, const struct diag *diag, size_t source_len);

/* Whether another one of this severity could be kept, if only as a repeat. */
bool diags_wants(const struct diags *diags, enum diag_severity severity);

/* Sort; nothing is added after that. */
void diags_finish(struct diags *diags);

#endif
