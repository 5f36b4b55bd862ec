/*
 * fakehub.h - what the parts of the scripted control plane share.
 *
 * fakehub.c answers requests; fakehub_tasks.c keeps tasks; fakehub_script.c reads the script.
 * The script language is described at the top of fakehub_script.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef T_FAKEHUB_H
#define T_FAKEHUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "base/buffer.h"
#include "base/id.h"
#include "loop/loop.h"

struct err;
struct frame_reader;
struct http_request;
struct http_server;
struct hub;
struct json;

enum { NAME_BYTES = 64, TOKENS_MOST = 16, ATTEMPTS_MOST = 8, STEPS_MOST = 1000 };

enum kind { KIND_CLAIM, KIND_HEARTBEAT, KIND_EVENTS, KIND_OUTPUT, KIND_UNCLAIM, KIND_COUNT };

enum action {
	ACTION_NONE,
	ACTION_STATUS, /* answer with a status, do nothing */
	ACTION_BODY,   /* answer 200 with a text, do nothing */
	ACTION_CUT,    /* begin to answer 200 with a text, then reset the stream; do nothing */
	ACTION_FLOOD,  /* answer 200 with so many MiB of blanks, 0: without an end; do nothing */
	ACTION_LOSE,   /* do it, then reset the stream instead of answering */
	ACTION_DROP,   /* do nothing and close every connection */
	ACTION_DELAY,  /* do it, answer later */
	ACTION_DOWN,   /* do it, then be away for a while */
	ACTION_SAY,    /* run a script line first, then go on as usual */
};

struct rule {
	enum kind kind;
	unsigned from, to; /* which requests of the kind, counted from 1 */
	enum action action;
	unsigned number; /* status, milliseconds */
	char *text;	 /* body, script line */
	struct rule *next;
};

enum task_place { PLACE_QUEUED, PLACE_LEASED, PLACE_ENDED };

struct task {
	char name[NAME_BYTES];
	struct id id;
	char id_text[ID_TEXT_BYTES];
	struct json *doc;
	enum task_place place;
	struct id claim; /* that took it */
	int64_t epoch;
	uint32_t seq;	   /* last event stored */
	uint64_t *offsets; /* of the output of each attempt of each step */
	size_t stream_count;
	unsigned batch; /* the last request that had output of it */
	bool canceled, told, gone;
	struct task *next; /* in the order they were added */
	UT_hash_handle hh, hh_name;
};

/* A request that is answered later. */
struct held {
	struct hub *hub;
	struct http_request *req;
	enum kind kind;
	struct json *body;
	struct buffer reply; /* made already: it is only delayed */
	bool made;
	enum action action;
	struct timer timer;
	struct held *next, **prev;
};

struct hub {
	struct loop *loop;
	struct http_server *server;
	const char *address, *dir, *control;
	struct task *by_id, *by_name, *first, **last;
	struct rule *rules;
	struct held *held;
	char *tokens[TOKENS_MOST];
	unsigned token_count;
	unsigned protocol;
	unsigned counts[KIND_COUNT];
	unsigned tasks, ended, repeated_events, repeated_records, gaps;
	uint64_t first_claim_us;
	bool discard;
	unsigned down_ms; /* 0: only drop the connections */
	struct later restart;
	struct timer back;
	struct frame_reader *reader;
	struct watch control_watch;
	int control_fd;
	struct buffer control_line;
	struct signal_watch term, interrupt;
};

extern const char *const kind_names[KIND_COUNT];

/* --- what a script line may do to the hub (fakehub.c) --- */
/* Owns: doc. The task can be claimed from the next turn on. Fails: ERR_INPUT. */
int hub_add_task(struct hub *hub, const char *name, struct json *doc, struct err *err);
/* The document of a task not claimed yet, to change. NULL when there is none. */
struct json *hub_task_doc(struct hub *hub, const char *name);
int hub_cancel_task(struct hub *hub, const char *name, struct err *err);
int hub_take_task(struct hub *hub, const char *name, struct err *err);
void hub_add_rule(struct hub *hub, struct rule *rule);
void hub_add_token(struct hub *hub, const char *token);
void hub_go_down(struct hub *hub, unsigned ms);
void hub_come_back(struct hub *hub);
void hub_drop(struct hub *hub);
void hub_set_protocol(struct hub *hub, unsigned version);
void hub_set_discard(struct hub *hub);
void hub_log_stats(struct hub *hub);
/* The id that stands for a name. */
void hub_name_id(const char *name, struct id *id);

/* --- between fakehub.c and fakehub_tasks.c --- */
struct task *hub_find_task(struct hub *hub, const char *id_text); /* NULL when there is none */
/* Make the reply's body. The first says how many tasks are given, the second whether there is news.
 */
unsigned hub_make_claim(struct hub *hub, const struct json *body, struct buffer *reply);
bool hub_make_heartbeat(struct hub *hub, const struct json *body, struct buffer *reply);
void hub_make_events(struct hub *hub, const struct json *body, struct buffer *reply);
void hub_make_output(struct hub *hub, const unsigned char *bytes, size_t len, struct buffer *reply);
/* Answer the held requests that can be answered now. */
void hub_want_claims(struct hub *hub);
void hub_want_heartbeats(struct hub *hub);
void hub_release_tasks(struct hub *hub);

/* --- fakehub_script.c --- */
/* Run one line. Fails: ERR_INPUT. */
int script_line(struct hub *hub, const char *line, struct err *err);

#endif
