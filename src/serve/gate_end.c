/*
 * One request, one answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/gate_wire.h"
#include "serve/gate_end.h"

struct dd_gate_end {
	struct dd_watch_gate *gate;
	struct dd_store *store;
	int fd;
	struct dd_gate_request request;
	struct dd_gate_reply reply;
	unsigned char message[DD_GATE_MESSAGE];
};

static int hold(const struct dd_gate *gate, const struct dd_gate_request *request,
		struct dd_gate_reply *reply, struct dd_error *err)
{
	bool granted[DD_GATE_MAX] = { false };
	int rc = gate->hold(gate->arg, request->keys, request->count, granted, err);

	for (size_t i = 0; i < request->count; i++)
		reply->granted[i] = granted[i];
	return rc;
}

static int carry_out(struct dd_gate_end *end, struct dd_error *err)
{
	const struct dd_gate *gate = dd_watch_gate_get(end->gate);
	const struct dd_gate_request *request = &end->request;
	struct dd_gate_reply *reply = &end->reply;

	switch (request->op) {
	case DD_GATE_HELLO:
		snprintf(reply->version, sizeof(reply->version), "%s", DD_VERSION);
		return dd_store_identify(end->store, reply->identity, err);
	case DD_GATE_BEGIN:
		return gate->begin(gate->arg, &reply->terms, err);
	case DD_GATE_LET_IN:
	case DD_GATE_KEEP_OUT:
		return gate->let_in(gate->arg, request->op == DD_GATE_LET_IN, err);
	case DD_GATE_HOLD:
		return hold(gate, request, reply, err);
	case DD_GATE_GIVE_BACK:
		return gate->give_back(gate->arg, err);
	case DD_GATE_SHOW:
		return gate->show(gate->arg, request->traces, request->count,
				  &reply->least_grace_ns, err);
	case DD_GATE_WROTE:
		return gate->wrote(gate->arg, request->traces, request->count, err);
	case DD_GATE_END:
		gate->end(gate->arg);
		return 0;
	case DD_GATE_OP_COUNT:
		break;
	}
	return dd_fail(err, DD_EFORMAT, 0, "a message at the gate that makes no sense");
}

int dd_gate_end_answer(struct dd_gate_end *end, struct dd_error *err)
{
	int64_t got = dd_gate_receive(end->fd, end->message, sizeof(end->message), err);
	struct dd_error why = { 0 };
	int rc;

	if (got <= 0)
		return (int)got;
	rc = dd_gate_unpack(&end->request, end->message, (size_t)got, err);
	if (rc < 0)
		return rc;
	memset(&end->reply, 0, sizeof(end->reply));
	end->reply.code = carry_out(end, &why);
	snprintf(end->reply.text, sizeof(end->reply.text), "%s", why.text);
	rc = dd_gate_send(end->fd, &end->reply, sizeof(end->reply), err);
	return rc < 0 ? rc : 1;
}

int dd_gate_end_open(struct dd_watch *watch, struct dd_store *store, int fd,
		     struct dd_gate_end **out, struct dd_error *err)
{
	DD_CLEANUP(dd_gate_end_closep) struct dd_gate_end *end = calloc(1, sizeof(*end));
	int rc;

	*out = NULL;
	if (!end)
		return dd_fail(err, DD_ENOMEM, 0, "keep a gate");
	end->store = store;
	end->fd = fd;
	rc = dd_watch_gate_open(watch, &end->gate, err);
	if (rc < 0)
		return rc;
	*out = end;
	end = NULL;
	return 0;
}

void dd_gate_end_closep(struct dd_gate_end **end)
{
	if (!*end)
		return;
	dd_watch_gate_closep(&(*end)->gate);
	free(*end);
	*end = NULL;
}
