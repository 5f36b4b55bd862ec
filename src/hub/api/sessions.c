/*
 * sessions.c - people's terminals in tasks: a person's request and an agent's, joined.
 *
 * Whole frames are passed on (task/session_frame.h), so that each side gets what it may be
 * sent, and so that it is known how the session ended: the log has a line for each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/sessions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "http/server.h"
#include "hub/api/kept.h"
#include "hub/api/people.h"
#include "hub/dispatch.h"
#include "hub/hub.h"
#include "loop/clock.h"
#include "task/session_frame.h"

enum { SESSION_MAGIC = 0x68736573, QUEUE_MOST_BYTES = 64 * 1024 };

static const char session_type[] = "application/vnd.runner.session";

struct session {
	uint32_t magic;
	struct hub *hub;
	struct id id, task, agent;
	char id_text[ID_TEXT_BYTES], task_text[ID_TEXT_BYTES];
	char who[200], job[HUB_NAME_BYTES];
	bool is_told; /* the agent has been */
	struct call *calls[2]; /* by enum session_sender; NULL: not there, or gone */
	struct buffer inboxes[2]; /* of each: a frame that is not whole */
	struct session_exit exit;
	bool has_exit;
	struct timer answer; /* the agent has so long */
	int64_t began_ms;    /* joined; Unix time; 0: not yet */
	UT_hash_handle hh;
};

/* --- the end --------------------------------------------------------------------------------- */

/* The audit line: who, in which job, from when to when, how it ended. */
static void
log_end(const struct session *session)
{
	char from[32], until[32], room[SESSION_TEXT_MOST_BYTES + 32];

	log_line(LOG_INFO, LOG_AT_TASK(session->task_text),
		 "session %s of '%s' in job '%s' from %s to %s ended: %s", session->id_text,
		 session->who, session->job, text_time(from, session->began_ms),
		 text_time(until, clock_unix_ms()), session_exit_text(room, &session->exit));
}

static void
end_call(struct session *session, enum session_sender side)
{
	struct call *call = session->calls[side];

	session->calls[side] = NULL;
	if (call == NULL)
		return;
	call->on_close = NULL;
	call->on_drain = NULL;
	if (call->request == NULL)
		call_drop(call);
	else
		call_stream_end(call);
}

static void
session_free(struct session *session)
{
	HASH_DEL(session->hub->sessions, session);
	timer_release(&session->answer);
	buffer_release(&session->inboxes[0]);
	buffer_release(&session->inboxes[1]);
	OBJ_WIPE(session);
	free(session);
}

/* Joined, and over. A person who has not heard how it ended is told the sentence. */
static void
session_end(struct session *session, const char *sentence)
{
	struct buffer frame = BUFFER_INIT;

	if (!session->has_exit) {
		session->exit.end = SESSION_ENDED_UNKNOWN;
		(void)snprintf(session->exit.text, sizeof(session->exit.text), "%s", sentence);
		session_put_exit(&frame, &session->exit);
		if (session->calls[SESSION_FROM_PERSON] != NULL)
			(void)call_stream_write(session->calls[SESSION_FROM_PERSON], frame.data,
						frame.len);
		buffer_release(&frame);
	}
	log_end(session);
	end_call(session, SESSION_FROM_PERSON);
	end_call(session, SESSION_FROM_AGENT);
	session_free(session);
}

/* Before the agent came. */
static void
session_refuse(struct session *session, int status, const char *sentence)
{
	struct call *call = session->calls[SESSION_FROM_PERSON];

	log_line(LOG_INFO, LOG_AT_TASK(session->task_text), "session %s of '%s' in job '%s' did not begin: %s",
		 session->id_text, session->who, session->job, sentence);
	session_free(session);
	call->on_close = NULL;
	if (call->request == NULL)
		call_drop(call);
	else
		call_reply_message(call, status, "%s", sentence);
}

void
sessions_end_all(struct hub *hub, const char *sentence)
{
	struct session *session, *next;

	HASH_ITER(hh, hub->sessions, session, next) {
		if (session->began_ms != 0)
			session_end(session, sentence);
		else
			session_refuse(session, 503, sentence);
	}
}

/* --- frames from one to the other ------------------------------------------------------------ */

static int
note_frame(struct session *session, const struct session_frame *frame, struct err *err)
{
	if (frame->type == SESSION_EXITED) {
		session->has_exit = true;
		return session_read_exit(&session->exit, frame, err);
	}
	if (frame->type == SESSION_REFUSED) {
		session->has_exit = true;
		session->exit.end = SESSION_ENDED_UNKNOWN;
		session_read_refusal(session->exit.text, frame);
	}
	return 0;
}

/* What is whole of an inbox goes to the other side. */
static int
pass_frames(struct session *session, enum session_sender from, struct err *err)
{
	struct buffer *inbox = &session->inboxes[from];
	struct call *to = session->calls[1 - from];
	struct session_frame frame;
	size_t used, all = 0;
	int rc;

	while ((rc = session_frame_next(&frame, &used, from, inbox->data + all, inbox->len - all,
					err)) > 0) {
		all += used;
		if (note_frame(session, &frame, err) < 0)
			return err->code;
	}
	if (rc == 0 && all > 0) {
		(void)call_stream_write(to, inbox->data, all);
		buffer_consume(inbox, all);
	}
	return rc;
}

/* False: the session is over. */
static bool
pump(struct session *session, enum session_sender from)
{
	struct call *call = session->calls[from], *to = session->calls[1 - from];
	struct buffer piece = BUFFER_INIT;
	struct err err = ERR_INIT;
	bool ended = false;
	int rc = 0;

	if (call->request == NULL || to->request == NULL)
		return true; /* its on_close comes */
	while (rc == 0 && call_stream_queued(to) < QUEUE_MOST_BYTES) {
		if (http_request_take_piece(call->request, &piece) == 0) {
			ended = http_request_body_ended(call->request);
			break;
		}
		buffer_putn(&session->inboxes[from], piece.data, piece.len);
		rc = pass_frames(session, from, &err);
	}
	buffer_release(&piece);
	if (rc < 0)
		session_end(session, err.text);
	else if (ended)
		session_end(session, from == SESSION_FROM_AGENT ? "the agent ended it"
								: "the person's end has closed");
	return rc >= 0 && !ended;
}

static void
on_bytes(void *arg)
{
	struct session *session = arg;

	OBJ_CHECK(session, SESSION_MAGIC);
	if (pump(session, SESSION_FROM_PERSON))
		(void)pump(session, SESSION_FROM_AGENT);
}

static void
on_room(struct call *call)
{
	on_bytes(call->user);
}

static void
on_agent_gone(struct call *call)
{
	session_end(call->user, "the agent's connection was lost");
}

static void
on_person_gone(struct call *call)
{
	struct session *session = call->user;

	if (session->began_ms != 0)
		session_end(session, "the person's connection was lost");
	else
		session_refuse(session, 0, "the person has gone");
}

/* --- the agent comes ------------------------------------------------------------------------- */

static void
join(struct session *session, struct call *call)
{
	enum session_sender side;

	session->calls[SESSION_FROM_AGENT] = call;
	session->began_ms = clock_unix_ms();
	timer_stop(&session->answer);
	call->user = session;
	call_on_close(call, on_agent_gone);
	for (side = SESSION_FROM_PERSON; side <= SESSION_FROM_AGENT; side++) {
		call_stream_start(session->calls[side], 200, session_type);
		call_stream_on_drain(session->calls[side], on_room);
		http_request_on_body(session->calls[side]->request, on_bytes, session);
	}
	log_line(LOG_INFO, LOG_AT_TASK(session->task_text), "session %s of '%s' in job '%s' began",
		 session->id_text, session->who, session->job);
	on_bytes(session);
}

static void
handle_session(struct call *call)
{
	const char *text = http_request_header(call->request, "runner-agent");
	struct session *session = NULL;
	struct id id, agent;

	if (!call_var_id(call, 0, &id))
		return;
	HASH_FIND(hh, call->hub->sessions, &id, sizeof(id), session);
	if (session == NULL || text == NULL || !id_parse(&agent, text) ||
	    !id_eq(&agent, &session->agent) || session->calls[SESSION_FROM_AGENT] != NULL ||
	    session->calls[SESSION_FROM_PERSON]->request == NULL)
		call_reply_message(call, 404, "nobody waits for this session");
	else
		join(session, call);
}

bool
sessions_wait_for(const struct hub *hub, const struct agent *agent)
{
	const struct session *session;

	for (session = hub->sessions; session != NULL; session = session->hh.next)
		if (!session->is_told && id_eq(&session->agent, &agent->row.id))
			return true;
	return false;
}

void
sessions_put_orders(struct hub *hub, const struct agent *agent, struct json *answer)
{
	struct json *list = json_new_array(), *item;
	struct session *session;

	for (session = hub->sessions; session != NULL; session = session->hh.next) {
		if (session->is_told || !id_eq(&session->agent, &agent->row.id))
			continue;
		session->is_told = true;
		item = json_new_object();
		json_put_str(item, "session", session->id_text);
		json_put_str(item, "task", session->task_text);
		json_put_str(item, "who", session->who);
		json_push(list, item);
	}
	json_put(answer, "sessions", list);
}

/* --- a person comes --------------------------------------------------------------------------- */

static void
on_no_answer(void *arg)
{
	struct session *session = arg;

	OBJ_CHECK(session, SESSION_MAGIC);
	session_refuse(session, 503, "the agent does not answer: it is away, or is being restarted");
}

static void
session_open(struct call *call, const struct id *task, struct agent *agent, const char *job)
{
	struct session *session = MEM_NEW(struct session);

	session->magic = SESSION_MAGIC;
	session->hub = call->hub;
	session->task = *task;
	session->agent = agent->row.id;
	id_random(&session->id);
	(void)id_text(session->id_text, &session->id);
	(void)id_text(session->task_text, task);
	(void)snprintf(session->who, sizeof(session->who), "%s", call->login);
	(void)snprintf(session->job, sizeof(session->job), "%s", job);
	session->calls[SESSION_FROM_PERSON] = call;
	call->user = session;
	call_on_close(call, on_person_gone);
	timer_init(&session->answer, call->hub->loop, on_no_answer, session);
	timer_start_ms(&session->answer, SESSION_ANSWER_MS);
	HASH_ADD(hh, call->hub->sessions, id, sizeof(session->id), session);
	if (agent->heartbeat != NULL)
		agent->heartbeat->hurry(agent->heartbeat);
}

/* Ended, but kept by its agent. */
static void
attach_to_kept(struct call *call, const struct id *id)
{
	const struct kept *kept = kept_find(call->hub, id);
	struct agent *agent = kept != NULL ? model_agent(&call->hub->model, &kept->agent) : NULL;

	if (agent == NULL)
		call_reply_message(call, 409, "the task has ended, and is not kept");
	else
		session_open(call, id, agent, kept->job);
}

static void
handle_attach(struct call *call)
{
	struct task *task;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return;
	task = model_task(&call->hub->model, &id);
	if (HASH_COUNT(call->hub->sessions) >= SESSIONS_MOST)
		call_reply_message(call, 503, "%d terminals are open at this hub: it takes no more",
				   SESSIONS_MOST);
	else if (task != NULL && task->agent == NULL && task->row.state != HUB_ENDED)
		call_reply_message(call, 409, "the task waits for an agent: there is nothing to attach to yet");
	else if (task == NULL || task->agent == NULL)
		attach_to_kept(call, &id);
	else if (!task->agent->knows_sessions)
		call_reply_message(call, 409, "agent '%s' has not said that it lets people in: it is of an older version, or has just connected",
				   task->agent->row.name);
	else
		session_open(call, &id, task->agent, task->job->row.name);
}

const struct route session_routes[] = {
	{"POST", "/api/runner/v1/tasks/{id}/attach", WHO_PERSON, handle_attach},
	{"POST", "/api/v3/runner/sessions/{id}", WHO_AGENT, handle_session},
	{NULL, NULL, WHO_ANYONE, NULL},
};
