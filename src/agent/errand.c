/*
 * errand.c - what a process of a task asks of the hub, through the agent's own connection.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/errand.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/control.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "format/json.h"

enum { ERRAND_TIMEOUT_MS = 60 * 1000 };

struct errand {
	const struct errand_kind *kind;
	struct task *task;
	pid_t pid;		     /* who asks */
	struct hub_request *request; /* NULL: ended, and reply is what is told */
	struct control_reply reply;
	struct errand *next;
};

static void
say_wait(struct control_reply *reply)
{
	(void)snprintf(reply->text, sizeof(reply->text), "wait");
}

static struct errand **
find(struct errands *errands, const struct errand_kind *kind, pid_t pid)
{
	struct errand **at = &errands->first;

	while (*at != NULL && ((*at)->kind != kind || (*at)->pid != pid))
		at = &(*at)->next;
	return at;
}

static void
drop(struct errand **at)
{
	struct errand *errand = *at;

	*at = errand->next;
	hub_request_cancel(errand->request);
	if (errand->reply.fd >= 0)
		(void)close(errand->reply.fd);
	free(errand);
}

/* Room for one more: that of the oldest whose answer nobody has come for, if it must be. */
static bool
make_room(struct errands *errands)
{
	struct errand **at, **ended = NULL;
	size_t count = 0;

	for (at = &errands->first; *at != NULL; at = &(*at)->next, count++)
		if (ended == NULL && (*at)->request == NULL)
			ended = at;
	if (count < ERRANDS_MOST)
		return true;
	if (ended != NULL)
		drop(ended);
	return ended != NULL;
}

static void
on_answer(void *arg, const struct err *err, const struct hub_answer *answer)
{
	struct errand *errand = arg;

	errand->request = NULL;
	errand->kind->tell(errand->task, err, answer, &errand->reply);
}

static int
start(struct errand *errand, struct hub_link *link, const char *key,
      const struct control_request *request, struct err *err)
{
	const struct errand_kind *kind = errand->kind;
	struct json *json = json_new_object();
	struct buffer body = BUFFER_INIT;
	struct hub_post post = {.kind = kind->post,
				.token = kind->is_bearer ? key : NULL,
				.body = &body,
				.timeout_ms = ERRAND_TIMEOUT_MS};
	int rc = kind->describe(json, key, request, err);

	if (rc < 0) {
		json_free(json);
		return rc;
	}
	hub_body(&body, json);
	rc = hub_post(&errand->request, link, &post, on_answer, errand, err);
	buffer_release(&body);
	return rc;
}

void
errands_ask(struct errands *errands, struct hub_link *link, struct task *task,
	    const struct errand_kind *kind, const char *key, const struct control_request *request,
	    struct control_reply *reply)
{
	struct errand **at = find(errands, kind, request->pid);
	struct err err = ERR_INIT;

	if (*at != NULL && (*at)->request == NULL) {
		*reply = (*at)->reply;
		(*at)->reply.fd = -1; /* goes along */
		drop(at);
		return;
	}
	say_wait(reply);
	if (*at != NULL || !hub_link_is_up(link) || !make_room(errands))
		return;
	at = find(errands, kind, request->pid); /* the end, which may have moved */
	*at = MEM_NEW(struct errand);
	**at = (struct errand){.kind = kind, .task = task, .pid = request->pid, .reply.fd = -1};
	if (start(*at, link, key, request, &err) == 0)
		return;
	control_refuse(reply, err.text);
	drop(at);
}

void
errands_release(struct errands *errands)
{
	while (errands->first != NULL)
		drop(&errands->first);
}
