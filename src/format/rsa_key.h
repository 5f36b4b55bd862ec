/*
 * rsa_key.h - an RSA key that signs tokens: RS256 (RFC 7518, 3.3).
 *
 * Signing takes half a millisecond and more, making a key some hundred: neither belongs into a loop. A
 * key never changes, and any number of threads may sign with it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORMAT_RSA_KEY_H
#define FORMAT_RSA_KEY_H

#include <stddef.h>

struct buffer;
struct err;
struct rsa_key;

enum { RSA_KEY_BITS = 2048, RSA_KEY_ID_BYTES = 44 /* with the NUL */ };

/* Owns: the caller frees *out. Fails: ERR_HOST. */
int rsa_key_make(struct rsa_key **out, struct err *err);
/* What rsa_key_write() wrote. Fails: ERR_INPUT: it is no such key, or has fewer bits. */
int rsa_key_read(struct rsa_key **out, const char *pem, size_t len, struct err *err);
void rsa_key_free(struct rsa_key *key); /* NULL is fine */

/* Append the private key as PEM (PKCS #8, not encrypted). */
void rsa_key_write(const struct rsa_key *key, struct buffer *out);

/* Its thumbprint (RFC 7638), base64url: who checks a token finds the key by it. */
const char *rsa_key_id(const struct rsa_key *key);
/* Modulus and exponent as a JWK has them (RFC 7518, 6.3.1). */
const char *rsa_key_modulus(const struct rsa_key *key);
const char *rsa_key_exponent(const struct rsa_key *key);

/* Append the signature of bytes, base64url. */
void rsa_key_sign(const struct rsa_key *key, struct buffer *out, const void *bytes, size_t len);

#endif
