/*
 * share.c - an archive that lies on this host, to the hub.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/share.h"

#include <stdio.h>
#include <unistd.h>

#include "archive/sender.h"
#include "archive/step.h"
#include "base/err.h"
#include "base/text.h"

struct sharing {
	enum sender_end end;
	char why[CONTROL_REPLY_MOST_BYTES];
};

static void
on_sent(void *arg, const char *name, enum sender_end end, const char *why)
{
	struct sharing *sharing = arg;

	(void)name;
	sharing->end = end;
	(void)snprintf(sharing->why, sizeof(sharing->why), "%s", why != NULL ? why : "");
}

/* Owns: fd. */
static int
send_file(const struct step_archive *archive, int fd, enum blob_kind kind, struct sharing *sharing,
	  struct err *err)
{
	const struct sender_hooks hooks = {sharing, on_sent, NULL};
	struct sender *sender = NULL;
	int rc = sender_new(&sender, kind, &hooks, err);

	if (rc < 0)
		(void)close(fd);
	else
		rc = sender_add(sender, fd, archive->name, archive->size, err);
	if (rc == 0)
		rc = sender_finish(sender, err);
	sender_free(sender);
	return rc;
}

int
share(const char *verb, const char *value, enum blob_kind kind, struct err *err)
{
	struct sharing sharing = {.end = SENDER_REFUSED, .why = "it was not sent"};
	uint64_t started_ms = step_now_ms();
	struct control_answer answer;
	enum control_result result = step_ask(verb, value, -1, &answer);
	struct step_archive archive;
	char took[24];

	if (result == CONTROL_NONE)
		return 0;
	if (result != CONTROL_OK)
		return step_refused(result, &answer, err);
	if (!step_read_archive(&archive, &answer))
		return err_set(err, ERR_HOST, "the agent's answer cannot be read");
	if (send_file(&archive, answer.fd, kind, &sharing, err) < 0)
		return err->code;
	if (sharing.end == SENDER_REFUSED)
		return err_set(err, ERR_HOST, "the hub does not keep it: %s", sharing.why);
	step_say(sharing.end == SENDER_TAKEN ? "The hub has it already"
					     : "Kept at the hub, too: in %s",
		 text_duration(took, step_now_ms() - started_ms));
	return 0;
}
