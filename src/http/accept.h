/*
 * accept.h - what a client says it takes: Accept and Accept-Encoding (RFC 9110, 12.5).
 *
 * Both functions read untrusted text of any form: what is no list names nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_ACCEPT_H
#define HTTP_ACCEPT_H

enum http_coding { HTTP_IDENTITY, HTTP_GZIP, HTTP_ZSTD };

/*
 * The weight that a list such as "gzip;q=0.5, zstd" gives to word, in thousandths: 0 (refused) to
 * 1000; -1 when the list does not name it. list may be NULL. A "*" names nothing here.
 */
int http_accept_weight(const char *list, const char *word);

/*
 * The coding to answer with, for a body that is kept as zstd: that wherever it is taken, else gzip,
 * else none; but none where the client says that it likes none better. NULL (no such field) and
 * "" take none.
 */
enum http_coding http_accept_coding(const char *accept_encoding);

#endif
