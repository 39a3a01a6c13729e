/*
 * Messages of the gate. A head (op, how many), then the keys (kind, named, algorithm, digest, repository
 * and name, each with its NUL) or the traces.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "change/gate_wire.h"

static unsigned char *put(unsigned char *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static unsigned char *put_name(unsigned char *at, const char *name)
{
	size_t len = name ? strnlen(name, DD_GATE_NAME - 1) : 0;

	if (len)
		memcpy(at, name, len);
	at[len] = '\0';
	return at + len + 1;
}

static unsigned char *put_key(unsigned char *at, const struct dd_gate_key *key)
{
	const unsigned char head[] = { (unsigned char)key->kind, key->named, key->digest.alg };

	at = put(at, head, sizeof(head));
	at = put(at, key->digest.bytes, sizeof(key->digest.bytes));
	at = put_name(at, key->repository);
	return put_name(at, key->name);
}

size_t dd_gate_pack(const struct dd_gate_request *request, unsigned char *message)
{
	const unsigned char head[] = { (unsigned char)request->op, (unsigned char)request->count };
	unsigned char *at = put(message, head, sizeof(head));

	if (request->op == DD_GATE_HOLD)
		for (size_t i = 0; i < request->count; i++)
			at = put_key(at, &request->keys[i]);
	else if (request->count)
		at = put(at, request->traces, request->count * sizeof(*request->traces));
	return (size_t)(at - message);
}

/* ---- reading ---- */

struct reading {
	const unsigned char *at, *end;
};

static bool take(struct reading *reading, void *bytes, size_t len)
{
	if ((size_t)(reading->end - reading->at) < len)
		return false;
	memcpy(bytes, reading->at, len);
	reading->at += len;
	return true;
}

static bool take_name(struct reading *reading, const char **name)
{
	const unsigned char *nul = memchr(reading->at, '\0', (size_t)(reading->end - reading->at));

	if (!nul || nul - reading->at >= DD_GATE_NAME)
		return false;
	*name = (const char *)reading->at;
	reading->at = nul + 1;
	return true;
}

static bool take_key(struct reading *reading, struct dd_gate_key *key)
{
	unsigned char head[3];

	if (!take(reading, head, sizeof(head)) || head[0] >= DD_KEY_COUNT || head[1] > 1 ||
	    head[2] >= DD_ALGORITHM_COUNT)
		return false;
	key->kind = (enum dd_gate_key_kind)head[0];
	key->named = head[1];
	key->digest.alg = head[2];
	return take(reading, key->digest.bytes, sizeof(key->digest.bytes)) &&
	       take_name(reading, &key->repository) && take_name(reading, &key->name);
}

int dd_gate_unpack(struct dd_gate_request *request, const unsigned char *message, size_t len,
		   struct dd_error *err)
{
	struct reading reading = { message, message + len };
	unsigned char head[2];
	bool good = take(&reading, head, sizeof(head)) && head[0] < DD_GATE_OP_COUNT &&
		    head[1] <= DD_GATE_MAX;

	memset(request, 0, sizeof(*request));
	if (good) {
		request->op = (enum dd_gate_op)head[0];
		request->count = head[1];
	}
	if (good && request->op == DD_GATE_HOLD)
		for (size_t i = 0; i < request->count && good; i++)
			good = take_key(&reading, &request->keys[i]);
	else if (good && (request->op == DD_GATE_SHOW || request->op == DD_GATE_WROTE))
		good = take(&reading, request->traces, request->count * sizeof(*request->traces));
	else
		good = good && !request->count;
	if (good && reading.at == reading.end)
		return 0;
	return dd_fail(err, DD_EFORMAT, 0, "a message at the gate that makes no sense");
}

/* ---- the socket ---- */

int dd_gate_send(int fd, const void *message, size_t len, struct dd_error *err)
{
	ssize_t sent;

	do
		sent = send(fd, message, len, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? dd_fail(err, DD_EIO, errno, "send a message to the gate") : 0;
}

int64_t dd_gate_receive(int fd, void *message, size_t room, struct dd_error *err)
{
	struct iovec part = { message, room };
	struct msghdr head = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t got;

	/* No descriptors are wanted: without room for them the kernel closes what is sent along. */
	do
		got = recvmsg(fd, &head, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return dd_fail(err, DD_EIO, errno, "receive a message at the gate");
	if (head.msg_flags & MSG_TRUNC)
		return dd_fail(err, DD_ETOOBIG, 0, "a message at the gate is too long");
	return got;
}
