/*
 * orbregistry.c - a registry of orbs for tests: GraphQL over HTTP/2, plain or with TLS.
 *
 *   orbregistry --listen 127.0.0.1:0 --dir DIR [--tls DIR]
 *
 * Answers orbVersion(orbVersionRef:) from DIR/NS/NAME/VERSION.yml; a file DIR/status gives
 * another status, DIR/answer another body, whatever is asked. Each request is a line of its log:
 * "asked PATH REF TOKEN". With --tls it makes a CA and a certificate for 127.0.0.1 in that
 * directory (ca.pem). It prints "listening at URL".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/text.h"
#include "ctl/file.h"
#include "ctl/orb_shelf.h"
#include "format/json.h"
#include "http/listener.h"
#include "http/server.h"
#include "http/tls.h"
#include "loop/loop.h"

enum { ANSWER_MOST_BYTES = 64 << 20 };

struct registry {
	const char *address, *dir, *tls_dir;
};

static const struct option options[] = {
	{"listen", 0, "ADDRESS", "where"},
	{"dir", 0, "DIR", "what"},
	{"tls", 0, "DIR", "where a certificate is made"},
	{NULL, 0, NULL, NULL},
};

static int
set_option(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct registry *registry = arg;

	(void)err;
	if (text_eq(option->name, "listen"))
		registry->address = value;
	else if (text_eq(option->name, "dir"))
		registry->dir = value;
	else
		registry->tls_dir = value;
	return 0;
}

/* A file of the directory, or an empty text. */
static char *
scripted(const struct registry *registry, const char *name)
{
	LOCAL_FREE char *path = mem_printf("%s/%s", registry->dir, name);
	struct buffer bytes = BUFFER_INIT;
	struct err ignored = ERR_INIT;
	char *text;

	if (file_read(path, ANSWER_MOST_BYTES, &bytes, &ignored) < 0)
		bytes.len = 0;
	text = buffer_take_text(&bytes);
	buffer_release(&bytes);
	return text;
}

/* {"data": {"orbVersion": {...}}}, null where there is none, as the real one does. */
static void
describe(struct buffer *out, const struct registry *registry, const char *text)
{
	struct json *answer = json_new_object(), *data = json_new_object(), *found;
	struct buffer source = BUFFER_INIT;
	struct err ignored = ERR_INIT;
	struct orb_version version;
	struct orb_ref ref;

	if (text != NULL && orb_ref_parse(&ref, text) &&
	    orb_shelf_find(registry->dir, &ref, &version, &ignored) == 0 &&
	    orb_shelf_read(registry->dir, &ref, &version, &source, &ignored) == 0) {
		found = json_new_object();
		json_put_str(found, "id", "00000000-0000-0000-0000-00000000000a");
		json_put_str(found, "version", version.text);
		json_put(found, "source", json_new_stringn((const char *)source.data, source.len));
	} else {
		found = json_new_null();
	}
	json_put(data, "orbVersion", found);
	json_put(answer, "data", data);
	json_write(out, answer);
	json_free(answer);
	buffer_release(&source);
}

static void
on_request(void *arg, struct http_request *req)
{
	const struct registry *registry = arg;
	LOCAL_FREE char *status = scripted(registry, "status");
	char *body = scripted(registry, "answer");
	const char *token = http_request_header(req, "authorization"), *bytes, *ref;
	struct buffer made = BUFFER_INIT;
	struct err ignored = ERR_INIT;
	struct json *question = NULL;
	size_t len;

	bytes = http_request_body(req, &len);
	(void)json_parse(&question, bytes, len, &ignored);
	ref = json_get_str(json_get(question, "variables"), "orbVersionRef");
	printf("asked %s %s %s\n", http_request_path(req), ref != NULL ? ref : "-",
	       token != NULL ? token : "-");
	if (body[0] == '\0') {
		free(body);
		describe(&made, registry, ref);
		body = buffer_take_text(&made);
	}
	http_reply_take(req, status[0] != '\0' ? atoi(status) : 200, "application/json", body,
			strlen(body));
	json_free(question);
	buffer_release(&made);
}

static int
make_tls(struct tls_context **out, const char *dir, struct err *err)
{
	static const char *const names[] = {"127.0.0.1", "localhost"};
	LOCAL_FREE char *ca = mem_printf("%s/ca.pem", dir);
	LOCAL_FREE char *ca_key = mem_printf("%s/ca.key", dir);
	LOCAL_FREE char *cert = mem_printf("%s/server.pem", dir);
	LOCAL_FREE char *key = mem_printf("%s/server.key", dir);
	struct tls_cert_spec spec = {ca, ca_key, names, 2, 30};

	if (tls_make_ca(ca, ca_key, "a registry of the tests", 30, err) < 0 ||
	    tls_make_cert(cert, key, &spec, err) < 0)
		return err->code;
	return tls_server_new(out, cert, key, err);
}

static int
serve(struct registry *registry, struct err *err)
{
	struct http_server_options server_options = {.handler = on_request, .arg = registry};
	struct tls_context *tls = NULL;
	struct listener *listener;
	struct http_server *server;
	struct loop *loop;

	if (registry->address == NULL || registry->dir == NULL)
		return err_set(err, ERR_INPUT, "--listen and --dir are needed");
	if (registry->tls_dir != NULL && make_tls(&tls, registry->tls_dir, err) < 0)
		return err->code;
	if (loop_new(&loop, err) < 0 || listener_open(&listener, registry->address, err) < 0)
		return err->code;
	printf("listening at %s://127.0.0.1:%u\n", tls != NULL ? "https" : "http",
	       listener_port(listener));
	if (http_server_new(&server, loop, &server_options, err) < 0 ||
	    http_server_listen(server, listener, tls, err) < 0)
		return err->code;
	loop_run(loop);
	return 0;
}

int
main(int argc, char **argv)
{
	struct registry registry = {NULL, NULL, NULL};
	struct err err = ERR_INIT;
	int operands;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (options_parse(options, argc - 1, argv + 1, &operands, set_option, &registry, &err) <
		    0 ||
	    serve(&registry, &err) < 0) {
		fprintf(stderr, "orbregistry: %s\n", err.text);
		return 1;
	}
	return 0;
}
