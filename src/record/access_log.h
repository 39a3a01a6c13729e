/*
 * Lines of access logs: of the registry itself (combined, and its own as text or JSON), of nginx and
 * others that write the combined format, bare or within what docker, Kubernetes or journald put around
 * them.
 *
 * Whoever may make requests writes into such a log: nothing in it is believed but that a pull of a
 * name that could be one was answered.
 */
#ifndef RECORD_ACCESS_LOG_H
#define RECORD_ACCESS_LOG_H

#include <stdbool.h>

#include <drydock/layout.h>

#include "text/json.h"

#define DD_AGENT_MAX 255

struct dd_access {
	int64_t time_ns;
	bool pull; /* of a manifest, and it was answered: then these are set */
	char repository[DD_REPOSITORY_MAX + 1];
	char reference[DD_DIGEST_TEXT]; /* a tag, or a digest */
	char agent[DD_AGENT_MAX + 1];	/* cut short if it is longer; empty: not said */
};

/* 1: a request; 0: something else, or nothing that is understood. An error is of memory alone. */
int dd_access_parse(struct dd_json_reader *json, const char *line, size_t len,
		    struct dd_access *access, struct dd_error *err);

#endif
