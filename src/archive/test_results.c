/*
 * test_results.c - the step store_test_results, from within the job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/test_results.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/junit.h"
#include "archive/place.h"
#include "archive/warnings.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "helper/control_client.h"
#include "task/test_case.h"

/* One step's. */
struct results {
	struct buffer lines; /* not sent yet */
	struct buffer line;  /* the next one */
	uint64_t sent;	     /* tests before these */
	uint64_t tests, by_result[TEST_RESULT_COUNT], left_out;
	uint64_t files, bytes;
	struct warnings warnings;
};

/* --- to the agent ------------------------------------------------------------------------------
 */

/* A memfd that holds the lines and cannot change any more. */
static int
seal_lines(const struct buffer *lines, int *fd, struct err *err)
{
	size_t done = 0;
	ssize_t n;

	*fd = memfd_create("tests", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	while (*fd >= 0 && done < lines->len) {
		n = write(*fd, lines->data + done, lines->len - done);
		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	if (*fd >= 0 && done == lines->len &&
	    fcntl(*fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == 0)
		return 0;
	return err_sys(err, "cannot keep the tests in memory");
}

static int
send_lines(struct results *results, struct err *err)
{
	struct control_question question = {.verb = CONTROL_VERB_TESTS_STORE, .fd = -1};
	struct control_answer answer;
	enum control_result result;
	LOCAL_FD fd = -1;
	char first[24];

	if (results->lines.len == 0)
		return 0;
	if (seal_lines(&results->lines, &fd, err) < 0)
		return err->code;
	question.value = first;
	question.len =
		(size_t)snprintf(first, sizeof(first), "%llu", (unsigned long long)results->sent);
	question.fd = fd;
	result = control_ask(&question, &answer);
	if (answer.fd >= 0)
		(void)close(answer.fd);
	if (result != CONTROL_OK)
		return err_set(err, result == CONTROL_SILENT ? ERR_AGAIN : ERR_HOST, "%s",
			       answer.text);
	buffer_clear(&results->lines);
	results->sent = results->tests;
	return 0;
}

static int
on_case(void *arg, const struct test_case *test, struct err *err)
{
	struct results *results = arg;

	if (results->tests == TESTS_OF_TASK_MOST) {
		results->left_out++;
		return 0;
	}
	buffer_clear(&results->line);
	test_case_write(&results->line, test);
	if (results->lines.len + results->line.len > TEST_BATCH_MOST_BYTES &&
	    send_lines(results, err) < 0)
		return err->code;
	results->tests++;
	results->by_result[test->result]++;
	buffer_putn(&results->lines, results->line.data, results->line.len);
	return 0;
}

/* --- a file --------------------------------------------------------------------------------------
 */

/* All of it; NULL, and told, where it cannot be. The caller frees. */
static unsigned char *
read_file(struct results *results, const char *path, size_t *len)
{
	LOCAL_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	unsigned char *bytes;
	struct stat st;
	ssize_t n = 1;

	*len = 0;
	if (fd < 0 || fstat(fd, &st) != 0) {
		warnings_tell(&results->warnings, "cannot read '%s': %s", path, strerror(errno));
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > JUNIT_FILE_MOST_BYTES) {
		warnings_tell(&results->warnings, "'%s' is left out: it %s", path,
			      S_ISREG(st.st_mode) ? "has more than 64 MiB" : "is no file");
		return NULL;
	}
	bytes = mem_try((size_t)st.st_size + 1);
	if (bytes == NULL) {
		warnings_tell(&results->warnings, "'%s' is left out: there is no memory for it",
			      path);
		return NULL;
	}
	/* It may have shrunk meanwhile. */
	while (n > 0 && *len < (size_t)st.st_size) {
		n = read(fd, bytes + *len, (size_t)st.st_size - *len);
		*len += n > 0 ? (size_t)n : 0;
	}
	if (n >= 0)
		return bytes;
	warnings_tell(&results->warnings, "cannot read '%s': %s", path, strerror(errno));
	free(bytes);
	return NULL;
}

/* Its own faults are told; only that nobody takes the tests is ours. */
static int
take_file(struct results *results, const char *path, struct err *err)
{
	uint64_t before = results->tests + results->left_out;
	struct err fault = ERR_INIT;
	LOCAL_FREE unsigned char *bytes = NULL;
	size_t len;

	if (results->files == RESULT_FILES_MOST || results->bytes >= RESULT_BYTES_MOST) {
		warnings_tell(&results->warnings,
			      "'%s' is left out: there are more than %d files, or more than 1 GiB "
			      "of them",
			      path, RESULT_FILES_MOST);
		return 0;
	}
	bytes = read_file(results, path, &len);
	if (bytes == NULL)
		return 0;
	results->files++;
	results->bytes += len;
	if (len == 0)
		warnings_tell(&results->warnings, "'%s' is empty", path);
	else if (junit_read(bytes, len, on_case, results, &fault) == ERR_INPUT)
		warnings_tell(&results->warnings, "'%s': %s; %llu tests before that are kept", path,
			      fault.text,
			      (unsigned long long)(results->tests + results->left_out - before));
	else if (fault.code != 0)
		return err_set(err, fault.code, "%s", fault.text);
	return 0;
}

/* --- a directory
 * ---------------------------------------------------------------------------------- */

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int
visit(struct results *results, FTS *walk, FTSENT *entry, struct err *err)
{
	bool hidden = entry->fts_level > 0 && entry->fts_name[0] == '.';

	switch (entry->fts_info) {
	case FTS_D:
		if (hidden || entry->fts_level > RESULT_DIRS_MOST)
			(void)fts_set(walk, entry, FTS_SKIP);
		return 0;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		warnings_tell(&results->warnings, "cannot read '%s': %s", entry->fts_path,
			      strerror(entry->fts_errno));
		return 0;
	case FTS_F:
		return text_ends(entry->fts_name, ".xml") ? take_file(results, entry->fts_path, err)
							  : 0;
	default:
		return 0;
	}
}

static int
take_directory(struct results *results, char *path, struct err *err)
{
	char *paths[] = {path, NULL};
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *entry;
	int rc = 0;

	if (walk == NULL)
		return err_sys(err, "cannot read '%s'", path);
	while (rc == 0 && (entry = fts_read(walk)) != NULL)
		rc = visit(results, walk, entry, err);
	(void)fts_close(walk);
	return rc;
}

/* --- the step
 * --------------------------------------------------------------------------------------- */

static void
tell(struct results *results)
{
	warnings_end(&results->warnings);
	if (results->left_out > 0)
		(void)fprintf(stderr, "warning: %llu tests are left out: %d are kept\n",
			      (unsigned long long)results->left_out, TESTS_OF_TASK_MOST);
	(void)printf("%llu test%s in %llu file%s: %llu passed, %llu failed, %llu skipped\n",
		     (unsigned long long)results->tests, results->tests == 1 ? "" : "s",
		     (unsigned long long)results->files, results->files == 1 ? "" : "s",
		     (unsigned long long)results->by_result[TEST_SUCCESS],
		     (unsigned long long)results->by_result[TEST_FAILURE],
		     (unsigned long long)results->by_result[TEST_SKIPPED]);
	(void)fflush(stdout);
}

int
test_results_store(const char *path, struct err *err)
{
	static struct place place;
	struct results results = {.lines = BUFFER_INIT, .line = BUFFER_INIT};
	char absolute[PATH_MAX];
	struct stat st;
	int rc = place_init_at(&place, path, absolute, err);

	if (rc < 0)
		return rc;
	if (stat(absolute, &st) != 0) {
		warnings_tell(&results.warnings, "there are no test results at '%s': %s", path,
			      strerror(errno));
		return 0;
	}
	rc = S_ISDIR(st.st_mode) ? take_directory(&results, absolute, err)
				 : take_file(&results, absolute, err);
	if (rc == 0)
		rc = send_lines(&results, err);
	if (rc == 0)
		tell(&results);
	buffer_release(&results.lines);
	buffer_release(&results.line);
	return rc;
}
