/*
 * ssh_key.h - what a private SSH key says of itself without being used.
 *
 * The form is OpenSSH's own (PROTOCOL.key in its sources): "BEGIN OPENSSH PRIVATE KEY", base64, the
 * public key in clear in front of the private part.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORMAT_SSH_KEY_H
#define FORMAT_SSH_KEY_H

struct err;

enum {
	SSH_KEY_MOST_BYTES = 16 << 10,
	SSH_KEY_SHA256_BYTES = 51, /* "SHA256:", 43 characters, NUL */
	SSH_KEY_MD5_BYTES = 48,	   /* 16 times two digits with colons between, NUL */
};

/* Of its public key, as ssh-keygen -l prints them. */
struct ssh_key {
	char sha256[SSH_KEY_SHA256_BYTES];
	char md5[SSH_KEY_MD5_BYTES];
};

/* Nothing of text is in a sentence of err. Fails: ERR_INPUT (no such key, with a passphrase),
 * ERR_LIMIT. */
int ssh_key_read(struct ssh_key *out, const char *text, struct err *err);

#endif
