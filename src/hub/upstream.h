/*
 * upstream.h - what the jobs that a job requires, and those that they require, have persisted.
 *
 * A step persist_to_workspace that ended as success has made a layer: that is all the hub must
 * know. A job that was run again counts with its last attempt, and one that was kept with the
 * layers it has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_UPSTREAM_H
#define HUB_UPSTREAM_H

struct job;
struct json;

/* For the task documents of a job that is about to run (task/layers.h); the caller frees it. */
struct json *upstream_layers(const struct job *job);

#endif
