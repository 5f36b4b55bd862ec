/*
 * orb.c - "orb fetch", "orb list", "orb source": orbs kept beside a config.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/orb_resolver.h"
#include "ctl/orb_shelf.h"
#include "ctl/say.h"
#include "ctl/table.h"
#include "format/json.h"
#include "format/yaml.h"
#include "runner/exit.h"

static int orb_fetch(int argc, char **argv);
static int orb_list(int argc, char **argv);
static int orb_source(int argc, char **argv);

#define CONFIG_OPTION                                                                              \
	{                                                                                          \
		"config", 'c', "FILE",                                                             \
			"the config the orbs are for (default: .circleci/config.yml)"              \
	}

static const struct option fetch_options[] = {
	CONFIG_OPTION,
	{"from", 0, "DIR", "a directory of orbs: DIR/NS/NAME/VERSION.yml"},
	{"update", 0, NULL, "take what is there now, whatever the lock file has"},
	{NULL, 0, NULL, NULL},
};

static const struct option orb_options[] = {CONFIG_OPTION, {NULL, 0, NULL, NULL}};

const struct command orb_fetch_command = {"orb fetch", "NS/NAME@VERSION",
					  "put an orb beside the config and lock it", fetch_options,
					  orb_fetch};
const struct command orb_list_command = {"orb list", NULL, "list the orbs on this machine",
					 orb_options, orb_list};
const struct command orb_source_command = {"orb source", "NS/NAME@VERSION",
					   "print the orb that a config would get", orb_options,
					   orb_source};

enum { ORB_IMPORT_DEPTH_MAX = 10, ORB_MEMORY_BYTES = 64 << 20 };

struct orbs {
	const char *config; /* NULL: the default */
	const char *from;
	bool update;
	struct orb_resolver resolver;
};

static int
set_orbs(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct orbs *orbs = arg;

	(void)err;
	if (text_eq(option->name, "config"))
		orbs->config = value;
	else if (text_eq(option->name, "from"))
		orbs->from = value;
	else
		orbs->update = true;
	return 0;
}

/* Read the words and the lock: ARGS_GO, or the status to end with. */
static int
begin(struct orbs *orbs, const struct command *command, int argc, char **argv)
{
	LOCAL_FREE char *directory = NULL;
	struct err err = ERR_INIT;
	int count, status, operands = command->operands != NULL;
	char *slash;

	status = args_read(command, argc, argv, &count, set_orbs, orbs);
	if (status == ARGS_GO)
		status = args_count(command, count, operands, operands);
	if (status != ARGS_GO)
		return status;
	directory = mem_strdup(orbs->config != NULL ? orbs->config : ".circleci/config.yml");
	slash = strrchr(directory, '/');
	if (slash != NULL)
		*slash = '\0';
	if (orb_resolver_init(&orbs->resolver, slash != NULL ? directory : ".", &err) < 0)
		return say_error(&err);
	return ARGS_GO;
}

static int
parse(struct orb_ref *ref, const char *text, struct err *err)
{
	if (orb_ref_parse(ref, text))
		return 0;
	if (err_set(err, ERR_INPUT, "'%.200s' is no reference to an orb", text) < 0)
		err_hint(err, "write NS/NAME@1.2.3, @1.2, @1, @volatile or @dev:LABEL");
	return err->code;
}

/* --- fetch ------------------------------------------------------------------------------ */

static void
on_problem(void *arg, const struct yaml_problem *problem)
{
	struct err *err = arg;

	if (!problem->is_warning && err->code == 0)
		(void)!err_set(err, ERR_INPUT, "line %u, column %u: %s", problem->line,
			       problem->column, problem->message);
}

static int fetch(struct orbs *orbs, const struct orb_ref *ref, unsigned depth, struct err *err);

/* What an orb imports comes with it. */
static int
fetch_imports(struct orbs *orbs, const struct node *root, unsigned depth, struct err *err)
{
	const struct node *section = node_get(root, "orbs"), *value;
	struct orb_ref ref;
	uint32_t i;

	if (depth > ORB_IMPORT_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "orbs import orbs deeper than %d levels",
			       ORB_IMPORT_DEPTH_MAX);
	for (i = 0; section != NULL && section->kind == NODE_MAP && i < section->count; i++) {
		value = section->pairs[i].value;
		if (value->kind == NODE_MAP && fetch_imports(orbs, value, depth + 1, err) < 0)
			return err->code;
		if (value->kind == NODE_STRING && strstr(value->text, "<<") == NULL &&
		    (parse(&ref, value->text, err) < 0 || fetch(orbs, &ref, depth + 1, err) < 0))
			return err->code;
	}
	return 0;
}

/* It is YAML and a mapping; the compiler says the rest where it is used. */
static int
check_orb(struct orbs *orbs, const struct buffer *bytes, unsigned depth, struct err *err)
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
		rc = fetch_imports(orbs, root, depth, err);
	arena_release(&arena);
	return rc;
}

/* The same version has other bytes than the lock says. */
static int
check_lock(const struct orbs *orbs, const struct orb_pin *pin, struct err *err)
{
	const struct orb_pin *locked =
		orb_lock_get_exact(&orbs->resolver.lock, &pin->ref, &pin->version);

	if (locked == NULL || orbs->update || text_eq(locked->digest, pin->digest))
		return 0;
	if (err_set(err, ERR_INPUT, "its version %s is not what '%s' has: its digest differs",
		    pin->version.text, orbs->resolver.lock_path) < 0)
		err_hint(err, "a published version never changes: ask who keeps it; --update "
			      "takes it all the same");
	return err->code;
}

static int
take(struct orbs *orbs, struct orb_pin *pin, struct buffer *bytes, unsigned depth, struct err *err)
{
	const struct orb_pin *locked = orb_lock_get(&orbs->resolver.lock, &pin->ref);
	struct orb_ref wanted = pin->ref;

	/* What is locked is fetched as it was locked. */
	if (locked != NULL && !orbs->update)
		wanted.version = locked->version;
	if (orb_shelf_find(orbs->from, &wanted, &pin->version, err) < 0 ||
	    orb_shelf_read(orbs->from, &wanted, &pin->version, bytes, err) < 0)
		return err->code;
	(void)digest_sha256_hex(pin->digest, bytes->data, bytes->len);
	if (check_lock(orbs, pin, err) < 0 || check_orb(orbs, bytes, depth, err) < 0 ||
	    orb_shelf_write(orbs->resolver.shelves[0], &pin->ref, &pin->version, bytes, err) < 0)
		return err->code;
	return orb_lock_put(&orbs->resolver.lock, pin, err);
}

static int
fetch(struct orbs *orbs, const struct orb_ref *ref, unsigned depth, struct err *err)
{
	struct orb_pin pin = {.ref = *ref};
	struct buffer bytes = BUFFER_INIT;
	char text[ORB_REF_MAX_BYTES];
	int rc = take(orbs, &pin, &bytes, depth, err);

	if (rc == 0)
		say_note("%s/%s %s", ref->space, ref->name, pin.version.text);
	else
		rc = err_wrap(err, "cannot fetch orb '%s'", orb_ref_text(text, ref, &ref->version));
	buffer_release(&bytes);
	return rc;
}

static int
orb_fetch(int argc, char **argv)
{
	struct orbs orbs = {0};
	struct err err = ERR_INIT;
	struct orb_ref ref;
	int status = begin(&orbs, &orb_fetch_command, argc, argv);

	if (status == ARGS_GO && orbs.from == NULL) {
		status = err_set(&err, ERR_INPUT, "'orb fetch' needs --from DIR") < 0
				 ? say_usage(&orb_fetch_command, &err)
				 : EXIT_USAGE;
	} else if (status == ARGS_GO) {
		if (parse(&ref, argv[0], &err) < 0 || fetch(&orbs, &ref, 0, &err) < 0 ||
		    orb_lock_write(&orbs.resolver.lock, orbs.resolver.lock_path, &err) < 0)
			status = say_error(&err);
		else
			status = EXIT_OK;
	}
	orb_resolver_release(&orbs.resolver);
	return status;
}

/* --- list ------------------------------------------------------------------------------- */

struct listing {
	const struct orb_resolver *resolver;
	const char *shelf;
	struct json *items;
};

static void
on_orb(void *arg, const struct orb_ref *ref)
{
	struct listing *listing = arg;
	struct json *item = json_new_object();
	const struct orb_pin *pin =
		orb_lock_get_exact(&listing->resolver->lock, ref, &ref->version);
	LOCAL_FREE char *name = mem_printf("%s/%s", ref->space, ref->name);
	LOCAL_FREE char *path = orb_shelf_path(listing->shelf, ref, &ref->version);

	json_put_str(item, "name", name);
	json_put_str(item, "version", ref->version.text);
	json_put_bool(item, "locked", pin != NULL);
	json_put_str(item, "path", path);
	json_push(listing->items, item);
}

static int
orb_list(int argc, char **argv)
{
	static const struct column columns[] = {{"ORB", "name"},
						{"VERSION", "version"},
						{"LOCKED", "locked"},
						{"FILE", "path"},
						{NULL, NULL}};
	struct orbs orbs = {0};
	struct listing listing = {.resolver = &orbs.resolver};
	struct json *document;
	size_t i;
	int status = begin(&orbs, &orb_list_command, argc, argv);

	if (status == ARGS_GO) {
		document = json_new_object();
		listing.items = json_new_array();
		for (i = 0; i < ORB_SHELVES && orbs.resolver.shelves[i] != NULL; i++) {
			listing.shelf = orbs.resolver.shelves[i];
			orb_shelf_each(listing.shelf, on_orb, &listing);
		}
		json_put(document, "items", listing.items);
		status = table_print(document, listing.items, columns);
		json_free(document);
	}
	orb_resolver_release(&orbs.resolver);
	return status;
}

/* --- source ----------------------------------------------------------------------------- */

static int
orb_source(int argc, char **argv)
{
	struct orbs orbs = {0};
	struct buffer bytes = BUFFER_INIT;
	LOCAL_FREE char *path = NULL;
	struct orb_version version;
	struct err err = ERR_INIT;
	struct orb_ref ref;
	int status = begin(&orbs, &orb_source_command, argc, argv);

	if (status == ARGS_GO) {
		if (parse(&ref, argv[0], &err) < 0 ||
		    orb_resolver_find(&orbs.resolver, &ref, &version, &path, &bytes, &err) < 0)
			status = say_error(&err);
		else
			status = say_result(&bytes);
	}
	buffer_release(&bytes);
	orb_resolver_release(&orbs.resolver);
	return status;
}
