/*
 * blob_send.h - the bytes of a blob as a reply: whole, or the part that is asked for.
 *
 * Its entity tag is its SHA-256, so what a client has is never sent again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_BLOB_SEND_H
#define HUB_API_BLOB_SEND_H

#include "hub/api/router.h"

struct blob_row;

/*
 * Answer a GET or HEAD with it, or with the part that "Range" names, or 304 or 416. Further header
 * fields have been added by the caller. row is copied. Ends the call, now or later.
 */
void blob_send(struct call *call, const struct blob_row *row, const char *type);

#endif
