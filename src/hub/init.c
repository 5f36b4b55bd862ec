/*
 * init.c - "runner-hub init": everything a hub needs, in one directory.
 *
 * All is made in a directory beside the one asked for and renamed at the end: a data
 * directory is there whole or not at all. What is printed are lines to paste.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/tls.h"
#include "hub/admin.h"
#include "hub/key.h"
#include "hub/settings.h"
#include "hub/store/store.h"
#include "runner/exit.h"

enum { HOST_NAME_BYTES = 256, INIT_LISTEN_MOST = SETTINGS_LISTEN_MOST };

static const struct option options[] = {
	{"data-dir", 0, "DIR", "the directory to make (default: where serve looks for it)"},
	{"name", 0, "NAME", "a further host name or address of this hub, for its certificate (repeatable)"},
	{"listen", 0, "ADDR:PORT|unix:PATH", "where the hub will listen (repeatable; default *:8443)"},
	{"public-url", 0, "URL", "how others reach the hub (default: made of the first name and port)"},
	{"login", 0, "NAME", "whose the admin token is (default admin)"},
	{"resource-class", 0, "NS/NAME", "the first resource class (default local/default)"},
	{"help", 'h', NULL, "show this help"},
	{NULL, 0, NULL, NULL},
};

struct init {
	/* What was asked for. */
	const char *data_dir, *public_url, *login, *class;
	const char *names[TLS_NAMES_MAX];
	size_t name_count;
	const char *listen[INIT_LISTEN_MOST];
	size_t listen_count;
	/* What comes of it. */
	struct settings settings; /* for its defaults */
	char host[HOST_NAME_BYTES];
	char *making; /* the directory under its first name */
	char *url;
	char fingerprint[TLS_FINGERPRINT_BYTES];
	bool tls;
};

static int init_run(int argc, char **argv);

const struct command hub_init_command = {
	"init", NULL, "make the data directory, keys, certificates and the first tokens", options,
	init_run};

/* --- what was asked for --------------------------------------------------------------------------- */

static int
add_name(struct init *init, const char *name, struct err *err)
{
	size_t i;

	for (i = 0; i < init->name_count; i++)
		if (strcmp(init->names[i], name) == 0)
			return 0;
	if (init->name_count == TLS_NAMES_MAX)
		return err_set(err, ERR_INPUT, "more than %d names", TLS_NAMES_MAX);
	init->names[init->name_count++] = name;
	return 0;
}

static int
check_class(const char *class, struct err *err)
{
	const char *slash = strchr(class, '/');

	if (slash != NULL && slash != class && slash[1] != '\0' && strchr(slash + 1, '/') == NULL &&
	    strlen(class) < HUB_NAME_BYTES && strpbrk(class, " \t\n\"'\\") == NULL)
		return 0;
	return err_set(err, ERR_INPUT, "a resource class is written namespace/name, not '%.100s'", class);
}

static int
set_option(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct init *init = arg;

	if (text_eq(option->name, "data-dir")) {
		init->data_dir = value;
	} else if (text_eq(option->name, "name")) {
		return add_name(init, value, err);
	} else if (text_eq(option->name, "listen")) {
		if (init->listen_count == INIT_LISTEN_MOST)
			return err_set(err, ERR_INPUT, "more than %d addresses", INIT_LISTEN_MOST);
		init->listen[init->listen_count++] = value;
	} else if (text_eq(option->name, "public-url")) {
		init->public_url = value;
	} else if (text_eq(option->name, "login")) {
		if (value[0] == '\0' || strlen(value) >= HUB_NAME_BYTES)
			return err_set(err, ERR_INPUT, "a login has 1 to %d bytes", HUB_NAME_BYTES - 1);
		init->login = value;
	} else {
		init->class = value;
		return check_class(value, err);
	}
	return 0;
}

/* The port of "ADDR:PORT"; 0 for a Unix socket. */
static unsigned
port_of(const char *address)
{
	const char *colon = strrchr(address, ':');

	return text_starts(address, "unix:") || colon == NULL ? 0 : (unsigned)atoi(colon + 1);
}

/* Who is meant by "ADDR:PORT": a name that was given, else the address, else, for every address, the host. */
static char *
host_of(const struct init *init, const char *address, bool named)
{
	size_t len = (size_t)(strrchr(address, ':') - address);

	if (named)
		return mem_printf(strchr(init->names[0], ':') != NULL ? "[%s]" : "%s", init->names[0]);
	if (len == 0 || (len == 1 && address[0] == '*') || strncmp(address, "0.0.0.0", len) == 0 ||
	    strncmp(address, "[::]", len) == 0)
		return mem_strdup(init->host);
	return mem_strndup(address, len);
}

/* TLS guards TCP; a URL is made of the first such address, or of the socket. */
static void
choose_url(struct init *init, bool named)
{
	LOCAL_FREE char *host = NULL;
	size_t i;

	for (i = 0; i < init->listen_count; i++)
		if (port_of(init->listen[i]) != 0)
			break;
	init->tls = i < init->listen_count;
	if (init->public_url != NULL) {
		init->url = mem_strdup(init->public_url);
	} else if (init->tls) {
		host = host_of(init, init->listen[i], named);
		init->url = mem_printf("https://%s:%u", host, port_of(init->listen[i]));
	} else {
		init->url = mem_strdup(init->listen[0]);
	}
}

static int
complete(struct init *init, struct err *err)
{
	bool named = init->name_count > 0;
	char real[4096];
	size_t i;

	if (gethostname(init->host, sizeof(init->host) - 1) < 0 || init->host[0] == '\0')
		(void)snprintf(init->host, sizeof(init->host), "localhost");
	if (add_name(init, init->host, err) < 0 || add_name(init, "localhost", err) < 0 ||
	    add_name(init, "127.0.0.1", err) < 0 || add_name(init, "::1", err) < 0)
		return err->code;
	if (init->listen_count == 0)
		init->listen[init->listen_count++] = "*:8443";
	for (i = 0; i < init->listen_count; i++)
		if (!text_starts(init->listen[i], "unix:") && port_of(init->listen[i]) == 0)
			return err_set(err, ERR_INPUT,
				       "'--listen %s' names no port: ADDRESS:PORT or unix:PATH is meant",
				       init->listen[i]);
	choose_url(init, named);
	init->settings.data_dir = init->data_dir;
	if (settings_complete(&init->settings, err) < 0)
		return err->code;
	/* Lines to paste work from anywhere. */
	if (init->settings.data_dir[0] != '/' && getcwd(real, sizeof(real)) != NULL)
		init->data_dir = arena_printf(&init->settings.arena, "%s/%s", real,
					      init->settings.data_dir);
	else
		init->data_dir = init->settings.data_dir;
	return 0;
}

/* --- the directory ----------------------------------------------------------------------------------- */

static int
check_absent(const char *path, struct err *err)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	bool empty = true;

	if (dir == NULL && errno == ENOENT)
		return 0;
	if (dir == NULL)
		return err_sys(err, "cannot make data directory '%s'", path);
	while (empty && (entry = readdir(dir)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	closedir(dir);
	if (empty)
		return 0;
	if (err_set(err, ERR_HOST, "data directory '%s' is there already and not empty", path) < 0)
		err_hint(err, "choose another with --data-dir, or remove it: what is in it is never overwritten");
	return err->code;
}

static int
make_parents(const char *path, struct err *err)
{
	LOCAL_FREE char *copy = mem_strdup(path);
	char *slash;

	for (slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return err_sys(err, "cannot make directory '%s'", copy);
		*slash = '/';
	}
	return 0;
}

static int
make_directory(struct init *init, struct err *err)
{
	char random[17];
	size_t len = strlen(init->data_dir);

	while (len > 1 && init->data_dir[len - 1] == '/')
		len--;
	init->data_dir = arena_strndup(&init->settings.arena, init->data_dir, len);
	if (check_absent(init->data_dir, err) < 0 || make_parents(init->data_dir, err) < 0)
		return err->code;
	random_hex(random, 8);
	init->making = mem_printf("%s.new-%s", init->data_dir, random);
	if (mkdir(init->making, 0700) == 0)
		return 0;
	free(init->making);
	init->making = NULL;
	return err_sys(err, "cannot make data directory '%s'", init->data_dir);
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
put_in_place(struct init *init, struct err *err)
{
	LOCAL_FD parent = -1;
	LOCAL_FREE char *path = mem_strdup(init->data_dir);
	char *slash = strrchr(path, '/');

	if (rename(init->making, init->data_dir) < 0)
		return err_sys(err, "cannot put data directory '%s' in place", init->data_dir);
	free(init->making);
	init->making = NULL;
	if (slash != NULL)
		slash[slash == path ? 1 : 0] = '\0';
	parent = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 || fsync(parent) < 0)
		return err_sys(err, "cannot sync the directory above '%s'", init->data_dir);
	return 0;
}

/* --- what is in it --------------------------------------------------------------------------------------- */

/* A file's path while the directory is made; the caller frees. */
static char *
inside(const struct init *init, const char *name)
{
	return mem_printf("%s/%s", init->making, name);
}

static int
make_key(struct init *init, struct err *err)
{
	LOCAL_FREE char *path = inside(init, "secret.key");

	return hub_key_make(path, err);
}

static int
make_certificates(struct init *init, struct err *err)
{
	LOCAL_FREE char *ca_cert = inside(init, "ca.crt");
	LOCAL_FREE char *ca_key = inside(init, "ca.key");
	LOCAL_FREE char *cert = inside(init, "tls.crt");
	LOCAL_FREE char *key = inside(init, "tls.key");
	LOCAL_FREE char *title = mem_printf("runner-hub at %.40s", init->host);
	struct tls_cert_spec spec = {ca_cert, ca_key, init->names, init->name_count, TLS_CERT_DAYS};

	if (tls_make_ca(ca_cert, ca_key, title, TLS_CA_DAYS, err) < 0 ||
	    tls_make_cert(cert, key, &spec, err) < 0)
		return err->code;
	return tls_fingerprint_file(init->fingerprint, ca_cert, err);
}

static int
make_token_file(struct init *init, struct store *store, enum token_kind kind, const char *name,
		const char *file, struct err *err)
{
	LOCAL_FREE char *path = inside(init, file);
	char text[TOKEN_TEXT_BYTES + 1];
	int rc;

	rc = admin_make_token(store, kind, name, "runner-hub init", text, err);
	if (rc == 0) {
		(void)strcat(text, "\n");
		rc = admin_write_file(path, text, err);
	}
	explicit_bzero(text, sizeof(text));
	return rc;
}

static int
make_class(struct init *init, struct store *store, struct err *err)
{
	struct store_op *op = store_op_new(STORE_PUT_CLASS);

	id_random(&op->class.id);
	(void)snprintf(op->class.name, sizeof(op->class.name), "%s", init->class);
	(void)snprintf(op->class.description, sizeof(op->class.description), "made by runner-hub init");
	return store_put_now(store, op, err);
}

static int
make_database(struct init *init, struct err *err)
{
	struct store *store;
	int rc;

	if (store_open(&store, init->making, err) < 0)
		return err->code;
	rc = make_class(init, store, err);
	if (rc == 0)
		rc = make_token_file(init, store, TOKEN_PERSON, init->login, "admin.token", err);
	if (rc == 0)
		rc = make_token_file(init, store, TOKEN_CLASS, init->class, "agent.token", err);
	store_close(store);
	return rc;
}

/* A YAML scalar in single quotes, behind its key or the dash of a list. */
static void
put_setting(struct buffer *text, const char *key, const char *value)
{
	buffer_printf(text, "%s '", key);
	for (; *value != '\0'; value++) {
		buffer_putn(text, value, 1);
		if (*value == '\'')
			buffer_puts(text, "'");
	}
	buffer_puts(text, "'\n");
}

static int
make_settings(struct init *init, struct err *err)
{
	LOCAL_FREE char *path = inside(init, "runner-hub.yaml");
	LOCAL_FREE char *cert = mem_printf("%s/tls.crt", init->data_dir);
	LOCAL_FREE char *key = mem_printf("%s/tls.key", init->data_dir);
	struct buffer text = BUFFER_INIT;
	size_t i;
	int rc;

	buffer_puts(&text, "# Made by runner-hub init; runner-hub.yaml(5) says what may stand here.\n");
	put_setting(&text, "data_dir:", init->data_dir);
	buffer_puts(&text, "listen:\n");
	for (i = 0; i < init->listen_count; i++)
		put_setting(&text, "  -", init->listen[i]);
	if (init->tls) {
		put_setting(&text, "tls_cert:", cert);
		put_setting(&text, "tls_key:", key);
	}
	if (!text_starts(init->url, "unix:"))
		put_setting(&text, "public_url:", init->url);
	buffer_puts(&text, "# Jobs that name no class of yours (\"medium\", or none) run on:\n");
	put_setting(&text, "default_resource_class:", init->class);
	rc = admin_write_file(path, buffer_text(&text), err);
	buffer_release(&text);
	return rc;
}

static int
make_all(struct init *init, struct err *err)
{
	if (make_directory(init, err) < 0)
		return err->code;
	if (make_key(init, err) < 0 || make_certificates(init, err) < 0 ||
	    make_database(init, err) < 0 || make_settings(init, err) < 0 ||
	    put_in_place(init, err) < 0) {
		if (init->making != NULL)
			(void)nftw(init->making, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
		return err->code;
	}
	return 0;
}

/* --- what is said ------------------------------------------------------------------------------------------- */

static void
put_file(struct buffer *out, const struct init *init, const char *name)
{
	LOCAL_FREE char *path = mem_printf("%s/%s", init->data_dir, name);

	admin_word(out, path);
}

/* " --hub URL [--hub-fingerprint SHA256:...] --token-file FILE" */
static void
put_hub(struct buffer *out, const struct init *init, const char *token)
{
	buffer_puts(out, " --hub ");
	admin_word(out, init->url);
	if (init->tls)
		buffer_printf(out, " --hub-fingerprint %s", init->fingerprint);
	buffer_puts(out, " --token-file ");
	put_file(out, init, token);
}

static int
say_lines(const struct init *init)
{
	struct buffer out = BUFFER_INIT;
	int status = EXIT_OK;

	buffer_puts(&out, "made ");
	admin_word(&out, init->data_dir);
	buffer_puts(&out, "\n\nStart the hub:\n  runner-hub serve -c ");
	put_file(&out, init, "runner-hub.yaml");
	buffer_puts(&out, "\n\nStart an agent, here or, with a copy of the token file, on another machine:\n"
			  "  runnerd -j 4");
	put_hub(&out, init, "agent.token");
	buffer_puts(&out, "\n\nAsk it something:\n  runnerctl");
	put_hub(&out, init, "admin.token");
	buffer_puts(&out, " agent list\n");
	if (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
		status = EXIT_REFUSED;
	buffer_release(&out);
	return status;
}

static int
init_run(int argc, char **argv)
{
	struct init init = {.login = "admin", .class = "local/default"};
	struct err err = ERR_INIT;
	int operands, status;

	settings_init(&init.settings);
	if (admin_options(&hub_init_command, argc, argv, 0, &operands, set_option, &init, &status)) {
		if (complete(&init, &err) < 0 || make_all(&init, &err) < 0)
			status = admin_fail(&err);
		else
			status = say_lines(&init);
	}
	free(init.making);
	free(init.url);
	settings_release(&init.settings);
	return status;
}
