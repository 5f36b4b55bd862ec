/*
 * workspace.c - the steps persist_to_workspace and attach_workspace, from within the job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/workspace.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/overlap.h"
#include "archive/pack.h"
#include "archive/paths.h"
#include "archive/place.h"
#include "archive/share.h"
#include "archive/step.h"
#include "archive/unpack.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "format/json.h"
#include "task/layers.h"

enum {
	LIST_MOST_BYTES = 8 << 20,
	CONFLICTS_TOLD_MOST = 50,
};

/* --- persist --- */

static int
find_root(struct place *place, const char *root, struct err *err)
{
	char absolute[PATH_MAX];
	struct stat st;
	int rc = place_init_at(place, root, absolute, err);

	if (rc == 0)
		rc = place_enter_workspace(place, absolute, err);
	if (rc == 0 && (stat(place->workspace, &st) != 0 || !S_ISDIR(st.st_mode)))
		rc = err_set(err, ERR_INPUT, "it is no directory");
	return rc < 0 ? err_wrap(err, "the workspace's root '%.200s'", root) : 0;
}

static int
find_matches(struct paths *paths, const char *dir, char **patterns, size_t count, struct err *err)
{
	size_t i;
	bool any;

	for (i = 0; i < count; i++) {
		if (paths_add_pattern(paths, dir, patterns[i], &any, err) < 0)
			return err->code;
		if (!any)
			step_warn("nothing matches '%s'", patterns[i]);
	}
	paths_settle(paths);
	return paths->count > 0
		       ? 0
		       : err_set(err, ERR_INPUT,
				 "The specified paths did not match any files in %.300s", dir);
}

static int
commit(const char *step, int fd, const struct pack_sum *sum, uint64_t started_ms, struct err *err)
{
	char digest[DIGEST_TEXT_BYTES], value[DIGEST_TEXT_BYTES + 16];
	char files[24], stored[24], took[24];
	struct control_answer answer;
	enum control_result result;

	(void)snprintf(value, sizeof(value), "%s %.10s", digest_hex(digest, sum->digest), step);
	result = step_ask(CONTROL_VERB_LAYER_SAVE, value, fd, &answer);
	if (result != CONTROL_OK)
		return step_refused(result, &answer, err);
	step_say("Persisted %llu file%s, %s, as %s in %s", (unsigned long long)sum->files,
		 sum->files == 1 ? "" : "s", text_bytes(files, sum->bytes),
		 text_bytes(stored, sum->archive_bytes),
		 text_duration(took, step_now_ms() - started_ms));
	return 0;
}

static int
persist(const char *step, const struct place *place, const struct paths *paths, struct err *err)
{
	uint64_t started_ms = step_now_ms();
	struct control_answer answer;
	enum control_result result = step_ask(CONTROL_VERB_LAYER_BEGIN, step, -1, &answer);
	LOCAL_FD fd = answer.fd;
	struct pack_sum sum;
	int rc;

	if (result == CONTROL_NONE)
		return err_set(err, ERR_INPUT, "this step has persisted its layer already");
	if (result != CONTROL_OK || fd < 0)
		return step_refused(result, &answer, err);
	rc = pack_paths(fd, step_threads(), place, paths, &sum, err);
	if (rc == 0)
		rc = commit(step, fd, &sum, started_ms, err);
	if (rc == 0)
		rc = share(CONTROL_VERB_LAYER_SHARE, step, BLOB_WORKSPACE, err);
	return rc;
}

int
workspace_persist(const char *step, const char *root, char **patterns, size_t count,
		  struct err *err)
{
	static struct place place;
	struct paths paths = PATHS_INIT;
	int rc = find_root(&place, root, err);

	if (rc == 0)
		rc = find_matches(&paths, place.workspace, patterns, count, err);
	if (rc == 0)
		rc = persist(step, &place, &paths, err);
	paths_release(&paths);
	return rc;
}

/* --- attach: what there is --- */

static int
read_all(int fd, struct buffer *bytes, struct err *err)
{
	void *room;
	ssize_t n = -1;

	do {
		if (buffer_reserve(bytes, 64 << 10, &room, err) < 0)
			return err->code;
		n = read(fd, room, 64 << 10);
		buffer_grew(bytes, n > 0 ? (size_t)n : 0);
	} while (n > 0);
	return n < 0 ? err_sys(err, "cannot read the list of the workspace's layers") : 0;
}

static int
read_list(int fd, struct layers *layers, struct arena *arena, struct err *err)
{
	struct json *json = NULL;
	struct buffer bytes;
	int rc;

	buffer_init(&bytes, LIST_MOST_BYTES);
	rc = read_all(fd, &bytes, err);
	if (rc == 0)
		rc = json_parse(&json, bytes.data, bytes.len, err);
	if (rc == 0)
		rc = layers_read(layers, arena, json, err);
	json_free(json);
	buffer_release(&bytes);
	return rc;
}

/* What the jobs upstream have persisted; count 0: nothing. */
static int
ask_list(struct layers *layers, struct arena *arena, struct err *err)
{
	struct control_answer answer;
	enum control_result result = step_ask(CONTROL_VERB_LAYER_LIST, "", -1, &answer);
	LOCAL_FD fd = answer.fd;

	*layers = (struct layers){.count = 0};
	if (result == CONTROL_NONE)
		return 0;
	if (result != CONTROL_OK || fd < 0)
		return step_refused(result, &answer, err);
	return read_list(fd, layers, arena, err);
}

/* --- attach: one layer --- */

struct attaching {
	struct place place;
	struct layers layers;
	struct overlap *overlap;
	size_t at; /* the layer that is unpacked */
	size_t conflicts;
	struct unpack_sum sum; /* of all so far */
};

/* "job 'a'", or with the node where it has several. */
static const char *
who(char room[300], const struct attaching *attaching, size_t i)
{
	const struct layer *layer = &attaching->layers.list[i];
	const char *name = attaching->layers.jobs[layer->job].name;
	bool several = layer->node > 0 || (i + 1 < attaching->layers.count &&
					   layer[1].job == layer->job && layer[1].node > 0);

	(void)snprintf(room, 300, several ? "job '%.200s' (node %u)" : "job '%.200s'", name,
		       layer->node);
	return room;
}

/* An unpack_take_fn. */
static bool
take_file(void *arg, const char *name)
{
	struct attaching *attaching = arg;
	char one[300], two[300];
	size_t other;

	if (!overlap_note(attaching->overlap, attaching->at, name, &other))
		return true;
	if (attaching->conflicts++ < CONFLICTS_TOLD_MOST)
		(void)fprintf(stderr, "'%s' was persisted by %s and by %s\n", name,
			      who(one, attaching, other), who(two, attaching, attaching->at));
	return false;
}

static int
unpack_layer(struct attaching *attaching, int fd, uint64_t size, struct err *err)
{
	uint64_t started_ms = step_now_ms();
	char name[300], stored[24], took[24];
	struct unpack_sum sum;

	if (unpack(fd, &attaching->place, take_file, attaching, &sum, err) < 0)
		return err->code;
	attaching->sum.entries += sum.entries;
	attaching->sum.bytes += sum.bytes;
	step_say("Unpacked what %s has persisted: %llu entr%s of %s in %s",
		 who(name, attaching, attaching->at), (unsigned long long)sum.entries,
		 sum.entries == 1 ? "y" : "ies", text_bytes(stored, size),
		 text_duration(took, step_now_ms() - started_ms));
	return 0;
}

/* *done stays false where the file was damaged: the agent has no such file any more. */
static int
attach_file(struct attaching *attaching, const struct control_answer *found, bool *done,
	    struct err *err)
{
	struct step_archive archive;
	int rc =
		step_take_archive(&archive, found, "the layer", CONTROL_VERB_LAYER_LOSE, done, err);

	return rc == 0 && *done ? unpack_layer(attaching, found->fd, archive.size, err) : rc;
}

static int
attach_layer(struct attaching *attaching, struct err *err)
{
	const struct layer *layer = &attaching->layers.list[attaching->at];
	char name[LAYER_NAME_BYTES], job[300];
	struct control_answer answer;
	enum control_result result;
	bool done = false;
	int rc = 0;

	(void)layer_name(name, layer->task, layer->step);
	do {
		result = step_ask(CONTROL_VERB_LAYER_FIND, name, -1, &answer);
		if (result == CONTROL_OK)
			rc = attach_file(attaching, &answer, &done, err);
		else if (result == CONTROL_NONE)
			rc = err_set(err, ERR_HOST,
				     "what %s has persisted (layer %s) is not to be had here%s%s",
				     who(job, attaching, attaching->at), name,
				     answer.text[0] != '\0' ? ": " : "", answer.text);
		else
			rc = step_refused(result, &answer, err);
		if (answer.fd >= 0)
			(void)close(answer.fd);
	} while (rc == 0 && !done);
	return rc;
}

/* --- attach: all --- */

static int
make_dirs(const char *path, struct err *err)
{
	char room[PATH_MAX], *slash;

	(void)snprintf(room, sizeof(room), "%s", path);
	for (slash = strchr(room + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(room, 0777); /* what fails here is told of the whole */
		*slash = '/';
	}
	if (mkdir(room, 0777) != 0 && errno != EEXIST)
		return err_sys(err, "cannot make the directory '%.300s'", path);
	return 0;
}

static int
enter(struct place *place, const char *at, struct err *err)
{
	char absolute[PATH_MAX];
	int rc = place_init_at(place, at, absolute, err);

	if (rc == 0)
		rc = make_dirs(absolute, err);
	return rc == 0 ? place_enter_workspace(place, absolute, err) : rc;
}

static int
attach_all(struct attaching *attaching, struct err *err)
{
	uint64_t started_ms = step_now_ms();
	char bytes[24], took[24];
	int rc = 0;

	attaching->overlap = overlap_new(&attaching->layers);
	for (attaching->at = 0; rc == 0 && attaching->at < attaching->layers.count; attaching->at++)
		rc = attach_layer(attaching, err);
	overlap_free(attaching->overlap);
	if (rc < 0)
		return rc;
	if (attaching->conflicts > CONFLICTS_TOLD_MOST)
		(void)fprintf(stderr, "and %zu more\n", attaching->conflicts - CONFLICTS_TOLD_MOST);
	if (attaching->conflicts > 0)
		return err_set(
			err, ERR_INPUT,
			"Concurrent upstream jobs persisted the same file(s): %zu, see above",
			attaching->conflicts);
	step_say("Attached %zu layer%s at %s: %llu entr%s, %s, in %s", attaching->layers.count,
		 attaching->layers.count == 1 ? "" : "s", attaching->place.workspace,
		 (unsigned long long)attaching->sum.entries,
		 attaching->sum.entries == 1 ? "y" : "ies", text_bytes(bytes, attaching->sum.bytes),
		 text_duration(took, step_now_ms() - started_ms));
	return 0;
}

int
workspace_attach(const char *at, struct err *err)
{
	static struct attaching attaching;
	struct arena arena;
	int rc;

	arena_init(&arena, 0);
	rc = enter(&attaching.place, at, err);
	if (rc == 0)
		rc = ask_list(&attaching.layers, &arena, err);
	if (rc == 0 && attaching.layers.count == 0)
		step_say("No job upstream has persisted anything: there is nothing to attach");
	else if (rc == 0)
		rc = attach_all(&attaching, err);
	arena_release(&arena);
	return rc;
}
