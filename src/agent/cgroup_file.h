/*
 * cgroup_file.h - one file of a control group: a number or a word in, numbers out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CGROUP_FILE_H
#define AGENT_CGROUP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CGROUP_FILE_BYTES = 4096 };

/* Returns 0 or the errno: ENOENT where the kernel or the group has no such file. */
int cgroup_file_write(int dir_fd, const char *name, const char *text);
int cgroup_file_write_number(int dir_fd, const char *name, uint64_t value);

/* What it holds, up to size - 1 bytes, with a NUL. False, and an empty text, when it cannot be read. */
bool cgroup_file_read(int dir_fd, const char *name, char *room, size_t size);

/* The number it holds; "max" is UINT64_MAX; 0 where there is none. */
uint64_t cgroup_file_number(int dir_fd, const char *name);

/* Of a text of "key number" lines: the number, or 0. */
uint64_t cgroup_text_number(const char *text, const char *key);

/* Of a text of "device key=number ..." lines: the sum of all numbers of this key. */
uint64_t cgroup_text_sum(const char *text, const char *key);

#endif
