/*
 * fakehub.h - what the parts of the scripted control plane share.
 *
 * fakehub.c answers requests and keeps tasks; fakehub_script.c reads the script.
 * The script language is described at the top of fakehub_script.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef T_FAKEHUB_H
#define T_FAKEHUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

struct err;
struct hub;
struct json;

enum { NAME_BYTES = 64, TOKENS_MOST = 16 };

enum kind { KIND_CLAIM, KIND_HEARTBEAT, KIND_EVENTS, KIND_OUTPUT, KIND_UNCLAIM, KIND_COUNT };

enum action {
	ACTION_NONE,
	ACTION_STATUS, /* answer with a status, do nothing */
	ACTION_BODY,   /* answer 200 with a text, do nothing */
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
void hub_drop(struct hub *hub);
void hub_set_protocol(struct hub *hub, unsigned version);
void hub_set_discard(struct hub *hub);
void hub_log_stats(struct hub *hub);
/* The id that stands for a name. */
void hub_name_id(const char *name, struct id *id);

/* --- fakehub_script.c --- */
/* Run one line. Fails: ERR_INPUT. */
int script_line(struct hub *hub, const char *line, struct err *err);

#endif
