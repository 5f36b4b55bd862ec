/*
 * stage.h - one stage of a compilation, given bytes: what the fuzz targets of stages share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef T_FUZZ_STAGE_H
#define T_FUZZ_STAGE_H

#include <stddef.h>
#include <stdint.h>

#include "compile/compilation.h"
#include "compile/scope.h"

/* text is a string of the config, valid UTF-8 without a NUL. */
typedef void stage_fn(struct compilation *c, const struct scope *scope, const struct node *text);

/*
 * Run a stage on the bytes, within the bounds of a real compilation: branch "main", parameters s
 * (a string), n (an integer), b (a boolean), l (steps). What it tells must print.
 */
void stage_run(const uint8_t *bytes, size_t len, stage_fn *stage);

#endif
