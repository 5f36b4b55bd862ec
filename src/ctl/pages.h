/*
 * pages.h - lists that come from a hub page by page.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_PAGES_H
#define CTL_PAGES_H

struct api;
struct err;
struct json;

enum { PAGES_MOST = 1000 };

/* All items of all pages, as {"items": [...]}; path has a query or none. The caller frees. Fails
 * like api_get(). */
int pages_get(struct json **out, struct api *api, const char *path, struct err *err);

#endif
