/*
 * serve.c - "runner-hub serve": options, start in order, end in order.
 *
 * Sockets are bound before the data is read, so that a wrong address is said at once;
 * they are served when the model is complete. "ready" in the log (and on --ready-fd) is the moment from
 * which a request is answered.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/frame.h"
#include "http/listener.h"
#include "http/server.h"
#include "http/tls.h"
#include "hub/api/agent.h"
#include "hub/api/kept.h"
#include "hub/api/router.h"
#include "hub/api/search.h"
#include "hub/api/sessions.h"
#include "hub/blobs.h"
#include "hub/dispatch.h"
#include "hub/hub.h"
#include "hub/launch.h"
#include "hub/metrics.h"
#include "hub/oidc.h"
#include "hub/store/store.h"
#include "hub/sweeper.h"
#include "hub/timetable.h"
#include "hub/tokens.h"
#include "loop/clock.h"
#include "loop/herald.h"
#include "loop/loop.h"
#include "loop/worker.h"
#include "runner/exit.h"

enum {
	DRAIN_MS = 5000, /* after SIGTERM: streams that do not end are cut then */
	TOKEN_LEAST_BYTES = 32,
	TOKEN_FILE_BYTES = 256,
};

struct serve {
	struct hub hub;
	struct tls_context *tls;
	struct listener *listeners[SETTINGS_LISTEN_MOST];
	struct signal_watch term, intr, hup;
	struct herald *herald; /* NULL: no service manager listens */
	struct timer drain;
	bool wants_help;
	const char *config; /* -c */
};

/* --- options -------------------------------------------------------------------------------- */

static const struct option options[] = {
	{"config", 'c', "FILE", "settings (default: runner-hub.yaml where the man page says)"},
	{"listen", 0, "ADDRESS", "ADDR:PORT or unix:PATH; may be repeated"},
	{"tls-cert", 0, "FILE", "serve TLS with this certificate"},
	{"tls-key", 0, "FILE", "and this key"},
	{"insecure", 0, NULL, "allow TCP without TLS off the loopback address"},
	{"data-dir", 0, "DIR", "database and output"},
	{"key-file", 0, "FILE", "secret key (default: secret.key in the data directory)"},
	{"public-url", 0, "URL", "how others reach this hub: for links"},
	{"metrics", 0, "ADDRESS", "serve numbers to scrapers: PORT, ADDR:PORT or unix:PATH"},
	{"retention", 0, "KIND=TIME", "how long something is kept, as output=90d; may be repeated"},
	{"oidc-issuer", 0, "URL", "who issues tokens of jobs (default: the public URL)"},
	{"log-level", 0, "LEVEL", "error, warn, info or debug"},
	{"log-format", 0, "FORMAT", "text or json"},
	{"private", 0, NULL, "of one agent and one person on this host: for runnerctl run"},
	{"token-file", 0, "FILE", "with --private: the person's token"},
	{"agent-token-file", 0, "FILE", "with --private: the agent's token"},
	{"ready-fd", 0, "N", "write 'ready' to this descriptor when requests are answered"},
	{"help", 'h', NULL, "show this help"},
	{NULL, 0, NULL, NULL},
};

static int
set_log_option(struct settings *settings, const char *name, const char *value, struct err *err)
{
	if (strcmp(name, "log-level") == 0) {
		settings->has_log_level = true;
		return log_level_parse(value, &settings->log_level, err);
	}
	settings->has_log_format = true;
	settings->log_json = strcmp(value, "json") == 0;
	if (!settings->log_json && strcmp(value, "text") != 0)
		return err_set(err, ERR_INPUT, "log format '%s' is not text or json", value);
	return 0;
}

static int
add_listen(struct settings *settings, const char *value, struct err *err)
{
	if (settings->listen_count == SETTINGS_LISTEN_MOST)
		return err_set(err, ERR_INPUT, "at most %d addresses can be listened on",
			       SETTINGS_LISTEN_MOST);
	settings->listen[settings->listen_count++] = value;
	return 0;
}

static int
set_flag(struct settings *settings, const char *name)
{
	if (strcmp(name, "insecure") == 0)
		settings->insecure = true;
	else if (strcmp(name, "private") == 0)
		settings->is_private = true;
	else
		return 1; /* help */
	return 0;
}

static int
set_option(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct serve *serve = arg;
	struct settings *settings = &serve->hub.settings;
	const struct {
		const char *name, **to;
	} texts[] = {
		{"config", &serve->config},
		{"tls-cert", &settings->tls_cert},
		{"tls-key", &settings->tls_key},
		{"data-dir", &settings->data_dir},
		{"key-file", &settings->key_file},
		{"public-url", &settings->public_url},
		{"oidc-issuer", &settings->oidc_issuer},
		{"metrics", &settings->metrics},
		{"token-file", &settings->token_file},
		{"agent-token-file", &settings->agent_token_file},
	};
	uint64_t number;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(texts[i].name, option->name) == 0) {
			*texts[i].to = value;
			return 0;
		}
	if (strcmp(option->name, "listen") == 0)
		return add_listen(settings, value, err);
	if (strcmp(option->name, "retention") == 0)
		return settings_retain(settings, value, err);
	if (strncmp(option->name, "log-", 4) == 0)
		return set_log_option(settings, option->name, value, err);
	if (strcmp(option->name, "ready-fd") == 0) {
		if (text_parse_u64(value, INT32_MAX, &number, err) < 0)
			return err_wrap(err, "--ready-fd");
		settings->ready_fd = (int)number;
		return 0;
	}
	if (set_flag(settings, option->name) > 0)
		serve->wants_help = true;
	return 0;
}

static int
show_help(void)
{
	struct buffer text = BUFFER_INIT;

	buffer_puts(&text, "usage: runner-hub serve [OPTION]...\n\n");
	options_help(&text, options);
	(void)fwrite(text.data, 1, text.len, stdout);
	buffer_release(&text);
	return EXIT_OK;
}

static void
complain(const struct err *err)
{
	if (log_is_json()) {
		log_error("%s%s%s", err->text, err->hint != NULL ? "; hint: " : "",
			  err->hint != NULL ? err->hint : "");
		return;
	}
	(void)fprintf(stderr, "runner-hub: %s\n", err->text);
	if (err->hint != NULL)
		(void)fprintf(stderr, "hint: %s\n", err->hint);
}

/* The file of -c; or, unless private, the default one where it exists. */
static int
read_settings(struct serve *serve, struct err *err)
{
	struct settings *settings = &serve->hub.settings;

	if (serve->config != NULL)
		return settings_read(settings, serve->config, err);
	return settings->is_private ? 0 : settings_read_default(settings, err);
}

static int
take_settings(struct serve *serve, int argc, char **argv, struct err *err)
{
	struct settings *settings = &serve->hub.settings;
	int operands, rc;

	rc = options_parse(options, argc, argv, &operands, set_option, serve, err);
	if (rc < 0)
		return rc;
	if (operands > 0)
		return err_set(err, ERR_INPUT, "'%s' is not meant here: serve takes options only", argv[0]);
	if (serve->wants_help)
		return 0;
	if (settings->is_private != (settings->token_file != NULL) ||
	    settings->is_private != (settings->agent_token_file != NULL))
		return err_set(err, ERR_INPUT, "--private, --token-file and --agent-token-file go together");
	return 0;
}

/* --- start ------------------------------------------------------------------------------------- */

static int
open_listener(struct serve *serve, size_t i, struct err *err)
{
	const struct settings *settings = &serve->hub.settings;
	int rc = listener_open(&serve->listeners[i], settings->listen[i], err);

	if (rc < 0)
		return rc;
	if (!listener_is_public(serve->listeners[i]) || serve->tls != NULL || settings->insecure)
		return 0;
	err->code = err_set(err, ERR_INPUT, "'%s' can be reached from elsewhere, and there is no TLS",
			    settings->listen[i]);
	return err_hint(err, "give --tls-cert and --tls-key ('runner-hub init' makes them), or --insecure");
}

static int
open_listeners(struct serve *serve, struct err *err)
{
	const struct settings *settings = &serve->hub.settings;
	size_t i;
	int rc = 0;

	if (settings->tls_cert != NULL)
		rc = tls_server_new(&serve->tls, settings->tls_cert, settings->tls_key, err);
	for (i = 0; rc == 0 && i < settings->listen_count; i++)
		rc = open_listener(serve, i, err);
	return rc;
}

static int
load_key(struct serve *serve, struct err *err)
{
	const struct settings *settings = &serve->hub.settings;

	if (settings->is_private && access(settings->key_file, F_OK) < 0 &&
	    hub_key_make(settings->key_file, err) < 0)
		return err->code;
	return hub_key_load(&serve->hub.key, settings->key_file, err);
}

static int
make_data_dir(const struct settings *settings, struct err *err)
{
	if (mkdir(settings->data_dir, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "cannot make data directory '%s'", settings->data_dir);
	return 0;
}

/*
 * The model is ahead of the disk: no order of ending could make it true. What waits for a reply gets none, and the
 * next start goes on from what was acknowledged.
 */
static void
on_store_failed(void *arg, const struct err *err)
{
	(void)arg;
	log_error("the store failed, nothing more can be acknowledged: %s", err->text);
	_exit(EXIT_REFUSED);
}

static int
load_model(struct serve *serve, struct err *err)
{
	struct hub *hub = &serve->hub;
	struct store_snapshot snapshot;
	int rc;

	rc = store_load(hub->store, &snapshot, err);
	if (rc < 0)
		return rc;
	/* Loading may find work for the thread: output of tasks that ended to be gathered. */
	rc = store_start(hub->store, hub->loop, on_store_failed, serve, err);
	if (rc == 0)
		rc = hub_key_settle(&hub->key, hub->settings.key_file,
				    snapshot.has_key_name ? snapshot.key_name : NULL, err);
	if (rc == 0) {
		secrets_take_key(&hub->model, &hub->key, &snapshot);
		rc = model_load(&hub->model, &snapshot, err);
		timetables_load(hub, &snapshot);
	}
	if (rc == 0)
		rc = blobs_new(&hub->blobs, hub, &snapshot, err);
	store_snapshot_release(&snapshot);
	return rc;
}

static int
read_token(char room[TOKEN_FILE_BYTES], const char *path, struct err *err)
{
	LOCAL_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return err_sys(err, "cannot open token file '%s'", path);
	n = read(fd, room, TOKEN_FILE_BYTES - 1);
	if (n < 0)
		return err_sys(err, "cannot read token file '%s'", path);
	room[n] = '\0';
	room[strcspn(room, "\r\n")] = '\0';
	if (strlen(room) < TOKEN_LEAST_BYTES)
		return err_set(err, ERR_INPUT, "token file '%s' must hold a token of %d characters at least",
			       path, TOKEN_LEAST_BYTES);
	return 0;
}

/* The two tokens of a private hub. */
static int
enter_tokens(struct serve *serve, struct err *err)
{
	const struct settings *settings = &serve->hub.settings;
	char text[TOKEN_FILE_BYTES];

	if (!settings->is_private)
		return 0;
	if (read_token(text, settings->token_file, err) < 0)
		return err->code;
	token_enter(&serve->hub.model, TOKEN_PERSON, "local", "private", text);
	if (read_token(text, settings->agent_token_file, err) < 0)
		return err->code;
	token_enter(&serve->hub.model, TOKEN_CLASS, MODEL_PRIVATE_CLASS, "private", text);
	return 0;
}

/* --- end ------------------------------------------------------------------------------------------ */

static void
on_drained(void *arg)
{
	struct serve *serve = arg;

	loop_stop(serve->hub.loop);
}

/* Answer what is held, so that connections can close. */
static void
answer_held(struct model *model)
{
	struct agent *agent, *next;

	HASH_ITER(hh, model->agents, agent, next) {
		if (agent->claim != NULL)
			agent->claim->granted(agent->claim);
		if (agent->heartbeat != NULL)
			agent->heartbeat->hurry(agent->heartbeat);
	}
}

static void
on_signal(void *arg, int signo)
{
	struct serve *serve = arg;

	(void)signo;
	if (serve->hub.is_ending) {
		loop_stop(serve->hub.loop);
		return;
	}
	serve->hub.is_ending = true;
	sessions_end_all(&serve->hub, "the hub is going down");
	log_info("ending: no new requests");
	answer_held(&serve->hub.model);
	timer_start_ms(&serve->drain, DRAIN_MS);
	http_server_drain(serve->hub.server, on_drained, serve);
}

/* One that was renewed is shown to whoever connects from now on. */
static void
on_hup(void *arg, int signo)
{
	struct serve *serve = arg;
	const struct settings *settings = &serve->hub.settings;
	struct tls_context *next;
	struct err err = ERR_INIT;

	(void)signo;
	herald_reloading(serve->herald);
	if (serve->tls == NULL) {
		log_info("there is no certificate to reload");
	} else if (tls_server_new(&next, settings->tls_cert, settings->tls_key, &err) < 0) {
		log_error("the certificate is not reloaded: %s", err.text);
	} else {
		tls_renew(serve->tls, next);
		log_info("certificate reloaded");
	}
	herald_ready(serve->herald);
}

/* For "systemctl status". */
static void
put_status(void *arg, char room[HERALD_STATUS_BYTES])
{
	const struct serve *serve = arg;
	const struct settings *settings = &serve->hub.settings;

	(void)snprintf(room, HERALD_STATUS_BYTES, "%s on %.150s%s", serve->hub.is_ending ? "ending" : "serving",
		       settings->listen[0], settings->listen_count > 1 ? " and other addresses" : "");
}

static int
start_serving(struct serve *serve, struct err *err)
{
	struct http_server_options http = {
		.handler = router_handle,
		.streams = router_streams,
		.arg = &serve->hub,
		.body_max_bytes = RUNNER_JSON_MOST_BYTES,
	};
	struct hub *hub = &serve->hub;
	size_t i;
	int rc;

	rc = enter_tokens(serve, err);
	if (rc == 0)
		rc = http_server_new(&hub->server, hub->loop, &http, err);
	for (i = 0; rc == 0 && i < hub->settings.listen_count; i++) {
		struct listener *listener = serve->listeners[i];
		bool plain = listener_is_unix(listener);

		serve->listeners[i] = NULL;
		log_info("listening on %s", listener_text(listener));
		rc = http_server_listen(hub->server, listener, plain ? NULL : serve->tls, err);
	}
	if (rc == 0)
		rc = signal_start(&serve->term, hub->loop, SIGTERM, on_signal, serve, err);
	if (rc == 0)
		rc = signal_start(&serve->intr, hub->loop, SIGINT, on_signal, serve, err);
	if (rc == 0)
		rc = signal_start(&serve->hup, hub->loop, SIGHUP, on_hup, serve, err);
	timer_init(&serve->drain, hub->loop, on_drained, serve);
	return rc;
}

static void
say_ready(const struct settings *settings)
{
	static const char word[] = "ready\n";

	log_info("ready");
	if (settings->ready_fd < 0)
		return;
	if (write(settings->ready_fd, word, sizeof(word) - 1) < 0)
		log_warn("cannot write to --ready-fd %d: %s", settings->ready_fd, strerror(errno));
	(void)close(settings->ready_fd);
}

static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* A core would hold values that are kept sealed. 1: less than any core has, and core(5) takes it as "none" for pipes, too. */
static void
leave_no_core(void)
{
	struct rlimit limit = {1, 1};

	(void)setrlimit(RLIMIT_CORE, &limit);
}

static void
stop_serving(struct serve *serve)
{
	size_t i;

	timer_release(&serve->drain);
	signal_stop(&serve->term);
	signal_stop(&serve->intr);
	signal_stop(&serve->hup);
	http_server_free(serve->hub.server);
	for (i = 0; i < SETTINGS_LISTEN_MOST; i++)
		listener_free(serve->listeners[i]);
	tls_free(serve->tls);
}

static int
run(struct serve *serve, struct err *err)
{
	struct hub *hub = &serve->hub;
	int rc;

	rc = make_data_dir(&hub->settings, err);
	if (rc == 0)
		rc = load_key(serve, err);
	if (rc == 0)
		rc = open_listeners(serve, err);
	if (rc == 0)
		rc = store_open(&hub->store, hub->settings.data_dir, err);
	if (rc == 0)
		rc = loop_new(&hub->loop, err);
	if (rc < 0)
		goto no_loop;
	serve->herald = herald_new(hub->loop, put_status, serve);
	model_init(&hub->model, hub->loop, hub->store);
	hub->model.is_private = hub->settings.is_private;
	rc = load_model(serve, err);
	if (rc == 0)
		rc = worker_new(&hub->compiler, hub->loop, 1, LAUNCH_WAITING_MOST, err);
	if (rc == 0)
		rc = search_start_threads(hub, err);
	if (rc == 0)
		rc = oidc_start(hub, err);
	if (rc == 0)
		rc = output_start_inspector(hub, err);
	if (rc == 0)
		rc = start_serving(serve, err);
	if (rc == 0)
		rc = metrics_start(hub, err);
	if (rc == 0) {
		sweeper_start(hub);
		say_ready(&hub->settings);
		herald_ready(serve->herald);
		loop_run(hub->loop);
		herald_stopping(serve->herald);
		log_info("ended");
	}
	stop_serving(serve);
	blobs_free(hub->blobs);
	worker_free(hub->compiler);
	worker_free(hub->searchers);
	oidc_stop(hub);
	sweeper_stop(hub);
	metrics_stop(hub);
	worker_free(hub->inspector);
	frame_reader_free(hub->inspector_reader);
	timetables_release(hub);
	kept_forget_all(hub);
	store_close(hub->store);
	model_release(&hub->model);
	herald_free(serve->herald);
	loop_free(hub->loop);
	return rc;

no_loop:
	stop_serving(serve);
	store_close(hub->store);
	return rc;
}

static int
serve_main(int argc, char **argv)
{
	struct serve *serve = MEM_NEW(struct serve);
	struct settings *settings = &serve->hub.settings;
	struct err err = ERR_INIT;
	int status = EXIT_USAGE;

	settings_init(settings);
	if (take_settings(serve, argc, argv, &err) < 0) {
		complain(&err);
	} else if (serve->wants_help) {
		status = show_help();
	} else if (read_settings(serve, &err) < 0 || settings_complete(settings, &err) < 0) {
		complain(&err);
	} else {
		log_setup(settings->log_level, settings->log_json, clock_unix_ms);
		raise_file_limit();
		leave_no_core();
		/* The process that made us is the only user of a private hub. */
		if (settings->is_private)
			(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (run(serve, &err) < 0) {
			complain(&err);
			status = EXIT_REFUSED;
		} else {
			status = EXIT_OK;
		}
	}
	settings_release(settings);
	free(serve);
	return status;
}

const struct command hub_serve_command = {
	"serve", NULL, "answer agents and people", options, serve_main,
};
