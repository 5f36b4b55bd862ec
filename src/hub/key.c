/*
 * key.c - the hub's secret key, and the task tokens it signs.
 *
 * A token is "rtt_TASK_EPOCH_MAC": 32 hexadecimal digits of the task's id, the epoch in
 * decimal, and HMAC-SHA-256 (RFC 2104) of id and epoch in 64.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/digest.h"

enum { HMAC_BLOCK_BYTES = 64, KEY_TEXT_BYTES = 2 * HUB_KEY_BYTES + 1 };

static const char prefix[] = "rtt_", continuation_prefix[] = "rck_";

int
hub_key_make(const char *path, struct err *err)
{
	LOCAL_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char text[KEY_TEXT_BYTES];

	if (fd < 0)
		return err_sys(err, "cannot make key file '%s'", path);
	random_hex(text, HUB_KEY_BYTES);
	text[KEY_TEXT_BYTES - 1] = '\n';
	if (write(fd, text, sizeof(text)) != (ssize_t)sizeof(text) || fsync(fd) < 0)
		return err_sys(err, "cannot write key file '%s'", path);
	return 0;
}

static bool
read_hex(unsigned char *bytes, size_t count, const char *text)
{
	size_t i;

	for (i = 0; i < count; i++) {
		int high = text_hex_value(text[2 * i]), low;

		if (high < 0)
			return false;
		low = text_hex_value(text[2 * i + 1]);
		if (low < 0)
			return false;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

int
hub_key_load(struct hub_key *key, const char *path, struct err *err)
{
	LOCAL_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[KEY_TEXT_BYTES + 1] = "";
	struct stat st;
	ssize_t n;

	if (fd < 0) {
		err->code = err_sys(err, "cannot open key file '%s'", path);
		return err_hint(err, "'runner-hub init' makes it");
	}
	if (fstat(fd, &st) < 0)
		return err_sys(err, "cannot look at key file '%s'", path);
	if ((st.st_mode & 077) != 0) {
		err->code = err_set(err, ERR_INPUT, "key file '%s' can be read by others", path);
		return err_hint(err, "chmod 600 it, or make a new one when it may have been read");
	}
	n = read(fd, text, KEY_TEXT_BYTES);
	if (n < 0)
		return err_sys(err, "cannot read key file '%s'", path);
	if (n < KEY_TEXT_BYTES - 1 || !read_hex(key->bytes, HUB_KEY_BYTES, text))
		return err_set(err, ERR_INPUT, "key file '%s' must hold %d hexadecimal digits", path,
			       2 * HUB_KEY_BYTES);
	return 0;
}

/* HMAC of a message of at most HMAC_BLOCK_BYTES. */
static void
sign(unsigned char mac[DIGEST_BYTES], const struct hub_key *key, const void *bytes, size_t len)
{
	unsigned char inner[2 * HMAC_BLOCK_BYTES] = {0};
	unsigned char outer[HMAC_BLOCK_BYTES + DIGEST_BYTES] = {0};
	size_t i;

	memcpy(inner, key->bytes, HUB_KEY_BYTES);
	memcpy(outer, key->bytes, HUB_KEY_BYTES);
	for (i = 0; i < HMAC_BLOCK_BYTES; i++) {
		inner[i] ^= 0x36;
		outer[i] ^= 0x5c;
	}
	memcpy(inner + HMAC_BLOCK_BYTES, bytes, len);
	digest_sha256(outer + HMAC_BLOCK_BYTES, inner, HMAC_BLOCK_BYTES + len);
	digest_sha256(mac, outer, sizeof(outer));
}

void
hub_key_name(unsigned char out[HUB_KEY_BYTES], const struct hub_key *key)
{
	static const char purpose[] = "runner-hub key name";

	sign(out, key, purpose, strlen(purpose));
}

void
hub_key_of_seals(unsigned char out[HUB_KEY_BYTES], const struct hub_key *key)
{
	static const char purpose[] = "runner-hub seals";

	sign(out, key, purpose, strlen(purpose));
}

char *
hub_key_next_path(const char *path)
{
	return mem_printf("%s.new", path);
}

int
hub_key_replace(const char *path, struct err *err)
{
	LOCAL_FREE char *next = hub_key_next_path(path);
	LOCAL_FREE char *parent = mem_strdup(path);
	LOCAL_FD fd = -1;
	char *slash = strrchr(parent, '/');

	if (rename(next, path) < 0)
		return err_sys(err, "cannot put key file '%s' in place", path);
	if (slash != NULL)
		slash[slash == parent ? 1 : 0] = '\0';
	fd = open(slash != NULL ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_sys(err, "cannot make sure of key file '%s'", path);
	return 0;
}

static bool
has_name(const struct hub_key *key, const unsigned char *name)
{
	unsigned char own[HUB_KEY_BYTES];

	hub_key_name(own, key);
	return memcmp(own, name, sizeof(own)) == 0;
}

int
hub_key_settle(struct hub_key *key, const char *path, const unsigned char *name, struct err *err)
{
	LOCAL_FREE char *next_path = hub_key_next_path(path);
	struct err ignored = ERR_INIT;
	struct hub_key next;
	int rc;

	if (name == NULL || has_name(key, name))
		return 0;
	if (hub_key_load(&next, next_path, &ignored) == 0 && has_name(&next, name)) {
		rc = hub_key_replace(path, err);
		*key = next;
		explicit_bzero(&next, sizeof(next));
		return rc;
	}
	err->code = err_set(err, ERR_INPUT, "the key file is not the one that the database's values are sealed with");
	return err_hint(err, "put back the secret.key that belongs to this data directory");
}

static void
sign_lease(char room[2 * DIGEST_BYTES + 1], const struct hub_key *key, const struct id *task,
	   uint32_t epoch)
{
	unsigned char message[ID_BYTES + 4], mac[DIGEST_BYTES];
	int i;

	memcpy(message, task->bytes, ID_BYTES);
	for (i = 0; i < 4; i++)
		message[ID_BYTES + i] = (unsigned char)(epoch >> (8 * i));
	sign(mac, key, message, sizeof(message));
	for (i = 0; i < DIGEST_BYTES; i++)
		snprintf(room + 2 * i, 3, "%02x", mac[i]);
}

const char *
task_token_write(char room[TASK_TOKEN_BYTES], const struct hub_key *key, const struct id *task,
		 uint32_t epoch)
{
	char id[2 * ID_BYTES + 1], mac[2 * DIGEST_BYTES + 1];
	int i;

	for (i = 0; i < ID_BYTES; i++)
		snprintf(id + 2 * i, 3, "%02x", task->bytes[i]);
	sign_lease(mac, key, task, epoch);
	snprintf(room, TASK_TOKEN_BYTES, "%s%s_%u_%s", prefix, id, epoch, mac);
	return room;
}

/* In a time that does not depend on where they differ. */
static bool
same_bytes(const char *a, const char *b, size_t len)
{
	unsigned char differ = 0;
	size_t i;

	for (i = 0; i < len; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return differ == 0;
}

bool
task_token_read(const char *token, const struct hub_key *key, struct id *task, uint32_t *epoch)
{
	char mac[2 * DIGEST_BYTES + 1];
	const char *at;
	char *end;
	unsigned long number;

	if (strncmp(token, prefix, strlen(prefix)) != 0)
		return false;
	at = token + strlen(prefix);
	if (!read_hex(task->bytes, ID_BYTES, at) || at[2 * ID_BYTES] != '_')
		return false;
	at += 2 * ID_BYTES + 1;
	errno = 0;
	number = strtoul(at, &end, 10);
	if (errno != 0 || end == at || *end != '_' || number > UINT32_MAX)
		return false;
	if (strlen(end + 1) != 2 * DIGEST_BYTES)
		return false;
	*epoch = (uint32_t)number;
	sign_lease(mac, key, task, *epoch);
	return same_bytes(mac, end + 1, 2 * DIGEST_BYTES);
}

static void
sign_continuation(char room[2 * DIGEST_BYTES + 1], const struct hub_key *key, const struct id *pipeline)
{
	static const char purpose[] = "runner-hub continuation";
	unsigned char message[sizeof(purpose) + ID_BYTES], mac[DIGEST_BYTES];
	int i;

	memcpy(message, purpose, sizeof(purpose));
	memcpy(message + sizeof(purpose), pipeline->bytes, ID_BYTES);
	sign(mac, key, message, sizeof(message));
	for (i = 0; i < DIGEST_BYTES; i++)
		snprintf(room + 2 * i, 3, "%02x", mac[i]);
}

const char *
continuation_key_write(char room[CONTINUATION_KEY_BYTES], const struct hub_key *key,
		       const struct id *pipeline)
{
	char id[2 * ID_BYTES + 1], mac[2 * DIGEST_BYTES + 1];
	int i;

	for (i = 0; i < ID_BYTES; i++)
		snprintf(id + 2 * i, 3, "%02x", pipeline->bytes[i]);
	sign_continuation(mac, key, pipeline);
	snprintf(room, CONTINUATION_KEY_BYTES, "%s%s_%s", continuation_prefix, id, mac);
	return room;
}

bool
continuation_key_read(const char *text, const struct hub_key *key, struct id *pipeline)
{
	size_t skip = strlen(continuation_prefix);
	char mac[2 * DIGEST_BYTES + 1];

	if (strlen(text) != skip + 2 * ID_BYTES + 1 + 2 * DIGEST_BYTES ||
	    strncmp(text, continuation_prefix, skip) != 0 ||
	    !read_hex(pipeline->bytes, ID_BYTES, text + skip) || text[skip + 2 * ID_BYTES] != '_')
		return false;
	sign_continuation(mac, key, pipeline);
	return same_bytes(mac, text + skip + 2 * ID_BYTES + 1, 2 * DIGEST_BYTES);
}
