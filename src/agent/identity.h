/*
 * identity.h - a token by which a job shows others who it is: asked of the hub, which signs it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_IDENTITY_H
#define AGENT_IDENTITY_H

#include "agent/errand.h"

/* Answers a CONTROL_VERB_IDENTITY; the key is the task's token. */
extern const struct errand_kind identity_errand;

#endif
