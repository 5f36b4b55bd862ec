/*
 * cache_file.c - a cache in its directory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/cache_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "format/json.h"

enum { VERSION = 1, NAME_DIGITS = 40 };

bool
cache_file_init(struct cache_file *file, const char *project, const char *key, const char *digest)
{
	*file = (struct cache_file){.size = 0};
	if (strlen(project) >= sizeof(file->project) || strlen(key) >= sizeof(file->key) ||
	    strlen(digest) >= sizeof(file->digest))
		return false;
	(void)strcpy(file->project, project);
	(void)strcpy(file->key, key);
	(void)strcpy(file->digest, digest);
	return true;
}

const char *
cache_file_name(char room[CACHE_FILE_NAME_BYTES], const char *project, const char *key)
{
	struct buffer both = BUFFER_INIT;
	char digest[DIGEST_TEXT_BYTES];

	buffer_printf(&both, "%s\n%s", project, key);
	(void)digest_sha256_hex(digest, both.data, both.len);
	buffer_release(&both);
	(void)snprintf(room, CACHE_FILE_NAME_BYTES, "%.*s%s", NAME_DIGITS, digest,
		       CACHE_FILE_SUFFIX);
	return room;
}

int
cache_file_write_head(int fd, const struct cache_file *file, struct err *err)
{
	struct json *json = json_new_object();
	struct buffer head = BUFFER_INIT;
	static const char zeros[CACHE_FILE_HEAD_BYTES];
	int rc = 0;

	json_put_int(json, "version", VERSION);
	json_put_str(json, "project", file->project);
	json_put_str(json, "key", file->key);
	json_put_int(json, "created_ms", file->created_ms);
	json_put_int(json, "size_bytes", (int64_t)file->size);
	json_put_str(json, "sha256", file->digest);
	if (file->keep_ms > 0)
		json_put_int(json, "keep_ms", file->keep_ms);
	json_write(&head, json);
	json_free(json);
	if (head.len > CACHE_FILE_HEAD_BYTES)
		rc = err_set(err, ERR_INPUT, "the cache's key is too long");
	else
		buffer_putn(&head, zeros, CACHE_FILE_HEAD_BYTES - head.len);
	if (rc == 0 && pwrite(fd, head.data, head.len, 0) != (ssize_t)head.len)
		rc = err_sys(err, "cannot write a cache's head");
	buffer_release(&head);
	return rc;
}

static int
copy_text(const struct json *json, const char *name, char *room, size_t most, struct err *err)
{
	const char *text;
	int rc = json_need_str(json, name, &text, err);

	if (rc < 0)
		return rc;
	if (strlen(text) > most)
		return err_set(err, ERR_INPUT, "member '%s' is longer than %zu bytes", name, most);
	(void)strcpy(room, text);
	return 0;
}

static int
read_members(const struct json *json, struct cache_file *file, struct err *err)
{
	int64_t version, size;
	int rc = json_need_int(json, "version", VERSION, VERSION, &version, err);

	if (rc == 0)
		rc = copy_text(json, "project", file->project, CACHE_PROJECT_MOST, err);
	if (rc == 0)
		rc = copy_text(json, "key", file->key, CACHE_KEY_MOST, err);
	if (rc == 0)
		rc = copy_text(json, "sha256", file->digest, DIGEST_TEXT_BYTES - 1, err);
	if (rc == 0)
		rc = json_need_int(json, "created_ms", 0, INT64_MAX, &file->created_ms, err);
	if (rc == 0)
		rc = json_need_int(json, "size_bytes", 0, INT64_MAX, &size, err);
	if (rc < 0)
		return rc;
	file->size = (uint64_t)size;
	file->keep_ms = json_get_int(json, "keep_ms", 0);
	if (file->keep_ms < 0 || file->keep_ms > CACHE_KEEP_MS)
		return err_set(err, ERR_INPUT, "member 'keep_ms' must be from 0 to %d", CACHE_KEEP_MS);
	return 0;
}

static int
check_file(int fd, const char *name, const struct cache_file *file, struct err *err)
{
	char expected[CACHE_FILE_NAME_BYTES];
	struct stat st;

	if (!text_eq(name, cache_file_name(expected, file->project, file->key)))
		return err_set(err, ERR_INPUT, "it is not what its name says");
	if (fstat(fd, &st) != 0 || lseek(fd, CACHE_FILE_HEAD_BYTES, SEEK_SET) < 0)
		return err_sys(err, "cannot read it");
	if ((uint64_t)st.st_size != CACHE_FILE_HEAD_BYTES + file->size)
		return err_set(err, ERR_INPUT, "it has %lld bytes, its head says %llu",
			       (long long)st.st_size - CACHE_FILE_HEAD_BYTES,
			       (unsigned long long)file->size);
	return 0;
}

int
cache_file_read_head(int fd, const char *name, struct cache_file *file, struct err *err)
{
	char head[CACHE_FILE_HEAD_BYTES];
	struct json *json = NULL;
	ssize_t n = pread(fd, head, sizeof(head), 0);
	int rc;

	if (n < 0)
		return err_sys(err, "cannot read the cache '%s'", name);
	rc = json_parse(&json, head, strnlen(head, (size_t)n), err);
	if (rc == 0)
		rc = read_members(json, file, err);
	if (rc == 0)
		rc = check_file(fd, name, file, err);
	json_free(json);
	return rc < 0 ? err_wrap(err, "the cache '%s' is damaged", name) : 0;
}
