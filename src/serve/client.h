/*
 * Who a client is to the bounds for each: its user, else its address.
 */
#ifndef SERVE_CLIENT_H
#define SERVE_CLIENT_H

#define DD_CLIENT_TEXT 320

/*
 * user: "" for none. peer: "192.0.2.1:55512", "[2001:db8::1]:55512"; of IPv6 the first 64 bits count, since
 * whoever has one address there has them all. Cut to fit.
 */
void dd_client_name(const char *user, const char *peer, char name[static DD_CLIENT_TEXT]);

#endif
