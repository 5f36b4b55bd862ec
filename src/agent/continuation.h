/*
 * continuation.h - the config that a setup job names for its pipeline, on its way to the hub.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CONTINUATION_H
#define AGENT_CONTINUATION_H

#include "agent/errand.h"

/* Answers a CONTROL_VERB_CONTINUE; the key proves to the hub which pipeline it is. */
extern const struct errand_kind continuation_errand;

#endif
