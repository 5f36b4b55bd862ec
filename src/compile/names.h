/*
 * names.h - which texts may be names of what.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_NAMES_H
#define COMPILE_NAMES_H

#include <stdbool.h>

/* Commands, executors, parameters: a letter, then letters, digits, '_' and '-'. */
bool name_is_element(const char *name);
/* Jobs and job groups: the same, and spaces. */
bool name_is_job(const char *name);
/* As strcmp(3), letters A-Z counted as a-z, whatever the locale. */
int name_compare_ignoring_case(const char *a, const char *b);
/* What is displayed and written as a key, of jobs and workflows: one line of 1 to 300 bytes. */
bool name_is_line(const char *name);
/* Environment variables: [A-Za-z_][A-Za-z0-9_]*, at most 500 bytes. */
bool name_is_variable(const char *name);
/* The same with '.' and '-' among them, as some images want it. */
bool name_is_container_variable(const char *name);
/* 1 to 512 of A-Za-z0-9._-/ */
bool name_is_serial_group(const char *name);
/* Two such parts with one '/': selects self-hosted runners. */
bool name_is_own_resource_class(const char *name);
/* At most 200 characters, no white space at its ends, no control characters. */
bool name_is_context(const char *name);

#endif
