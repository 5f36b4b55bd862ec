/*
 * orb_registry.c - a registry of orbs that answers GraphQL as CircleCI's does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/orb_registry.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "compile/orb_ref.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/orb_shelf.h"
#include "format/json.h"
#include "http/client.h"
#include "http/tls.h"
#include "http/url.h"
#include "loop/loop.h"

#define DEFAULT_PATH "/graphql-unstable"

struct orb_registry {
	char *url;  /* as given, for messages */
	char *path; /* of its questions */
	char *token;
	struct tls_context *tls;
	struct loop *loop;
	struct http_client *client;
};

static int
connect_to(struct orb_registry *registry, const char *server, struct err *err)
{
	struct tls_client_options trust = {.cacert = globals()->cacert,
					   .fingerprint = globals()->hub_fingerprint};
	struct http_client_options options = {
		.url = server, .give_up = true, .user_agent = "runnerctl/" RUNNER_VERSION};

	if (loop_new(&registry->loop, err) < 0)
		return err->code;
	if (trust.cacert != NULL || trust.fingerprint != NULL) {
		if (tls_client_new(&registry->tls, &trust, err) < 0)
			return err->code;
		options.tls = registry->tls;
	}
	return http_client_new(&registry->client, registry->loop, &options, err);
}

int
orb_registry_open(struct orb_registry **out, const char *text, struct err *err)
{
	struct orb_registry *registry = MEM_NEW(struct orb_registry);
	char server[URL_MAX_BYTES];
	struct url url;
	int rc;

	rc = url_parse(&url, text, err);
	if (rc == 0 && url.scheme == URL_HTTP && !url_is_local(&url)) {
		rc = err_set(err, ERR_INPUT, "plain HTTP is for loopback addresses only");
		err_hint(err, "give https://");
	}
	if (rc == 0) {
		registry->url = mem_strdup(text);
		registry->path = mem_strdup(url.path[0] != '\0' ? url.path : DEFAULT_PATH);
		/* A token of the environment is a hub's: it goes to no other server. */
		if (globals()->token_file != NULL)
			rc = api_read_token(&registry->token, globals()->token_file, err);
	}
	if (rc == 0)
		rc = connect_to(registry, url_text(server, &url), err);
	if (rc < 0) {
		orb_registry_close(registry);
		return err_wrap(err, "registry '%s'", text);
	}
	*out = registry;
	return 0;
}

void
orb_registry_close(struct orb_registry *registry)
{
	if (registry == NULL)
		return;
	http_client_free(registry->client);
	tls_free(registry->tls);
	loop_free(registry->loop);
	free(registry->token);
	free(registry->path);
	free(registry->url);
	free(registry);
}

/* --- what it answers ----------------------------------------------------------------------- */

struct question {
	struct loop *loop;
	struct http_call *call;
	bool done;
	int rc;
	struct json *answer;
	struct err *err;
};

/* A redirection is not followed: what it leads to was not named by a person. */
static int
judge_status(int status, struct err *err)
{
	if (status >= 200 && status < 300)
		return 0;
	if (status < 400) {
		err->code = err_set(err, ERR_INPUT, "it answered with status %d, a redirection",
				    status);
		return err_hint(err, "--registry takes the address that it leads to");
	}
	if (status == 401 || status == 403) {
		err->code = err_set(err, ERR_HOST, "it answered with status %d", status);
		return err_hint(err, "--token-file FILE gives the registry a token");
	}
	return err_set(err, status < 500 ? ERR_INPUT : ERR_AGAIN, "it answered with status %d",
		       status);
}

static void
on_answer(void *arg, const struct err *err, const struct http_reply *reply)
{
	struct question *question = arg;

	question->call = NULL;
	question->done = true;
	loop_stop(question->loop);
	if (err != NULL) {
		*question->err = *err;
		question->rc = err->code;
		return;
	}
	question->rc = judge_status(reply->status, question->err);
	if (question->rc == 0 &&
	    json_parse(&question->answer, reply->body, reply->len, question->err) < 0)
		question->rc = err_wrap(question->err, "its answer is no JSON");
}

/* GraphQL says in "errors" what it does not want; an orb that is not there is null in "data". */
static int
read_answer(const struct json *answer, const struct orb_ref *ref, struct orb_version *version,
	    struct buffer *bytes, struct err *err)
{
	const struct json *found = json_get(json_get(answer, "data"), "orbVersion");
	const char *text = json_get_str(found, "version"), *source = json_get_str(found, "source");
	const char *said = json_get_str(json_at(json_get(answer, "errors"), 0), "message");

	if (said != NULL)
		return err_set(err, ERR_INPUT, "it says '%.200s'", said);
	if (json_is_null(found))
		return err_set(err, ERR_GONE, "it has no such orb or version");
	if (text == NULL || source == NULL)
		return err_set(err, ERR_INPUT, "its answer has no orbVersion with version, source");
	if (!orb_version_parse(version, text) || !orb_version_is_exact(version) ||
	    !orb_ref_accepts(ref, version))
		return err_set(err, ERR_INPUT, "it gave version '%.100s', which is not one of %s",
			       text, ref->version.text);
	if (strlen(source) > ORB_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "the orb is larger than %d KiB",
			       ORB_MAX_BYTES / 1024);
	buffer_puts(bytes, source);
	return 0;
}

/* --- asking -------------------------------------------------------------------------------- */

static void
write_question(struct buffer *text, const struct orb_ref *ref)
{
	struct json *body = json_new_object(), *variables = json_new_object();
	char room[ORB_REF_MAX_BYTES];

	json_put_str(body, "query",
		     "query($orbVersionRef: String!) {\n"
		     "  orbVersion(orbVersionRef: $orbVersionRef) {\n"
		     "    id\n"
		     "    version\n"
		     "    source\n"
		     "  }\n"
		     "}");
	json_put_str(variables, "orbVersionRef", orb_ref_text(room, ref, &ref->version));
	json_put(body, "variables", variables);
	json_write(text, body);
	json_free(body);
}

int
orb_registry_get(struct orb_registry *registry, const struct orb_ref *ref,
		 struct orb_version *version, struct buffer *bytes, struct err *err)
{
	struct question question = {.loop = registry->loop, .err = err};
	struct buffer text = BUFFER_INIT;
	struct http_header headers[] = {{"accept", "application/json"},
					{"content-type", "application/json; charset=utf-8"},
					{"authorization", registry->token}};
	struct http_call_spec spec = {.method = "POST",
				      .path = registry->path,
				      .headers = headers,
				      .header_count = registry->token != NULL ? 3 : 2,
				      .reply_limit = ORB_REGISTRY_ANSWER_MAX_BYTES,
				      .timeout_ms = ORB_REGISTRY_TIMEOUT_MS,
				      .wait = true};

	write_question(&text, ref);
	spec.body = text.data;
	spec.body_len = text.len;
	question.rc =
		http_call_start(&question.call, registry->client, &spec, on_answer, &question, err);
	if (question.rc == 0)
		while (!question.done)
			loop_run(registry->loop);
	if (question.rc == 0)
		question.rc = read_answer(question.answer, ref, version, bytes, err);
	json_free(question.answer);
	buffer_release(&text);
	return question.rc < 0 ? err_wrap(err, "registry '%s'", registry->url) : 0;
}
