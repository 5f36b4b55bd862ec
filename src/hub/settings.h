/*
 * settings.h - runner-hub.yaml and the options of "serve".
 *
 *	listen: [unix:/run/runner-hub/hub.sock, 127.0.0.1:8443]
 *	tls_cert: /etc/runner/hub.crt
 *	tls_key: /etc/runner/hub.key
 *	data_dir: /var/lib/runner-hub
 *	public_url: https://ci.example:8443
 *	retention: {output: 90d, pipelines: forever}
 *	oidc_issuer: https://tokens.ci.example
 *	default_resource_class: example/linux
 *	resource_class_map:
 *	  medium: example/linux
 *	  arm.medium: example/arm
 *	resource_classes:
 *	  example/linux: {docker_on_host: true}
 *
 * The command line wins over the file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_SETTINGS_H
#define HUB_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/log.h"
#include "hub/rows.h"

struct err;

enum { SETTINGS_LISTEN_MOST = 16, SETTINGS_CLASSES_MOST = 256 };

struct class_alias {
	const char *from, *to;
};

struct class_setting {
	const char *name;
	bool docker_on_host;
};

struct settings {
	struct arena arena; /* all strings */
	const char *listen[SETTINGS_LISTEN_MOST];
	size_t listen_count;
	const char *tls_cert, *tls_key; /* NULL: plain */
	bool insecure;
	const char *data_dir;
	const char *key_file;	/* data_dir/secret.key when not stated */
	const char *public_url; /* NULL: not stated */
	const char *oidc_issuer; /* of jobs' tokens: public_url when not stated; no slash at its end. NULL: none */
	enum log_level log_level;
	bool log_json;
	bool has_log_level, has_log_format; /* stated on the command line */
	const char *metrics; /* NULL: none */
	int64_t retention_ms[KEPT_KIND_COUNT]; /* 0: for ever. Before settings_complete() -1: not stated */
	const char *default_class; /* NULL: none */
	struct class_alias *aliases;
	size_t alias_count;
	struct class_setting *classes;
	size_t class_count;
	/* serve --private: doc/local-run.md */
	bool is_private;
	const char *token_file, *agent_token_file;
	int ready_fd; /* -1: none */
};

void settings_init(struct settings *settings);
void settings_release(struct settings *settings);
/* Merge the file in; what is set already stays. Fails: ERR_HOST, ERR_INPUT with path:line:column. */
int settings_read(struct settings *settings, const char *path, struct err *err);
/* The same of the file that is read when none is named, if it is there. */
int settings_read_default(struct settings *settings, struct err *err);
/* "KIND=TIME", where nothing is stated of the kind. Fails: ERR_INPUT. */
int settings_retain(struct settings *settings, const char *text, struct err *err);
/* Fill in what was not stated: paths by user and root, listen addresses. */
int settings_complete(struct settings *settings, struct err *err);

/*
 * The class a job asks for: itself when it is namespaced ("ns/name"), else by the map, else the
 * default. asked may be NULL. NULL when there is none.
 */
const char *settings_class(const struct settings *settings, const char *asked);
bool settings_docker_on_host(const struct settings *settings, const char *class_name);
/* Any class takes docker: jobs: what the compiler's policy is told. */
bool settings_any_docker_on_host(const struct settings *settings);

#endif
