/*
 * linger.c - will the run directory outlive its user's last session?
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/linger.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"

bool
linger_is_missing_for(const char *run_dir, uid_t uid, const char *user, const char *linger_dir)
{
	LOCAL_FREE char *swept = mem_printf("/run/user/%lu/", (unsigned long)uid);
	LOCAL_FREE char *file = mem_printf("%s/%s", linger_dir, user);

	return text_starts(run_dir, swept) && access(file, F_OK) != 0;
}

bool
linger_is_missing(const char *run_dir, char user[LINGER_USER_BYTES])
{
	const struct passwd *entry;

	if (geteuid() == 0 || !text_starts(run_dir, "/run/user/"))
		return false;
	entry = getpwuid(geteuid());
	if (entry == NULL)
		return false; /* nobody whom logind knows */
	(void)snprintf(user, LINGER_USER_BYTES, "%s", entry->pw_name);
	return linger_is_missing_for(run_dir, geteuid(), user, LINGER_DIR);
}
