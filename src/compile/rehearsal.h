/*
 * rehearsal.h - what no workflow runs, looked at all the same.
 *
 * Jobs, commands and executors of the config's own that nothing expanded (unused, called by
 * a workflow that is not selected, or hidden behind another mistake) are expanded into nothing:
 * parameters have their defaults, those without one a value of which nothing is said. What is
 * wrong in them is a warning, since nothing fails by it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_REHEARSAL_H
#define COMPILE_REHEARSAL_H

struct compilation;
struct space;

/* The last stage: the config's sections and those of its inline orbs. Never ends the compilation.
 */
void rehearse(struct compilation *c, const struct space *space);

#endif
