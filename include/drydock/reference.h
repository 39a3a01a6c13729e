/*
 * References as people write them.
 */
#ifndef DRYDOCK_REFERENCE_H
#define DRYDOCK_REFERENCE_H

#include <drydock/layout.h>

/* REPO, REPO:TAG, REPO@DIGEST or DIGEST; a digest may be cut short (at least 4 characters). */
struct dd_reference {
	char repository[4096];	     /* empty: none given */
	char tag[DD_TAG_MAX + 1];    /* empty: none given */
	char digest[DD_DIGEST_TEXT]; /* as given, perhaps cut; empty: none given */
};
int dd_reference_parse(struct dd_reference *reference, const char *text, struct dd_error *err);

#endif
