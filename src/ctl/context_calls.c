/*
 * context_calls.c - a hub's contexts: what the commands ask of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/context_calls.h"

#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "ctl/api.h"
#include "ctl/environment.h"
#include "format/json.h"

int
context_make(struct json **out, struct api *api, const char *org, const char *name, struct err *err)
{
	struct json *body = json_new_object(), *owner = json_new_object();
	int rc;

	json_put_str(owner, "slug", org);
	json_put_str(owner, "type", "organization");
	json_put_str(body, "name", name);
	json_put(body, "owner", owner);
	rc = api_call(api, "POST", "/api/v2/context", body, out, err);
	json_free(body);
	return rc;
}

int
context_put(struct api *api, const char *context, const char *name, const char *value,
	    struct err *err)
{
	LOCAL_FREE char *path = api_path("%p/environment-variable/%s", context, name);
	struct json *body = json_new_object();
	int rc;

	json_put_str(body, "value", value);
	rc = api_call(api, "PUT", path, body, NULL, err);
	json_free(body);
	return rc;
}

int
context_put_all(struct api *api, const char *context, const struct environment *from,
		struct err *err)
{
	size_t i;

	for (i = 0; i < from->count; i++)
		if (context_put(api, context, from->pairs[i].name, from->pairs[i].value, err) < 0)
			return err_wrap(err, "variable '%s' (%zu of %zu are set)",
					from->pairs[i].name, i, from->count);
	return 0;
}
