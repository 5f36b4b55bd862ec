/*
 * ssh_key.c - what a private SSH key says of itself without being used.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "format/ssh_key.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "format/digest.h"

static const char begin_line[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
static const char end_line[] = "-----END OPENSSH PRIVATE KEY-----";
static const char magic[] = "openssh-key-v1"; /* and its NUL */
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct bytes {
	const unsigned char *at;
	size_t left;
};

/* --- base64 --- */

/* Line ends are passed over, the padding is where it stops. False for any other character. */
static bool
decode(unsigned char *out, size_t *len, const char *at, const char *end)
{
	uint32_t bits = 0;
	unsigned count = 0;
	const char *letter;

	for (*len = 0; at < end && *at != '='; at++) {
		if (*at == '\n' || *at == '\r')
			continue;
		letter = memchr(letters, *at, 64);
		if (letter == NULL)
			return false;
		bits = bits << 6 | (uint32_t)(letter - letters);
		count += 6;
		if (count >= 8) {
			count -= 8;
			out[(*len)++] = (unsigned char)(bits >> count);
		}
	}
	return true;
}

/* Without padding. */
static void
encode(char *out, const unsigned char *bytes, size_t len)
{
	uint32_t bits = 0;
	unsigned count = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		bits = bits << 8 | bytes[i];
		for (count += 8; count >= 6; count -= 6)
			*out++ = letters[bits >> (count - 6) & 63];
	}
	if (count > 0)
		*out++ = letters[bits << (6 - count) & 63];
	*out = '\0';
}

/* --- the key --- */

static bool
take_number(struct bytes *from, uint32_t *out)
{
	if (from->left < 4)
		return false;
	*out = (uint32_t)from->at[0] << 24 | (uint32_t)from->at[1] << 16 |
	       (uint32_t)from->at[2] << 8 | from->at[3];
	from->at += 4;
	from->left -= 4;
	return true;
}

static bool
take_string(struct bytes *from, struct bytes *out)
{
	uint32_t len;

	if (!take_number(from, &len) || len > from->left)
		return false;
	*out = (struct bytes){from->at, len};
	from->at += len;
	from->left -= len;
	return true;
}

static void
describe(struct ssh_key *out, const struct bytes *public)
{
	unsigned char digest[DIGEST_BYTES];
	size_t i;

	digest_sha256(digest, public->at, public->left);
	memcpy(out->sha256, "SHA256:", 7);
	encode(out->sha256 + 7, digest, DIGEST_BYTES);
	digest_md5(digest, public->at, public->left);
	for (i = 0; i < DIGEST_MD5_BYTES; i++)
		(void)snprintf(out->md5 + 3 * i, i + 1 < DIGEST_MD5_BYTES ? 4 : 3, "%02x%s",
			       digest[i], i + 1 < DIGEST_MD5_BYTES ? ":" : "");
}

static int
refuse(struct err *err)
{
	err->code = err_set(err, ERR_INPUT, "this is no private key as OpenSSH writes it");
	return err_hint(err, "'ssh-keygen -p -N \"\" -f FILE' writes it anew in that form");
}

static int
read_parts(struct ssh_key *out, struct bytes from, struct err *err)
{
	struct bytes cipher, kdf, options, public;
	uint32_t count;

	if (from.left < sizeof(magic) || memcmp(from.at, magic, sizeof(magic)) != 0)
		return refuse(err);
	from.at += sizeof(magic);
	from.left -= sizeof(magic);
	if (!take_string(&from, &cipher) || !take_string(&from, &kdf) ||
	    !take_string(&from, &options) || !take_number(&from, &count) || count != 1 ||
	    !take_string(&from, &public) || public.left < 16 || from.left < 16)
		return refuse(err);
	if (cipher.left != 4 || memcmp(cipher.at, "none", 4) != 0) {
		err->code = err_set(err, ERR_INPUT,
				    "the key has a passphrase, and nobody is there to type it");
		return err_hint(err, "'ssh-keygen -p -N \"\" -f FILE' takes it off a copy");
	}
	describe(out, &public);
	return 0;
}

int
ssh_key_read(struct ssh_key *out, const char *text, struct err *err)
{
	unsigned char bytes[SSH_KEY_MOST_BYTES];
	const char *begin = strstr(text, begin_line), *end;
	size_t len;
	int rc;

	if (strlen(text) > SSH_KEY_MOST_BYTES)
		return err_set(err, ERR_LIMIT, "a key has at most %d bytes", SSH_KEY_MOST_BYTES);
	end = begin != NULL ? strstr(begin, end_line) : NULL;
	if (end == NULL || !decode(bytes, &len, begin + strlen(begin_line), end))
		return refuse(err);
	rc = read_parts(out, (struct bytes){bytes, len}, err);
	explicit_bzero(bytes, sizeof(bytes));
	return rc;
}
