/*
 * hub.h - the program's one object: what serve.c makes and handlers are given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_HUB_H
#define HUB_HUB_H

#include "hub/key.h"
#include "hub/model.h"
#include "hub/settings.h"

struct blobs;
struct frame_reader;
struct h1_server;
struct http_server;
struct keep_order;
struct kept;
struct loop;
struct oidc;
struct session;
struct store;
struct sweeper;
struct timetable;
struct worker;

struct hub {
	struct loop *loop;
	struct store *store;
	struct model model;
	struct settings settings; /* is_private is settings.is_private */
	struct hub_key key;	  /* signs task tokens */
	struct http_server *server;
	struct worker *compiler;  /* launch.h */
	struct worker *searchers; /* api/search.h */
	struct worker *inspector; /* looks at output that comes: api/agent_output.c */
	struct frame_reader *inspector_reader;
	struct sweeper *sweeper;
	struct h1_server *metrics; /* NULL: not asked for */
	int64_t started_ms;
	bool is_ending; /* no new requests are taken */
	unsigned revivals;	  /* pipelines on their way from the store into the model */
	unsigned searches;	  /* under way */
	unsigned readers;	  /* of output: api/output_stream.h */
	struct oidc *oidc; /* NULL: no tokens for jobs are made */
	struct blobs *blobs;	  /* blobs.h */
	struct session *sessions; /* of people, by id: api/sessions.h */
	struct kept *kept;	  /* by task: api/kept.h */
	struct keep_order *keep_orders;
	unsigned blob_writers;	  /* requests that bring bytes of them */
	struct timetable *timetables;
	struct timer timetable_clock;
};

#endif
