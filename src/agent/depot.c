/*
 * depot.c - what all spools of this host share: their part of tmpfs, and the disk beyond it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/depot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "agent/depot_child.h"
#include "agent/depot_dir.h"
#include "agent/spool.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/child.h"
#include "loop/loop.h"
#include "wire/packet.h"

enum { DEPOT_MAGIC = 0x64657074, DEPOT_LOOKS = 4 };

/* What is left on the disk of a task, or of another agent, that is no more. */
struct leftover {
	struct leftover *next;
	enum depot_verb verb; /* DEPOT_CLEAR, DEPOT_REMOVE */
	struct id id;
	bool is_lost; /* the hub has not had it */
};

struct depot {
	uint32_t magic;
	struct loop *loop;
	struct depot_dir dir;
	struct id agent;
	int tasks_fd;
	const char *program;
	struct depot_use use;
	struct spool *spools;
	struct leftover *leftovers;

	struct child child;
	int socket; /* -1: there is no child */
	struct watch watch;
	bool busy;		  /* an order is under way */
	struct depot_order order; /* the one */
	struct spool *spool;	  /* of which spool; NULL: it is no more, or the order is of none */
	struct leftover *leftover;
	int memfd; /* that is being filled */

	struct later later; /* decide */
	struct later room;  /* tell who waits for room */
	struct timer retry;
	struct timer look; /* for what dead agents left */
	unsigned looks;
	bool waits;		/* for retry: the child cannot be started, or had no memory */
	bool store_waits;	/* for retry: the disk has refused; reading what it has goes on */
	enum depot_verb failed; /* what was tried in vain */
};

/* --- what is to be done --------------------------------------------------------------------- */

/* The spool whose segment is to be fetched, the one that has waited longest. */
static struct spool *
pick_fetch(struct depot *depot)
{
	struct spool *spool, *first = NULL;
	unsigned loaded = 0;

	DL_FOREACH (depot->spools, spool) {
		loaded += spool_is_loaded(spool) ? 1 : 0;
		if (first == NULL && spool_wanted(spool) != 0)
			first = spool;
	}
	return loaded < DEPOT_LOADED_MOST ? first : NULL;
}

static struct spool *
pick_drop(struct depot *depot)
{
	struct spool *spool;

	DL_FOREACH (depot->spools, spool) {
		if (spool->drop_end > spool->drop_from)
			return spool;
	}
	return NULL;
}

/* The one that has most in tmpfs; none while there is enough of it. */
static struct spool *
pick_store(struct depot *depot)
{
	struct spool *spool, *most = NULL;

	if (depot->use.memory_bytes <= depot->use.memory_most_bytes / 2 || depot->store_waits)
		return NULL;
	DL_FOREACH (depot->spools, spool) {
		if (spool_movable(spool) != 0 &&
		    (most == NULL || spool->bytes - spool->stored > most->bytes - most->stored))
			most = spool;
	}
	return most;
}

static bool
decide(struct depot *depot)
{
	struct depot_order *order = &depot->order;

	memset(order, 0, sizeof(*order));
	depot->leftover = NULL;
	if ((depot->spool = pick_fetch(depot)) != NULL) {
		order->verb = DEPOT_FETCH;
		order->number = spool_wanted(depot->spool);
	} else if ((depot->spool = pick_drop(depot)) != NULL) {
		order->verb = DEPOT_DROP;
		order->number = depot->spool->drop_from;
		order->end = depot->spool->drop_end;
	} else if ((depot->spool = pick_store(depot)) != NULL) {
		order->verb = DEPOT_STORE;
		order->number = spool_movable(depot->spool);
	} else if ((depot->leftover = depot->leftovers) != NULL) {
		order->verb = depot->leftover->verb;
		order->task = depot->leftover->id;
		return true;
	} else {
		return false;
	}
	order->task = depot->spool->task;
	return true;
}

/* --- the child ------------------------------------------------------------------------------- */

static void on_answer(void *arg, unsigned events);
static void on_child_exit(void *arg, int status, const struct rusage *usage);

static void
end_child(struct depot *depot)
{
	watch_stop(&depot->watch);
	if (depot->socket >= 0)
		(void)close(depot->socket);
	depot->socket = -1;
	child_release(&depot->child);
}

static int
start_child(struct depot *depot, struct err *err)
{
	char name[] = "runnerd", argument[] = DEPOT_CHILD_ARGUMENT;
	char *const argv[] = {name, argument, NULL};
	struct child_fd fds[] = {{-1, DEPOT_SOCKET_FD},
				 {depot->tasks_fd, DEPOT_TASKS_FD},
				 {depot->dir.agent_fd, DEPOT_AGENT_FD},
				 {depot->dir.fd, DEPOT_DIR_FD},
				 {STDERR_FILENO, STDERR_FILENO}};
	const struct child_spec spec = {.path = depot->program,
					.argv = argv,
					.fds = fds,
					.fd_count = sizeof(fds) / sizeof(fds[0]),
					.flags = CHILD_NEW_SESSION | CHILD_DIES_WITH_US};
	int ends[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return err_sys(err, "cannot make a socket for the spool's child");
	fds[0].from = ends[1];
	depot->socket = ends[0];
	rc = child_start(&depot->child, depot->loop, &spec, on_child_exit, depot, err);
	(void)close(ends[1]);
	if (rc == 0)
		rc = watch_start(&depot->watch, depot->loop, depot->socket, WATCH_READ, on_answer,
				 depot, err);
	if (rc < 0)
		end_child(depot);
	return rc;
}

static const char child_has_ended[] = "the process that writes there has ended";

static int
send_order(struct depot *depot, struct err *err)
{
	const struct iovec piece = {&depot->order, sizeof(depot->order)};
	size_t fd_count = 0;

	if (depot->order.verb == DEPOT_FETCH) {
		depot->memfd = memfd_create("spool", MFD_CLOEXEC);
		if (depot->memfd < 0)
			return err_sys(err, "cannot make room for a segment of a spool");
		fd_count = 1;
	}
	if (packet_send(depot->socket, &piece, &depot->memfd, fd_count, MSG_DONTWAIT) < 0) {
		/* Seen here before the loop tells of its end. */
		if (errno == EPIPE || errno == ECONNRESET)
			return err_set(err, ERR_AGAIN, "%s", child_has_ended);
		return err_sys(err, "cannot give the spool's child an order");
	}
	return 0;
}

/* Told once, until it has worked again. What is only deleted in vain keeps nobody from reading. */
static void
back_off(struct depot *depot, const char *what, const char *why)
{
	char size[24];

	if (!depot->use.failing)
		log_error("cannot %s the spool's directory '%s': %s; output stays in memory, and "
			  "tasks that print wait when %s of it are full; trying again every %d s",
			  what, depot->dir.path, why,
			  text_bytes(size, depot->use.memory_most_bytes), DEPOT_RETRY_MS / 1000);
	depot->use.failing = true;
	depot->failed = depot->order.verb;
	depot->store_waits = true;
	depot->waits = depot->socket < 0 || depot->order.verb == DEPOT_FETCH;
	timer_start_ms(&depot->retry, DEPOT_RETRY_MS);
}

static void
end_order(struct depot *depot)
{
	depot->busy = false;
	depot->spool = NULL;
	if (depot->memfd >= 0)
		(void)close(depot->memfd);
	depot->memfd = -1;
}

static void
on_decide(void *arg)
{
	struct depot *depot = arg;
	struct err err = ERR_INIT;
	int rc = 0;

	OBJ_CHECK(depot, DEPOT_MAGIC);
	if (depot->busy || depot->waits || !decide(depot))
		return;
	if (depot->socket < 0)
		rc = start_child(depot, &err);
	if (rc == 0)
		rc = send_order(depot, &err);
	if (rc < 0) {
		end_order(depot);
		back_off(depot, "use", err.text);
		return;
	}
	depot->busy = true;
	if (depot->order.verb == DEPOT_STORE)
		spool_moving(depot->spool, depot->order.number, true);
}

void
depot_want(struct depot *depot)
{
	later_want(&depot->later);
}

static void
on_retry(void *arg)
{
	struct depot *depot = arg;

	depot->store_waits = depot->waits = false;
	depot_want(depot);
}

/* --- what became of it ------------------------------------------------------------------------ */

static void
note_leftover(struct depot *depot, const struct depot_answer *answer)
{
	struct leftover *leftover = depot->leftover;
	char size[24];
	const unsigned others = leftover->verb == DEPOT_REMOVE; /* the name of its run directory */

	if (leftover->is_lost && answer->count > others)
		log_warn("deleted %s of output in '%s': its tasks ended with the host, or with "
			 "their run directory, before the hub had it",
			 text_bytes(size, answer->bytes), depot->dir.path);
	LL_DELETE(depot->leftovers, leftover);
	free(leftover);
	depot->leftover = NULL;
}

static void
note_done(struct depot *depot, const struct depot_answer *answer)
{
	struct spool *spool = depot->spool;

	switch (depot->order.verb) {
	case DEPOT_STORE:
		depot->use.stored_bytes += answer->bytes;
		if (spool != NULL)
			spool_moved(spool, depot->order.number, answer->bytes);
		else
			depot_clear(depot, &depot->order.task);
		break;
	case DEPOT_FETCH:
		depot->use.fetched_bytes += answer->bytes;
		if (spool != NULL) {
			spool_fetched(spool, depot->order.number, depot->memfd, answer->bytes);
			depot->memfd = -1;
			/* Behind those that wait as well. */
			DL_DELETE(depot->spools, spool);
			DL_APPEND(depot->spools, spool);
		}
		break;
	case DEPOT_DROP:
		if (spool != NULL && spool->drop_from < depot->order.end)
			spool->drop_from = depot->order.end;
		break;
	case DEPOT_CLEAR:
	case DEPOT_REMOVE:
		note_leftover(depot, answer);
		break;
	}
}

static void
note_failed(struct depot *depot, int sys)
{
	struct spool *spool = depot->spool;

	if (depot->order.verb == DEPOT_STORE && spool != NULL)
		spool_moving(spool, depot->order.number, false);
	/* What cannot be read now will not be later; the task's end is the one that is told. */
	if (depot->order.verb == DEPOT_FETCH && spool != NULL && sys != ENOMEM && sys != ENOSPC) {
		spool_lost(spool, sys);
		return;
	}
	if (depot->order.verb == DEPOT_STORE && sys == ENOENT)
		return; /* it was trimmed meanwhile */
	/* It stays until all of the task is deleted: reading what follows is worth more. */
	if (depot->order.verb == DEPOT_DROP && spool != NULL && spool->drop_from < depot->order.end)
		spool->drop_from = depot->order.end;
	if (depot->leftover != NULL) { /* once is enough: the next start looks again */
		LL_DELETE(depot->leftovers, depot->leftover);
		free(depot->leftover);
		depot->leftover = NULL;
	}
	back_off(depot, depot->order.verb == DEPOT_FETCH ? "read" : "write to", strerror(sys));
}

static void
on_answer(void *arg, unsigned events)
{
	struct depot *depot = arg;
	struct depot_answer answer;
	ssize_t n = recv(depot->socket, &answer, sizeof(answer), MSG_DONTWAIT);

	(void)events;
	OBJ_CHECK(depot, DEPOT_MAGIC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != (ssize_t)sizeof(answer) || !depot->busy) {
		watch_stop(&depot->watch); /* its end is told by on_child_exit */
		return;
	}
	if (answer.sys == 0) {
		if (depot->use.failing && depot->failed == depot->order.verb) {
			log_info("the spool's directory '%s' works again", depot->dir.path);
			depot->use.failing = false;
		}
		note_done(depot, &answer);
	} else {
		note_failed(depot, answer.sys);
	}
	end_order(depot);
	depot_want(depot);
}

static void
on_child_exit(void *arg, int status, const struct rusage *usage)
{
	struct depot *depot = arg;

	(void)status;
	(void)usage;
	OBJ_CHECK(depot, DEPOT_MAGIC);
	end_child(depot);
	if (depot->busy && depot->order.verb == DEPOT_STORE && depot->spool != NULL)
		spool_moving(depot->spool, depot->order.number, false);
	end_order(depot);
	back_off(depot, "use", child_has_ended);
}

/* --- spools ------------------------------------------------------------------------------------
 */

void
depot_join(struct depot *depot, struct spool *spool)
{
	OBJ_CHECK(depot, DEPOT_MAGIC);
	DL_APPEND(depot->spools, spool);
}

static void
add_leftover(struct depot *depot, enum depot_verb verb, const struct id *id, bool is_lost)
{
	struct leftover *leftover = MEM_NEW(struct leftover);

	leftover->verb = verb;
	leftover->id = *id;
	leftover->is_lost = is_lost;
	LL_APPEND(depot->leftovers, leftover);
	depot_want(depot);
}

void
depot_clear(struct depot *depot, const struct id *task)
{
	OBJ_CHECK(depot, DEPOT_MAGIC);
	add_leftover(depot, DEPOT_CLEAR, task, false);
}

void
depot_leave(struct depot *depot, struct spool *spool, bool clear)
{
	OBJ_CHECK(depot, DEPOT_MAGIC);
	DL_DELETE(depot->spools, spool);
	if (depot->spool == spool)
		depot->spool = NULL;
	if (clear)
		depot_clear(depot, &spool->task);
}

static void
on_room(void *arg)
{
	struct depot *depot = arg;
	struct spool *spool;

	OBJ_CHECK(depot, DEPOT_MAGIC);
	DL_FOREACH (depot->spools, spool) {
		spool_look_for_room(spool);
	}
}

void
depot_count(struct depot *depot, int64_t memory, int64_t disk)
{
	depot->use.memory_bytes += (uint64_t)memory;
	depot->use.disk_bytes += (uint64_t)disk;
	if (memory < 0 || disk < 0)
		later_want(&depot->room);
	if (depot->use.memory_bytes > depot->use.memory_most_bytes / 2)
		depot_want(depot);
}

bool
depot_has_room(const struct depot *depot, uint64_t own_memory, uint64_t bytes)
{
	const struct depot_use *use = &depot->use;

	if (use->memory_bytes + use->disk_bytes + bytes > use->most_bytes)
		return false;
	return use->memory_bytes + bytes <= use->memory_most_bytes ||
	       own_memory + bytes <= DEPOT_FLOOR_BYTES;
}

int
depot_dir_fd(const struct depot *depot)
{
	return depot->dir.agent_fd;
}

struct depot_use
depot_use(const struct depot *depot)
{
	return depot->use;
}

/* --- life --------------------------------------------------------------------------------------
 */

/* Again a few times where a child of a runnerd that was killed may hold on for a moment. */
static void
on_look(void *arg)
{
	struct depot *depot = arg;
	struct err err = ERR_INIT;
	struct id *ids;
	size_t count, held, i;

	OBJ_CHECK(depot, DEPOT_MAGIC);
	if (depot_dir_list_dead(&depot->dir, &depot->agent, &ids, &count, &held, &err) < 0)
		log_warn("%s", err.text);
	if (held > 0 && ++depot->looks < DEPOT_LOOKS)
		timer_start_ms(&depot->look, DEPOT_RETRY_MS);
	for (i = 0; i < count; i++)
		add_leftover(depot, DEPOT_REMOVE, &ids[i], true);
	free(ids);
}

int
depot_new(struct depot **out, struct loop *loop, const struct depot_settings *settings,
	  struct err *err)
{
	struct depot *depot = MEM_NEW(struct depot);

	depot->magic = DEPOT_MAGIC;
	depot->loop = loop;
	depot->agent = settings->agent;
	depot->tasks_fd = settings->tasks_fd;
	depot->program = settings->program;
	depot->use.memory_most_bytes = settings->memory_most;
	depot->use.most_bytes = settings->most;
	depot->socket = depot->memfd = -1;
	depot->child = (struct child)CHILD_INIT;
	if (depot_dir_open(&depot->dir, settings->dir, &settings->agent, settings->run_dir, err) <
	    0) {
		free(depot);
		return err->code;
	}
	later_init(&depot->later, loop, on_decide, depot);
	later_init(&depot->room, loop, on_room, depot);
	timer_init(&depot->retry, loop, on_retry, depot);
	timer_init(&depot->look, loop, on_look, depot);
	on_look(depot);
	*out = depot;
	return 0;
}

static bool
has_spool(const struct depot *depot, const struct id *task)
{
	const struct spool *spool;

	DL_FOREACH (depot->spools, spool) {
		if (id_eq(&spool->task, task))
			return true;
	}
	return false;
}

void
depot_sweep(struct depot *depot, bool is_after_restart)
{
	struct err err = ERR_INIT;
	struct id *ids;
	size_t count, i;

	OBJ_CHECK(depot, DEPOT_MAGIC);
	if (depot_dir_list_ids(depot->dir.agent_fd, &ids, &count, &err) < 0)
		log_warn("%s", err.text);
	for (i = 0; i < count; i++)
		if (!has_spool(depot, &ids[i]))
			add_leftover(depot, DEPOT_CLEAR, &ids[i], is_after_restart);
	free(ids);
}

void
depot_free(struct depot *depot)
{
	struct leftover *leftover, *next;

	if (depot == NULL)
		return;
	OBJ_CHECK(depot, DEPOT_MAGIC);
	assert(depot->spools == NULL);
	end_order(depot);
	end_child(depot);
	LL_FOREACH_SAFE(depot->leftovers, leftover, next)
	{
		free(leftover);
	}
	later_release(&depot->later);
	later_release(&depot->room);
	timer_release(&depot->retry);
	timer_release(&depot->look);
	depot_dir_release(&depot->dir);
	OBJ_WIPE(depot);
	free(depot);
}
