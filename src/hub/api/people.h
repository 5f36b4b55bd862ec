/*
 * people.h - what all handlers for people need: slugs, pages, limits, a read of the store.
 *
 * Reads go to the store also for what is active, so that nobody is told what a crash could
 * take back; why a job waits is the model's alone to say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_PEOPLE_H
#define HUB_API_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hub/api/router.h"
#include "hub/rows.h"
#include "hub/store/store.h"

struct json;

enum {
	PEOPLE_SLUG_BYTES = 200,
	PEOPLE_PAGE = 50,	 /* rows of a page, a list without a limit */
	PEOPLE_LIST_MOST = 1000, /* "limit" at most */
};

extern const struct route people_v2_routes[];
extern const struct route people_run_routes[];
extern const struct route people_rerun_routes[];
extern const struct route people_continue_routes[];
extern const struct route people_job_routes[];
extern const struct route people_why_routes[];
extern const struct route people_agent_routes[];
extern const struct route artifact_routes[];
extern const struct route kept_routes[];
extern const struct route people_test_routes[];
extern const struct route test_history_routes[];
extern const struct route context_routes[];
extern const struct route oidc_routes[];
extern const struct route orb_routes[];
extern const struct route project_routes[];
extern const struct route schedule_routes[];
extern const struct route ssh_key_routes[];
extern const struct route storage_routes[];
extern const struct route runner_class_routes[];
extern const struct route watch_routes[];
extern const struct route output_routes[];
extern const struct route search_routes[];

/*
 * A slug in the form the hub keeps: "gh/org/repo", "github/" shortened. False, and the reply (400) is sent, when
 * text is NULL or none.
 */
bool people_slug(struct call *call, const char *text, char room[PEOPLE_SLUG_BYTES]);

/* The project of that slug. NULL, and the reply (400, 404) is sent, when there is none. */
struct project *people_project(struct call *call, const char *text);

/* A number in the query. False, and the reply (400) is sent, when it is none or above most. */
bool people_number(struct call *call, const char *name, int64_t absent, int64_t most, int64_t *out);
/* An id in the query; *has says whether it is there. False, and the reply (400) is sent, when it is none. */
bool people_id(struct call *call, const char *name, bool *has, struct id *out);

/* {"items", "next_page_token"}; next below 0: it is the last page. Takes items. */
struct json *people_page(struct json *items, int64_t next);

/* Begin a list; on_rows(call, op) answers. */
struct store_op *people_list(enum store_op_kind kind, size_t limit);
/* Begin the read of the one row that has this id. */
struct store_op *people_one(enum store_op_kind kind, const struct id *id);
void people_read(struct call *call, struct store_op *op, store_done_fn *on_rows);

/* Read the job whose id is the route's first variable; refused (400) where that is none. */
void people_read_job(struct call *call, store_done_fn *on_rows);

void people_not_found(struct call *call, const char *what);
/* Whether a read has found its row. False, and the reply (404) is sent, when not. */
bool people_found(struct call *call, const struct store_op *op, const char *what);

/* Why an active job waits, or NULL. */
const char *people_waiting(struct call *call, const struct id *job);

/* {"message": text} */
struct json *people_message(const char *text);

#endif
