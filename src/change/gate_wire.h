/*
 * What a worker and its daemon say to each other at the gate: one request, one reply, each one message
 * of a socket between two processes of one machine and one version. Neither end trusts the bytes.
 */
#ifndef CHANGE_GATE_WIRE_H
#define CHANGE_GATE_WIRE_H

#include <drydock/gate.h>

enum dd_gate_op {
	DD_GATE_HELLO, /* whose volume is it? */
	DD_GATE_BEGIN,
	DD_GATE_LET_IN,
	DD_GATE_KEEP_OUT,
	DD_GATE_HOLD, /* keys */
	DD_GATE_GIVE_BACK,
	DD_GATE_SHOW,  /* traces */
	DD_GATE_WROTE, /* traces */
	DD_GATE_END,
	DD_GATE_OP_COUNT
};

/* A repository and a name at most, with their NUL; what is longer is cut, and nobody is served it. */
#define DD_GATE_NAME 256
#define DD_GATE_MESSAGE (16 + DD_GATE_MAX * (4 + sizeof(struct dd_digest) + 2 * DD_GATE_NAME))

struct dd_gate_request {
	enum dd_gate_op op;
	size_t count; /* of keys or traces */
	struct dd_gate_key keys[DD_GATE_MAX];
	struct dd_trace traces[DD_GATE_MAX];
};

struct dd_gate_reply {
	int code; /* enum dd_code */
	char text[DD_ERROR_TEXT];
	uint64_t identity[2];	      /* HELLO: the volume's */
	char version[32];	      /* HELLO */
	struct dd_gate_terms terms;   /* BEGIN */
	uint8_t granted[DD_GATE_MAX]; /* HOLD */
	int64_t least_grace_ns;	      /* SHOW */
};

/* Bytes written into the message, of DD_GATE_MESSAGE. */
size_t dd_gate_pack(const struct dd_gate_request *request, unsigned char *message);
/* The strings of the keys point into the message. DD_EFORMAT. */
int dd_gate_unpack(struct dd_gate_request *request, const unsigned char *message, size_t len,
		   struct dd_error *err);

/*
 * A whole message. Receiving: how many bytes; 0: the other end is gone; DD_ETOOBIG. Interrupted by a
 * signal, both go on.
 */
int dd_gate_send(int fd, const void *message, size_t len, struct dd_error *err);
int64_t dd_gate_receive(int fd, void *message, size_t room, struct dd_error *err);

#endif
