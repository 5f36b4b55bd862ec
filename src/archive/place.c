/*
 * place.c - where a path of a job lies in an archive, and where it comes back to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"

static const char *const tree_names[PLACE_TREES] = {"home", "root", "workspace"};

int
place_init(struct place *place, struct err *err)
{
	const char *home = getenv("HOME");

	place->workspace[0] = '\0';
	if (home == NULL || home[0] != '/')
		return err_set(err, ERR_INPUT, "HOME is not set to an absolute path");
	if (realpath(home, place->home) == NULL)
		return err_sys(err, "cannot find HOME '%s'", home);
	if (getcwd(place->cwd, sizeof(place->cwd)) == NULL)
		return err_sys(err, "cannot find the working directory");
	return 0;
}

int
place_init_at(struct place *place, const char *path, char out[PATH_MAX], struct err *err)
{
	int rc = place_init(place, err);

	return rc == 0 ? place_resolve(place, path, out, err) : rc;
}

int
place_enter_workspace(struct place *place, const char *dir, struct err *err)
{
	if (realpath(dir, place->workspace) != NULL)
		return 0;
	place->workspace[0] = '\0';
	return err_sys(err, "cannot find the directory '%.300s'", dir);
}

/* Append the parts of path to out, "." and ".." taken by their word. False when it is too long. */
static bool
append_parts(char out[PATH_MAX], const char *path)
{
	size_t len = strlen(out), part;

	for (;;) {
		path += strspn(path, "/");
		part = strcspn(path, "/");
		if (part == 0)
			return true;
		if (part == 2 && path[0] == '.' && path[1] == '.') {
			while (len > 0 && out[--len] != '/')
				;
		} else if (part != 1 || path[0] != '.') {
			if (len + part + 2 > PATH_MAX)
				return false;
			out[len++] = '/';
			memcpy(out + len, path, part);
			len += part;
		}
		out[len] = '\0';
		path += part;
	}
}

int
place_resolve(const struct place *place, const char *path, char out[PATH_MAX], struct err *err)
{
	bool fits = true;

	out[0] = '\0';
	if (path[0] == '~' && (path[1] == '\0' || path[1] == '/')) {
		fits = append_parts(out, place->home);
		path++;
	} else if (path[0] != '/') {
		fits = append_parts(out, place->cwd);
	}
	if (!fits || !append_parts(out, path))
		return err_set(err, ERR_INPUT, "the path '%.60s...' is too long", path);
	if (out[0] == '\0')
		(void)strcpy(out, "/");
	return 0;
}

/* What follows dir in path, NULL when path is not in it; "" for dir itself. */
static const char *
behind(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 1)
		return path + 1;
	if (strncmp(path, dir, len) != 0 || (path[len] != '/' && path[len] != '\0'))
		return NULL;
	return path[len] == '/' ? path + len + 1 : path + len;
}

/* The tree that a path belongs to, and where it lies there; NULL: in none. */
static const char *
find_tree(const struct place *place, const char *absolute, enum place_tree *tree)
{
	const char *rest;

	*tree = PLACE_WORKSPACE;
	if (place->workspace[0] != '\0')
		return behind(absolute, place->workspace);
	*tree = PLACE_HOME;
	rest = behind(absolute, place->home);
	if (rest != NULL)
		return rest;
	*tree = PLACE_ROOT;
	return absolute + 1;
}

bool
place_name(const struct place *place, const char *absolute, char out[PATH_MAX])
{
	enum place_tree tree;
	const char *rest = find_tree(place, absolute, &tree);

	return rest != NULL && snprintf(out, PATH_MAX, "%s%s%s", tree_names[tree],
					*rest != '\0' ? "/" : "", rest) < PATH_MAX;
}

const char *
place_lasting_name(const struct place *place, const char *absolute)
{
	enum place_tree tree;

	return find_tree(place, absolute, &tree);
}

static bool
leads_out(const char *path)
{
	size_t part;

	for (; *path != '\0'; path += part) {
		path += strspn(path, "/");
		part = strcspn(path, "/");
		if (part == 2 && path[0] == '.' && path[1] == '.')
			return true;
	}
	return false;
}

static bool
has_tree(const struct place *place, enum place_tree tree)
{
	return (tree == PLACE_WORKSPACE) == (place->workspace[0] != '\0');
}

bool
place_parse(const struct place *place, const char *name, enum place_tree *tree, const char **rest)
{
	size_t i, len;

	for (i = 0; i < PLACE_TREES; i++) {
		len = strlen(tree_names[i]);
		if (strncmp(name, tree_names[i], len) != 0 ||
		    (name[len] != '/' && name[len] != '\0'))
			continue;
		*tree = (enum place_tree)i;
		*rest = name + len + strspn(name + len, "/");
		if (**rest == '\0')
			*rest = ".";
		return has_tree(place, *tree) && !leads_out(*rest);
	}
	return false;
}

const char *
place_dir(const struct place *place, enum place_tree tree)
{
	switch (tree) {
	case PLACE_HOME:
		return place->home;
	case PLACE_WORKSPACE:
		return place->workspace;
	case PLACE_ROOT:
	case PLACE_TREES:
		break;
	}
	return "/";
}
