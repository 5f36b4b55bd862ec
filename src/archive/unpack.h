/*
 * unpack.h - an archive back to where its files came from.
 *
 * An archive is hostile until it is unpacked: nothing is written outside its two trees
 * (archive/place.h) nor through a link that lies there, devices and FIFOs are refused, and
 * set-id bits are not given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_UNPACK_H
#define ARCHIVE_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct place;

/* May a file of that name, as the archive has it, be unpacked? False passes it over. */
typedef bool unpack_take_fn(void *arg, const char *name);

struct unpack_sum {
	uint64_t entries, bytes;
};

/*
 * SHA-256 of what fd holds from where it is on, and its size; fd is there again afterwards. Fails:
 * ERR_HOST.
 */
int unpack_digest(int fd, unsigned char digest[32], uint64_t *size, struct err *err);

/*
 * Unpack what fd holds from where it is, but for what take() refuses (NULL: all); directories are
 * not asked for. What is there already is overwritten. Fails: ERR_INPUT (no
 * archive of ours, cut short, or an entry that is refused), ERR_HOST, ERR_LIMIT (disk full). What
 * was unpacked until then stays.
 */
int unpack(int fd, const struct place *place, unpack_take_fn *take, void *arg,
	   struct unpack_sum *sum, struct err *err);

#endif
