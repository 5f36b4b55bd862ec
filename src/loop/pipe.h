/*
 * pipe.h - bytes from a pipe to a memfd without passing through us.
 *
 * The kernel keeps the count: a splice(2) at offset = size both takes the bytes out
 * of the pipe and moves the memfd's size, in one call, so that no crash can fall
 * between them. A stream socket in the pipe's place (a container's output) is read and written
 * instead: a crash between the two gives some bytes twice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_PIPE_H
#define LOOP_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * A memfd that can grow but never shrink (F_SEAL_SHRINK): its size is a stream's absolute offset.
 * *fd is close-on-exec and the caller's. name shows in /proc only.
 */
int pipe_memfd_new(int *fd, const char *name, struct err *err);

/*
 * Move what waits in the pipe or socket, at most most bytes, to the memfd's end at size; never
 * blocks. *moved is 0 when nothing waits. *ended is true at end of file (no writer is left). Fails:
 * ERR_LIMIT when there is no memory for more, ERR_HOST otherwise.
 */
int pipe_splice(int pipe_fd, int memfd, uint64_t size, size_t most, size_t *moved, bool *ended,
		struct err *err);

/* Make room for bytes in the pipe. False when the user's pipes have too many pages already. */
bool pipe_grow(int pipe_fd, size_t bytes);
/*
 * Bytes that all pipes of one user may have before what is made next gets 8 KiB instead of 64
 * (fs.pipe-user-pages-soft); SIZE_MAX when there is no limit.
 */
size_t pipe_user_bytes(void);

/* Bytes that wait in the pipe. */
int pipe_waiting(int pipe_fd, size_t *waiting, struct err *err);

/* Give the pages of [from, to) back; the size stays. */
int pipe_memfd_punch(int memfd, uint64_t from, uint64_t to, struct err *err);

/* Size of the memfd: the offset of the next byte. */
int pipe_memfd_size(int memfd, uint64_t *size, struct err *err);

#endif
