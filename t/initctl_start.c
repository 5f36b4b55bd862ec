/*
 * initctl_start.c - how initctl starts a step: from words to a message and its memfds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "initctl.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "loop/pipe.h"
#include "wire/spec.h"

enum { ENV_MOST = 64 };

/* What a start line asks for, besides the message itself. */
struct wanted {
	struct message message;
	struct spec spec;
	const char *env[ENV_MOST];
	size_t env_count;
	struct spec_rlimit rlimits[SPEC_RLIMITS_MOST];
	uint32_t groups[16];
	uint64_t filter[8];
	int cgroup_fd;
	char *big; /* an argument of this many bytes; owned */
};

/* struct sock_filter: 2 bytes code, jt, jf, 4 bytes k; here of this machine's order (little). */
static uint64_t
instruction(unsigned code, unsigned jt, unsigned jf, uint32_t k)
{
	return code | (uint64_t)jt << 16 | (uint64_t)jf << 24 | (uint64_t)k << 32;
}

/* EPERM for one system call. */
static void
want_denied(struct wanted *wanted, uint32_t call)
{
	wanted->filter[0] = instruction(0x20, 0, 0, 0);		     /* load its number */
	wanted->filter[1] = instruction(0x15, 0, 1, call);	     /* is it the one */
	wanted->filter[2] = instruction(0x06, 0, 0, 0x00050000 | 1); /* errno EPERM */
	wanted->filter[3] = instruction(0x06, 0, 0, 0x7fff0000);     /* allow */
	wanted->spec.filter = wanted->filter;
	wanted->spec.filter_count = 4;
}

static void
want_rlimit(struct wanted *wanted, char *value)
{
	struct spec_rlimit *limit = &wanted->rlimits[wanted->spec.rlimit_count++];
	char *soft = strchr(value, ':'), *hard = soft == NULL ? NULL : strchr(soft + 1, ':');

	if (hard == NULL)
		fail("rlimit=RESOURCE:SOFT:HARD");
	*soft++ = *hard++ = '\0';
	limit->resource = (uint32_t)number(value);
	limit->soft = number(soft);
	limit->hard = number(hard);
	wanted->spec.rlimits = wanted->rlimits;
}

static void
want_groups(struct wanted *wanted, char *value)
{
	char *at;

	wanted->spec.groups = wanted->groups;
	for (at = strtok(value, ","); at != NULL; at = strtok(NULL, ","))
		wanted->groups[wanted->spec.group_count++] = (uint32_t)number(at);
}

static void
want_big(struct wanted *wanted, size_t size)
{
	wanted->big = malloc(size + 1);
	if (wanted->big == NULL)
		fail("big");
	memset(wanted->big, 'x', size);
	wanted->big[size] = '\0';
}

static void
want(struct wanted *wanted, char *key, char *value)
{
	struct message_start_step *start = &wanted->message.start_step;
	const struct {
		const char *key;
		uint32_t *to;
	} numbers[] = {{"attempt", &start->attempt},  {"grace", &start->grace_ms},
		       {"orphan", &start->orphan_ms}, {"uid", &start->uid},
		       {"gid", &start->gid},	      {"flags", &start->flags},
		       {"umask", &wanted->spec.umask}};
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(numbers[i].key, key) == 0) {
			*numbers[i].to = (uint32_t)number(value);
			return;
		}
	}
	if (strcmp(key, "deadline") == 0)
		start->deadline_ms = number(value);
	else if (strcmp(key, "cwd") == 0)
		wanted->spec.cwd = value;
	else if (strcmp(key, "env") == 0 && wanted->env_count < ENV_MOST - 1)
		wanted->env[wanted->env_count++] = value;
	else if (strcmp(key, "rlimit") == 0 && wanted->spec.rlimit_count < SPEC_RLIMITS_MOST)
		want_rlimit(wanted, value);
	else if (strcmp(key, "groups") == 0)
		want_groups(wanted, value);
	else if (strcmp(key, "deny") == 0)
		want_denied(wanted, (uint32_t)number(value));
	else if (strcmp(key, "big") == 0)
		want_big(wanted, (size_t)number(value));
	else if (strcmp(key, "cgroup") == 0)
		wanted->cgroup_fd = open(value, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	else
		fail(key);
}

static int
make_spec(const struct spec *spec)
{
	const char *wrong;
	size_t size = spec_size(spec, &wrong);
	void *room;
	int fd;

	if (size == 0) {
		(void)printf("initctl: %s\n", wrong);
		exit(3);
	}
	fd = memfd_create("spec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		fail("memfd");
	room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (room == MAP_FAILED)
		fail("mmap");
	spec_pack(room, spec);
	(void)munmap(room, size);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) != 0)
		fail("seal");
	return fd;
}

static void
send_start(struct wanted *wanted)
{
	unsigned step = wanted->message.start_step.step;
	struct err err = ERR_INIT;
	int fds[3] = {make_spec(&wanted->spec), -1, wanted->cgroup_fd};

	if (pipe_memfd_new(&fds[1], "output", &err) < 0)
		fail(err.text);
	send_message(&wanted->message, fds, wanted->cgroup_fd >= 0 ? 3 : 2);
	(void)close(fds[0]);
	if (ctl.held[step].memfd > 0)
		(void)close(ctl.held[step].memfd);
	ctl.held[step].memfd = fds[1];
	if (wanted->cgroup_fd >= 0)
		(void)close(wanted->cgroup_fd);
	free(wanted->big);
}

void
start_step(unsigned step, char **words)
{
	struct wanted wanted = {.cgroup_fd = -1};
	const char *argv[WORDS_MOST + 1];
	size_t argc = 0;
	char *value;

	wanted.message.type = MESSAGE_START_STEP;
	wanted.message.start_step.step = step;
	wanted.message.start_step.orphan_ms = SUPERVISOR_ORPHAN_KEEP;
	wanted.spec.cwd = "/";
	wanted.spec.umask = 022;
	for (; *words != NULL && strcmp(*words, "--") != 0; words++) {
		value = strchr(*words, '=');
		if (value == NULL)
			fail("KEY=VALUE is expected");
		*value = '\0';
		want(&wanted, *words, value + 1);
		*value = '=';
	}
	if (*words != NULL)
		words++;
	for (; *words != NULL; words++)
		argv[argc++] = *words;
	if (wanted.big != NULL)
		argv[argc++] = wanted.big;
	argv[argc] = NULL;
	wanted.spec.argv = argv;
	wanted.spec.env = wanted.env;
	send_start(&wanted);
}
