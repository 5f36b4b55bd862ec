/*
 * cache_key.c - a cache's key as the config has it becomes the key of this job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/cache_key.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "format/digest.h"

enum {
	WORD_BYTES = 256,
	READ_BYTES = 64 * 1024,
	BASE64_DIGEST_BYTES = 45, /* of 32 bytes, with padding and NUL */
};

/* --- words ----------------------------------------------------------------------------- */

struct reading {
	const char *at, *end; /* between the braces */
	struct buffer *out;
	const struct cache_key_facts *facts;
};

static void
skip_blanks(struct reading *reading)
{
	while (reading->at < reading->end && strchr(" \t\r\n", *reading->at) != NULL)
		reading->at++;
}

/* Up to a blank. Fails: ERR_INPUT when it is too long. */
static int
take_word(struct reading *reading, char room[WORD_BYTES], struct err *err)
{
	const char *start;
	size_t len;

	skip_blanks(reading);
	start = reading->at;
	while (reading->at < reading->end && strchr(" \t\r\n", *reading->at) == NULL)
		reading->at++;
	len = (size_t)(reading->at - start);
	if (len >= WORD_BYTES)
		return err_set(err, ERR_INPUT, "a word in the cache key is longer than %d bytes",
			       WORD_BYTES - 1);
	memcpy(room, start, len);
	room[len] = '\0';
	return 0;
}

/* "PATH": Go's strings, as far as a path needs them. */
static int
take_quoted(struct reading *reading, struct buffer *path, struct err *err)
{
	char quote;

	skip_blanks(reading);
	if (reading->at == reading->end || (*reading->at != '"' && *reading->at != '`'))
		return err_set(err, ERR_INPUT,
			       "checksum in the cache key takes a file's name in double quotes");
	for (quote = *reading->at++; reading->at < reading->end; reading->at++) {
		if (*reading->at == quote) {
			reading->at++;
			return 0;
		}
		if (*reading->at == '\\' && quote == '"' && reading->at + 1 < reading->end)
			reading->at++;
		buffer_putn(path, reading->at, 1);
	}
	return err_set(err, ERR_INPUT, "a file's name in the cache key has no closing quote");
}

/* --- what may stand between braces --------------------------------------------------------- */

/* name: what is told of it when it has no value; variable NULL: it never has one. */
static void
put_variable(struct reading *reading, const char *name, const char *variable)
{
	const struct cache_key_facts *facts = reading->facts;
	const char *value = variable != NULL ? facts->variable(facts->arg, variable) : NULL;

	if (value != NULL)
		buffer_puts(reading->out, value);
	else if (facts->on_unset != NULL)
		facts->on_unset(facts->arg, name);
}

static int
put_field(struct reading *reading, const char *word, struct err *err)
{
	static const struct {
		const char *field, *variable;
	} fields[] = {
		{".Branch", "CIRCLE_BRANCH"},
		{".BuildNum", "CIRCLE_BUILD_NUM"},
		{".Revision", "CIRCLE_SHA1"},
		{".CheckoutKey", NULL}, /* the key itself; a job has no business to know it */
	};
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (text_eq(word, fields[i].field)) {
			put_variable(reading, fields[i].field, fields[i].variable);
			return 0;
		}
	if (text_starts(word, ".Environment.") && strlen(word) > strlen(".Environment.")) {
		word += strlen(".Environment.");
		put_variable(reading, word, word);
		return 0;
	}
	if (err_set(err, ERR_INPUT, "the cache key has '{{ %s }}', which is not known", word) < 0)
		err_hint(err, "there are .Branch, .BuildNum, .Revision, .Environment.NAME, "
			      "checksum \"FILE\", epoch and arch");
	return err->code;
}

static void
put_base64(struct buffer *out, const unsigned char digest[DIGEST_BYTES])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[BASE64_DIGEST_BYTES];
	size_t i, n = 0;

	for (i = 0; i < DIGEST_BYTES; i += 3) {
		uint32_t bits = (uint32_t)digest[i] << 16 |
				(uint32_t)(i + 1 < DIGEST_BYTES ? digest[i + 1] : 0) << 8 |
				(uint32_t)(i + 2 < DIGEST_BYTES ? digest[i + 2] : 0);

		text[n++] = digits[bits >> 18];
		text[n++] = digits[bits >> 12 & 63];
		text[n++] = i + 1 < DIGEST_BYTES ? digits[bits >> 6 & 63] : '=';
		text[n++] = i + 2 < DIGEST_BYTES ? digits[bits & 63] : '=';
	}
	buffer_putn(out, text, n);
}

static int
put_checksum(struct reading *reading, struct err *err)
{
	struct buffer path = BUFFER_INIT;
	unsigned char digest[DIGEST_BYTES];
	int rc = take_quoted(reading, &path, err);

	if (rc == 0)
		rc = reading->facts->checksum(reading->facts->arg, buffer_text(&path), digest, err);
	if (rc == 0)
		put_base64(reading->out, digest);
	buffer_release(&path);
	return rc;
}

static int
put_template(struct reading *reading, struct err *err)
{
	char word[WORD_BYTES];
	int rc = take_word(reading, word, err);

	if (rc < 0)
		return rc;
	if (text_eq(word, "epoch"))
		buffer_printf(reading->out, "%lld", reading->facts->epoch);
	else if (text_eq(word, "arch"))
		buffer_puts(reading->out, reading->facts->arch);
	else if (text_eq(word, "checksum"))
		rc = put_checksum(reading, err);
	else
		rc = put_field(reading, word, err);
	skip_blanks(reading);
	if (rc == 0 && reading->at != reading->end)
		return err_set(err, ERR_INPUT, "the cache key has something behind '{{ %s'", word);
	return rc;
}

/* --- the whole --------------------------------------------------------------------------- */

/* Behind "{{": to the first "}}" that is not in a quoted name. */
static const char *
find_close(const char *at)
{
	char quote = '\0';

	for (; *at != '\0'; at++) {
		if (quote != '\0') {
			if (*at == '\\' && quote == '"' && at[1] != '\0')
				at++;
			else if (*at == quote)
				quote = '\0';
		} else if (*at == '"' || *at == '`') {
			quote = *at;
		} else if (at[0] == '}' && at[1] == '}') {
			return at;
		}
	}
	return NULL;
}

static int
check_key(struct buffer *key, struct err *err)
{
	const char *text = buffer_text(key);

	if (key->len == 0)
		return err_set(err, ERR_INPUT, "the cache key is empty");
	if (key->len > CACHE_KEY_MOST_BYTES)
		return err_set(err, ERR_INPUT, "the cache key has %zu bytes, %d are allowed",
			       key->len, CACHE_KEY_MOST_BYTES);
	if (!text_is_utf8(text, key->len) || strpbrk(text, "\n\r") != NULL)
		return err_set(err, ERR_INPUT, "the cache key is not one line of UTF-8");
	return 0;
}

int
cache_key_render(struct buffer *out, const char *text, const struct cache_key_facts *facts,
		 struct err *err)
{
	struct buffer key = BUFFER_INIT;
	const char *open, *close;
	int rc = 0;

	while (rc == 0 && (open = strstr(text, "{{")) != NULL) {
		buffer_putn(&key, text, (size_t)(open - text));
		close = find_close(open + 2);
		if (close == NULL) {
			rc = err_set(err, ERR_INPUT, "'{{' in the cache key is not closed by '}}'");
			break;
		}
		rc = put_template(&(struct reading){open + 2, close, &key, facts}, err);
		text = close + 2;
	}
	if (rc == 0) {
		buffer_puts(&key, text);
		rc = check_key(&key, err);
	}
	if (rc == 0)
		buffer_putn(out, key.data, key.len);
	buffer_release(&key);
	return rc;
}

/* --- facts of this process ------------------------------------------------------------------ */

static const char *
variable_of_process(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

static void
on_unset_here(void *arg, const char *name)
{
	(void)arg;
	(void)fprintf(stderr, "warning: the cache key asks for '%s', which is not set\n", name);
}

/* "~/x" is in the job's home, as in all paths of a config. */
static int
open_file(const char *path)
{
	const char *home = getenv("HOME");
	char room[PATH_MAX];

	if (text_starts(path, "~/") && home != NULL) {
		if ((size_t)snprintf(room, sizeof(room), "%s/%s", home, path + 2) >= sizeof(room)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		path = room;
	}
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static int
checksum_of_file(void *arg, const char *path, unsigned char digest[DIGEST_BYTES], struct err *err)
{
	LOCAL_FD fd = open_file(path);
	LOCAL_FREE unsigned char *room = malloc(READ_BYTES);
	struct digest *sum;
	struct stat st;
	ssize_t n;

	(void)arg;
	if (fd < 0 || fstat(fd, &st) != 0 || room == NULL)
		return err_sys(err, "cannot read '%s', whose checksum is part of the cache key",
			       path);
	if (!S_ISREG(st.st_mode) || st.st_size > CACHE_KEY_CHECKSUM_MOST_BYTES)
		return err_set(err, ERR_INPUT,
			       "'%s', whose checksum is part of the cache key, is no file of at "
			       "most %d MiB",
			       path, CACHE_KEY_CHECKSUM_MOST_BYTES >> 20);
	sum = digest_new();
	while ((n = read(fd, room, READ_BYTES)) > 0)
		digest_add(sum, room, (size_t)n);
	digest_end(sum, digest);
	return n < 0 ? err_sys(err, "cannot read '%s'", path) : 0;
}

/* The value of a line "NAME : VALUE" in /proc/cpuinfo, as a number; 0 when there is none. */
static unsigned
cpu_number(const char *info, const char *name)
{
	const char *line = strstr(info, name);
	const char *colon = line != NULL ? strchr(line, ':') : NULL;

	return colon != NULL ? (unsigned)strtoul(colon + 1, NULL, 0) : 0;
}

/* "arch1-OS-ARCH-FAMILY_MODEL". */
static const char *
arch_of_host(void)
{
	static char text[64];
	char info[4096] = "";
	LOCAL_FD fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, info, sizeof(info) - 1) < 0)
		info[0] = '\0';
#if defined(__x86_64__)
	(void)snprintf(text, sizeof(text), "arch1-linux-amd64-%u_%u",
		       cpu_number(info, "cpu family"), cpu_number(info, "model\t"));
#else
	(void)snprintf(text, sizeof(text), "arch1-linux-arm64-%u_%u",
		       cpu_number(info, "CPU architecture"), cpu_number(info, "CPU part"));
#endif
	return text;
}

void
cache_key_facts_of_process(struct cache_key_facts *facts)
{
	*facts = (struct cache_key_facts){
		.variable = variable_of_process,
		.checksum = checksum_of_file,
		.epoch = (long long)time(NULL),
		.arch = arch_of_host(),
		.on_unset = on_unset_here,
	};
}
