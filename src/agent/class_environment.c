/*
 * class_environment.c - what a resource class adds to the environment of its tasks' steps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/class_environment.h"

#include <ctype.h>
#include <string.h>

#include "agent/devices.h"
#include "agent/holding.h"
#include "agent/slots.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "base/text.h"
#include "task/task_doc.h"

enum { VARS_MOST = DEVICES_KINDS_MOST + 16 };

struct list {
	struct arena *arena;
	struct env_var *vars; /* VARS_MOST of them */
	size_t count;
};

static void
put(struct list *list, const char *name, const char *value)
{
	list->vars[list->count++] = (struct env_var){name, value};
}

/* --- devices ------------------------------------------------------------------------------------
 */

static const char *
names_of(struct list *list, const char *holding, const char *kind)
{
	struct buffer names = BUFFER_INIT;
	const char *text = NULL;

	devices_names(holding, kind, &names);
	if (names.len > 0)
		text = arena_strdup(list->arena, buffer_text(&names));
	buffer_release(&names);
	return text;
}

static void
put_kind(struct list *list, const char *holding, const struct holding_word *word)
{
	char *name = arena_printf(list->arena, "RUNNER_DEVICES_%.*s", (int)word->noun_len,
				  word->noun),
	     *at;
	const char *kind = arena_printf(list->arena, "%.*s", (int)word->noun_len, word->noun);

	for (at = name; at != NULL && *at != '\0'; at++)
		*at = (char)toupper((unsigned char)*at);
	if (name != NULL && kind != NULL)
		put(list, name, names_of(list, holding, kind));
}

/* The words of a kind stand together: one variable for each. */
static void
put_devices(struct list *list, const char *holding)
{
	const char *all = names_of(list, holding, NULL), *at = holding;
	struct holding_word word, last = {"", "", 0, 0};

	if (all == NULL)
		return;
	put(list, "RUNNER_DEVICES", all);
	for (; holding_next(&at, &word) && list->count < DEVICES_KINDS_MOST + 1; last = word)
		if (!holding_is(&word, HOLDING_CPUS) &&
		    (word.noun_len != last.noun_len ||
		     memcmp(word.noun, last.noun, word.noun_len) != 0))
			put_kind(list, holding, &word);
}

/* CUDA counts them, or knows them by their UUID; /dev/nvidia3 is number 3. A task without any is to
 * see none. */
static void
put_cuda(struct list *list, const char *holding, const char *kind)
{
	const char *names = names_of(list, holding, kind), *from;
	char *text = names != NULL ? arena_strdup(list->arena, names) : NULL, *to;

	if (text == NULL) {
		put(list, "CUDA_VISIBLE_DEVICES", "");
		return;
	}
	for (from = names, to = text; *from != '\0';) {
		if (text_starts(from, "/dev/nvidia"))
			from += sizeof("/dev/nvidia") - 1;
		while (*from != '\0' && *from != ',')
			*to++ = *from++;
		if (*from == ',')
			*to++ = *from++;
	}
	*to = '\0';
	put(list, "CUDA_VISIBLE_DEVICES", text);
}

/* --- the network --------------------------------------------------------------------------------
 */

static void
put_proxy(struct list *list, const struct slots_class *class)
{
	if (class->proxy[0] != '\0') {
		put(list, "HTTP_PROXY", class->proxy);
		put(list, "http_proxy", class->proxy);
		put(list, "HTTPS_PROXY", class->proxy);
		put(list, "https_proxy", class->proxy);
	}
	if (class->no_proxy[0] != '\0') {
		put(list, "NO_PROXY", class->no_proxy);
		put(list, "no_proxy", class->no_proxy);
	}
}

static void
put_ca(struct list *list, const char *file)
{
	static const char *const names[] = {"SSL_CERT_FILE", "GIT_SSL_CAINFO",
					    "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE",
					    "CURL_CA_BUNDLE"};
	size_t i;

	for (i = 0; file[0] != '\0' && i < sizeof(names) / sizeof(names[0]); i++)
		put(list, names[i], file);
}

const struct env_var *
class_environment(const struct slots_class *class, const char *holding, struct arena *arena,
		  size_t *count)
{
	struct list list = {arena, arena_zalloc_array(arena, VARS_MOST, sizeof(struct env_var)), 0};

	*count = 0;
	if (list.vars == NULL)
		return NULL;
	put_devices(&list, holding != NULL ? holding : "");
	if (class->cuda[0] != '\0')
		put_cuda(&list, holding != NULL ? holding : "", class->cuda);
	put_proxy(&list, class);
	put_ca(&list, class->ca_file);
	*count = list.count;
	return list.vars;
}
