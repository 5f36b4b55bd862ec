/*
 * isolation.h - how far jobs are kept from the host and from one another: a host's, or a class's.
 *
 * Plain settings, of runnerd.yaml and --isolation. isolations_init() -> isolation_set(),
 * isolation_add() on the host's and on isolations_add() of each class -> isolations_settle() ->
 * isolations_of() -> isolations_release(). What becomes of them: filter.h (system calls), shelter.h
 * (what a task sees), executors/host.h (namespaces).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_ISOLATION_H
#define AGENT_ISOLATION_H

#include <stdbool.h>

#include "agent/slots.h"

struct err;

enum {
	ISOLATION_PATHS_MOST = 16, /* of each kind */
	ISOLATION_PATH_BYTES = 4096,
};

/* X(NAME, "word"): the value of runnerd.yaml */
#define ISOLATION_LEVELS(X)                                                                        \
	X(AUTO, "auto") /* the strongest that the host has */                                      \
	X(NONE, "none")                                                                            \
	X(USER, "user") /* one for each slot: where root has started us */                         \
	X(NAMESPACE, "namespace")

enum isolation_level {
#define X(NAME, word) ISOLATION_##NAME,
	ISOLATION_LEVELS(X)
#undef X
};

enum isolation_home {
	ISOLATION_HOME_PRIVATE, /* an empty directory of the task's own */
	ISOLATION_HOME_OVERLAY, /* the user's own; what is changed there is the task's alone */
};

enum isolation_network {
	ISOLATION_NETWORK_HOST,
	ISOLATION_NETWORK_NONE,    /* loopback alone, of the task's own */
	ISOLATION_NETWORK_OUTSIDE, /* of the task's own, with a way outside */
};

enum isolation_metadata {
	ISOLATION_METADATA_UNSAID, /* blocked where this host can: metadata_wall.h */
	ISOLATION_METADATA_BLOCK,
	ISOLATION_METADATA_ALLOW,
};

struct isolation {
	enum isolation_level level;
	enum isolation_home home;
	enum isolation_network network;
	enum isolation_metadata metadata;
	bool level_said;       /* a class that does not has the host's */
	bool keeps_privileges; /* sudo works: neither no_new_privs nor the filter */
	char *read_only[ISOLATION_PATHS_MOST], *hidden[ISOLATION_PATHS_MOST];
	unsigned read_only_count, hidden_count;
};

/* Of the host, and of those classes that have one of their own. */
struct isolations {
	struct isolation host;
	struct class_isolation {
		char name[SLOTS_NAME_BYTES]; /* as slots_class */
		bool says_own;
		struct isolation isolation;
	} of_class[SLOTS_CLASSES_MOST];
	unsigned count;
};

/*
 * Set level, home, network, metadata_address or privileges by its word.
 * Fails: ERR_INPUT for another key or word, with the words there are.
 */
int isolation_set(struct isolation *isolation, const char *key, const char *word, struct err *err);
/* One more path for "read_only" or "hidden". Fails: ERR_INPUT (not absolute, or "/"), ERR_LIMIT. */
int isolation_add(struct isolation *isolation, const char *key, const char *path, struct err *err);
/* Is key one that isolation_add() takes? */
bool isolation_is_list(const char *key);

/* Are its tasks let to the metadata address? Not where nothing is said. */
bool isolation_is_open(const struct isolation *isolation);

/* Does it say something that only a namespace holds? A HOME that cannot be laid over is private. */
bool isolation_needs_namespace(const struct isolation *isolation);

const char *isolation_level_word(enum isolation_level level);

void isolations_init(struct isolations *isolations);
void isolations_release(struct isolations *isolations);
/* One more class; every class of the settings has its entry. Fails: ERR_LIMIT. */
int isolations_add(struct isolations *isolations, const char *class, struct class_isolation **out,
		   struct err *err);
/*
 * All is said. says_own of a class: it has something of its own, else it is as the host's.
 * Fails: ERR_INPUT with what does not go together.
 */
int isolations_settle(struct isolations *isolations, struct err *err);
/* The one that a task of this resource class has, as slots_class_of() finds the class. */
const struct isolation *isolations_of(const struct isolations *isolations, const char *class);

#endif
