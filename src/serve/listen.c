/*
 * Listening sockets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "serve/listen.h"

#define BACKLOG 1024

void dd_listen_describe(int fd, char bound[static DD_ADDRESS_TEXT])
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "?";

	snprintf(bound, DD_ADDRESS_TEXT, "?");
	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		return;
	if (address.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)&address;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(bound, DD_ADDRESS_TEXT, "%s:%u", host, ntohs(in->sin_port));
	} else if (address.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const void *)&address;

		inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
		snprintf(bound, DD_ADDRESS_TEXT, "[%s]:%u", host, ntohs(in->sin6_port));
	} else if (address.ss_family == AF_UNIX) {
		const struct sockaddr_un *un = (const void *)&address;

		snprintf(bound, DD_ADDRESS_TEXT, "unix:%.107s", un->sun_path);
	}
}

static int fail_bind(const char *address, int sys, struct dd_error *err)
{
	dd_fail(err, sys == EADDRINUSE ? DD_EEXIST : dd_code_of_errno(sys), sys, "listen at %s",
		address);
	if (sys == EADDRINUSE)
		dd_hint(err, "another program listens there: stop it, or choose another port "
			     "with --addr or http.addr");
	if (sys == EACCES && *address != '/')
		dd_hint(err, "low ports are for root and CAP_NET_BIND_SERVICE: choose another with "
			     "--addr or http.addr");
	return err ? err->code : DD_EEXIST;
}

/* 0 or an errno. A socket for all addresses takes those of both kinds. */
static int try_address(const struct addrinfo *info, int *fd)
{
	int on = 1, off = 0, sys;

	*fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return errno;
	setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (info->ai_family == AF_INET6)
		setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(*fd, info->ai_addr, info->ai_addrlen) == 0 && listen(*fd, BACKLOG) == 0)
		return 0;
	sys = errno;
	close(*fd);
	*fd = -1;
	return sys;
}

/* Into host and port; false: it has no port. */
static bool split(const char *address, char host[static 256], char port[static 32])
{
	const char *colon = strrchr(address, ':');
	size_t len = colon ? (size_t)(colon - address) : 0;

	if (!colon || !colon[1] || len >= 256 || strlen(colon + 1) >= 32)
		return false;
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	} else if (memchr(address, ':', len)) {
		return false; /* an IPv6 address without brackets */
	}
	memcpy(host, address, len);
	host[len] = '\0';
	strcpy(port, colon + 1);
	return true;
}

static int parse(const char *address, char host[static 256], char port[static 32],
		 struct dd_error *err)
{
	/* The resolver takes any number, and cuts off what is too much. */
	if (split(address, host, port) &&
	    (port[strspn(port, "0123456789")] || strtoul(port, NULL, 10) <= UINT16_MAX))
		return 0;
	return dd_fail(err, DD_ECONFIG, 0,
		       "\"%.200s\" is no address: HOST:PORT, [IPV6]:PORT or :PORT", address);
}

static int listen_tcp(const char *address, int *fd, struct dd_error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list;
	char host[256], port[32];
	int sys = 0, rc = parse(address, host, port, err);

	if (rc < 0)
		return rc;
	/* All addresses: IPv6 first, which takes both, else IPv4. */
	for (int family = *host ? AF_UNSPEC : AF_INET6;; family = AF_INET) {
		hints.ai_family = family;
		rc = getaddrinfo(*host ? host : NULL, port, &hints, &list);
		if (rc != 0)
			return dd_fail(err, DD_ECONFIG, 0, "%.200s: %s", address, gai_strerror(rc));
		*fd = -1;
		for (struct addrinfo *info = list; info && *fd < 0; info = info->ai_next)
			sys = try_address(info, fd);
		freeaddrinfo(list);
		if (*fd >= 0)
			return 0;
		if (family != AF_INET6 || sys == EADDRINUSE)
			return fail_bind(address, sys, err);
	}
}

static int listen_unix(const char *path, int *fd, struct dd_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	int sys;

	if (strlen(path) >= sizeof(address.sun_path))
		return dd_fail(err, DD_ECONFIG, 0, "%.200s: too long for a socket's path", path);
	strcpy(address.sun_path, path);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return dd_fail(err, dd_code_of_errno(errno), errno, "listen at %s", path);
	/* One that a dead server left refuses to be talked to. */
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    connect(*fd, (struct sockaddr *)&address, sizeof(address)) != 0 &&
	    errno == ECONNREFUSED)
		unlink(path);
	close(*fd);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && bind(*fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(*fd, BACKLOG) == 0)
		return 0;
	sys = errno;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return fail_bind(path, sys, err);
}

int dd_listen_check(const char *net, const char *address, struct dd_error *err)
{
	char host[256], port[32];

	return net && !strcmp(net, "unix") ? 0 : parse(address, host, port, err);
}

int dd_listen(const char *net, const char *address, int *fd, char bound[static DD_ADDRESS_TEXT],
	      struct dd_error *err)
{
	int rc;

	*fd = -1;
	if (net && !strcmp(net, "unix"))
		rc = listen_unix(address, fd, err);
	else
		rc = listen_tcp(address, fd, err);
	if (rc == 0)
		dd_listen_describe(*fd, bound);
	return rc;
}
