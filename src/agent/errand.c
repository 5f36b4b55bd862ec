/*
 * errand.c - what a process of a task asks of the hub, through the agent's own connection.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/errand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/control.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "format/json.h"

enum { ERRAND_TIMEOUT_MS = 60 * 1000 };

struct errand {
	struct errands *all;
	const struct errand_kind *kind;
	struct task *task;
	pid_t pid;		      /* who asks */
	struct control_ticket ticket; /* of the process that waits, if it does */
	ino_t file;		      /* of what came along; 0: nothing */
	struct errand_load load;
	struct iovec pieces[2];
	struct hub_request *request; /* NULL: ended, and reply is what is told */
	struct control_reply reply;
	struct errand *next;
};

static void
say_wait(struct control_reply *reply)
{
	(void)snprintf(reply->text, sizeof(reply->text), "wait");
}

/* It is told when the answer is there, if it can be held so long. */
static void
let_wait(struct errand *errand, const struct control_request *request, struct control_reply *reply)
{
	say_wait(reply);
	errand->ticket = request->ticket;
	reply->is_held = request->ticket.control != NULL;
}

static ino_t
file_of(const struct control_request *request)
{
	struct stat st;

	return request->fd >= 0 && fstat(request->fd, &st) == 0 ? st.st_ino : 0;
}

/* That of the process and what it has sent, or the end. */
static struct errand **
find(struct errands *errands, const struct errand_kind *kind, const struct control_request *request)
{
	struct errand **at = &errands->first;
	ino_t file = file_of(request);

	while (*at != NULL &&
	       ((*at)->kind != kind || (*at)->pid != request->pid || (*at)->file != file))
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
	if (errand->load.map != NULL)
		(void)munmap(errand->load.map, errand->load.map_len);
	buffer_release(&errand->load.text);
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
	struct errand *errand = arg, **at;
	bool again;

	errand->request = NULL;
	again = err != NULL && err->code == ERR_AGAIN && errand->kind->repeats;
	if (again)
		say_wait(&errand->reply);
	else
		errand->kind->tell(errand->task, err, answer, &errand->reply);
	if (!control_answer(&errand->ticket, &errand->reply))
		return; /* it comes for it, or does not */
	errand->reply.fd = -1;
	for (at = &errand->all->first; *at != errand; at = &(*at)->next)
		;
	drop(at);
}

/* The pieces stay where they are until the answer is there. */
static int
load_pieces(struct errand *errand, const struct control_request *request, struct hub_post *post,
	    struct err *err)
{
	struct errand_load *load = &errand->load;
	int rc = errand->kind->load(load, errand->task, request, err);

	if (rc < 0)
		return rc;
	errand->pieces[0] = (struct iovec){load->head, strlen(load->head)};
	errand->pieces[1] = load->text.len > 0 ? (struct iovec){load->text.data, load->text.len}
					       : (struct iovec){load->map, load->map_len};
	post->content_type = load->content_type;
	post->pieces = errand->pieces;
	post->pieces_len = errand->pieces[0].iov_len + errand->pieces[1].iov_len;
	return 0;
}

static int
describe_body(struct errand *errand, const char *key, const struct control_request *request,
	      struct hub_post *post, struct buffer *body, struct err *err)
{
	struct json *json = json_new_object();
	int rc = errand->kind->describe(json, key, request, err);

	if (rc < 0) {
		json_free(json);
		return rc;
	}
	hub_body(body, json);
	post->body = body;
	return 0;
}

static int
start(struct errand *errand, struct hub_link *link, const char *key,
      const struct control_request *request, struct err *err)
{
	const struct errand_kind *kind = errand->kind;
	struct buffer body = BUFFER_INIT;
	struct hub_post post = {.kind = kind->post,
				.token = kind->is_bearer ? key : NULL,
				.timeout_ms = ERRAND_TIMEOUT_MS};
	int rc = kind->load != NULL ? load_pieces(errand, request, &post, err)
				    : describe_body(errand, key, request, &post, &body, err);

	if (rc == 0)
		rc = hub_post(&errand->request, link, &post, on_answer, errand, err);
	buffer_release(&body);
	return rc;
}

/* It is over: who asks is told, or asks once more. */
static void
finish(struct errand **at, struct control_reply *reply)
{
	*reply = (*at)->reply;
	(*at)->reply.fd = -1; /* goes along */
	drop(at);
}

void
errands_ask(struct errands *errands, struct hub_link *link, struct task *task,
	    const struct errand_kind *kind, const char *key, const struct control_request *request,
	    struct control_reply *reply)
{
	struct errand **at = find(errands, kind, request);
	struct err err = ERR_INIT;

	if (*at != NULL && (*at)->request == NULL) {
		finish(at, reply);
		return;
	}
	if (*at != NULL) {
		let_wait(*at, request, reply);
		return;
	}
	say_wait(reply);
	if (!hub_link_is_up(link) || !make_room(errands))
		return;
	at = find(errands, kind, request); /* the end, which may have moved */
	*at = MEM_NEW(struct errand);
	**at = (struct errand){.all = errands,
			       .kind = kind,
			       .task = task,
			       .pid = request->pid,
			       .file = file_of(request),
			       .reply.fd = -1};
	if (start(*at, link, key, request, &err) < 0) {
		control_refuse(reply, err.text);
		drop(at);
		return;
	}
	let_wait(*at, request, reply);
}

void
errands_release(struct errands *errands)
{
	while (errands->first != NULL)
		drop(&errands->first);
}
