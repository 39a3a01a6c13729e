/*
 * TLS: certificates, those that clients have to show, and what is spoken. All of it may be read anew while the
 * server runs: a connection begins under the terms of the moment, and keeps them.
 *
 * Locking: all functions from any thread, but for open and close.
 */
#ifndef SERVE_TLS_H
#define SERVE_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include <drydock/context.h>

struct dd_tls;
struct dd_tls_terms;
struct MHD_Connection;
struct MHD_OptionItem;

struct dd_tls_options {
	const char *certificate, *key; /* PEM files: the chain, the private key */
	bool strict;		       /* TLS 1.3 alone, else 1.2 too */
	const char *const *client_cas; /* PEM files */
	size_t client_ca_count;
	const char *client_auth; /* a word of the reference's; NULL: a good one is required */
};

/* DD_ECONFIG, DD_ENOENT, DD_EACCES: names the file, and says what is wrong with it. */
int dd_tls_open(const struct dd_tls_options *options, struct dd_tls **tls, struct dd_error *err);
/* The files again, as dd_tls_open() reads them: for connections that begin once they are taken. */
int dd_tls_read(const struct dd_tls_options *options, struct dd_tls_terms **terms,
		struct dd_error *err);
void dd_tls_take(struct dd_tls *tls, struct dd_tls_terms *terms);
void dd_tls_terms_closep(struct dd_tls_terms **terms); /* that were not taken */
/* No connection may be left. */
void dd_tls_closep(struct dd_tls **tls);

/* For http.c: what libmicrohttpd is told. */
void dd_tls_choose_options(struct MHD_OptionItem *items, size_t *count);
/* Before its first byte. They live as long as tls. NULL: no reply of ours may go to it. */
const struct dd_tls_terms *dd_tls_begin(struct dd_tls *tls, struct MHD_Connection *connection);
/* In the connection's thread, past libmicrohttpd. Whether all went. */
bool dd_tls_send(struct MHD_Connection *connection, const void *bytes, size_t len);
/* Whether the client's certificate, or that it has none, is as is demanded. */
bool dd_tls_may_ask(const struct dd_tls_terms *terms, struct MHD_Connection *connection);

#endif
