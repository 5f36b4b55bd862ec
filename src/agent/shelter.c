/*
 * shelter.c - what an isolated task sees of this host, as a list for its runner-init.
 *
 * The order is that of runner-init's work: first what replaces something, then what is hidden, then
 * what is shown all the same, the task's own directory last.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/shelter.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/isolation.h"
#include "agent/outside.h"
#include "agent/work_dir.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "wire/shelter.h"

enum { LIST_ARENA_BYTES = 1 << 20 };

struct list {
	struct shelter_row rows[SHELTER_ROWS_MOST];
	size_t count;
	bool is_full;
	struct arena arena; /* of paths that are no one's */
};

static void
add(struct list *list, enum shelter_kind kind, unsigned flags, const char *first, const char *second,
    const char *third)
{
	if (list->count == SHELTER_ROWS_MOST) {
		list->is_full = true;
		return;
	}
	list->rows[list->count++] =
		(struct shelter_row){.kind = kind, .flags = flags, .paths = {first, second, third}};
}

static bool
is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Does a row so far put something else where path is? The last one counts. */
static bool
is_covered(const struct list *list, const char *path)
{
	size_t i;

	for (i = list->count; i > 0; i--) {
		const struct shelter_row *row = &list->rows[i - 1];

		if ((row->kind == SHELTER_HIDE || row->kind == SHELTER_BIND ||
		     row->kind == SHELTER_MEMORY) &&
		    is_below(path, row->paths[0]))
			return true;
		if (row->kind == SHELTER_SHOW && is_below(path, row->paths[0]))
			return false;
	}
	return false;
}

/* Stays, and cannot be written: where it is anyway nothing has to be done but for what is ours. */
static void
keep(struct list *list, const char *path)
{
	if (path != NULL && path[0] == '/' && is_covered(list, path))
		add(list, SHELTER_SHOW, SHELTER_ROW_READ_ONLY, path, NULL, NULL);
}

static void
keep_directory_of(struct list *list, const char *program)
{
	const char *slash = program != NULL ? strrchr(program, '/') : NULL;

	if (slash != NULL && slash != program)
		keep(list, arena_printf(&list->arena, "%.*s", (int)(slash - program), program));
}

static void
keep_search_path(struct list *list, const char *path)
{
	const char *end;

	for (; path != NULL && *path != '\0'; path = *end == ':' ? end + 1 : end) {
		end = strchrnul(path, ':');
		keep(list, arena_printf(&list->arena, "%.*s", (int)(end - path), path));
	}
}

/* --- the parts ------------------------------------------------------------------------------------ */

static void
add_memory(struct list *list, const char *path, uint64_t size_bytes)
{
	add(list, SHELTER_MEMORY, SHELTER_ROW_OPTIONAL, path, NULL, NULL);
	if (!list->is_full)
		list->rows[list->count - 1].size_bytes = size_bytes;
}

static void
add_own_places(struct list *list, const struct shelter_task *task)
{
	add(list, SHELTER_BIND, 0, "/tmp", task->work->tmp, NULL);
	add_memory(list, "/dev/shm", task->memory_bytes);
	add(list, SHELTER_TERMINALS, SHELTER_ROW_OPTIONAL, "/dev/pts", NULL, NULL);
	add(list, SHELTER_QUEUES, SHELTER_ROW_OPTIONAL, "/dev/mqueue", NULL, NULL);
}

bool
shelter_has_overlay(const struct isolation *isolation, const struct shelter_host *host)
{
	return isolation->home == ISOLATION_HOME_OVERLAY && host->overlays && host->home != NULL;
}

/* First: pasta is one of the host's programs, and sees the host's files. */
static void
add_outside(struct list *list, const struct isolation *isolation, const struct shelter_host *host,
	    const struct resolver *resolver)
{
	if (isolation->network != ISOLATION_NETWORK_OUTSIDE)
		return;
	add(list, SHELTER_OUTSIDE, 0, host->pasta, arena_printf(&list->arena, "/%s", resolver->address),
	    arena_printf(&list->arena, "/%s", resolver->gateway));
	if (!isolation_is_open(isolation))
		add(list, SHELTER_NO_METADATA, 0, NULL, NULL, NULL);
	if (resolver->path != NULL)
		add(list, SHELTER_BIND, SHELTER_ROW_OPTIONAL, "/etc/resolv.conf", resolver->path, NULL);
}

static void
add_home(struct list *list, const struct isolation *isolation, const struct shelter_host *host,
	 const struct work_dir *work)
{
	if (shelter_has_overlay(isolation, host))
		add(list, SHELTER_OVERLAY, 0, host->home, work->upper, work->overlay);
	else if (host->home != NULL && !host->is_slots)
		add(list, SHELTER_READ_ONLY, 0, host->home, NULL, NULL);
}

/* Where programs outside the task listen that would start something outside it: D-Bus, systemd. */
static void
hide_user_sockets(struct list *list)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (runtime != NULL && runtime[0] == '/' && runtime[1] != '\0')
		add(list, SHELTER_HIDE, 0, arena_strdup(&list->arena, runtime), NULL, NULL);
	add(list, SHELTER_HIDE, 0, arena_printf(&list->arena, "/run/user/%u", geteuid()), NULL, NULL);
}

static void
add_hidden(struct list *list, const struct isolation *isolation, const struct shelter_host *host)
{
	size_t i;

	hide_user_sockets(list);
	for (i = 0; host->ours != NULL && host->ours[i] != NULL; i++)
		add(list, SHELTER_HIDE, 0, host->ours[i], NULL, NULL);
	for (i = 0; i < isolation->hidden_count; i++)
		add(list, SHELTER_HIDE, 0, isolation->hidden[i], NULL, NULL);
	add(list, SHELTER_HIDE, 0, host->work_dir, NULL, NULL);
}

static void
add_shown(struct list *list, const struct shelter_host *host, const struct shelter_task *task)
{
	keep(list, task->source);
	keep_search_path(list, host->search_path);
	keep(list, host->known_hosts);
	keep_directory_of(list, host->archiver);
	keep_directory_of(list, host->helper);
	if (host->mirrors != NULL && !is_covered(list, host->mirrors))
		add(list, SHELTER_READ_ONLY, SHELTER_ROW_OPTIONAL, host->mirrors, NULL, NULL);
	keep(list, host->mirrors);
	keep(list, host->control_dir);
	add(list, SHELTER_SHOW, 0, task->work->path, NULL, NULL);
}

/* --- the memfd -------------------------------------------------------------------------------------- */

static int
seal(int *out, const uint8_t *bytes, size_t len, struct err *err)
{
	int fd = memfd_create("shelter", MFD_CLOEXEC | MFD_ALLOW_SEALING), rc;

	if (fd < 0)
		return err_sys(err, "cannot make a task's shelter");
	if (write(fd, bytes, len) != (ssize_t)len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		rc = err_sys(err, "cannot write a task's shelter");
		(void)close(fd);
		return rc;
	}
	*out = fd;
	return 0;
}

static int
pack(int *fd, const struct list *list, struct err *err)
{
	static uint8_t room[SHELTER_MOST_BYTES]; /* mostly one page of it is ever written */
	unsigned flags = geteuid() == 0 ? SHELTER_BOUNDS_ROOT : 0;
	const char *wrong = "its paths are too long";
	size_t size = 0;

	if (!list->is_full && !arena_is_full(&list->arena))
		size = shelter_pack(room, sizeof(room), flags, list->rows, list->count, &wrong);
	if (size == 0)
		return err_set(err, ERR_LIMIT, "a task's isolation cannot be written down: %s",
			       list->is_full ? "there are more than 128 paths" : wrong);
	return seal(fd, room, size, err);
}

int
shelter_seal(int *fd, const struct isolation *isolation, const struct shelter_host *host,
	     const struct shelter_task *task, struct err *err)
{
	struct list *list;
	struct resolver resolver = {.path = NULL};
	size_t i;
	int rc;

	if (isolation->network == ISOLATION_NETWORK_OUTSIDE &&
	    resolver_find(&resolver, task->work->path, err) < 0)
		return err->code;
	list = MEM_NEW(struct list);
	arena_init(&list->arena, LIST_ARENA_BYTES);
	add_outside(list, isolation, host, &resolver);
	add_own_places(list, task); /* bound from the work directory, which may lie in a HOME that is read-only then */
	add_home(list, isolation, host, task->work);
	for (i = 0; i < isolation->read_only_count; i++)
		add(list, SHELTER_READ_ONLY, 0, isolation->read_only[i], NULL, NULL);
	add_hidden(list, isolation, host);
	add_shown(list, host, task);
	if (isolation->network != ISOLATION_NETWORK_HOST)
		add(list, SHELTER_LOOPBACK, 0, NULL, NULL, NULL);
	rc = pack(fd, list, err);
	arena_release(&list->arena);
	free(list);
	resolver_release(&resolver);
	return rc;
}

const char *
shelter_home(void)
{
	const char *home = getenv("HOME");
	struct stat status;

	if (home == NULL || home[0] != '/' || home[1] == '\0' || is_below(home, "/tmp") ||
	    is_below(home, "/dev/shm") || stat(home, &status) != 0 ||
	    !S_ISDIR(status.st_mode))
		return NULL;
	return home;
}
