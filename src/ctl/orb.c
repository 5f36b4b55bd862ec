/*
 * orb.c - "orb list", "orb source", and what the orb commands share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/orb.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/orb_shelf.h"
#include "ctl/say.h"
#include "ctl/table.h"
#include "format/json.h"
#include "runner/exit.h"

static int orb_list(int argc, char **argv);
static int orb_source(int argc, char **argv);

static const struct option orb_options[] = {ORB_CONFIG_OPTION, {NULL, 0, NULL, NULL}};

const struct command orb_list_command = {"orb list", NULL, "list the orbs on this machine",
					 orb_options, orb_list};
const struct command orb_source_command = {"orb source", "NS/NAME@VERSION",
					   "print the orb that a config would get", orb_options,
					   orb_source};

/* --- shared ------------------------------------------------------------------------------ */

static int
set_orbs(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct orbs *orbs = arg;

	(void)err;
	if (text_eq(option->name, "config"))
		orbs->config = value;
	else if (text_eq(option->name, "from"))
		orbs->from = value;
	else if (text_eq(option->name, "registry"))
		orbs->registry = value;
	else if (text_eq(option->name, "to"))
		orbs->to = value;
	else
		orbs->update = true;
	return 0;
}

int
orbs_begin(struct orbs *orbs, const struct command *command, int wanted, int argc, char **argv)
{
	LOCAL_FREE char *directory = NULL;
	struct err err = ERR_INIT;
	int count, status;
	char *slash;

	memset(orbs, 0, sizeof(*orbs));
	status = args_read(command, argc, argv, &count, set_orbs, orbs);
	if (status == ARGS_GO)
		status = args_count(command, count, wanted, wanted);
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

void
orbs_end(struct orbs *orbs)
{
	orb_resolver_release(&orbs->resolver);
}

int
orbs_parse_ref(struct orb_ref *ref, const char *text, struct err *err)
{
	if (orb_ref_parse(ref, text))
		return 0;
	if (err_set(err, ERR_INPUT, "'%.200s' is no reference to an orb", text) < 0)
		err_hint(err, "write NS/NAME@1.2.3, @1.2, @1, @volatile or @dev:LABEL");
	return err->code;
}

int
orbs_check_lock(const struct orbs *orbs, const struct orb_pin *pin, struct err *err)
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

int
orbs_keep(struct orbs *orbs, const struct orb_pin *pin, const struct buffer *bytes, struct err *err)
{
	if (orb_shelf_write(orbs->resolver.shelves[0], &pin->ref, &pin->version, bytes, err) < 0)
		return err->code;
	return orb_lock_put(&orbs->resolver.lock, pin, err);
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
	struct orbs orbs;
	struct listing listing = {.resolver = &orbs.resolver};
	struct json *document;
	size_t i;
	int status = orbs_begin(&orbs, &orb_list_command, 0, argc, argv);

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
	orbs_end(&orbs);
	return status;
}

/* --- source ----------------------------------------------------------------------------- */

static int
orb_source(int argc, char **argv)
{
	struct orbs orbs;
	struct buffer bytes = BUFFER_INIT;
	LOCAL_FREE char *path = NULL;
	struct orb_version version;
	struct err err = ERR_INIT;
	struct orb_ref ref;
	int status = orbs_begin(&orbs, &orb_source_command, 1, argc, argv);

	if (status == ARGS_GO) {
		if (orbs_parse_ref(&ref, argv[0], &err) < 0 ||
		    (orb_resolver_find(&orbs.resolver, &ref, &version, &path, &bytes, &err) < 0 &&
		     err_wrap(&err, "cannot print orb '%s'", argv[0]) < 0))
			status = say_error(&err);
		else
			status = say_result(&bytes);
	}
	buffer_release(&bytes);
	orbs_end(&orbs);
	return status;
}
