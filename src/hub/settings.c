/*
 * settings.c - runner-hub.yaml: read with the place of what is wrong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/settings.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "format/yaml.h"

enum { SETTINGS_MOST_BYTES = 1 << 20, ISSUER_MOST_BYTES = 512 };

static const int64_t DAY_MS = 24 * 60 * 60 * 1000;
static const uint64_t RETENTION_LEAST_MS = 1000, RETENTION_MOST_MS = 36500ULL * 24 * 60 * 60 * 1000;

/* The file being read. */
struct reading {
	struct settings *settings;
	const char *path;
	struct err *err;
	bool is_empty;
};

static const int64_t retention_days[KEPT_KIND_COUNT] = {
#define X(upper, name, days) days,
	KEPT_KINDS(X)
#undef X
};

void
settings_init(struct settings *settings)
{
	size_t i;

	memset(settings, 0, sizeof(*settings));
	for (i = 0; i < KEPT_KIND_COUNT; i++)
		settings->retention_ms[i] = -1;
	arena_init(&settings->arena, 0);
	settings->log_level = LOG_INFO;
	settings->ready_fd = -1;
}

void
settings_release(struct settings *settings)
{
	arena_release(&settings->arena);
}

/* --- the file ------------------------------------------------------------------------------ */

static int
wrong(struct reading *reading, const struct node *node, const char *fmt, const char *what)
{
	char text[256];

	snprintf(text, sizeof(text), fmt, what);
	return err_set(reading->err, ERR_INPUT, "%s:%u:%u: %s", reading->path, node->line, node->column,
		       text);
}

static int
take_text(struct reading *reading, const struct node *node, const char **out)
{
	if (node->kind == NODE_SEQ || node->kind == NODE_MAP || node->kind == NODE_NULL)
		return wrong(reading, node, "a string is meant, not %s", node_kind_name(node->kind));
	if (*out == NULL)
		*out = arena_strdup(&reading->settings->arena, node->text);
	return 0;
}

static int
take_bool(struct reading *reading, const struct node *node, bool *out)
{
	if (node->kind != NODE_BOOL)
		return wrong(reading, node, "true or false is meant, not %s", node_kind_name(node->kind));
	*out = node->boolean;
	return 0;
}

static int
set_listen(struct reading *reading, const struct node *node)
{
	struct settings *settings = reading->settings;
	uint32_t i;

	if (settings->listen_count > 0)
		return 0;
	if (node->kind != NODE_SEQ)
		return take_text(reading, node, &settings->listen[settings->listen_count++]);
	if (node->count > SETTINGS_LISTEN_MOST)
		return wrong(reading, node, "%s", "too many addresses");
	for (i = 0; i < node->count; i++)
		if (take_text(reading, node->items[i], &settings->listen[settings->listen_count++]) < 0)
			return reading->err->code;
	return 0;
}

static int
set_tls_cert(struct reading *reading, const struct node *node)
{
	return take_text(reading, node, &reading->settings->tls_cert);
}

static int
set_tls_key(struct reading *reading, const struct node *node)
{
	return take_text(reading, node, &reading->settings->tls_key);
}

static int
set_insecure(struct reading *reading, const struct node *node)
{
	bool value = false;
	int rc = take_bool(reading, node, &value);

	reading->settings->insecure |= value;
	return rc;
}

static int
set_data_dir(struct reading *reading, const struct node *node)
{
	return take_text(reading, node, &reading->settings->data_dir);
}

static int
set_key_file(struct reading *reading, const struct node *node)
{
	return take_text(reading, node, &reading->settings->key_file);
}

static int
set_public_url(struct reading *reading, const struct node *node)
{
	return take_text(reading, node, &reading->settings->public_url);
}

static int
set_oidc_issuer(struct reading *reading, const struct node *node)
{
	return take_text(reading, node, &reading->settings->oidc_issuer);
}

static int
set_metrics(struct reading *reading, const struct node *node)
{
	return take_text(reading, node, &reading->settings->metrics);
}

static int
retain(struct settings *settings, const char *kind, size_t kind_len, const char *time, struct err *err)
{
	uint64_t ms = 0;
	size_t i;

	for (i = 0; i < KEPT_KIND_COUNT; i++)
		if (strncmp(kept_kind_names[i], kind, kind_len) == 0 &&
		    kept_kind_names[i][kind_len] == '\0')
			break;
	if (i == KEPT_KIND_COUNT)
		return err_set(err, ERR_INPUT, "'%.*s' is nothing that is kept for a time", (int)kind_len,
			       kind);
	if (!text_eq(time, "forever") && text_parse_duration_ms(time, &ms, err) < 0) {
		err->code = err_wrap(err, "how long %s is kept", kept_kind_names[i]);
		return err_hint(err, "write it like 90d, or forever");
	}
	if (!text_eq(time, "forever") && (ms < RETENTION_LEAST_MS || ms > RETENTION_MOST_MS))
		return err_set(err, ERR_INPUT, "%s is kept from 1s to 36500d, or forever; not '%.40s'",
			       kept_kind_names[i], time);
	if (settings->retention_ms[i] < 0)
		settings->retention_ms[i] = (int64_t)ms;
	return 0;
}

int
settings_retain(struct settings *settings, const char *text, struct err *err)
{
	const char *mark = strchr(text, '=');

	if (mark == NULL)
		return err_set(err, ERR_INPUT, "'%.60s' must be KIND=TIME, as output=90d", text);
	return retain(settings, text, (size_t)(mark - text), mark + 1, err);
}

static int
set_retention(struct reading *reading, const struct node *node)
{
	struct err err = ERR_INIT;
	uint32_t i;

	if (node->kind != NODE_MAP)
		return wrong(reading, node, "a map is meant, not %s", node_kind_name(node->kind));
	for (i = 0; i < node->count; i++) {
		const struct pair *pair = &node->pairs[i];
		const char *time = NULL;

		if (take_text(reading, pair->value, &time) < 0)
			return reading->err->code;
		if (retain(reading->settings, pair->key->text, strlen(pair->key->text), time, &err) < 0)
			return wrong(reading, pair->key, "%s", err.text);
	}
	return 0;
}

static int
set_default_class(struct reading *reading, const struct node *node)
{
	return take_text(reading, node, &reading->settings->default_class);
}

static int
set_log_level(struct reading *reading, const struct node *node)
{
	struct err err = ERR_INIT;
	const char *name = NULL;

	if (take_text(reading, node, &name) < 0)
		return reading->err->code;
	if (reading->settings->has_log_level)
		return 0;
	if (log_level_parse(name, &reading->settings->log_level, &err) < 0)
		return wrong(reading, node, "%s", err.text);
	return 0;
}

static int
set_log_format(struct reading *reading, const struct node *node)
{
	const char *name = NULL;

	if (take_text(reading, node, &name) < 0)
		return reading->err->code;
	if (reading->settings->has_log_format)
		return 0;
	if (strcmp(name, "json") != 0 && strcmp(name, "text") != 0)
		return wrong(reading, node, "'%s' is not text or json", name);
	reading->settings->log_json = strcmp(name, "json") == 0;
	return 0;
}

static int
set_aliases(struct reading *reading, const struct node *node)
{
	struct settings *settings = reading->settings;
	uint32_t i;

	if (node->kind != NODE_MAP)
		return wrong(reading, node, "a map is meant, not %s", node_kind_name(node->kind));
	if (node->count > SETTINGS_CLASSES_MOST)
		return wrong(reading, node, "%s", "too many classes");
	settings->aliases = ARENA_NEW_ARRAY(&settings->arena, struct class_alias, node->count + 1);
	for (i = 0; i < node->count; i++) {
		struct class_alias *alias = &settings->aliases[settings->alias_count++];

		if (take_text(reading, node->pairs[i].key, &alias->from) < 0 ||
		    take_text(reading, node->pairs[i].value, &alias->to) < 0)
			return reading->err->code;
	}
	return 0;
}

static int
set_class(struct reading *reading, const struct pair *pair)
{
	struct settings *settings = reading->settings;
	struct class_setting *class = &settings->classes[settings->class_count++];
	uint32_t i;

	if (take_text(reading, pair->key, &class->name) < 0)
		return reading->err->code;
	if (pair->value->kind == NODE_NULL)
		return 0;
	if (pair->value->kind != NODE_MAP)
		return wrong(reading, pair->value, "a map is meant, not %s",
			     node_kind_name(pair->value->kind));
	for (i = 0; i < pair->value->count; i++) {
		const struct pair *one = &pair->value->pairs[i];

		if (strcmp(one->key->text, "docker_on_host") != 0)
			return wrong(reading, one->key, "a class has no setting '%s'", one->key->text);
		if (take_bool(reading, one->value, &class->docker_on_host) < 0)
			return reading->err->code;
	}
	return 0;
}

static int
set_classes(struct reading *reading, const struct node *node)
{
	struct settings *settings = reading->settings;
	uint32_t i;

	if (node->kind != NODE_MAP)
		return wrong(reading, node, "a map is meant, not %s", node_kind_name(node->kind));
	if (node->count > SETTINGS_CLASSES_MOST)
		return wrong(reading, node, "%s", "too many classes");
	settings->classes = ARENA_NEW_ARRAY(&settings->arena, struct class_setting, node->count + 1);
	for (i = 0; i < node->count; i++)
		if (set_class(reading, &node->pairs[i]) < 0)
			return reading->err->code;
	return 0;
}

static const struct {
	const char *name;
	int (*set)(struct reading *reading, const struct node *node);
} rows[] = {
	{"listen", set_listen},
	{"tls_cert", set_tls_cert},
	{"tls_key", set_tls_key},
	{"insecure", set_insecure},
	{"data_dir", set_data_dir},
	{"key_file", set_key_file},
	{"public_url", set_public_url},
	{"oidc_issuer", set_oidc_issuer},
	{"log_level", set_log_level},
	{"log_format", set_log_format},
	{"metrics", set_metrics},
	{"retention", set_retention},
	{"default_resource_class", set_default_class},
	{"resource_class_map", set_aliases},
	{"resource_classes", set_classes},
};

static int
set_pair(struct reading *reading, const struct pair *pair)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, pair->key->text) == 0)
			return rows[i].set(reading, pair->value);
	return wrong(reading, pair->key, "there is no setting '%s'", pair->key->text);
}

static void
on_problem(void *arg, const struct yaml_problem *problem)
{
	struct reading *reading = arg;

	if (problem->is_warning || reading->err->code != 0)
		return;
	/* Comments alone: every setting has its default. */
	reading->is_empty = strcmp(problem->code, "E_YAML_EMPTY") == 0;
	if (reading->is_empty)
		return;
	reading->err->code = err_set(reading->err, ERR_INPUT, "%s:%u:%u: %s", reading->path, problem->line,
				     problem->column, problem->message);
}

static int
read_file(struct buffer *bytes, const char *path, struct err *err)
{
	LOCAL_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	void *room;

	if (fd < 0)
		return err_sys(err, "cannot open settings '%s'", path);
	for (;;) {
		if (buffer_reserve(bytes, 65536, &room, err) < 0)
			return err_wrap(err, "settings '%s'", path);
		n = read(fd, room, 65536);
		if (n < 0)
			return err_sys(err, "cannot read settings '%s'", path);
		if (n == 0)
			return 0;
		buffer_grew(bytes, (size_t)n);
	}
}

int
settings_read(struct settings *settings, const char *path, struct err *err)
{
	struct reading reading = {settings, path, err, false};
	struct yaml_input input = {.problem = on_problem, .arg = &reading};
	struct buffer bytes;
	struct node *root;
	uint32_t i;
	int rc;

	buffer_init(&bytes, SETTINGS_MOST_BYTES);
	rc = read_file(&bytes, path, err);
	if (rc == 0 && bytes.len > 0) {
		input.bytes = bytes.data;
		input.len = bytes.len;
		rc = yaml_read(&input, &settings->arena, &root);
		if (reading.is_empty)
			rc = 0;
		else if (rc == 0 && root->kind != NODE_MAP && root->kind != NODE_NULL)
			rc = wrong(&reading, root, "the file is a map of settings, not %s",
				   node_kind_name(root->kind));
		for (i = 0; rc == 0 && !reading.is_empty && root->kind == NODE_MAP && i < root->count; i++)
			rc = set_pair(&reading, &root->pairs[i]);
	}
	buffer_release(&bytes);
	return rc;
}

/* doc: the paths of root or a service, and those of a user. */
int
settings_read_default(struct settings *settings, struct err *err)
{
	const char *home = getenv("XDG_CONFIG_HOME");
	const char *path = RUNNER_SYSCONFDIR "/runner-hub.yaml";

	if (geteuid() != 0 && home != NULL)
		path = arena_printf(&settings->arena, "%s/runner/runner-hub.yaml", home);
	else if (geteuid() != 0 && getenv("HOME") != NULL)
		path = arena_printf(&settings->arena, "%s/.config/runner/runner-hub.yaml", getenv("HOME"));
	return access(path, F_OK) == 0 ? settings_read(settings, path, err) : 0;
}

/* --- what was not stated ------------------------------------------------------------------- */

/* doc: the paths of root or a service, and those of a user. */
static const char *
default_data_dir(struct settings *settings)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return "/var/lib/runner-hub";
	if (state != NULL && state[0] == '/')
		return arena_printf(&settings->arena, "%s/runner/hub", state);
	if (home != NULL && home[0] == '/')
		return arena_printf(&settings->arena, "%s/.local/state/runner/hub", home);
	return NULL;
}

/* OpenID Connect Discovery 1.0, 3: an address without query or fragment, to which paths are appended. */
static int
complete_issuer(struct settings *settings, struct err *err)
{
	const char *issuer = settings->oidc_issuer != NULL ? settings->oidc_issuer : settings->public_url;
	bool is_web = issuer != NULL &&
		      (text_starts(issuer, "https://") || text_starts(issuer, "http://")) &&
		      strpbrk(issuer, "?# \t\"\\") == NULL && strlen(issuer) <= ISSUER_MOST_BYTES;
	char *copy;
	size_t len;

	if (!is_web && settings->oidc_issuer != NULL) {
		err->code = err_set(err, ERR_INPUT, "the issuer of tokens cannot be '%.100s'", issuer);
		return err_hint(err, "it is an address of the web, as https://ci.example, of 512 bytes at most");
	}
	settings->oidc_issuer = NULL;
	if (!is_web)
		return 0;
	copy = arena_strdup(&settings->arena, issuer);
	for (len = strlen(copy); copy[len - 1] == '/'; len--)
		copy[len - 1] = '\0';
	settings->oidc_issuer = copy;
	return 0;
}

int
settings_complete(struct settings *settings, struct err *err)
{
	size_t i;

	for (i = 0; i < KEPT_KIND_COUNT; i++)
		if (settings->retention_ms[i] < 0)
			settings->retention_ms[i] = retention_days[i] * DAY_MS;
	if (settings->data_dir == NULL)
		settings->data_dir = default_data_dir(settings);
	if (settings->data_dir == NULL)
		return err_set(err, ERR_INPUT, "there is no HOME to keep data in: give --data-dir");
	if (settings->key_file == NULL)
		settings->key_file = arena_printf(&settings->arena, "%s/secret.key", settings->data_dir);
	if (settings->listen_count == 0)
		settings->listen[settings->listen_count++] =
			arena_printf(&settings->arena, "unix:%s/hub.sock", settings->data_dir);
	if ((settings->tls_cert == NULL) != (settings->tls_key == NULL))
		return err_set(err, ERR_INPUT, "TLS needs both a certificate and a key");
	return complete_issuer(settings, err);
}

/* --- classes ------------------------------------------------------------------------------- */

const char *
settings_class(const struct settings *settings, const char *asked)
{
	size_t i;

	for (i = 0; asked != NULL && i < settings->alias_count; i++)
		if (strcmp(settings->aliases[i].from, asked) == 0)
			return settings->aliases[i].to;
	if (asked != NULL && (settings->is_private || strchr(asked, '/') != NULL))
		return asked;
	if (settings->default_class == NULL && settings->is_private)
		return "local";
	return settings->default_class;
}

bool
settings_docker_on_host(const struct settings *settings, const char *class_name)
{
	size_t i;

	for (i = 0; i < settings->class_count; i++)
		if (strcmp(settings->classes[i].name, class_name) == 0)
			return settings->classes[i].docker_on_host;
	return settings->is_private;
}

bool
settings_any_docker_on_host(const struct settings *settings)
{
	size_t i;

	for (i = 0; i < settings->class_count; i++)
		if (settings->classes[i].docker_on_host)
			return true;
	return settings->is_private;
}
