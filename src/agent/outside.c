/*
 * outside.c - what a task with a network of its own needs of this host to reach the outside.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/outside.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "loop/child.h"

enum { FILE_BYTES = 16 * 1024, WORD_BYTES = 64 };

const char *
outside_pasta(void)
{
	static const char *const paths[] = {"/usr/bin/pasta", "/bin/pasta", NULL};

	return child_host_program(paths);
}

/* --- whose address it is ------------------------------------------------------------------- */

struct address {
	int family;
	struct in6_addr bytes; /* the first four of them: IPv4 */
};

static bool
address_parse(struct address *out, const char *text)
{
	memset(out, 0, sizeof(*out));
	for (out->family = AF_INET; inet_pton(out->family, text, &out->bytes) != 1;
	     out->family = AF_INET6)
		if (out->family == AF_INET6)
			return false;
	return true;
}

static bool
is_loopback(const struct address *address)
{
	const uint8_t *bytes = address->bytes.s6_addr;

	if (address->family == AF_INET)
		return bytes[0] == 127 || bytes[0] == 0;
	return IN6_IS_ADDR_LOOPBACK(&address->bytes) || IN6_IS_ADDR_UNSPECIFIED(&address->bytes);
}

static bool
is_interface(const struct ifaddrs *entry, const struct address *address)
{
	const struct sockaddr_in *four = (const void *)entry->ifa_addr;
	const struct sockaddr_in6 *six = (const void *)entry->ifa_addr;

	if (entry->ifa_addr == NULL || entry->ifa_addr->sa_family != address->family)
		return false;
	return address->family == AF_INET
		       ? memcmp(&four->sin_addr, &address->bytes, sizeof(four->sin_addr)) == 0
		       : memcmp(&six->sin6_addr, &address->bytes, sizeof(six->sin6_addr)) == 0;
}

/* The task has the host's addresses itself. */
static bool
is_ours(const struct address *address)
{
	struct ifaddrs *all, *entry;
	bool found = false;

	if (is_loopback(address))
		return true;
	if (getifaddrs(&all) != 0)
		return false;
	for (entry = all; entry != NULL && !found; entry = entry->ifa_next)
		found = is_interface(entry, address);
	freeifaddrs(all);
	return found;
}

/* --- resolv.conf(5) ------------------------------------------------------------------------ */

/* "nameserver ADDRESS": a copy of ADDRESS in room, or false. */
static bool
read_nameserver(const char *line, size_t len, char room[WORD_BYTES])
{
	static const char key[] = "nameserver";
	const char *at = line + sizeof(key) - 1;
	size_t word;

	if (len < sizeof(key) || memcmp(line, key, sizeof(key) - 1) != 0 || strspn(at, " \t") == 0)
		return false;
	at += strspn(at, " \t");
	word = strcspn(at, " \t\r\n");
	if (word == 0 || word >= WORD_BYTES)
		return false;
	memcpy(room, at, word);
	room[word] = '\0';
	return true;
}

bool
resolver_translate(struct resolver *resolver, const char *text, struct buffer *out)
{
	char word[WORD_BYTES];
	struct address found;
	bool any = false;
	size_t len;

	resolver->address[0] = '\0';
	for (; *text != '\0'; text += len) {
		len = strcspn(text, "\n");
		len += text[len] == '\n';
		if (!read_nameserver(text, len, word) || !address_parse(&found, word) ||
		    !is_ours(&found)) {
			buffer_putn(out, text, len);
			continue;
		}
		any = true;
		if (found.family != AF_INET || resolver->address[0] != '\0')
			continue;
		(void)inet_ntop(AF_INET, &found.bytes, resolver->address, INET_ADDRSTRLEN);
		buffer_printf(out, "nameserver %s\n", resolver->gateway);
	}
	return any;
}

bool
resolver_read_gateway(struct resolver *resolver, const char *text)
{
	struct in_addr gateway;
	unsigned to, through;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		if (sscanf(text + 1, "%*s %8x %8x", &to, &through) == 2 && to == 0 &&
		    through != 0) {
			gateway.s_addr = through; /* as the kernel has it */
			return inet_ntop(AF_INET, &gateway, resolver->gateway, INET_ADDRSTRLEN) !=
			       NULL;
		}
	return false;
}

/* As much of it as there is room for; "" where it cannot be read. */
static void
read_file(const char *path, char room[FILE_BYTES])
{
	LOCAL_FD fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, room, FILE_BYTES - 1);

	room[n > 0 ? n : 0] = '\0';
}

static int
write_file(const char *path, struct buffer *text, struct err *err)
{
	LOCAL_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	const char *bytes = buffer_text(text);
	size_t len = strlen(bytes);

	if (fd < 0 && errno == EEXIST)
		return 0; /* it is being prepared anew */
	if (fd < 0 || fchmod(fd, 0644) != 0 || write(fd, bytes, len) != (ssize_t)len)
		return err_sys(err, "cannot write '%s'", path);
	return 0;
}

int
resolver_find(struct resolver *resolver, const char *dir, struct err *err)
{
	struct buffer text = BUFFER_INIT;
	char room[FILE_BYTES];
	int rc = 0;

	*resolver = (struct resolver){.path = NULL};
	read_file("/proc/net/route", room);
	if (!resolver_read_gateway(resolver, room))
		return 0;
	read_file("/etc/resolv.conf", room);
	if (resolver_translate(resolver, room, &text)) {
		resolver->path = mem_printf("%s/resolv.conf", dir);
		rc = write_file(resolver->path, &text, err);
	}
	buffer_release(&text);
	if (rc < 0)
		resolver_release(resolver);
	return rc;
}

void
resolver_release(struct resolver *resolver)
{
	free(resolver->path);
	resolver->path = NULL;
}
