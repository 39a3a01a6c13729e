/*
 * Who somebody is, and what they may do: htpasswd, tokens, rules.
 *
 * One question a request: dd_auth_check() tells the caller from the raw Authorization header and
 * judges what the request wants. What comes after it in the same request (the other repository of a
 * mount, the tags of a push) is asked with the identity that it found, and never waits.
 *
 * Nothing here knows HTTP beyond the texts of two headers: status codes are the caller's.
 * Secrets (the header, passwords, tokens) are in no message and in no answer.
 *
 * Sources: distribution's configuration ("auth"), its token authentication specification; RFC 7617,
 * RFC 6750, RFC 7519.
 *
 * Locking: all functions may be called from several threads at once, but for open and close.
 */
#ifndef SERVE_AUTH_H
#define SERVE_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drydock/context.h>

/* From the configuration; NULL where nothing was said. Borrowed during the calls that take it. */
struct dd_auth_options {
	/* auth.htpasswd */
	const char *htpasswd_realm, *htpasswd_path;
	/* auth.token */
	const char *token_realm, *token_service, *token_issuer;
	const char *token_rootcertbundle, *token_jwks;
	const char *const *token_algorithms; /* signingalgorithms */
	size_t token_algorithm_count;
	bool token_autoredirect; /* the realm is a path of the server that was asked: */
	const char *token_autoredirect_path;
	/* drydock.rules */
	const char *rules_path;
};

struct dd_auth;
struct dd_auth_state;

/*
 * Reads all files that are named. Neither htpasswd nor token: everybody is anonymous, and without
 * rules anybody may do all. DD_ECONFIG with file and line, DD_ENOENT, DD_EACCES.
 */
int dd_auth_open(struct dd_context *ctx, const struct dd_auth_options *options,
		 struct dd_auth **auth, struct dd_error *err);
/* The files again, and other options: what dd_auth_state_open() (auth_state.h) made of them, taken over. */
void dd_auth_take(struct dd_auth *auth, struct dd_auth_state *state);
void dd_auth_close(struct dd_auth *auth);
void dd_auth_closep(struct dd_auth **auth);

/* Whether there is any way to say who one is: else GET /v2/ challenges nobody. */
bool dd_auth_is_open(const struct dd_auth *auth);

enum dd_auth_action {
	DD_AUTH_PULL = 1 << 0,
	DD_AUTH_PUSH = 1 << 1,
	DD_AUTH_DELETE = 1 << 2,
	DD_AUTH_CATALOG = 1 << 3 /* registry:catalog:*, no repository */
};

struct dd_auth_request {
	const char *authorization; /* the header as it came; NULL: there was none */
	const char *peer;	   /* the client's address, for the log and for limits */
	/* Where the client reached us, "https://registry.example:5000", for autoredirect. */
	const char *base_url;
	/* Where dd_auth_give_token() is to be had there; NULL: nowhere. */
	const char *token_url;
	const char *repository; /* a valid name; NULL: none is meant */
	unsigned wanted;	/* of enum dd_auth_action; 0: only who it is (GET /v2/) */
	/* The other repository of a mount: named in the challenge's scope, but not judged here. */
	const char *from;
};

/*
 * Somebody, as proved by a header: user name, groups, a token's access. Its own memory: it outlives
 * a reload and the request, and is shared by count.
 */
struct dd_identity;
struct dd_identity *dd_identity_ref(struct dd_identity *identity);
void dd_identity_unref(struct dd_identity *identity); /* NULL: nothing */
/* "" if anonymous; any bytes but NUL, to be escaped. */
const char *dd_identity_get_user(const struct dd_identity *identity);

enum dd_auth_verdict {
	DD_AUTH_ALLOWED,
	DD_AUTH_UNKNOWN, /* 401: say who you are, or with another token; challenge says how */
	DD_AUTH_DENIED	 /* 403: known, and may not */
};

#define DD_AUTH_CHALLENGE 2048

struct dd_auth_answer {
	enum dd_auth_verdict verdict;
	struct dd_identity *identity;	   /* ALLOWED and DENIED; the caller's, to be given back */
	char challenge[DD_AUTH_CHALLENGE]; /* UNKNOWN: the value of WWW-Authenticate */
	char why[256]; /* not ALLOWED: for the client and the log, with no secret in it */
};

/*
 * 0: *answer is filled. may_wait false: answered from what is known, or DD_EAGAIN if a password or a
 * signature would have to be computed. DD_ETOOBIG: too many are being computed already, come back
 * later (503). Other errors are ours (500).
 */
int dd_auth_check(struct dd_auth *auth, const struct dd_auth_request *request, bool may_wait,
		  struct dd_auth_answer *answer, struct dd_error *err);

/* Whether an identity may do all of that there. Never waits. */
bool dd_auth_may(struct dd_auth *auth, const struct dd_identity *identity, const char *repository,
		 unsigned wanted);

/*
 * Whether somebody who may have the catalogue is to be told of a repository: those that may not pull
 * from it by the rules are not. A token that grants the catalogue grants all of it. Never waits.
 */
bool dd_auth_may_see(struct dd_auth *auth, const struct dd_identity *identity,
		     const char *repository);

/*
 * Tokens of our own. Where rules give something to anybody, but others have passwords, docker is
 * asked for a token rather than for a password: for want of a password it would give up, while
 * a token of nobody in particular is given to whoever asks. Only who it is says such a token, for
 * minutes, and not beyond a change of the password or the end of the process.
 *
 * Answers a request for one as dd_auth_check() would, by the Authorization header alone; if ALLOWED,
 * json is the document that the client wants, to be freed. DD_ENOENT: none are given here.
 */
int dd_auth_give_token(struct dd_auth *auth, const struct dd_auth_request *request, bool may_wait,
		       struct dd_auth_answer *answer, char **json, struct dd_error *err);

/*
 * Whether a tag of the repository is immutable: an overwrite by other content, and its removal, are to be
 * refused (409). rule: what says so, for the client ("rules.yml:12: releases v*"), cut to fit.
 * The caller looks whether the tag is there. Never waits.
 */
bool dd_auth_is_immutable(struct dd_auth *auth, const char *repository, const char *tag, char *rule,
			  size_t room);
/* Whether any tag of the repository may be: else nobody need look. Never waits. */
bool dd_auth_has_immutable(struct dd_auth *auth, const char *repository);

#endif
