/*
 * project.c - what git knows of a directory: where its tree begins, what is checked out, whose it
 * is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/project.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/args.h"
#include "ctl/capture.h"
#include "format/json.h"

enum { GIT_PRINTS_MAX_BYTES = 64 * 1024, GIT_WORDS = 5 };

/* What "git WORDS..." prints in directory, without its last newline; NULL when git says no. The
 * caller frees. */
static int
ask_git(char **out, struct loop *loop, const char *directory, const char *const words[GIT_WORDS],
	struct err *err)
{
	char *argv[GIT_WORDS + 2];
	struct buffer text;
	int i, rc, status = 0, n = 0;

	argv[n++] = (char *)(uintptr_t) "git";
	for (i = 0; i < GIT_WORDS && words[i] != NULL; i++)
		argv[n++] = (char *)(uintptr_t)words[i];
	argv[n] = NULL;
	buffer_init(&text, GIT_PRINTS_MAX_BYTES);
	rc = capture(loop, argv, directory, &text, &status, err);
	*out = NULL;
	if (rc == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		if (text.len > 0 && text.data[text.len - 1] == '\n')
			text.len--;
		*out = mem_strndup(text.len > 0 ? (const char *)text.data : "", text.len);
	}
	buffer_release(&text);
	return rc;
}

int
project_read(struct project *project, struct loop *loop, const char *directory, struct err *err)
{
	static const char *const top[GIT_WORDS] = {"rev-parse", "--show-toplevel"};
	static const char *const branch[GIT_WORDS] = {"symbolic-ref", "-q", "--short", "HEAD"};
	static const char *const revision[GIT_WORDS] = {"rev-parse", "-q", "--verify",
							"HEAD^{commit}"};
	static const char *const remote[GIT_WORDS] = {"config", "--get", "remote.origin.url"};
	static const char *const head[GIT_WORDS] = {"symbolic-ref", "-q", "--short",
						    "refs/remotes/origin/HEAD"};
	static const char *const changes[GIT_WORDS] = {"status", "--porcelain",
						       "--untracked-files=no"};
	struct err ignored = ERR_INIT;
	char *said = NULL;

	memset(project, 0, sizeof(*project));
	/* No git at all: the directory is taken as it is. */
	if (ask_git(&project->top, loop, directory, top, &ignored) < 0 || project->top == NULL)
		return 0;
	if (ask_git(&project->branch, loop, directory, branch, err) < 0 ||
	    ask_git(&project->revision, loop, directory, revision, err) < 0 ||
	    ask_git(&project->remote, loop, directory, remote, err) < 0)
		return err_wrap(err, "asking git");
	/* A tree whose state git cannot tell (or is too long to tell) counts as changed. */
	if (ask_git(&said, loop, directory, changes, &ignored) < 0 || said == NULL ||
	    said[0] != '\0')
		project->dirty = true;
	free(said);
	said = NULL;
	if (ask_git(&said, loop, directory, head, &ignored) == 0 && said != NULL &&
	    strncmp(said, "origin/", 7) == 0)
		project->default_branch = mem_strdup(said + 7);
	free(said);
	if (project->remote != NULL)
		project->slug = project_slug_of_remote(project->remote);
	return 0;
}

void
project_release(struct project *project)
{
	free(project->top);
	free(project->branch);
	free(project->revision);
	free(project->remote);
	free(project->default_branch);
	free(project->slug);
	memset(project, 0, sizeof(*project));
}

void
project_put_default(const struct project *project, struct json *checkout)
{
	const char *branch = json_get_str(checkout, "branch");

	if (project->default_branch != NULL && branch != NULL)
		json_put_bool(checkout, "is_default",
			      strcmp(branch, project->default_branch) == 0);
}

/* CircleCI's short names of the forges it knows; others are named by "circleci/". */
static const char *
vcs_of_host(const char *host, size_t len)
{
	static const struct {
		const char *host, *vcs;
	} known[] = {{"github.com", "gh"}, {"gitlab.com", "gl"}, {"bitbucket.org", "bb"}};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].host) == len && strncmp(host, known[i].host, len) == 0)
			return known[i].vcs;
	return "circleci";
}

char *
project_slug_of_remote(const char *url)
{
	const char *host = strstr(url, "://"), *path, *name, *owner;
	size_t host_len, len;

	host = host != NULL ? host + 3 : url;
	host_len = strcspn(host, ":/");
	if (memchr(host, '@', host_len) != NULL) {
		path = memchr(host, '@', host_len);
		host_len -= (size_t)(path + 1 - host);
		host = path + 1;
	}
	path = host + host_len;
	len = strlen(path);
	while (len > 0 && path[len - 1] == '/')
		len--;
	if (len > 4 && strncmp(path + len - 4, ".git", 4) == 0)
		len -= 4;
	for (name = path + len; name > path && name[-1] != '/' && name[-1] != ':'; name--)
		;
	for (owner = name - 1; owner > path && owner[-1] != '/' && owner[-1] != ':'; owner--)
		;
	if (host_len == 0 || name <= path || owner <= path || owner >= name - 1 ||
	    name == path + len)
		return NULL;
	return mem_printf("%s/%.*s", vcs_of_host(host, host_len), (int)(path + len - owner), owner);
}

int
project_slug(char **out, struct loop *loop, struct err *err)
{
	struct project project;

	if (globals()->project != NULL) {
		*out = mem_strdup(globals()->project);
		return 0;
	}
	if (project_read(&project, loop, NULL, err) < 0)
		return err->code;
	*out = project.slug;
	project.slug = NULL;
	project_release(&project);
	if (*out != NULL)
		return 0;
	if (err_set(err, ERR_INPUT, "cannot tell which project is meant") < 0)
		err_hint(err, "give --project vcs/owner/name, or call it inside a clone with a "
			      "remote 'origin'");
	return err->code;
}
