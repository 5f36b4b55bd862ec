/*
 * depot_dir.h - the spool's directory on the disk: ours, and those of agents that are no more.
 *
 * Private to the depot. Used before the loop runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_DEPOT_DIR_H
#define AGENT_DEPOT_DIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/id.h"

struct err;

struct depot_dir {
	char *path;
	int fd;	      /* of the directory */
	int agent_fd; /* of ours in it; holds a shared lock */
};

#define DEPOT_DIR_INIT                                                                             \
	{                                                                                          \
		.fd = -1, .agent_fd = -1                                                           \
	}

/* Make what is missing, and say in it whose it is. Fails: ERR_HOST. */
int depot_dir_open(struct depot_dir *dir, const char *path, const struct id *agent,
		   const char *run_dir, struct err *err);
void depot_dir_release(struct depot_dir *dir);

/*
 * Who used run_dir before it was lost with the host's restart: the agent whose output lies below path under that
 * directory's name, and that nobody is now. False: none is known.
 */
bool depot_dir_find_earlier(const char *path, const char *run_dir, struct id *agent);

/*
 * Ids of agents that no run directory knows and no process holds; the caller frees *ids. *held:
 * how many are not known but held, as by a child that is about to end.
 */
int depot_dir_list_dead(const struct depot_dir *dir, const struct id *agent, struct id **ids,
			size_t *count, size_t *held, struct err *err);

/* Names in a directory that are ids; the caller frees *ids. */
int depot_dir_list_ids(int fd, struct id **ids, size_t *count, struct err *err);

#endif
