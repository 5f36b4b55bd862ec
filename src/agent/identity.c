/*
 * identity.c - a token by which a job shows others who it is: asked of the hub, which signs it.
 *
 * It reaches the job in a memfd, since it may be longer than a reply. Of what is printed its
 * signature is masked, without which it is worth nothing: all of it would soon fill the room that a
 * task has for values of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/identity.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/control.h"
#include "agent/task.h"
#include "base/err.h"
#include "format/json.h"

static int
describe(struct json *body, const char *key, const struct control_request *request, struct err *err)
{
	struct json *wish, *claims;

	(void)key;
	if (json_parse(&wish, request->value, request->len, err) < 0)
		return err_wrap(err, "the claims are no JSON");
	claims = json_get(wish, "claims");
	if (claims != NULL)
		json_put(body, "claims", json_ref(claims));
	json_put_bool(body, "root_issuer", json_get_bool(wish, "root_issuer", false));
	json_free(wish);
	return 0;
}

/* In a memfd, at whose beginning the next reader begins; -1: it cannot be had. */
static int
hold(const char *token)
{
	int fd = memfd_create("token", MFD_CLOEXEC);
	size_t len = strlen(token);

	if (fd >= 0 && write(fd, token, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static void
tell_token(struct task *task, const char *token, struct control_reply *reply)
{
	const char *signature = strrchr(token, '.');
	struct err err = ERR_INIT;

	reply->fd = hold(token);
	if (signature == NULL || reply->fd < 0)
		control_refuse(reply, "the agent cannot pass the token on");
	else if (task_mask_value(task, signature + 1, strlen(signature + 1), &err) < 0)
		(void)snprintf(reply->text, sizeof(reply->text), "ok it is not masked: %.1000s", err.text);
	else
		(void)snprintf(reply->text, sizeof(reply->text), "ok");
}

static void
tell(struct task *task, const struct err *err, const struct hub_answer *answer,
     struct control_reply *reply)
{
	const char *token = json_get_str(answer->json, "token");
	const char *message = json_get_str(answer->json, "message");

	if (err != NULL && err->code == ERR_AGAIN)
		(void)snprintf(reply->text, sizeof(reply->text), "later");
	else if (err == NULL && token != NULL)
		tell_token(task, token, reply);
	else if (message != NULL)
		control_refuse(reply, message);
	else
		control_refuse(reply, err != NULL ? err->text : "the hub's answer has no token");
}

const struct errand_kind identity_errand = {
	.post = HUB_POST_IDENTITY,
	.is_bearer = true,
	.describe = describe,
	.tell = tell,
};
