/*
 * A line of the access log: "combined" (which drydock policy import-pulls reads), JSON, or JSON in
 * logstash's fields and the registry's own. What a client sent is escaped; of a query only what we know
 * is shown, and no header but the user agent's.
 */
#ifndef SERVE_ACCESS_LINE_H
#define SERVE_ACCESS_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* X(constant, log.formatter) */
#define DD_ACCESS_FORMS(X)        \
	X(DD_ACCESS_TEXT, "text") \
	X(DD_ACCESS_JSON, "json") \
	X(DD_ACCESS_LOGSTASH, "logstash")

enum dd_access_form {
#define X(constant, name) constant,
	DD_ACCESS_FORMS(X)
#undef X
};

/* False: there is no such form. */
bool dd_access_find_form(const char *name, enum dd_access_form *form);

struct dd_access_entry {
	const char *peer, *user, *agent; /* "": not known */
	const char *method, *target;	 /* "": could not be read */
	const char *repository;		 /* "": none */
	unsigned status;		 /* 0: there was no reply */
	bool complete;			 /* the whole reply was sent */
	uint64_t received, sent;	 /* bytes of the bodies */
	int64_t us;
};

/* Added to the text, with its newline. 0 or DD_ENOMEM. */
int dd_access_line(enum dd_access_form form, const struct dd_access_entry *entry,
		   struct dd_text *text);

#endif
