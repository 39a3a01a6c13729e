/*
 * The worker's end of the gate.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "change/gate_wire.h"

struct dd_gate_socket {
	struct dd_gate gate;
	int fd;
	struct dd_gate_request request;
	struct dd_gate_reply reply;
	unsigned char message[DD_GATE_MESSAGE];
};

/* The answer is in socket->reply. */
static int ask(struct dd_gate_socket *socket, enum dd_gate_op op, size_t count,
	       struct dd_error *err)
{
	size_t len;
	int64_t got;
	int rc;

	socket->request.op = op;
	socket->request.count = count;
	len = dd_gate_pack(&socket->request, socket->message);
	rc = dd_gate_send(socket->fd, socket->message, len, err);
	if (rc < 0)
		return dd_wrap(err, rc, "the daemon that serves the volume is gone");
	got = dd_gate_receive(socket->fd, &socket->reply, sizeof(socket->reply), err);
	if (got < 0)
		return (int)got;
	if (got == 0)
		return dd_fail(err, DD_EIO, 0, "the daemon that serves the volume is gone");
	if (got != sizeof(socket->reply) || socket->reply.code > 0)
		return dd_fail(err, DD_EFORMAT, 0, "an answer of the gate that makes no sense");
	socket->reply.text[sizeof(socket->reply.text) - 1] = '\0';
	socket->reply.version[sizeof(socket->reply.version) - 1] = '\0';
	if (socket->reply.code < 0)
		return dd_fail(err, socket->reply.code, 0, "%s", socket->reply.text);
	return 0;
}

static int begin(void *arg, struct dd_gate_terms *terms, struct dd_error *err)
{
	struct dd_gate_socket *socket = arg;
	int rc = ask(socket, DD_GATE_BEGIN, 0, err);

	if (rc == 0)
		*terms = socket->reply.terms;
	return rc;
}

static int let_in(void *arg, bool open, struct dd_error *err)
{
	return ask(arg, open ? DD_GATE_LET_IN : DD_GATE_KEEP_OUT, 0, err);
}

static int hold(void *arg, const struct dd_gate_key *keys, size_t count, bool *granted,
		struct dd_error *err)
{
	struct dd_gate_socket *socket = arg;
	int rc;

	memcpy(socket->request.keys, keys, count * sizeof(*keys));
	rc = ask(socket, DD_GATE_HOLD, count, err);
	for (size_t i = 0; i < count && rc == 0; i++)
		granted[i] = socket->reply.granted[i] == 1;
	return rc;
}

static int give_back(void *arg, struct dd_error *err)
{
	return ask(arg, DD_GATE_GIVE_BACK, 0, err);
}

static int show(void *arg, const struct dd_trace *traces, size_t count, int64_t *least_grace_ns,
		struct dd_error *err)
{
	struct dd_gate_socket *socket = arg;
	int rc;

	memcpy(socket->request.traces, traces, count * sizeof(*traces));
	rc = ask(socket, DD_GATE_SHOW, count, err);
	if (rc == 0)
		*least_grace_ns = socket->reply.least_grace_ns;
	return rc;
}

static int wrote(void *arg, const struct dd_trace *traces, size_t count, struct dd_error *err)
{
	struct dd_gate_socket *socket = arg;

	memcpy(socket->request.traces, traces, count * sizeof(*traces));
	return ask(socket, DD_GATE_WROTE, count, err);
}

static void end(void *arg)
{
	ask(arg, DD_GATE_END, 0, NULL);
}

/* Whoever made the pair of sockets must be who started us: nobody else can have handed it down. */
static int check_parent(int fd, struct dd_error *err)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || len != sizeof(peer) ||
	    peer.pid != getppid())
		return dd_fail(err, DD_EREFUSED, 0,
			       "the gate that is named was not made by the process that started "
			       "this one");
	return 0;
}

static int greet(struct dd_gate_socket *socket, struct dd_store *store, struct dd_error *err)
{
	uint64_t identity[2];
	int rc = ask(socket, DD_GATE_HELLO, 0, err);

	if (rc == 0)
		rc = dd_store_identify(store, identity, err);
	if (rc < 0)
		return rc;
	if (strcmp(socket->reply.version, DD_VERSION) != 0)
		return dd_fail(err, DD_EREFUSED, 0,
			       "the daemon is of version %s, and this is " DD_VERSION,
			       socket->reply.version);
	if (memcmp(identity, socket->reply.identity, sizeof(identity)) != 0)
		return dd_fail(err, DD_EREFUSED, 0, "the daemon serves another volume than %s",
			       dd_store_get_root(store));
	return 0;
}

int dd_gate_connect(int fd, struct dd_store *store, struct dd_gate_socket **out,
		    struct dd_error *err)
{
	DD_CLEANUP(dd_gate_socket_closep)
	struct dd_gate_socket *socket = calloc(1, sizeof(*socket));
	int rc;

	*out = NULL;
	if (!socket) {
		close(fd);
		return dd_fail(err, DD_ENOMEM, 0, "connect to the gate");
	}
	socket->fd = fd;
	socket->gate = (struct dd_gate){ socket, begin, let_in, hold, give_back, show, wrote, end };
	rc = check_parent(fd, err);
	if (rc == 0)
		rc = greet(socket, store, err);
	if (rc < 0)
		return dd_wrap(err, rc, "connect to the gate");
	*out = socket;
	socket = NULL;
	return 0;
}

const struct dd_gate *dd_gate_socket_get(const struct dd_gate_socket *socket)
{
	return &socket->gate;
}

void dd_gate_socket_closep(struct dd_gate_socket **socket)
{
	if (*socket) {
		close((*socket)->fd);
		free(*socket);
	}
	*socket = NULL;
}
