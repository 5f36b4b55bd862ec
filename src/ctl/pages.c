/*
 * pages.c - lists that come from a hub page by page.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/pages.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "ctl/api.h"
#include "format/json.h"

/* Add one page's items; *token is that of the next, the caller's to free, NULL after the last. */
static int
get_page(struct json *items, struct api *api, const char *path, char **token, struct err *err)
{
	const char *separator = strchr(path, '?') != NULL ? "&" : "?";
	LOCAL_FREE char *full = NULL;
	struct json *page = NULL, *list;
	const char *next;
	size_t i;

	full = *token == NULL ? api_path("%p", path)
			      : api_path("%p%ppage-token=%s", path, separator, *token);
	free(*token);
	*token = NULL;
	if (api_get(api, full, &page, err) < 0) {
		json_free(page);
		return err->code;
	}
	list = json_get(page, "items");
	for (i = 0; i < json_count(list); i++)
		json_push(items, json_ref(json_at(list, i)));
	next = json_get_str(page, "next_page_token");
	if (next != NULL)
		*token = api_path("%p", next);
	json_free(page);
	return 0;
}

int
pages_get(struct json **out, struct api *api, const char *path, struct err *err)
{
	struct json *items = json_new_array();
	LOCAL_FREE char *token = NULL;
	unsigned count = 0;
	int rc;

	do
		rc = get_page(items, api, path, &token, err);
	while (rc == 0 && token != NULL && ++count < PAGES_MOST);
	if (rc == 0 && token != NULL)
		rc = err_set(err, ERR_LIMIT, "the hub's list has more than %d pages", PAGES_MOST);
	*out = NULL;
	if (rc < 0) {
		json_free(items);
		return rc;
	}
	*out = json_new_object();
	json_put(*out, "items", items);
	return 0;
}
