/*
 * Who a client is.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "serve/client.h"

#define NETWORK 8 /* bytes of an IPv6 address that all of one client's have in common */

/* Without its port. */
static void name_address(const char *peer, char name[static DD_CLIENT_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "";
	struct in6_addr address;
	size_t len = strcspn(peer + (*peer == '['), *peer == '[' ? "]" : ":");

	snprintf(host, sizeof(host), "%.*s", (int)len, peer + (*peer == '['));
	if (*peer == '[' && inet_pton(AF_INET6, host, &address) == 1 &&
	    !IN6_IS_ADDR_V4MAPPED(&address)) {
		memset(&address.s6_addr[NETWORK], 0, sizeof(address.s6_addr) - NETWORK);
		inet_ntop(AF_INET6, &address, host, sizeof(host));
	}
	snprintf(name, DD_CLIENT_TEXT, "address %s", host);
}

void dd_client_name(const char *user, const char *peer, char name[static DD_CLIENT_TEXT])
{
	if (*user)
		snprintf(name, DD_CLIENT_TEXT, "user %s", user);
	else
		name_address(peer, name);
}
