/*
 * orb_origin.c - where fetched orbs come from: a directory, a hub, or a registry.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/orb_origin.h"

#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "ctl/api.h"
#include "ctl/orb_registry.h"
#include "ctl/orb_shelf.h"
#include "format/json.h"

int
orb_origin_open(struct orb_origin *origin, const char *directory, const char *registry,
		struct err *err)
{
	memset(origin, 0, sizeof(*origin));
	origin->directory = directory;
	if (directory != NULL)
		return 0;
	if (registry != NULL)
		return orb_registry_open(&origin->registry, registry, err);
	if (api_is_named())
		return api_open(&origin->hub, err);
	err->code = err_set(err, ERR_HOST, "nothing says where the orb comes from");
	return err_hint(err, "give --from DIR, --registry URL, or --hub URL");
}

void
orb_origin_close(struct orb_origin *origin)
{
	orb_registry_close(origin->registry);
	api_close(origin->hub);
	memset(origin, 0, sizeof(*origin));
}

static int
read_hubs(const struct json *answer, const struct orb_ref *ref, struct orb_version *version,
	  struct buffer *bytes, struct err *err)
{
	const char *text, *source;

	if (json_need_str(answer, "version", &text, err) < 0 ||
	    json_need_str(answer, "source", &source, err) < 0)
		return err_wrap(err, "reading the hub's answer");
	if (!orb_version_parse(version, text) || !orb_version_is_exact(version) ||
	    !orb_ref_accepts(ref, version))
		return err_set(err, ERR_INPUT, "the hub gave version '%.100s'", text);
	if (strlen(source) > ORB_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "it is larger than %d KiB", ORB_MAX_BYTES / 1024);
	buffer_puts(bytes, source);
	return 0;
}

static int
ask_hub(struct api *hub, const struct orb_ref *ref, struct orb_version *version,
	struct buffer *bytes, struct err *err)
{
	LOCAL_FREE char *path =
		api_path("/api/runner/v1/orbs/%s/%s/%s", ref->space, ref->name, ref->version.text);
	struct json *answer = NULL;
	int rc = api_get(hub, path, &answer, err);

	if (rc == 0)
		rc = read_hubs(answer, ref, version, bytes, err);
	json_free(answer);
	return rc;
}

int
orb_origin_get(struct orb_origin *origin, const struct orb_ref *ref, struct orb_version *version,
	       struct buffer *bytes, struct err *err)
{
	if (origin->registry != NULL)
		return orb_registry_get(origin->registry, ref, version, bytes, err);
	if (origin->hub != NULL)
		return ask_hub(origin->hub, ref, version, bytes, err);
	if (orb_shelf_find(origin->directory, ref, version, err) < 0)
		return err->code;
	return orb_shelf_read(origin->directory, ref, version, bytes, err);
}
