/*
 * share.h - an archive that lies on this host, to the hub, so that jobs on other hosts have it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_SHARE_H
#define ARCHIVE_SHARE_H

#include "runner/blob.h"

struct err;

/*
 * Ask the agent for what verb and value name, and send it, if the hub is to have it. One that the hub
 * has already stays there. Fails: ERR_HOST (the hub does not keep it: a sentence), ERR_AGAIN.
 */
int share(const char *verb, const char *value, enum blob_kind kind, struct err *err);

#endif
