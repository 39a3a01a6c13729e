/*
 * What can be asked of an exchange, at any time.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "serve/http_private.h"

const char *dd_exchange_get_method(const struct dd_exchange *exchange)
{
	return exchange->method;
}

const char *dd_exchange_get_target(const struct dd_exchange *exchange)
{
	return link_of(exchange)->target;
}

const char *dd_exchange_get_header(struct dd_exchange *exchange, const char *name)
{
	return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

static void format_peer(const struct sockaddr *address, char text[static PEER_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (address && address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(text, PEER_TEXT, "%s:%u", host, ntohs(in->sin_port));
	} else if (address && address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const void *)address;

		inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
		snprintf(text, PEER_TEXT, "[%s]:%u", host, ntohs(in->sin6_port));
	} else {
		snprintf(text, PEER_TEXT, "@");
	}
}

const char *dd_exchange_get_peer(struct dd_exchange *exchange)
{
	const union MHD_ConnectionInfo *info;

	if (!exchange->peer[0]) {
		info = MHD_get_connection_info(exchange->connection,
					       MHD_CONNECTION_INFO_CLIENT_ADDRESS);
		format_peer(info ? info->client_addr : NULL, exchange->peer);
	}
	return exchange->peer;
}

bool dd_exchange_is_tls(const struct dd_exchange *exchange)
{
	return http_of(exchange)->options.tls != NULL;
}

uint64_t dd_exchange_get_length(const struct dd_exchange *exchange)
{
	return exchange->length;
}

uint64_t dd_exchange_get_received(const struct dd_exchange *exchange)
{
	return exchange->body.received;
}

uint64_t dd_exchange_get_sent(const struct dd_exchange *exchange)
{
	return atomic_load_explicit(&exchange->sent, memory_order_relaxed);
}

unsigned dd_exchange_get_status(const struct dd_exchange *exchange)
{
	return exchange->reply ? exchange->reply->status : 0;
}

bool dd_exchange_is_complete(const struct dd_exchange *exchange)
{
	return exchange->complete;
}

void *dd_exchange_get_arg(const struct dd_exchange *exchange)
{
	return http_of(exchange)->options.app.arg;
}

void dd_exchange_set_data(struct dd_exchange *exchange, void *data)
{
	exchange->data = data;
}

void *dd_exchange_get_data(const struct dd_exchange *exchange)
{
	return exchange->data;
}
