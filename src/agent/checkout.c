/*
 * checkout.c - the checkout step: a shell script that runs inside the task.
 *
 * Of a directory: its git tree's tracked and not-ignored files as they are now, with .git
 * and initialised submodules, so that a local run sees what the user sees, but not what
 * git ignores. Of a directory below the tree's top the files in it, without .git: a project
 * within a larger one. A directory that is no git repository is copied whole.
 * Of a repository: clone where there is nothing, fetch and reset where there is a clone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/checkout.h"

#include "agent/environment.h"
#include "base/arena.h"
#include "base/err.h"
#include "task/task_doc.h"

enum { CHECKOUT_VARS = 7 };

/* clang-format off */
static const char script[] =
"set -eu\n"
"target=$RUNNER_CHECKOUT_TARGET\n"
"url=$RUNNER_CHECKOUT_URL revision=$RUNNER_CHECKOUT_REVISION\n"
"branch=$RUNNER_CHECKOUT_BRANCH tag=$RUNNER_CHECKOUT_TAG\n"
"export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_COUNT=3\n"
"export GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'\n"
"export GIT_CONFIG_KEY_1=gc.auto GIT_CONFIG_VALUE_1=0\n"
"export GIT_CONFIG_KEY_2=advice.detachedHead GIT_CONFIG_VALUE_2=false\n"
"fail() { echo \"checkout: $*\" >&2; exit 1; }\n"
"is_empty() { [ -z \"$(ls -A \"$1\")\" ]; }\n"
"\n"
"# Names of what git would show of the tree $1, but for what is deleted in it.\n"
"list() {\n"
"	git -C \"$1\" ls-files -z --cached --others --exclude-standard |\n"
"	(cd \"$1\" && xargs -0 sh -c 'for f; do\n"
"		if [ -e \"$f\" ] || [ -L \"$f\" ]; then printf \"%s\\0\" \"$f\"; fi\n"
"	done' sh)\n"
"}\n"
"copy_tree() {\n"
"	mkdir -p \"$2\"\n"
"	list \"$1\" > \"$TMPDIR/checkout.list\"\n"
"	tar -C \"$1\" --null --no-recursion -T \"$TMPDIR/checkout.list\" -cf - | tar -C \"$2\" -xpf -\n"
"	rm -f \"$TMPDIR/checkout.list\"\n"
"}\n"
"# A linked work tree's .git names a directory elsewhere: make one that is whole.\n"
"copy_git() {\n"
"	if [ -d \"$1/.git\" ]; then\n"
"		cp -a \"$1/.git\" \"$2/.git\"\n"
"		return\n"
"	fi\n"
"	common=$(cd \"$1\" && cd \"$(git rev-parse --git-common-dir)\" && pwd)\n"
"	own=$(git -C \"$1\" rev-parse --absolute-git-dir)\n"
"	cp -a \"$common\" \"$2/.git\"\n"
"	rm -rf \"$2/.git/worktrees\"\n"
"	for f in HEAD index; do\n"
"		if [ -e \"$own/$f\" ]; then cp -a \"$own/$f\" \"$2/.git/$f\"; fi\n"
"	done\n"
"}\n"
"from_directory() {\n"
"	src=$RUNNER_CHECKOUT_DIRECTORY\n"
"	[ -d \"$src\" ] || fail \"'$src' is no directory\"\n"
"	if [ -e \"$target\" ] && ! is_empty \"$target\" && [ ! -e \"$target/.git\" ]; then\n"
"		fail \"'$target' is not empty and is no git repository\"\n"
"	fi\n"
"	mkdir -p \"$target\"\n"
"	if ! top=$(git -C \"$src\" rev-parse --show-toplevel 2>/dev/null) || [ -z \"$top\" ]; then\n"
"		echo \"Copying '$src'\"\n"
"		cp -a \"$src/.\" \"$target\"\n"
"		return\n"
"	fi\n"
"	if [ \"$(cd \"$src\" && pwd -P)\" != \"$top\" ]; then\n"
"		echo \"Copying '$src'\"\n"
"		copy_tree \"$src\" \"$target\"\n"
"		return\n"
"	fi\n"
"	echo \"Copying the work tree of '$top'\"\n"
"	rm -rf \"$target/.git\"\n"
"	copy_git \"$top\" \"$target\"\n"
"	copy_tree \"$top\" \"$target\"\n"
"	git -C \"$top\" submodule --quiet foreach --recursive 'printf \"%s\\n\" \"$displaypath\"' |\n"
"	while IFS= read -r sub; do\n"
"		copy_tree \"$top/$sub\" \"$target/$sub\"\n"
"		if [ -e \"$top/$sub/.git\" ]; then cp -a \"$top/$sub/.git\" \"$target/$sub/.git\"; fi\n"
"	done\n"
"	git -C \"$target\" log -1 --format='HEAD is at %h %s' 2>/dev/null || true\n"
"}\n"
"\n"
"has() { git -C \"$target\" rev-parse --quiet --verify \"$1^{commit}\" >/dev/null; }\n"
"fetch_all() {\n"
"	git -C \"$target\" fetch --quiet --force --tags origin '+refs/heads/*:refs/remotes/origin/*'\n"
"}\n"
"clone() {\n"
"	case $url in\n"
"	file:* | /* | ./* | ../*) set -- ;;\n"
"	*) set -- --filter=blob:none ;;\n"
"	esac\n"
"	echo \"Cloning '$url'\"\n"
"	git clone --quiet --no-checkout \"$@\" -- \"$url\" \"$target\"\n"
"}\n"
"from_git() {\n"
"	case $revision in -*) fail \"a revision cannot begin with '-'\" ;; esac\n"
"	case $branch in -*) fail \"a branch cannot begin with '-'\" ;; esac\n"
"	case $tag in -*) fail \"a tag cannot begin with '-'\" ;; esac\n"
"	if [ -e \"$target/.git\" ]; then\n"
"		echo \"Fetching from '$url'\"\n"
"		git -C \"$target\" remote set-url origin \"$url\" 2>/dev/null ||\n"
"			git -C \"$target\" remote add origin \"$url\"\n"
"		fetch_all\n"
"	elif [ -e \"$target\" ] && ! is_empty \"$target\"; then\n"
"		fail \"'$target' is not empty and is no git repository\"\n"
"	else\n"
"		clone\n"
"	fi\n"
"	git -C \"$target\" config gc.auto 0\n"
"	if [ -n \"$revision\" ]; then\n"
"		want=$revision\n"
"		has \"$want\" || git -C \"$target\" fetch --quiet origin \"$revision\" || true\n"
"	elif [ -n \"$tag\" ]; then want=refs/tags/$tag\n"
"	elif [ -n \"$branch\" ]; then want=refs/remotes/origin/$branch\n"
"	else want=refs/remotes/origin/HEAD; fi\n"
"	has \"$want\" || fail \"'$url' has no '$want'\"\n"
"	if [ -n \"$branch\" ] && [ -z \"$tag\" ]; then\n"
"		git -C \"$target\" checkout --quiet --force -B \"$branch\" \"$want\" --\n"
"	else\n"
"		git -C \"$target\" checkout --quiet --force --detach \"$want\" --\n"
"	fi\n"
"	git -C \"$target\" reset --quiet --hard \"$want\" --\n"
"	git -C \"$target\" log -1 --format='HEAD is now at %h %s'\n"
"}\n"
"\n"
"case $RUNNER_CHECKOUT_KIND in\n"
"directory) from_directory ;;\n"
"git) from_git ;;\n"
"*) fail 'this task has no source to check out' ;;\n"
"esac\n";
/* clang-format on */

const char *const checkout_argv[] = {"/bin/sh", "-c", script, "checkout", NULL};

static const char *
or_empty(const char *text)
{
	return text != NULL ? text : "";
}

int
checkout_environment(struct env_layer *out, struct arena *arena, const struct task_source *source,
		     const char *target, struct err *err)
{
	static const char *const kinds[] = {
		[SOURCE_NONE] = "none", [SOURCE_DIRECTORY] = "directory", [SOURCE_GIT] = "git"};
	struct env_var *vars = arena_zalloc_array(arena, CHECKOUT_VARS, sizeof(*vars));

	if (vars == NULL)
		return err_set(err, ERR_LIMIT, "the step's environment is too large");
	vars[0] = (struct env_var){"RUNNER_CHECKOUT_KIND", kinds[source->kind]};
	vars[1] = (struct env_var){"RUNNER_CHECKOUT_TARGET", target};
	vars[2] = (struct env_var){"RUNNER_CHECKOUT_DIRECTORY", or_empty(source->path)};
	vars[3] = (struct env_var){"RUNNER_CHECKOUT_URL", or_empty(source->url)};
	vars[4] = (struct env_var){"RUNNER_CHECKOUT_REVISION", or_empty(source->revision)};
	vars[5] = (struct env_var){"RUNNER_CHECKOUT_BRANCH", or_empty(source->branch)};
	vars[6] = (struct env_var){"RUNNER_CHECKOUT_TAG", or_empty(source->tag)};
	*out = (struct env_layer){vars, CHECKOUT_VARS};
	return 0;
}
