/*
 * orb_add.c - "orb add": an orb of one's own, kept beside a config, at home, or in a hub.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "compile/compile.h"
#include "compile/diag.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/file.h"
#include "ctl/input.h"
#include "ctl/orb.h"
#include "ctl/orb_shelf.h"
#include "ctl/say.h"
#include "ctl/watching.h"
#include "format/digest.h"
#include "format/json.h"
#include "runner/exit.h"

static int orb_add(int argc, char **argv);

static const struct option add_options[] = {
	ORB_CONFIG_OPTION,
	{"to", 0, "config|user|hub", "where it is kept (default: beside the config)"},
	{"update", 0, NULL, "take it even where this version has other bytes already"},
	{NULL, 0, NULL, NULL},
};

const struct command orb_add_command = {"orb add", "NS/NAME@VERSION FILE",
					"keep an orb of your own under a version", add_options,
					orb_add};

struct adding {
	struct orbs *orbs;
	struct orb_pin pin;
	struct buffer bytes;
	char name[ORB_REF_MAX_BYTES];
};

static int
read_words(struct adding *adding, char **argv, struct err *err)
{
	struct orb_pin *pin = &adding->pin;

	if (orbs_parse_ref(&pin->ref, argv[0], err) < 0)
		return err->code;
	pin->version = pin->ref.version;
	(void)orb_ref_text(adding->name, &pin->ref, &pin->version);
	if (!orb_version_is_exact(&pin->version)) {
		err->code = err_set(err, ERR_INPUT, "'%s' names no exact version", adding->name);
		return err_hint(err, "an orb is kept as NS/NAME@1.2.3 or NS/NAME@dev:LABEL");
	}
	if (file_read(argv[1], ORB_MAX_BYTES, &adding->bytes, err) < 0)
		return err->code;
	if (!text_is_utf8((const char *)adding->bytes.data, adding->bytes.len) ||
	    memchr(adding->bytes.data, '\0', adding->bytes.len) != NULL)
		return err_set(err, ERR_INPUT, "'%s' is no text in UTF-8", argv[1]);
	(void)digest_sha256_hex(pin->digest, adding->bytes.data, adding->bytes.len);
	return 0;
}

/* A released version stays what it was; dev:LABEL may change. */
static int
check_shelf(const struct adding *adding, const char *shelf, struct err *err)
{
	struct buffer there = BUFFER_INIT;
	struct err ignored = ERR_INIT;
	bool differs = false;

	if (orb_shelf_read(shelf, &adding->pin.ref, &adding->pin.version, &there, &ignored) == 0)
		differs = there.len != adding->bytes.len ||
			  memcmp(there.data, adding->bytes.data, there.len) != 0;
	buffer_release(&there);
	if (!differs || adding->orbs->update || adding->pin.version.is_dev)
		return 0;
	err->code = err_set(err, ERR_INPUT, "'%s' is in '%s' already, with other bytes",
			    adding->name, shelf);
	return err_hint(err, "give it a new version; --update replaces it all the same");
}

/* --- where to ---------------------------------------------------------------------------- */

static int
add_to_config(struct adding *adding, struct err *err)
{
	struct orb_resolver *resolver = &adding->orbs->resolver;

	if (check_shelf(adding, resolver->shelves[0], err) < 0 ||
	    (!adding->pin.version.is_dev && orbs_check_lock(adding->orbs, &adding->pin, err) < 0) ||
	    orbs_keep(adding->orbs, &adding->pin, &adding->bytes, err) < 0)
		return err->code;
	return orb_lock_write(&resolver->lock, resolver->lock_path, err);
}

static int
add_to_home(struct adding *adding, struct err *err)
{
	const char *shelf = adding->orbs->resolver.shelves[1];

	if (shelf == NULL)
		return err_set(err, ERR_HOST, "neither XDG_DATA_HOME nor HOME is set");
	if (check_shelf(adding, shelf, err) < 0)
		return err->code;
	return orb_shelf_write(shelf, &adding->pin.ref, &adding->pin.version, &adding->bytes, err);
}

static int
add_to_hub(struct adding *adding, struct err *err)
{
	const struct orb_ref *ref = &adding->pin.ref;
	LOCAL_FREE char *path = api_path("/api/runner/v1/orbs/%s/%s/%s", ref->space, ref->name,
					 adding->pin.version.text);
	struct json *body = json_new_object(), *answer = NULL;
	struct api *api = NULL;
	int rc = api_open(&api, err);

	json_put(body, "source",
		 json_new_stringn((const char *)adding->bytes.data, adding->bytes.len));
	if (rc == 0)
		rc = api_call(api, "PUT", path, body, &answer, err);
	if (rc < 0 && answer != NULL)
		watching_print_diagnostics(answer);
	json_free(answer);
	json_free(body);
	api_close(api);
	return rc;
}

/* The hub checks what it keeps by itself, with the orbs that it has. */
static int
add_here(struct adding *adding, struct err *err)
{
	struct diags *diags;
	int rc = compile_orb(adding->name, adding->bytes.data, adding->bytes.len, orb_resolver_give,
			     &adding->orbs->resolver, &diags);

	input_say_diags(diags);
	diags_free(diags);
	if (rc < 0)
		return err_set(err, ERR_INPUT, "it is no orb that a config could use");
	return text_eq(adding->orbs->to, "user") ? add_to_home(adding, err)
						 : add_to_config(adding, err);
}

static int
add(struct adding *adding, struct err *err)
{
	int rc = text_eq(adding->orbs->to, "hub") ? add_to_hub(adding, err) : add_here(adding, err);

	return rc < 0 ? err_wrap(err, "cannot add orb '%s'", adding->name) : 0;
}

static bool
is_place(const char *to)
{
	return to == NULL || text_eq(to, "config") || text_eq(to, "user") || text_eq(to, "hub");
}

static int
orb_add(int argc, char **argv)
{
	struct orbs orbs;
	struct adding adding = {.orbs = &orbs};
	struct err err = ERR_INIT;
	int status = orbs_begin(&orbs, &orb_add_command, 2, argc, argv);

	if (status == ARGS_GO && !is_place(orbs.to)) {
		(void)!err_set(&err, ERR_INPUT,
			       "option '--to' may be config, user or hub, not '%s'", orbs.to);
		status = say_usage(&orb_add_command, &err);
	} else if (status == ARGS_GO) {
		status = EXIT_OK;
		if (read_words(&adding, argv, &err) < 0 || add(&adding, &err) < 0)
			status = say_error(&err);
	}
	buffer_release(&adding.bytes);
	orbs_end(&orbs);
	return status;
}
