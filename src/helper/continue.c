/*
 * continue.c - "continue": a setup job names the config that its pipeline goes on with.
 *
 * Config and parameters go to the agent in one sealed memfd (runner/control.h), which sends them to
 * the hub over its own connection: no key, no address and no certificate of it are needed in the
 * job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "helper/helper.h"
#include "runner/control.h"
#include "runner/exit.h"

/* A file, "-" for standard input, or, where text may stand for itself, JSON. */
static char *
read_named(const char *name, size_t *len)
{
	int fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	char *text;

	if (fd < 0) {
		(void)helper_fail(0, "cannot open '%s': %s", name, strerror(errno));
		return NULL;
	}
	text = helper_read(fd, fd == STDIN_FILENO ? "standard input" : name,
			   CONTROL_CONTINUE_MOST_BYTES, len);
	if (fd != STDIN_FILENO)
		(void)close(fd);
	return text;
}

static char *
read_parameters(const char *typed, size_t *len)
{
	const char *at = typed + strspn(typed, " \t\r\n");

	*len = strlen(typed);
	return *at == '{' ? strdup(typed) : read_named(typed, len);
}

static int
write_all(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	for (; len > 0; bytes += n, len -= (size_t)n) {
		n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			n = 0;
		if (n < 0)
			return -1;
	}
	return 0;
}

static int
ask(const char *config, size_t config_len, const char *parameters, size_t parameters_len)
{
	int fd = memfd_create("config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char digits[24];
	int status;

	if (fd < 0 || write_all(fd, config, config_len) != 0 ||
	    write_all(fd, parameters, parameters_len) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
		status = helper_fail(EXIT_REFUSED, "cannot hold the config in memory: %s",
				     strerror(errno));
	} else {
		(void)snprintf(digits, sizeof(digits), "%zu", config_len);
		status = helper_ask_with(CONTROL_VERB_CONTINUE, digits, strlen(digits), fd);
	}
	if (fd >= 0)
		(void)close(fd);
	return status;
}

static int
send_both(const char *config_name, const char *typed)
{
	size_t config_len = 0, parameters_len = 0;
	char *config = read_named(config_name, &config_len);
	char *parameters = NULL;
	int status = EXIT_REFUSED;

	if (config != NULL && typed != NULL)
		parameters = read_parameters(typed, &parameters_len);
	if (config != NULL && (typed == NULL || parameters != NULL))
		status = ask(config, config_len, parameters != NULL ? parameters : "",
			     parameters_len);
	free(parameters);
	free(config);
	return status;
}

int
helper_continue(int argc, char **argv)
{
	const char *config = NULL, *parameters = NULL;
	int i;

	for (i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--parameters") == 0 && i + 1 < argc)
			parameters = argv[++i];
		else if (strncmp(argv[i], "--parameters=", 13) == 0)
			parameters = argv[i] + 13;
		else if (config == NULL && (argv[i][0] != '-' || argv[i][1] == '\0'))
			config = argv[i];
		else
			return helper_fail(EXIT_USAGE,
					   "continue takes [--parameters JSON|FILE] CONFIG");
	}
	if (config == NULL)
		return helper_fail(EXIT_USAGE, "continue takes [--parameters JSON|FILE] CONFIG");
	return send_both(config, parameters);
}
