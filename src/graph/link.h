/*
 * What a link file says.
 */
#ifndef GRAPH_LINK_H
#define GRAPH_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include <drydock/digest.h>

enum dd_link_state {
	DD_LINK_GOOD,
	DD_LINK_ABSENT,	    /* certainly not there */
	DD_LINK_MALFORMED,  /* empty or garbage */
	DD_LINK_UNREADABLE, /* could be anything */
};

/* Bytes of a link to this digest: its text. */
size_t dd_link_size(const struct dd_digest *digest);

/* More than any digest's text; what is longer is no link. */
#define DD_LINK_MAX 1024

/*
 * GOOD or MALFORMED, and then why. Where only white space around a digest is wrong the digest is
 * told all the same: somebody's editor ended the line, and what is meant is plain.
 */
enum dd_link_state dd_link_parse(const void *bytes, size_t len, struct dd_digest *digest,
				 bool *has_digest, const char **why);

#endif
