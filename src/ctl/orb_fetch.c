/*
 * orb_fetch.c - "orb fetch": an orb of a directory, a hub or a registry, kept beside a config.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/orb.h"
#include "ctl/orb_origin.h"
#include "ctl/say.h"
#include "format/digest.h"
#include "format/yaml.h"
#include "runner/exit.h"

static int orb_fetch(int argc, char **argv);

static const struct option fetch_options[] = {
	ORB_CONFIG_OPTION,
	{"from", 0, "DIR", "a directory of orbs: DIR/NS/NAME/VERSION.yml"},
	{"registry", 0, "URL", "a registry that answers GraphQL as CircleCI's does"},
	{"update", 0, NULL, "take what is there now, whatever the lock file has"},
	{NULL, 0, NULL, NULL},
};

const struct command orb_fetch_command = {"orb fetch", "NS/NAME@VERSION",
					  "put an orb beside the config and lock it", fetch_options,
					  orb_fetch};

enum { ORB_IMPORT_DEPTH_MAX = 10, ORB_MEMORY_BYTES = 64 << 20 };

struct fetching {
	struct orbs *orbs;
	struct orb_origin origin;
};

static void
on_problem(void *arg, const struct yaml_problem *problem)
{
	struct err *err = arg;

	if (!problem->is_warning && err->code == 0)
		(void)!err_set(err, ERR_INPUT, "line %u, column %u: %s", problem->line,
			       problem->column, problem->message);
}

static int
fetch(struct fetching *fetching, const struct orb_ref *ref, unsigned depth, struct err *err);

/* What an orb imports comes with it. */
static int
fetch_imports(struct fetching *fetching, const struct node *root, unsigned depth, struct err *err)
{
	const struct node *section = node_get(root, "orbs"), *value;
	struct orb_ref ref;
	uint32_t i;

	if (depth > ORB_IMPORT_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "orbs import orbs deeper than %d levels",
			       ORB_IMPORT_DEPTH_MAX);
	for (i = 0; section != NULL && section->kind == NODE_MAP && i < section->count; i++) {
		value = section->pairs[i].value;
		if (value->kind == NODE_MAP && fetch_imports(fetching, value, depth + 1, err) < 0)
			return err->code;
		if (value->kind == NODE_STRING && strstr(value->text, "<<") == NULL &&
		    (orbs_parse_ref(&ref, value->text, err) < 0 ||
		     fetch(fetching, &ref, depth + 1, err) < 0))
			return err->code;
	}
	return 0;
}

/* It is YAML and a mapping; the compiler says the rest where it is used. */
static int
check_orb(struct fetching *fetching, const struct buffer *bytes, unsigned depth, struct err *err)
{
	struct yaml_input input = {
		.bytes = bytes->data, .len = bytes->len, .problem = on_problem, .arg = err};
	struct arena arena;
	struct node *root;
	int rc;

	arena_init(&arena, ORB_MEMORY_BYTES);
	rc = yaml_read(&input, &arena, &root);
	if (rc < 0 && err->code == 0)
		rc = err_set(err, ERR_LIMIT, "it is too large");
	else if (rc == 0 && root->kind != NODE_MAP)
		rc = err_set(err, ERR_INPUT, "it is not a mapping");
	else if (rc == 0)
		rc = fetch_imports(fetching, root, depth, err);
	arena_release(&arena);
	return rc;
}

static int
take(struct fetching *fetching, struct orb_pin *pin, struct buffer *bytes, unsigned depth,
     struct err *err)
{
	struct orbs *orbs = fetching->orbs;
	const struct orb_pin *locked = orb_lock_get(&orbs->resolver.lock, &pin->ref);
	struct orb_ref wanted = pin->ref;

	/* What is locked is fetched as it was locked. */
	if (locked != NULL && !orbs->update)
		wanted.version = locked->version;
	if (orb_origin_get(&fetching->origin, &wanted, &pin->version, bytes, err) < 0)
		return err->code;
	(void)digest_sha256_hex(pin->digest, bytes->data, bytes->len);
	if (orbs_check_lock(orbs, pin, err) < 0 || check_orb(fetching, bytes, depth, err) < 0)
		return err->code;
	return orbs_keep(orbs, pin, bytes, err);
}

static int
fetch(struct fetching *fetching, const struct orb_ref *ref, unsigned depth, struct err *err)
{
	struct orb_pin pin = {.ref = *ref};
	struct buffer bytes = BUFFER_INIT;
	char text[ORB_REF_MAX_BYTES];
	int rc = take(fetching, &pin, &bytes, depth, err);

	if (rc == 0)
		say_note("%s/%s %s", ref->space, ref->name, pin.version.text);
	else
		rc = err_wrap(err, "cannot fetch orb '%s'", orb_ref_text(text, ref, &ref->version));
	buffer_release(&bytes);
	return rc;
}

/* From both places at once it cannot come. */
static int
refuse_two(void)
{
	struct err err = ERR_INIT;

	(void)!err_set(&err, ERR_INPUT, "--from and --registry do not go together");
	return say_usage(&orb_fetch_command, &err);
}

static int
orb_fetch(int argc, char **argv)
{
	struct orbs orbs;
	struct fetching fetching = {.orbs = &orbs};
	struct err err = ERR_INIT;
	struct orb_ref ref;
	int status = orbs_begin(&orbs, &orb_fetch_command, 1, argc, argv);

	if (status == ARGS_GO && orbs.from != NULL && orbs.registry != NULL) {
		status = refuse_two();
	} else if (status == ARGS_GO) {
		if (orbs_parse_ref(&ref, argv[0], &err) < 0 ||
		    orb_origin_open(&fetching.origin, orbs.from, orbs.registry, &err) < 0 ||
		    fetch(&fetching, &ref, 0, &err) < 0 ||
		    orb_lock_write(&orbs.resolver.lock, orbs.resolver.lock_path, &err) < 0)
			status = say_error(&err);
		else
			status = EXIT_OK;
	}
	orb_origin_close(&fetching.origin);
	orbs_end(&orbs);
	return status;
}
