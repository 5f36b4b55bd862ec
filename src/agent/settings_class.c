/*
 * settings_class.c - runnerd.yaml: what this host has, and what tasks of each class get of it.
 *
 *	capacity: {cpus: 32, memory: 120G, disk: 2T, devices: {gpu: [/dev/nvidia0, /dev/nvidia1],
 *licence: 3}} resource_classes:
 *	  - {name: acme/large, token_file: /etc/runner/large, cpus: 8, memory: 16G, devices: {gpu:
 *1}}
 *
 * One table for the keys of each: a name and the function that reads it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/settings_reader.h"
#include "base/err.h"
#include "base/text.h"
#include "format/yaml.h"

#define PROXY_INHERIT "inherit" /* of a class's proxy */

enum { COUNT_MOST = 1 << 20, CPUS_MOST = 65536 };

/* A map's key. what is for messages; out is where it goes. */
struct key {
	const char *name;
	int (*read)(struct settings_reader *file, const struct pair *pair, void *out);
	size_t offset;
};

/* "cpus, memory and disk": all names of a table. */
static const char *
names_of(const struct key *keys, char room[SETTINGS_PLACE_BYTES])
{
	size_t len = 0;

	for (; keys->name != NULL && len < SETTINGS_PLACE_BYTES; keys++)
		len += (size_t)snprintf(room + len, SETTINGS_PLACE_BYTES - len, "%s%s",
					len > 0 ? ", " : "", keys->name);
	return room;
}

static int
read_map(struct settings_reader *file, const struct node *map, const struct key *keys, void *out)
{
	char room[SETTINGS_PLACE_BYTES], names[SETTINGS_PLACE_BYTES];
	const struct key *key;
	uint32_t i;

	for (i = 0; i < map->count; i++) {
		const struct pair *pair = &map->pairs[i];

		for (key = keys; key->name != NULL && !text_eq(key->name, pair->key->text); key++)
			;
		if (key->name == NULL)
			return err_set(file->err, ERR_INPUT, "%s is none of %s",
				       reader_place(file, pair->key, pair->key->text, room),
				       names_of(keys, names));
		if (key->read(file, pair, (char *)out + key->offset) < 0)
			return file->err->code;
	}
	return 0;
}

/* --- values -------------------------------------------------------------------------------------
 */

static int
read_count(struct settings_reader *file, const struct pair *pair, void *out)
{
	uint64_t number;
	char room[SETTINGS_PLACE_BYTES];

	if (!reader_is_scalar(pair->value))
		return reader_refuse_kind(file, pair->value, pair->key->text, "a number");
	if (text_parse_u64(pair->value->text, COUNT_MOST, &number, file->err) < 0)
		return err_wrap(file->err, "%s",
				reader_place(file, pair->value, pair->key->text, room));
	*(uint32_t *)out = (uint32_t)number;
	return 0;
}

static int
read_size(struct settings_reader *file, const struct pair *pair, void *out)
{
	char room[SETTINGS_PLACE_BYTES];

	if (!reader_is_scalar(pair->value))
		return reader_refuse_kind(file, pair->value, pair->key->text, "a size");
	if (text_parse_bytes(pair->value->text, out, file->err) < 0)
		return err_wrap(file->err, "%s",
				reader_place(file, pair->value, pair->key->text, room));
	return 0;
}

static int
read_flag(struct settings_reader *file, const struct pair *pair, void *out)
{
	if (pair->value->kind != NODE_BOOL)
		return reader_refuse_kind(file, pair->value, pair->key->text, "true or false");
	*(bool *)out = text_eq(pair->value->text, "true");
	return 0;
}

static int
read_attach(struct settings_reader *file, const struct pair *pair, void *out)
{
	bool yes = false;

	if (read_flag(file, pair, &yes) < 0)
		return file->err->code;
	*(enum slots_attach *)out = yes ? SLOTS_ATTACH_YES : SLOTS_ATTACH_NO;
	return 0;
}

static int
read_text(struct settings_reader *file, const struct pair *pair, char *out, size_t size)
{
	char room[SETTINGS_PLACE_BYTES];

	if (!reader_is_scalar(pair->value))
		return reader_refuse_kind(file, pair->value, pair->key->text, "a text");
	if (strlen(pair->value->text) >= size)
		return err_set(file->err, ERR_LIMIT, "%s is longer than %zu characters",
			       reader_place(file, pair->value, pair->key->text, room), size - 1);
	(void)snprintf(out, size, "%s", pair->value->text);
	return 0;
}

static int
read_name(struct settings_reader *file, const struct pair *pair, void *out)
{
	return read_text(file, pair, out, SLOTS_NAME_BYTES);
}

static int
read_long_text(struct settings_reader *file, const struct pair *pair, void *out)
{
	return read_text(file, pair, out, SLOTS_TEXT_BYTES);
}

static int
read_path(struct settings_reader *file, const struct pair *pair, void *out)
{
	char room[SETTINGS_PLACE_BYTES];

	if (read_long_text(file, pair, out) < 0)
		return file->err->code;
	if (*(char *)out != '/')
		return err_set(file->err, ERR_INPUT, "%s must be an absolute path",
			       reader_place(file, pair->value, pair->key->text, room));
	return 0;
}

/* --- devices ------------------------------------------------------------------------------------
 */

static int
find_kind(struct settings_reader *file, const struct node *node, const char *name, unsigned *kind)
{
	char room[SETTINGS_PLACE_BYTES];

	return devices_kind(&file->settings->slots.devices, name, kind, file->err) < 0
		       ? err_wrap(file->err, "%s", reader_place(file, node, "devices", room))
		       : 0;
}

static int
add_device(struct settings_reader *file, const struct node *node, unsigned kind, const char *name)
{
	char room[SETTINGS_PLACE_BYTES];

	return devices_add(&file->settings->slots.devices, kind, name, file->err) < 0
		       ? err_wrap(file->err, "%s", reader_place(file, node, "devices", room))
		       : 0;
}

/* By number: their names are 0, 1 and so on. */
static int
add_numbered(struct settings_reader *file, const struct pair *pair, unsigned kind)
{
	char name[DEVICES_NAME_BYTES];
	uint32_t count, i;

	if (read_count(file, pair, &count) < 0)
		return file->err->code;
	for (i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "%u", i);
		if (add_device(file, pair->value, kind, name) < 0)
			return file->err->code;
	}
	return 0;
}

static int
add_named(struct settings_reader *file, const struct pair *pair, unsigned kind)
{
	uint32_t i;

	for (i = 0; i < pair->value->count; i++) {
		const struct node *item = pair->value->items[i];

		if (!reader_is_scalar(item))
			return reader_refuse_kind(file, item, pair->key->text, "a list of names");
		if (add_device(file, item, kind, item->text) < 0)
			return file->err->code;
	}
	return 0;
}

static int
read_host_devices(struct settings_reader *file, const struct pair *pair, void *out)
{
	const struct node *map = pair->value;
	uint32_t *counts = out, i;
	unsigned kind;
	int rc;

	if (map->kind != NODE_MAP)
		return reader_refuse_kind(file, map, "devices",
					  "a map of names, and numbers or lists");
	for (i = 0; i < map->count; i++) {
		rc = find_kind(file, map->pairs[i].key, map->pairs[i].key->text, &kind);
		if (rc == 0)
			rc = map->pairs[i].value->kind == NODE_SEQ
				     ? add_named(file, &map->pairs[i], kind)
				     : add_numbered(file, &map->pairs[i], kind);
		if (rc < 0)
			return rc;
		counts[kind] = devices_count(&file->settings->slots.devices, kind);
	}
	return 0;
}

static int
read_class_devices(struct settings_reader *file, const struct pair *pair, void *out)
{
	const struct node *map = pair->value;
	uint32_t *counts = out, i;
	unsigned kind;

	if (map->kind != NODE_MAP)
		return reader_refuse_kind(file, map, "devices", "a map of names and numbers");
	for (i = 0; i < map->count; i++)
		if (find_kind(file, map->pairs[i].key, map->pairs[i].key->text, &kind) < 0 ||
		    read_count(file, &map->pairs[i], &counts[kind]) < 0)
			return file->err->code;
	return 0;
}

/* --- the host ------------------------------------------------------------------------------------
 */

static const struct key host_keys[] = {
	{"cpus", read_count, offsetof(struct room, cpus)},
	{"memory", read_size, offsetof(struct room, memory_bytes)},
	{"disk", read_size, offsetof(struct room, disk_bytes)},
	{"devices", read_host_devices, offsetof(struct room, devices)},
	{NULL, NULL, 0},
};

int
settings_read_capacity(struct settings_reader *file, const struct node *map)
{
	if (map->kind != NODE_MAP)
		return reader_refuse_kind(file, map, "capacity",
					  "a map with cpus, memory, disk, devices");
	return read_map(file, map, host_keys, &file->settings->slots.host);
}

/* --- classes -------------------------------------------------------------------------------------
 */

struct entry {
	struct slots_class class;
	const char *token_file; /* borrowed from the file */
	const struct node *isolation;
};

static int
read_token_file(struct settings_reader *file, const struct pair *pair, void *out)
{
	if (!reader_is_scalar(pair->value))
		return reader_refuse_kind(file, pair->value, pair->key->text, "a text");
	*(const char **)out = pair->value->text;
	return 0;
}

static int
keep_node(struct settings_reader *file, const struct pair *pair, void *out)
{
	(void)file; /* it is read when the class has its name */
	*(const struct node **)out = pair->value;
	return 0;
}

/* A share is the slot's own: it would be no share if others ran there. */
static int
read_cpus(struct settings_reader *file, const struct pair *pair, void *out)
{
	struct slots_class *class = out;

	if (!reader_is_scalar(pair->value) || !text_eq(pair->value->text, "auto"))
		return read_count(file, pair, &class->need.cpus);
	class->share_cpus = class->pin_cpus = true;
	return 0;
}

/* "2" or "0.25": hundredths of a processor. */
static int
read_processors(struct settings_reader *file, const struct pair *pair, void *out)
{
	char room[SETTINGS_PLACE_BYTES], whole[16];
	const char *text = pair->value->text, *rest;
	uint64_t number, part = 0;
	size_t len;

	if (!reader_is_scalar(pair->value))
		return reader_refuse_kind(file, pair->value, pair->key->text, "a number of processors");
	len = strcspn(text, ".");
	rest = text + len + (text[len] == '.');
	(void)snprintf(whole, sizeof(whole), "%.*s", (int)len, text);
	if (len < sizeof(whole) && text_parse_u64(whole, CPUS_MOST, &number, file->err) == 0 &&
	    (text[len] == '\0' || (strlen(rest) <= 2 && text_parse_u64(rest, 99, &part, file->err) == 0))) {
		number = number * 100 + (strlen(rest) == 1 && text[len] == '.' ? part * 10 : part);
		if (number > 0) {
			*(uint32_t *)out = (uint32_t)number;
			return 0;
		}
	}
	return err_set(file->err, ERR_INPUT, "%s is '%.32s': a number of processors is between 0.01 and %d, with two decimals at most",
		       reader_place(file, pair->value, pair->key->text, room), text, CPUS_MOST);
}

static int
read_weight(struct settings_reader *file, const struct pair *pair, void *out)
{
	char room[SETTINGS_PLACE_BYTES];
	uint32_t *weight = out;

	if (read_count(file, pair, weight) < 0)
		return file->err->code;
	if (*weight >= THROTTLE_WEIGHT_LEAST && *weight <= THROTTLE_WEIGHT_MOST)
		return 0;
	return err_set(file->err, ERR_INPUT, "%s is %u: a weight is between %d and %d",
		       reader_place(file, pair->value, pair->key->text, room), *weight,
		       THROTTLE_WEIGHT_LEAST, THROTTLE_WEIGHT_MOST);
}

static int
read_cuda(struct settings_reader *file, const struct pair *pair, void *out)
{
	unsigned kind;

	if (read_text(file, pair, out, DEVICES_NAME_BYTES) < 0)
		return file->err->code;
	return find_kind(file, pair->value, out, &kind);
}

#define AT(field) offsetof(struct entry, class.field)

static const struct key class_keys[] = {
	{"name", read_name, AT(name)},
	{"token_file", read_token_file, offsetof(struct entry, token_file)},
	{"cpus", read_cpus, offsetof(struct entry, class)},
	{"pin_cpus", read_flag, AT(pin_cpus)},
	{"memory", read_size, AT(need.memory_bytes)},
	{"disk", read_size, AT(need.disk_bytes)},
	{"devices", read_class_devices, AT(need.devices)},
	{"pids", read_count, AT(pids)},
	{"memory_high", read_size, AT(throttle.memory_high_bytes)},
	{"cpu_max", read_processors, AT(throttle.cpu_hundredths)},
	{"cpu_weight", read_weight, AT(throttle.cpu_weight)},
	{"io_weight", read_weight, AT(throttle.io_weight)},
	{"rlimits", read_flag, AT(rlimits)},
	{"attach", read_attach, AT(attach)},
	{"cuda_visible_devices", read_cuda, AT(cuda)},
	{"proxy", read_long_text, AT(proxy)},
	{"no_proxy", read_long_text, AT(no_proxy)},
	{"ca_file", read_path, AT(ca_file)},
	{"isolation", keep_node, offsetof(struct entry, isolation)},
	{NULL, NULL, 0},
};

static int
read_class(struct settings_reader *file, const struct node *map)
{
	struct entry entry;
	char room[SETTINGS_PLACE_BYTES];

	memset(&entry, 0, sizeof(entry));
	entry.class.rlimits = true;
	if (map->kind != NODE_MAP)
		return reader_refuse_kind(file, map, "resource_classes", "a list of maps");
	if (read_map(file, map, class_keys, &entry) < 0)
		return file->err->code;
	if (entry.class.need.memory_bytes > 0 &&
	    entry.class.throttle.memory_high_bytes > entry.class.need.memory_bytes)
		return err_set(file->err, ERR_INPUT, "%s has a memory_high above its memory: it would never be reached",
			       reader_place(file, map, "a resource class", room));
	if (entry.token_file == NULL)
		return err_set(file->err, ERR_INPUT, "%s has no token_file",
			       reader_place(file, map, "a resource class", room));
	if (settings_add_tokens(file->settings, entry.token_file, &entry.class, file->err) < 0)
		return err_wrap(file->err, "%s", reader_place(file, map, "a resource class", room));
	settings_add_ours(file->settings, entry.token_file);
	return settings_read_class_isolation(file, entry.class.name, entry.isolation);
}

int
settings_read_classes(struct settings_reader *file, const struct node *list)
{
	uint32_t i;

	if (list->kind != NODE_SEQ)
		return reader_refuse_kind(file, list, "resource_classes", "a list of maps");
	for (i = 0; i < list->count; i++)
		if (read_class(file, list->items[i]) < 0)
			return file->err->code;
	return 0;
}

/* --- the proxy that runnerd has itself ------------------------------------------------------------- */

/* In small letters first, as curl does. */
static const char *
variable(const char *small, const char *capital)
{
	const char *value = getenv(small);

	return value != NULL && value[0] != '\0' ? value : getenv(capital);
}

static int
inherit(char room[SLOTS_TEXT_BYTES], const char *value, const char *class, struct err *err)
{
	value = value != NULL ? value : "";
	if (strlen(value) >= SLOTS_TEXT_BYTES)
		return err_set(err, ERR_LIMIT,
			       "resource class '%s': the proxy that it inherits is longer than %d characters", class,
			       SLOTS_TEXT_BYTES - 1);
	(void)snprintf(room, SLOTS_TEXT_BYTES, "%s", value);
	return 0;
}

/* --proxy, else what the environment says: HTTPS_PROXY before HTTP_PROXY. */
int
settings_inherit_proxies(struct settings *settings, struct err *err)
{
	const char *proxy = settings->proxy, *none = variable("no_proxy", "NO_PROXY");
	unsigned i;
	int rc = 0;

	if (proxy == NULL)
		proxy = variable("https_proxy", "HTTPS_PROXY");
	if (proxy == NULL)
		proxy = variable("http_proxy", "HTTP_PROXY");
	for (i = 0; rc == 0 && i < settings->slots.class_count; i++) {
		struct slots_class *class = &settings->slots.classes[i];

		if (!text_eq(class->proxy, PROXY_INHERIT))
			continue;
		rc = inherit(class->proxy, proxy, class->name, err);
		if (rc == 0 && class->no_proxy[0] == '\0')
			rc = inherit(class->no_proxy, none, class->name, err);
	}
	return rc;
}
