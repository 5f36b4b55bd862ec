/*
 * cache.c - "cache list" and "cache clear": what jobs on this machine have saved.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/args.h"
#include "ctl/cache_dir.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "ctl/table.h"
#include "format/json.h"
#include "runner/exit.h"
#include "task/cache_file.h"
#include "task/timings_file.h"

static int cache_list(int argc, char **argv);
static int cache_clear(int argc, char **argv);

static const struct option cache_options[] = {
	{"cache-dir", 0, "DIR", "of an agent (default: that of this user's runs)"},
	{NULL, 0, NULL, NULL},
};

const struct command cache_list_command = {"cache list", "[KEY]",
					   "list the caches that jobs on this machine have saved",
					   cache_options, cache_list};
const struct command cache_clear_command = {"cache clear", "[KEY]",
					    "remove caches: all, or those whose key begins so",
					    cache_options, cache_clear};

/* Which ones are meant, and where. */
struct choice {
	const char *dir;
	const char *key; /* they begin so; "": all */
};

typedef int cache_fn(void *arg, int dir_fd, const char *name, const struct cache_file *file,
		     const struct stat *st, struct err *err);

int
cache_dir_of_user(char **out, struct err *err)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (cache != NULL && cache[0] == '/')
		*out = mem_printf("%s/runner", cache);
	else if (home != NULL && home[0] == '/')
		*out = mem_printf("%s/.cache/runner", home);
	else
		return err_set(err, ERR_HOST,
			       "neither XDG_CACHE_HOME nor HOME is an absolute path");
	return 0;
}

/* --- each of them ------------------------------------------------------------------------------
 */

static bool
is_chosen(const struct choice *choice, const struct cache_file *file)
{
	return text_starts(file->key, choice->key) &&
	       (globals()->project == NULL || text_eq(globals()->project, file->project));
}

/* One file; what cannot be read is told, and passed over. */
static int
look_at(const struct choice *choice, int dir_fd, const char *name, cache_fn *fn, void *arg,
	struct err *err)
{
	LOCAL_FD fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct err damage = ERR_INIT;
	struct cache_file file;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return errno == ENOENT ? 0 : err_sys(err, "cannot read the cache '%s'", name);
	if (cache_file_read_head(fd, name, &file, &damage) < 0) {
		say_note("%s", damage.text);
		return 0;
	}
	return is_chosen(choice, &file) ? fn(arg, dir_fd, name, &file, &st, err) : 0;
}

/* A directory that is not there has none. */
static int
each_cache(const struct choice *choice, cache_fn *fn, void *arg, struct err *err)
{
	LOCAL_FREE char *path = mem_printf("%s/%s", choice->dir, CACHE_FILE_DIR);
	DIR *dir = opendir(path);
	struct dirent *entry;
	int rc = 0;

	if (dir == NULL)
		return errno == ENOENT ? 0 : err_sys(err, "cannot read '%s'", path);
	while (rc == 0 && (entry = readdir(dir)) != NULL)
		if (text_ends(entry->d_name, CACHE_FILE_SUFFIX))
			rc = look_at(choice, dirfd(dir), entry->d_name, fn, arg, err);
	(void)closedir(dir);
	return rc;
}

/* --- the command line ----------------------------------------------------------------------------
 */

static int
set_choice(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct choice *choice = arg;

	(void)option;
	(void)err;
	choice->dir = value;
	return 0;
}

/* ARGS_GO, or the status to end with. *own is to be freed. */
static int
read_choice(struct choice *choice, const struct command *command, int argc, char **argv, char **own)
{
	struct err err = ERR_INIT;
	int count, status;

	choice->dir = NULL;
	status = args_read(command, argc, argv, &count, set_choice, choice);
	if (status == ARGS_GO)
		status = args_count(command, count, 0, 1);
	if (status != ARGS_GO)
		return status;
	choice->key = count > 0 ? argv[0] : "";
	if (choice->dir != NULL)
		return ARGS_GO;
	if (cache_dir_of_user(own, &err) < 0)
		return say_error(&err);
	choice->dir = *own;
	return ARGS_GO;
}

/* --- list ----------------------------------------------------------------------------------------
 */

static int
add_item(void *arg, int dir_fd, const char *name, const struct cache_file *file,
	 const struct stat *st, struct err *err)
{
	struct json *item = json_new_object();
	char size[24];

	(void)dir_fd;
	(void)err;
	json_put_str(item, "key", file->key);
	json_put_str(item, "project", file->project);
	json_put_int(item, "size_bytes", (int64_t)file->size);
	json_put_str(item, "size", text_bytes(size, file->size));
	json_put_time(item, "created_at", file->created_ms);
	json_put_time(item, "used_at",
		      (int64_t)st->st_atim.tv_sec * 1000 + st->st_atim.tv_nsec / 1000000);
	json_put_str(item, "name", name);
	json_push(arg, item);
	return 0;
}

static int
cache_list(int argc, char **argv)
{
	static const struct column columns[] = {
		{"KEY", "key"},		 {"PROJECT", "project"}, {"SIZE", "size"},
		{"SAVED", "created_at"}, {"USED", "used_at"},	 {NULL, NULL},
	};
	LOCAL_FREE char *own = NULL;
	struct choice choice;
	struct json *items;
	struct err err = ERR_INIT;
	int status = read_choice(&choice, &cache_list_command, argc, argv, &own);

	if (status != ARGS_GO)
		return status;
	items = json_new_array();
	status = each_cache(&choice, add_item, items, &err) < 0
			 ? say_error(&err)
			 : table_print(items, items, columns);
	json_free(items);
	return status;
}

/* --- clear ---------------------------------------------------------------------------------------
 */

struct removed {
	uint64_t count, bytes;
};

static int
remove_one(void *arg, int dir_fd, const char *name, const struct cache_file *file,
	   const struct stat *st, struct err *err)
{
	struct removed *removed = arg;

	(void)st;
	if (unlinkat(dir_fd, name, 0) != 0 && errno != ENOENT)
		return err_sys(err, "cannot remove the cache '%s'", file->key);
	removed->count++;
	removed->bytes += file->size;
	return 0;
}

static int
cache_clear(int argc, char **argv)
{
	LOCAL_FREE char *own = NULL;
	struct removed removed = {0, 0};
	struct choice choice;
	struct err err = ERR_INIT;
	size_t times = 0;
	char room[24];
	int status = read_choice(&choice, &cache_clear_command, argc, argv, &own);

	if (status != ARGS_GO)
		return status;
	if (each_cache(&choice, remove_one, &removed, &err) < 0)
		return say_error(&err);
	/* A file of times does not say whose it is: with all caches they go, too. */
	if (choice.key[0] == '\0' && globals()->project == NULL &&
	    timings_file_sweep(choice.dir, time(NULL) + 1, &times, &err) < 0)
		return say_error(&err);
	say_note("%llu caches removed, %s", (unsigned long long)removed.count,
		 text_bytes(room, removed.bytes));
	if (times > 0)
		say_note("the times of tests of %zu job%s removed", times, times == 1 ? "" : "s");
	return EXIT_OK;
}
