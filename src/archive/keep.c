/*
 * keep.c - an archive that comes from the hub, into its file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/keep.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "format/digest.h"

enum { PIECE_BYTES = 1 << 20 };

static int
write_all(const unsigned char *bytes, size_t len, struct err *err)
{
	size_t done = 0;
	ssize_t n;

	for (; done < len; done += (size_t)n) {
		n = write(STDOUT_FILENO, bytes + done, len - done);
		if (n < 0)
			return err_sys(err, "cannot write the archive");
	}
	return 0;
}

/* At most `most` bytes, and one more that shows that there were more. */
static int
copy(uint64_t most, uint64_t *copied, unsigned char digest[DIGEST_BYTES], struct err *err)
{
	LOCAL_FREE unsigned char *room = malloc(PIECE_BYTES);
	struct digest *sum = digest_new();
	ssize_t n = room != NULL ? 1 : -1;
	int rc = 0;

	for (*copied = 0; n > 0 && rc == 0 && *copied <= most; *copied += n > 0 ? (uint64_t)n : 0) {
		n = read(STDIN_FILENO, room, PIECE_BYTES);
		if (n > 0) {
			digest_add(sum, room, (size_t)n);
			rc = write_all(room, (size_t)n, err);
		}
	}
	digest_end(sum, digest);
	return rc == 0 && n < 0 ? err_sys(err, "cannot read the archive") : rc;
}

int
keep(const char *wanted, const char *size, struct err *err)
{
	unsigned char digest[DIGEST_BYTES];
	char text[DIGEST_TEXT_BYTES];
	uint64_t most, copied;
	int rc = text_parse_u64(size, INT64_MAX, &most, err);

	if (rc == 0)
		rc = copy(most, &copied, digest, err);
	if (rc == 0 && (copied != most || strcmp(digest_hex(text, digest), wanted) != 0))
		rc = err_set(err, ERR_INPUT, "the archive is not what was announced");
	return rc;
}
