/*
 * serve.h - "runner-hub serve".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_SERVE_H
#define HUB_SERVE_H

#include "base/options.h"

extern const struct command hub_serve_command;

#endif
