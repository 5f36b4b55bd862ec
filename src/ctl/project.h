/*
 * project.h - what git knows of a directory: where its tree begins, what is checked out, whose it
 * is.
 *
 * project_read() -> project_release(). A directory without git is no error: its strings
 * are NULL then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_PROJECT_H
#define CTL_PROJECT_H

#include <stdbool.h>

struct err;
struct json;
struct loop;

struct project {
	char *top;	/* absolute path of the working tree; NULL: not under git */
	char *branch;	/* NULL: detached, or no commit yet */
	char *revision; /* 40 hexadecimal digits, or NULL */
	char *remote;	/* URL of "origin", or NULL */
	char *default_branch; /* of "origin", as it was when it was cloned; NULL: not known */
	char *slug;	/* "gh/owner/name" as the remote says, or NULL */
	bool dirty;	/* something is changed and not committed */
};

/* directory NULL: the current one. Fails: ERR_HOST when git is there and cannot be started. */
int
project_read(struct project *project, struct loop *loop, const char *directory, struct err *err);
void project_release(struct project *project);

/* What a checkout's request says of its branch: "is_default", where it is known. */
void project_put_default(const struct project *project, struct json *checkout);

/* "https://github.com/o/r.git", "git@gitlab.com:o/r": "gh/o/r", "gl/o/r"; NULL for what has no
 * owner and name. The caller frees. */
char *project_slug_of_remote(const char *url);

/*
 * The slug to use: --project, else the remote's. The caller frees.
 * Fails: ERR_INPUT when neither is there.
 */
int project_slug(char **out, struct loop *loop, struct err *err);

#endif
