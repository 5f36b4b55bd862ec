/*
 * ssh_keys.c - the private SSH keys of projects.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/ssh_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "format/ssh_key.h"
#include "hub/model.h"
#include "hub/secrets.h"

void
ssh_keys_owner(struct id *out, const struct id *project)
{
	*out = *project;
	out->bytes[ID_BYTES - 1] ^= 1; /* no other's: ids are random */
}

static bool
is_hostname(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:";
	size_t len = strlen(name);

	return len < SSH_KEYS_HOST_BYTES && strspn(name, letters) == len && name[0] != '-';
}

int
ssh_key_check(const struct variables *keys, const char *hostname, const char *text, struct err *err)
{
	struct ssh_key key;

	if (!is_hostname(hostname))
		return err_set(err, ERR_INPUT,
			       "member 'hostname' must be the name of a host, or empty for all");
	if (ssh_key_read(&key, text, err) < 0)
		return err->code;
	if (variable_find(keys, key.sha256) == NULL && HASH_COUNT(keys->table) >= SSH_KEYS_MOST)
		return err_set(err, ERR_LIMIT, "the project has %d keys, more are not kept",
			       SSH_KEYS_MOST);
	return 0;
}

int
ssh_key_add(struct variable **out, struct model *model, struct project *project,
	    const char *hostname, const char *text, struct err *err)
{
	struct buffer value = BUFFER_INIT;
	struct ssh_key key;

	if (ssh_key_check(&project->ssh_keys, hostname, text, err) < 0 ||
	    ssh_key_read(&key, text, err) < 0)
		return err->code;
	buffer_printf(&value, "%s\n%s\n%s", hostname, key.md5, text);
	*out = variable_put(model, &project->ssh_keys, key.sha256, buffer_text(&value));
	secrets_forget(&value);
	return 0;
}

bool
ssh_key_split(struct ssh_key_parts *parts, char *value)
{
	char *first = strchr(value, '\n'), *second = first != NULL ? strchr(first + 1, '\n') : NULL;

	if (second == NULL)
		return false;
	*first = *second = '\0';
	parts->hostname = value;
	parts->md5 = first + 1;
	parts->text = second + 1;
	return true;
}

int
ssh_key_open(struct ssh_key_parts *parts, const struct model *model, const struct variable *key,
	     struct err *err)
{
	*parts = (struct ssh_key_parts){.clear = BUFFER_INIT};
	if (variable_open(&parts->clear, model, key, err) < 0)
		return err->code;
	if (!ssh_key_split(parts, (char *)parts->clear.data))
		return err_set(err, ERR_HOST, "key '%s' is damaged: add it again", key->row.name);
	return 0;
}

bool
ssh_key_is_name(const char *name)
{
	return text_starts(name, "SHA256:");
}

void
ssh_key_put(struct json *list, const char *fingerprint, const char *value)
{
	char *copy = mem_strdup(value);
	struct ssh_key_parts parts;
	struct json *key;

	if (ssh_key_split(&parts, copy)) {
		key = json_new_object();
		json_put_str(key, "fingerprint", fingerprint);
		json_put_str(key, "md5", parts.md5);
		json_put_str(key, "hostname", parts.hostname);
		json_put_str(key, "private_key", parts.text);
		json_push(list, key);
	}
	explicit_bzero(copy, strlen(value));
	free(copy);
}
