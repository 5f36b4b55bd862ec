/*
 * floor.c - resident memory of the libraries alone: what runnerd cannot be smaller than.
 *
 * Sets up what an idle agent has (event loop, TLS context and one connection's objects, HTTP/2
 * session, zstd context used once) and nothing of ours; prints its resident and its private dirty KiB.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <event2/event.h>
#include <jansson.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

static long
status_kib(const char *path, const char *field)
{
	char line[256];
	long kib = -1;
	FILE *file = fopen(path, "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, field, strlen(field)) == 0)
			kib = atol(line + strlen(field));
	if (file != NULL)
		(void)fclose(file);
	return kib;
}

int
main(void)
{
	static unsigned char in[65536], out[70000];
	nghttp2_session_callbacks *callbacks;
	nghttp2_session *session;
	struct event_base *base = event_base_new();
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	json_t *json = json_pack("{s:i}", "a", 1);

	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(ssl);
	(void)SSL_do_handshake(ssl);
	if (nghttp2_session_callbacks_new(&callbacks) != 0 ||
	    nghttp2_session_client_new(&session, callbacks, NULL) != 0)
		return 1;
	(void)ZSTD_compressCCtx(zstd, out, sizeof(out), in, sizeof(in), 1);
	(void)printf("%ld %ld\n", status_kib("/proc/self/status", "VmRSS:"),
		     status_kib("/proc/self/smaps_rollup", "Private_Dirty:"));
	json_decref(json);
	nghttp2_session_del(session);
	nghttp2_session_callbacks_del(callbacks);
	(void)ZSTD_freeCCtx(zstd);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	event_base_free(base);
	return 0;
}
