/*
 * shelter.h - what an isolated task sees of this host, as a list for its runner-init.
 *
 * A task has a /tmp, /dev/shm, terminals and message queues of its own. What is this agent's
 * (state, data, caches, settings, tokens) and where the user's other programs listen is not there;
 * of the work directory there are its own part and the control socket. What every step needs stays
 * where it is: programs of PATH, mirrors, the directory that is checked out. The user's HOME is read-only, or
 * with "home: overlay" what is changed in it is the task's own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_SHELTER_H
#define AGENT_SHELTER_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct isolation;
struct work_dir;

/* What one task brings. */
struct shelter_task {
	struct work_dir *work;
	const char *source;    /* the directory it checks out from; NULL: none */
	uint64_t memory_bytes; /* its class's, and the most that its /dev/shm holds; 0: the kernel's default */
};

/* What this host has, the same for all tasks; borrowed for their life. */
struct shelter_host {
	const char *const *ours;    /* paths that no job may see; NULL-terminated, or NULL */
	const char *work_dir;	    /* of all tasks */
	const char *control_dir;    /* of the control socket; NULL: there is none */
	const char *mirrors;	    /* NULL: none */
	const char *search_path;    /* PATH of steps */
	const char *known_hosts;    /* NULL: none */
	const char *archiver, *helper; /* programs that steps start; NULL: there is none */
	const char *home;	    /* the user's; NULL: none that could be shown */
	const char *pasta;	    /* for network: outside; shelters_new() finds it */
	bool is_slots;		    /* it is of slots' users, and written by none of them as it is */
	bool overlays;		    /* this host lets us lay something over it */
};

/* The user's HOME, for shelter_host: absolute, there, neither "/" nor in /tmp; NULL else. */
const char *shelter_home(void);

/*
 * The list for one task in a sealed memfd; *fd is the caller's. With an overlay, work->upper and work->overlay
 * are there.
 * Fails: ERR_LIMIT, ERR_HOST.
 */
int shelter_seal(int *fd, const struct isolation *isolation, const struct shelter_host *host,
		 const struct shelter_task *task, struct err *err);

/* Is the task's HOME the user's own, by an overlay? */
bool shelter_has_overlay(const struct isolation *isolation, const struct shelter_host *host);

#endif
