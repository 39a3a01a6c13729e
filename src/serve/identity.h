/*
 * Somebody, between the files that find out who it is and those that judge what they may do.
 *
 * Made once, read by any number of threads, counted.
 */
#ifndef SERVE_IDENTITY_H
#define SERVE_IDENTITY_H

#include "base/list.h"
#include "serve/auth.h"

/* What a token lets its bearer do with one repository; with the catalogue if repository is NULL. */
struct dd_access {
	char *repository;
	unsigned actions; /* of enum dd_auth_action */
};

struct dd_identity {
	unsigned refs;	    /* atomic */
	bool authenticated; /* else anonymous, with an empty name */
	bool has_token;	    /* be it one of nobody in particular */
	bool limited;	    /* by the token: what it does not grant is not to be had with it */
	DD_LIST(struct dd_access) access;
	char *user;
};

/* With one reference. user NULL or empty: anonymous. DD_ENOMEM. */
int dd_identity_open(struct dd_identity **identity, const char *user, struct dd_error *err);
void dd_identity_closep(struct dd_identity **identity);
/* Before anybody else sees it. */
int dd_identity_grant(struct dd_identity *identity, const char *repository, unsigned actions,
		      struct dd_error *err);

/* Whether its token grants all of that; true if there is no token. */
bool dd_identity_has(const struct dd_identity *identity, const char *repository, unsigned actions);

#endif
