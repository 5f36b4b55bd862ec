/*
 * downloads.c - which processes of jobs wait for which archive of the hub.
 *
 * A want is one thing that is asked for, with those that ask. When it is over it stays until all of
 * them have been told; who asks later makes a new one, since the hub may have it by then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/downloads.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "agent/control.h"
#include "agent/waiters.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/loop.h"

struct asker {
	pid_t pid;
	struct asker *next;
};

struct want {
	struct downloads *downloads;
	struct caches *caches;
	char *project, *name;
	bool is_prefix;
	struct download *download; /* NULL: it is over */
	enum download_end end;
	char why[DOWNLOADS_WHY_BYTES];
	uint64_t ended_us;
	struct asker *askers;
	struct waiters waiters;
	struct want *prev, *next;
};

struct downloads {
	struct loop *loop;
	struct hub_link *link;
	struct want *wants;
	unsigned active;
};

void
downloads_new(struct downloads **out, struct loop *loop, struct hub_link *link)
{
	*out = MEM_NEW(struct downloads);
	(*out)->loop = loop;
	(*out)->link = link;
}

static void
want_free(struct want *want)
{
	struct asker *asker, *next;

	if (want->download != NULL)
		want->downloads->active--;
	download_cancel(want->download);
	DL_DELETE(want->downloads->wants, want);
	LL_FOREACH_SAFE(want->askers, asker, next)
	free(asker);
	waiters_release(&want->waiters);
	free(want->project);
	free(want->name);
	free(want);
}

void
downloads_free(struct downloads *downloads)
{
	if (downloads == NULL)
		return;
	while (downloads->wants != NULL)
		want_free(downloads->wants);
	free(downloads);
}

void
downloads_want(struct downloads *downloads)
{
	struct want *want;

	DL_FOREACH (downloads->wants, want)
		if (want->download != NULL)
			download_want(want->download);
}

/* --- who asks for what ----------------------------------------------------------------------- */

static bool
is_same(const struct want *want, const struct download_spec *spec)
{
	return want->caches == spec->caches && want->is_prefix == spec->is_prefix &&
	       text_eq(want->name, spec->name) && text_eq(want->project, spec->project);
}

static struct asker *
find_asker(const struct want *want, pid_t pid)
{
	struct asker *asker;

	LL_SEARCH_SCALAR(want->askers, asker, pid, pid);
	return asker;
}

/* The one it waits for, else one that is under way. */
static struct want *
find_want(const struct downloads *downloads, const struct download_spec *spec, pid_t pid)
{
	struct want *want, *active = NULL;

	DL_FOREACH (downloads->wants, want) {
		if (!is_same(want, spec))
			continue;
		if (find_asker(want, pid) != NULL)
			return want;
		if (want->download != NULL)
			active = want;
	}
	return active;
}

static void
add_asker(struct want *want, pid_t pid)
{
	struct asker *asker;

	if (find_asker(want, pid) != NULL)
		return;
	asker = MEM_NEW(struct asker);
	asker->pid = pid;
	LL_PREPEND(want->askers, asker);
}

/* The last that is told takes the want with it. */
static void
drop_asker(struct want *want, pid_t pid)
{
	struct asker *asker = find_asker(want, pid);

	LL_DELETE(want->askers, asker);
	free(asker);
	if (want->askers == NULL)
		want_free(want);
}

/* Those that were killed never come. */
static void
drop_old(struct downloads *downloads)
{
	uint64_t now_us = loop_now_us(downloads->loop);
	struct want *want, *next;

	DL_FOREACH_SAFE (downloads->wants, want, next)
		if (want->download == NULL &&
		    now_us - want->ended_us > (uint64_t)DOWNLOADS_KEPT_MS * 1000)
			want_free(want);
}

/* --- one is over ----------------------------------------------------------------------------- */

static void
on_end(void *arg, enum download_end end, const char *why)
{
	struct want *want = arg;

	want->download = NULL;
	want->downloads->active--;
	want->end = end;
	want->ended_us = loop_now_us(want->downloads->loop);
	(void)snprintf(want->why, sizeof(want->why), "%s", why != NULL ? why : "");
	waiters_wake(&want->waiters);
	if (end == DOWNLOAD_AGAIN)
		want_free(want); /* who still waits begins anew, with its own token */
}

static struct want *
begin(struct downloads *downloads, const struct download_spec *spec)
{
	struct want *want = MEM_NEW(struct want);

	want->downloads = downloads;
	want->caches = spec->caches;
	want->project = mem_strdup(spec->project);
	want->name = mem_strdup(spec->name);
	want->is_prefix = spec->is_prefix;
	DL_APPEND(downloads->wants, want);
	downloads->active++;
	download_start(&want->download, downloads->loop, downloads->link, spec, on_end, want);
	return want;
}

bool
downloads_ask(struct downloads *downloads, const struct download_spec *spec,
	      const struct control_request *request, struct control_reply *reply,
	      enum download_end *end, char why[DOWNLOADS_WHY_BYTES])
{
	struct want *want;

	drop_old(downloads);
	want = find_want(downloads, spec, request->pid);
	if (want != NULL && want->download == NULL) {
		*end = want->end;
		(void)snprintf(why, DOWNLOADS_WHY_BYTES, "%s", want->why);
		drop_asker(want, request->pid);
		return true;
	}
	if (want == NULL && downloads->active < DOWNLOADS_AT_ONCE)
		want = begin(downloads, spec);
	(void)snprintf(reply->text, sizeof(reply->text), "wait");
	if (want != NULL) {
		add_asker(want, request->pid);
		waiters_hold(&want->waiters, request, reply);
	}
	return false;
}
