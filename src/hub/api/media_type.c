/*
 * media_type.c - what a browser is told of a file by its name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/media_type.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/text.h"
#include "http/url.h"

#define TEXT "text/plain; charset=utf-8"

static const struct {
	const char *ending;
	struct media_type type;
} types[] = {
	{"txt", {TEXT, true}},
	{"log", {TEXT, true}},
	{"out", {TEXT, true}},
	{"err", {TEXT, true}},
	{"md", {TEXT, true}},
	{"yml", {TEXT, true}},
	{"yaml", {TEXT, true}},
	{"toml", {TEXT, true}},
	{"diff", {TEXT, true}},
	{"patch", {TEXT, true}},
	{"csv", {"text/csv; charset=utf-8", true}},
	{"json", {"application/json", true}},
	{"png", {"image/png", true}},
	{"jpg", {"image/jpeg", true}},
	{"jpeg", {"image/jpeg", true}},
	{"gif", {"image/gif", true}},
	{"webp", {"image/webp", true}},
	{"mp4", {"video/mp4", true}},
	{"webm", {"video/webm", true}},
	{"html", {"text/html; charset=utf-8", false}},
	{"htm", {"text/html; charset=utf-8", false}},
	{"xhtml", {"application/xhtml+xml", false}},
	{"xml", {"application/xml", false}},
	{"svg", {"image/svg+xml", false}},
	{"css", {"text/css; charset=utf-8", false}},
	{"js", {"text/javascript; charset=utf-8", false}},
	{"mjs", {"text/javascript; charset=utf-8", false}},
	{"wasm", {"application/wasm", false}},
	{"pdf", {"application/pdf", false}},
	{"zip", {"application/zip", false}},
	{"jar", {"application/java-archive", false}},
	{"tar", {"application/x-tar", false}},
	{"gz", {"application/gzip", false}},
	{"tgz", {"application/gzip", false}},
	{"zst", {"application/zstd", false}},
	{"xz", {"application/x-xz", false}},
};

static const char *
last_part(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash != NULL ? slash + 1 : name;
}

struct media_type
media_type_of(const char *name)
{
	const char *part = last_part(name), *dot = strrchr(part, '.');
	size_t i;

	for (i = 0; dot != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcasecmp(dot + 1, types[i].ending) == 0)
			return types[i].type;
	return (struct media_type){"application/octet-stream", false};
}

void
media_disposition(struct buffer *out, const char *name, bool is_shown)
{
	const char *part = last_part(name), *at;

	buffer_printf(out, "%s; filename=\"", is_shown ? "inline" : "attachment");
	for (at = part; *at != '\0'; at++) {
		bool plain = isascii((unsigned char)*at) &&
			     (isalnum((unsigned char)*at) || strchr("._-+ ", *at) != NULL);

		buffer_putn(out, plain ? at : "_", 1);
	}
	buffer_puts(out, "\"");
	if (text_is_utf8(part, strlen(part))) {
		buffer_puts(out, "; filename*=UTF-8''");
		url_encode(out, part);
	}
}
