/*
 * Connections whose reply has been sent while their client was still sending. Closed at once, they would be
 * reset, and the reply be lost with what had not been read. So they are held for a moment: a little of what
 * comes is read and thrown away, the rest left where it is, until the client has closed its side.
 *
 * Source: RFC 9112, 9.6.
 *
 * Locking: dd_linger_take() from any thread.
 */
#ifndef SERVE_LINGER_H
#define SERVE_LINGER_H

#include <drydock/error.h>

struct dd_linger;

int dd_linger_open(struct dd_linger **linger, struct dd_error *err);
/* Nothing more is to be sent to fd, which stays the caller's. Where too many are held it is not. */
void dd_linger_take(struct dd_linger *linger, int fd);
/* What is held is let go of. */
void dd_linger_closep(struct dd_linger **linger);

#endif
