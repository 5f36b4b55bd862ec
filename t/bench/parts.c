/*
 * parts.c - what each part of an output byte's way costs alone, in milliseconds of CPU a MiB.
 *
 * usage: parts SECRETS LOG...: the files are what is printed. Prints one "NAME VALUE" a line, each
 * the best of three passes over all the bytes in 64 KiB chunks:
 *	copy	read(2) from a pipe, for comparison
 *	read	pipe to memfd by splice(2), read once, punched: as the agent does it
 *	scan	secrets looked for (so many), lines counted by memchr(3)
 *	zstd	one frame a chunk, level 1
 *	plain	the frames as HTTP/2 requests of 256 KiB over a Unix socket
 *	tls	the same over TCP and TLS
 *	ratio	bytes of all frames to the bytes printed
 *	slab	nanoseconds, not milliseconds: a chunk taken and given back
 * Where two processes are needed the other one's CPU is not counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/slab.h"
#include "format/frame.h"
#include "http/client.h"
#include "http/listener.h"
#include "http/server.h"
#include "http/tls.h"
#include "loop/loop.h"
#include "loop/pipe.h"
#include "task/mask.h"

enum {
	TEXT_BYTES = 24 << 20,
	CHUNK_BYTES = 65536,
	BATCH_BYTES = 256 << 10,
	PASSES = 3,
	SLAB_PAIRS = 10 << 20
};

static unsigned char *text, *frames;
static size_t text_len, frames_len;
static unsigned char room[2 * CHUNK_BYTES];
static unsigned secrets;

static void
die(const struct err *err)
{
	(void)fprintf(stderr, "parts: %s\n", err->text);
	exit(1);
}

static double
cpu_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
say(const char *what, void (*pass)(void))
{
	double best = 1e12, took;
	int i;

	for (i = 0; i < PASSES; i++) {
		took = cpu_ms();
		pass();
		took = cpu_ms() - took;
		best = took < best ? took : best;
	}
	(void)printf("%s %.3f\n", what, best / ((double)text_len / (1 << 20)));
	(void)fflush(stdout);
}

static void
read_text(int count, char **names)
{
	int i;

	text = mem_zalloc(TEXT_BYTES, 1);
	for (i = 0; i < count; i++) {
		FILE *file = fopen(names[i], "re");

		if (file == NULL) {
			perror(names[i]);
			exit(1);
		}
		text_len += fread(text + text_len, 1, TEXT_BYTES - text_len, file);
		(void)fclose(file);
	}
}

/* --- reading --- */

static void
print_all(int fd)
{
	size_t at;
	ssize_t n;

	for (at = 0; at < text_len; at += (size_t)n) {
		n = write(fd, text + at, text_len - at < CHUNK_BYTES ? text_len - at : CHUNK_BYTES);
		if (n < 0)
			_exit(1);
	}
	_exit(0);
}

/* The read end of a pipe that another process prints the text into. */
static int
start_printer(void)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		perror("parts");
		exit(1);
	}
	if (pid == 0)
		print_all(fds[1]);
	(void)close(fds[1]);
	return fds[0];
}

static void
pass_copy(void)
{
	int fd = start_printer();

	while (read(fd, room, CHUNK_BYTES) > 0)
		continue;
	(void)close(fd);
	(void)wait(NULL);
}

static void
pass_read(void)
{
	struct err err = ERR_INIT;
	struct pollfd ready = {.fd = start_printer(), .events = POLLIN};
	size_t size = 0, punched = 0, moved;
	bool ended = false;
	int memfd;

	if (pipe_memfd_new(&memfd, "parts", &err) < 0)
		die(&err);
	while (!ended) {
		(void)poll(&ready, 1, -1);
		if (pipe_splice(ready.fd, memfd, size, 256 << 10, &moved, &ended, &err) < 0)
			die(&err);
		for (size += moved; size - punched >= CHUNK_BYTES; punched += CHUNK_BYTES)
			if (pread(memfd, room, CHUNK_BYTES, (off_t)punched) < 0 ||
			    pipe_memfd_punch(memfd, punched, punched + CHUNK_BYTES, &err) < 0)
				die(&err);
	}
	(void)close(ready.fd);
	(void)close(memfd);
	(void)wait(NULL);
}

/* --- looking and packing --- */

static void
pass_scan(void)
{
	static struct mask *mask;
	static volatile size_t lines;
	struct mask_carry carry = {0};
	struct err err = ERR_INIT;
	size_t at, n, taken, i;
	char secret[32];

	if (mask == NULL) {
		mask = mask_new();
		for (i = 0; i < secrets; i++) {
			(void)snprintf(secret, sizeof(secret), "S3cr3t-%zx-%08zx", i * 7919,
				       (i + 1) * 2654435761u);
			if (mask_add(mask, secret, strlen(secret), &err) < 0)
				die(&err);
		}
	}
	for (at = 0; at < text_len; at += taken) {
		const unsigned char *p = text + at, *end;

		n = text_len - at < CHUNK_BYTES ? text_len - at : CHUNK_BYTES;
		taken = n;
		if (secrets > 0)
			(void)mask_apply(mask, text + at, n, at + n == text_len, &carry, room,
					 &taken);
		for (end = p + taken; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
			lines++;
	}
}

static void
pass_zstd(void)
{
	static struct frame_packer *packer;
	struct err err = ERR_INIT;
	size_t at, n;

	if (packer == NULL && frame_packer_new(&packer, 1, &err) < 0)
		die(&err);
	for (frames_len = at = 0; at < text_len; at += n) {
		n = text_len - at < CHUNK_BYTES ? text_len - at : CHUNK_BYTES;
		frames_len += frame_pack(packer, frames + frames_len, frame_bound(n), text + at, n);
	}
}

/* --- sending --- */

static void
on_request(void *arg, struct http_request *req)
{
	(void)arg;
	http_reply(req, 200, "application/json", "{}", 2);
}

struct place {
	char dir[32], cert[64], key[64], ca[64], ca_key[64], url[64];
	struct tls_context *tls; /* the client's; NULL: plain */
	pid_t server;
};

/* Serves until it is killed; says on fd where. */
static void
serve(const struct place *place, bool with_tls, int fd)
{
	struct http_server_options options = {.handler = on_request};
	struct tls_context *tls = NULL;
	struct http_server *server;
	struct listener *listener;
	struct err err = ERR_INIT;
	struct loop *loop;
	char address[64] = "127.0.0.1:0", url[64];

	if (!with_tls)
		(void)snprintf(address, sizeof(address), "unix:%s/sock", place->dir);
	if (loop_new(&loop, &err) < 0 || listener_open(&listener, address, &err) < 0 ||
	    http_server_new(&server, loop, &options, &err) < 0 ||
	    (with_tls && tls_server_new(&tls, place->cert, place->key, &err) < 0) ||
	    http_server_listen(server, listener, tls, &err) < 0)
		die(&err);
	(void)snprintf(url, sizeof(url), "%s%s", with_tls ? "https://" : "",
		       listener_text(listener));
	if (write(fd, url, strlen(url)) < 0)
		_exit(1);
	(void)close(fd);
	loop_run(loop);
	_exit(0);
}

static void
make_trust(struct place *place)
{
	static const char *const names[] = {"127.0.0.1"};
	struct tls_cert_spec spec = {place->ca, place->ca_key, names, 1, 1};
	struct tls_client_options options = {.cacert = place->ca};
	struct err err = ERR_INIT;

	if (tls_make_ca(place->ca, place->ca_key, "parts", 1, &err) < 0 ||
	    tls_make_cert(place->cert, place->key, &spec, &err) < 0 ||
	    tls_client_new(&place->tls, &options, &err) < 0)
		die(&err);
}

static struct place
open_place(bool with_tls)
{
	struct place place = {.dir = "/tmp/runner-parts.XXXXXX"};
	int fds[2];
	ssize_t n;

	if (mkdtemp(place.dir) == NULL || pipe(fds) != 0) {
		perror("parts");
		exit(1);
	}
	(void)snprintf(place.cert, sizeof(place.cert), "%s/cert", place.dir);
	(void)snprintf(place.key, sizeof(place.key), "%s/key", place.dir);
	(void)snprintf(place.ca, sizeof(place.ca), "%s/ca", place.dir);
	(void)snprintf(place.ca_key, sizeof(place.ca_key), "%s/ca-key", place.dir);
	if (with_tls)
		make_trust(&place);
	place.server = fork();
	if (place.server == 0)
		serve(&place, with_tls, fds[1]);
	(void)close(fds[1]);
	n = read(fds[0], place.url, sizeof(place.url) - 1);
	(void)close(fds[0]);
	if (n <= 0)
		exit(1);
	return place;
}

static void
close_place(struct place *place)
{
	char sock[64];

	(void)kill(place->server, SIGKILL);
	(void)waitpid(place->server, NULL, 0);
	(void)snprintf(sock, sizeof(sock), "%s/sock", place->dir);
	(void)unlink(sock);
	(void)unlink(place->cert);
	(void)unlink(place->key);
	(void)unlink(place->ca);
	(void)unlink(place->ca_key);
	(void)rmdir(place->dir);
}

struct sending {
	struct loop *loop;
	struct http_client *client;
	size_t at;
	double begun; /* the connection is up */
};

static void on_sent(void *arg, const struct err *err, const struct http_reply *reply);

static void
send_next(struct sending *sending)
{
	struct err err = ERR_INIT;
	struct http_call *call;
	size_t left = frames_len - sending->at;
	struct http_call_spec spec = {.method = "POST",
				      .path = "/output",
				      .body = frames + sending->at,
				      .body_len = left < BATCH_BYTES ? left : BATCH_BYTES,
				      .wait = true};

	if (left == 0) {
		loop_stop(sending->loop);
		return;
	}
	sending->at += spec.body_len;
	if (http_call_start(&call, sending->client, &spec, on_sent, sending, &err) < 0)
		die(&err);
}

static void
on_sent(void *arg, const struct err *err, const struct http_reply *reply)
{
	(void)reply;
	if (err != NULL)
		die(err);
	send_next(arg);
}

static void
on_up(void *arg)
{
	struct sending *sending = arg;

	sending->begun = cpu_ms();
	send_next(sending);
}

static void
say_sending(const char *what, bool with_tls)
{
	struct place place = open_place(with_tls);
	struct sending sending;
	struct http_client_options options = {.url = place.url,
					      .tls = place.tls,
					      .give_up = true,
					      .on_up = on_up,
					      .arg = &sending};
	struct err err = ERR_INIT;
	double best = 1e12, took;
	int i;

	for (i = 0; i < PASSES; i++) {
		sending = (struct sending){0};
		if (loop_new(&sending.loop, &err) < 0 ||
		    http_client_new(&sending.client, sending.loop, &options, &err) < 0)
			die(&err);
		loop_run(sending.loop);
		took = cpu_ms() - sending.begun;
		best = took < best ? took : best;
		http_client_free(sending.client);
		loop_free(sending.loop);
	}
	tls_free(place.tls);
	close_place(&place);
	(void)printf("%s %.3f\n", what, best / ((double)text_len / (1 << 20)));
	(void)fflush(stdout);
}

/* --- memory --- */

static void
say_slab(void)
{
	struct slab *slab;
	struct chunk *chunk;
	struct err err = ERR_INIT;
	double begun;
	size_t i;

	if (slab_new(&slab, 16 << 20, &err) < 0)
		die(&err);
	begun = cpu_ms();
	for (i = 0; i < SLAB_PAIRS; i++) {
		chunk = slab_take(slab, CHUNK_BYTES);
		*(volatile unsigned char *)chunk->bytes = 1;
		chunk_unref(chunk);
	}
	(void)printf("slab %.1f\n", (cpu_ms() - begun) / SLAB_PAIRS * 1e6);
	slab_free(slab);
}

int
main(int argc, char **argv)
{
	if (argc < 3) {
		(void)fprintf(stderr, "usage: parts SECRETS LOG...\n");
		return 2;
	}
	secrets = (unsigned)atoi(argv[1]);
	read_text(argc - 2, argv + 2);
	frames = mem_zalloc(text_len + text_len / 128 + CHUNK_BYTES, 1);
	say("copy", pass_copy);
	say("read", pass_read);
	say("scan", pass_scan);
	say("zstd", pass_zstd);
	say_sending("plain", false);
	say_sending("tls", true);
	(void)printf("ratio %.4f\n", (double)frames_len / (double)text_len);
	say_slab();
	free(text);
	free(frames);
	return 0;
}
