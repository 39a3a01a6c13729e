/*
 * The endpoint that hands out tokens of our own.
 *
 * Source: distribution's "Docker Registry v2 authentication via central service": what it answers to a
 * GET. What the client says about service and scope changes nothing: a token says who it is.
 */
#include <stdlib.h>
#include <string.h>

#include "serve/server.h"

static void reply(struct dd_request *request, const char *json)
{
	struct dd_reply *reply = dd_reply_new(200, json, strlen(json));

	dd_reply_header(reply, "Content-Type", "application/json");
	dd_reply_header(reply, "Cache-Control", "no-store");
	dd_request_reply(request, reply);
}

/* False: DD_EAGAIN, and nothing has been done. */
static bool give_token(struct dd_request *request, bool may_wait)
{
	const struct dd_auth_request asked = {
		.authorization = dd_exchange_get_header(request->exchange, "Authorization"),
		.peer = dd_exchange_get_peer(request->exchange),
	};
	struct dd_auth_answer answer = { 0 };
	struct dd_error err = { 0 };
	char *json = NULL;
	int rc = dd_auth_give_token(request->server->auth, &asked, may_wait, &answer, &json, &err);

	if (rc == DD_EAGAIN && !may_wait)
		return false;
	request->identity = answer.identity;
	if (rc < 0)
		dd_request_fail_by(request, rc, DD_NO_ROUTE, &err);
	else if (answer.verdict == DD_AUTH_ALLOWED)
		reply(request, json);
	else
		dd_request_deny(request, &answer);
	free(json);
	return true;
}

static void give_token_late(struct dd_exchange *exchange)
{
	give_token(dd_request_of(exchange), true);
}

void dd_begin_token(struct dd_request *request)
{
	if (!give_token(request, false))
		dd_exchange_work(request->exchange, give_token_late, false);
}
