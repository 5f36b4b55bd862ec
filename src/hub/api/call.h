/*
 * call.h - a call's life, for the router.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_CALL_H
#define HUB_API_CALL_H

#include "hub/api/router.h"

struct call *call_new(struct hub *hub, struct http_request *request, const struct route *route);

#endif
