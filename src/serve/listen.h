/*
 * Sockets to listen at: by an address of the configuration, or handed over by systemd.
 */
#ifndef SERVE_LISTEN_H
#define SERVE_LISTEN_H

#include <stdbool.h>

#include <drydock/error.h>

#define DD_ADDRESS_TEXT 300

/*
 * net "tcp" (NULL is as good): ":5000", "0.0.0.0:5000", "localhost:5000", "[::1]:5000"; a port 0 is any
 * that is free. "unix": a path, where a socket of nobody's is taken away first. *fd is the caller's;
 * bound: where it listens, for people. DD_ECONFIG, DD_EACCES, DD_EEXIST (in use).
 */
int dd_listen(const char *net, const char *address, int *fd, char bound[static DD_ADDRESS_TEXT],
	      struct dd_error *err);
/* Whether the address has its form: DD_ECONFIG. */
int dd_listen_check(const char *net, const char *address, struct dd_error *err);
/* Where a socket listens. */
void dd_listen_describe(int fd, char bound[static DD_ADDRESS_TEXT]);

#endif
