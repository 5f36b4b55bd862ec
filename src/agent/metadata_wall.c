/*
 * metadata_wall.c - what keeps tasks from the address where clouds hand out credentials.
 *
 * By nft(8), in one transaction: what was there of us is replaced, and at no moment is there less
 * than before. Refused: a route or a rule of routing by user (a socket that is bound to a device
 * goes past it), a program in the tasks' control groups (hosts without version 2 have none), a
 * table that ends with its owner (tasks do not).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/metadata_wall.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/isolation.h"
#include "agent/privilege.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "loop/child.h"

enum { NFT_MS = 20 * 1000, RULES_BYTES = 1024, SAID_BYTES = 256 };

/* In the order of the hooks before every other: what rewrites addresses comes later. */
#define PRIORITY "-400"

/* --- the packet filter --------------------------------------------------------------------- */

static const char *
find_nft(void)
{
	static const char *const paths[] = {"/usr/sbin/nft", "/sbin/nft", NULL};

	return child_host_program(paths);
}

/* The first line of what it says of its failure. */
static void
read_said(int fd, char room[SAID_BYTES])
{
	ssize_t n = read(fd, room, SAID_BYTES - 1);

	room[n > 0 ? n : 0] = '\0';
	room[strcspn(room, "\n")] = '\0';
}

static int
run_nft(struct loop *loop, const char *path, const char *rules, bool only_try, struct err *err)
{
	char *argv[] = {(char *)"nft", NULL, NULL, NULL};
	char *envp[] = {NULL};
	struct child_fd fds[1];
	struct child_spec spec = {
		.path = path, .argv = argv, .envp = envp, .cwd = "/", .fds = fds, .fd_count = 1};
	struct child nft = CHILD_INIT;
	char said[SAID_BYTES];
	int ends[2], status = 0, rc;
	size_t n = 1;

	if (only_try)
		argv[n++] = (char *)"--check";
	argv[n] = (char *)(uintptr_t)rules;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return err_sys(err, "cannot make a pipe");
	fds[0] = (struct child_fd){ends[1], STDERR_FILENO};
	rc = child_start(&nft, loop, &spec, NULL, NULL, err);
	(void)close(ends[1]);
	if (rc == 0)
		rc = child_wait(&nft, NFT_MS, &status, err);
	read_said(ends[0], said);
	(void)close(ends[0]);
	if (rc == 0 && status != 0)
		rc = err_set(err, ERR_HOST, "%s: %s", path,
			     said[0] != '\0' ? said : "it has failed");
	return rc;
}

/* For slots 0 to count - 1; without any what was there is taken away. */
static int
build(const struct metadata_wall_settings *settings, uint32_t count, struct err *err)
{
	const uint32_t first = settings->privilege->first_uid, last = first + count - 1;
	const char *nft = find_nft();
	char rules[RULES_BYTES];
	int n;

	if (nft == NULL)
		return err_set(err, ERR_HOST, "nft is not there (Debian: nftables)");
	n = snprintf(rules, sizeof(rules), "table inet runnerd_%u\ndelete table inet runnerd_%u\n",
		     first, first);
	if (count > 0)
		(void)snprintf(rules + n, sizeof(rules) - (size_t)n,
			       "table inet runnerd_%u {\n"
			       "chain metadata {\n"
			       "type filter hook output priority " PRIORITY "; policy accept;\n"
			       "ip daddr 169.254.169.254 meta skuid %u-%u reject with icmpx "
			       "admin-prohibited\n"
			       "ip6 daddr fd00:ec2::254 meta skuid %u-%u reject with icmpx "
			       "admin-prohibited\n"
			       "}\n}\n",
			       first, first, last, first, last);
	return run_nft(settings->loop, nft, rules, settings->only_try, err);
}

/* --- who may, and who may not -------------------------------------------------------------- */

struct wishes {
	bool any_blocks; /* by name */
	bool any_closed; /* is not to reach it, by name or because nothing is said */
	bool any_open;
};

static void
count_wish(struct wishes *wishes, const struct isolation *isolation)
{
	/* What a task's way outside sends is its user's. */
	wishes->any_open |= isolation_is_open(isolation);
	if (isolation->network != ISOLATION_NETWORK_HOST)
		return;
	wishes->any_blocks |= isolation->metadata == ISOLATION_METADATA_BLOCK;
	wishes->any_closed |= !isolation_is_open(isolation);
}

static struct wishes
wishes_of(const struct isolations *isolations)
{
	struct wishes wishes = {false, false, false};
	unsigned i;

	count_wish(&wishes, &isolations->host);
	for (i = 0; i < isolations->count; i++)
		if (isolations->of_class[i].says_own)
			count_wish(&wishes, &isolations->of_class[i].isolation);
	return wishes;
}

/* Who asked for it by name is refused, all others are told. */
static int
go_without(const struct wishes *wishes, const struct err *lack, bool only_try, struct err *err)
{
	if (!wishes->any_blocks) {
		if (!only_try)
			log_line(lack->code == ERR_HOST ? LOG_WARN : LOG_INFO, LOG_AT_NONE,
				 "jobs can reach the address where clouds hand out credentials "
				 "(169.254.169.254): %s",
				 lack->text);
		return 0;
	}
	*err = *lack;
	if (err_wrap(err, "the metadata address cannot be blocked in the host's own network") < 0)
		err_hint(err, "say network: none for this class, start runnerd as root with "
			      "nftables installed, or block 169.254.169.254 for the jobs' user in "
			      "the host's firewall and leave metadata_address away");
	return err->code;
}

static int
too_few(uint64_t jobs, struct err *err)
{
	return err_set(err, ERR_INPUT,
		       "slot-uids are too few: classes with metadata_address: allow have users of "
		       "their own, so %llu tasks need %llu (4096 are the most)",
		       (unsigned long long)jobs, (unsigned long long)jobs * 2);
}

int
metadata_wall_raise(struct metadata_wall *wall, const struct metadata_wall_settings *settings,
		    struct err *err)
{
	const struct wishes wishes = wishes_of(settings->isolations);
	const struct privilege *privilege = settings->privilege;
	int rc;

	*wall = (struct metadata_wall){.open_from = wishes.any_closed ? privilege->slots : 0,
				       .users = privilege->slots,
				       .is_wanted = wishes.any_closed,
				       .lack = ERR_INIT};
	if (privilege->is_split && wishes.any_closed && wishes.any_open)
		wall->open_from = wall->users = privilege->slots / 2;
	if (privilege->is_split && wall->users < settings->jobs)
		return too_few(settings->jobs, err);
	rc = privilege->is_split
		     ? build(settings, wall->open_from, &wall->lack)
		     : err_set(&wall->lack, ERR_INPUT, "they have no users of their own");
	if (rc < 0 && wall->is_wanted)
		return go_without(&wishes, &wall->lack, settings->only_try, err);
	wall->lack = (struct err)ERR_INIT;
	return 0;
}
