/*
 * A failure as JSON.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <drydock/json.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "serve/fail.h"

static const struct {
	unsigned status;
	const char *code, *message;
} failures[] = {
#define X(constant, status, code, message) [constant] = { status, code, message },
	DD_FAILURES(X)
#undef X
};

static int to_text(void *arg, const char *bytes, size_t len)
{
	return dd_text_add(arg, bytes, len) < 0 ? ENOMEM : 0;
}

static int write_body(struct dd_text *text, enum dd_failure failure, const char *message)
{
	DD_CLEANUP(dd_json_closep) struct dd_json_out *out = NULL;
	int rc = dd_json_open(&out, to_text, text, 0, NULL);

	if (rc < 0)
		return rc;
	dd_json_object(out, NULL);
	dd_json_array(out, "errors");
	dd_json_object(out, NULL);
	dd_json_text(out, "code", failures[failure].code);
	dd_json_text(out, "message", message);
	dd_json_end(out);
	dd_json_end(out);
	dd_json_end(out);
	return dd_json_finish(out, NULL);
}

struct dd_reply *dd_fail_reply(enum dd_failure failure, const char *detail)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	char message[DD_ERROR_TEXT + 128];
	struct dd_reply *reply;

	snprintf(message, sizeof(message), "%s%s%s", failures[failure].message, detail ? ": " : "",
		 detail ? detail : "");
	if (write_body(&text, failure, message) < 0)
		return NULL;
	reply = dd_reply_new(failures[failure].status, text.bytes, text.len);
	dd_reply_header(reply, "Content-Type", "application/json");
	if (failures[failure].status == 429 || failures[failure].status == 503)
		dd_reply_header(reply, "Retry-After", "5");
	return reply;
}

enum dd_failure dd_failure_of_status(unsigned status)
{
	switch (status) {
	case 400:
		return DD_REQUEST_INVALID;
	case 403:
		return DD_DENIED;
	case 408:
		return DD_TOO_SLOW;
	case 413:
		return DD_TOO_LARGE;
	case 429:
		return DD_TOO_MANY;
	case 503:
		return DD_UNAVAILABLE;
	default:
		return DD_TROUBLE;
	}
}
