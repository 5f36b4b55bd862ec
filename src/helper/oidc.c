/*
 * oidc.c - "oidc get": a token that tells others who this job is.
 *
 * The hub signs it; the agent asks for it in the job's name (runner/control.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/control_client.h"
#include "helper/helper.h"
#include "runner/control.h"
#include "runner/exit.h"

static void
on_still(void)
{
	(void)helper_fail(0, "the token has not come yet");
}

static int
print_token(const struct control_answer *answer)
{
	char *token;
	size_t len;
	int status = EXIT_OK;

	if (answer->fd < 0)
		return helper_fail(EXIT_REFUSED, "the agent has passed no token on");
	token = helper_read(answer->fd, "the token", CONTROL_VALUE_MOST_BYTES, &len);
	if (token == NULL)
		return EXIT_REFUSED;
	if (answer->text[0] != '\0')
		(void)helper_fail(0, "%s", answer->text);
	if (printf("%s\n", token) < 0 || fflush(stdout) != 0)
		status = helper_fail(EXIT_REFUSED, "cannot print the token");
	free(token);
	return status;
}

static int
get(const char *claims, bool is_root)
{
	struct control_question question = {CONTROL_VERB_IDENTITY, NULL, 0, -1, on_still};
	struct control_answer answer;
	enum control_result result;
	char *value;
	int len, status;

	len = asprintf(&value, "{\"claims\":%s,\"root_issuer\":%s}", claims, is_root ? "true" : "false");
	if (len < 0)
		return helper_fail(EXIT_REFUSED, "there is no memory");
	question.value = value;
	question.len = (size_t)len;
	result = control_ask(&question, &answer);
	free(value);
	if (result == CONTROL_OK)
		status = print_token(&answer);
	else
		status = helper_fail(result == CONTROL_SILENT ? EXIT_REFUSED : EXIT_NO, "%s", answer.text);
	if (answer.fd >= 0)
		(void)close(answer.fd);
	return status;
}

int
helper_oidc_get(int argc, char **argv)
{
	const char *claims = "{}";
	bool is_root = false;
	int i;

	for (i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--claims") == 0 && i + 1 < argc)
			claims = argv[++i];
		else if (strncmp(argv[i], "--claims=", 9) == 0)
			claims = argv[i] + 9;
		else if (strcmp(argv[i], "--root-issuer") == 0)
			is_root = true;
		else
			return helper_fail(EXIT_USAGE, "oidc get takes [--claims JSON] [--root-issuer]");
	}
	return get(claims, is_root);
}
