/*
 * depot.h - what all spools of this host share: their part of tmpfs, and the disk beyond it.
 *
 * depot_new() -> spool_share() of each spool -> depot_sweep() once all tasks are recovered ->
 * depot_free(), after the spools.
 *
 * Segments that are not written any more are moved to the disk when more than half of the part of
 * tmpfs is used, and fetched back when their turn to be sent comes. The disk is touched by a child
 * only (doc/decisions/spool-disk.md): it may take as long as it likes. One order is under way at a
 * time, the most urgent next. A segment is unlinked from tmpfs when the child has said that it is
 * safely on the disk. Where the disk refuses it is said once, and tried again later; what is in
 * tmpfs stays there.
 *
 * On the disk, DIR/<agent's id>/<task's id>/ holds the segments of a task. DIR/<agent's id>/owner
 * names the run directory: where that knows the id no longer, its tasks are gone, and what they
 * left is deleted and told of.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_DEPOT_H
#define AGENT_DEPOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

struct depot;
struct err;
struct loop;
struct spool;

enum {
	DEPOT_LOADED_MOST = 8,	       /* segments fetched back that are not sent yet */
	DEPOT_FLOOR_BYTES = 256 << 10, /* so much of tmpfs every task may use whatever others do */
	DEPOT_CLOSE_BYTES = 64 << 10,  /* a segment so large is moved though it could grow on */
	DEPOT_RETRY_MS = 5000,	       /* after the disk has refused */
};

/* Texts are borrowed for depot_new() only, but program. */
struct depot_settings {
	const char *dir;     /* absolute; made if absent */
	const char *run_dir; /* absolute */
	struct id agent;
	int tasks_fd;	      /* tasks/ in the run directory; borrowed for the depot's life */
	const char *program;  /* runnerd: what runs the child */
	uint64_t memory_most; /* bytes in tmpfs */
	uint64_t most;	      /* bytes in tmpfs and on the disk */
};

/* Fails: ERR_HOST when the directory cannot be made. */
int depot_new(struct depot **out, struct loop *loop, const struct depot_settings *settings,
	      struct err *err);
void depot_free(struct depot *depot); /* NULL is fine */

/* Delete what is on the disk of tasks that have no spool. is_after_restart: of the host, which they ended with. */
void depot_sweep(struct depot *depot, bool is_after_restart);

/* For people and metrics. */
struct depot_use {
	uint64_t memory_bytes, memory_most_bytes; /* in tmpfs */
	uint64_t disk_bytes, most_bytes;	  /* on the disk; of both together */
	uint64_t stored_bytes, fetched_bytes;	  /* moved there and back since the start */
	bool failing;				  /* the disk refuses */
};

struct depot_use depot_use(const struct depot *depot);

/* --- for the spool -------------------------------------------------------------------------- */

void depot_join(struct depot *depot, struct spool *spool);
/* clear: nothing of it is wanted on the disk any more. */
void depot_leave(struct depot *depot, struct spool *spool, bool clear);
void depot_clear(struct depot *depot, const struct id *task);

/* So many bytes more (or less) are in tmpfs and on the disk. */
void depot_count(struct depot *depot, int64_t memory, int64_t disk);

/* May a spool that has so much in tmpfs write bytes more? */
bool depot_has_room(const struct depot *depot, uint64_t own_memory, uint64_t bytes);

/* Something is to be fetched or dropped: decide anew. */
void depot_want(struct depot *depot);

/* Descriptor of DIR/<agent's id>. */
int depot_dir_fd(const struct depot *depot);

#endif
