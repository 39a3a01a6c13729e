/*
 * The table of keys, as config.c and config_table.c share it.
 */
#ifndef SERVE_CONFIG_TABLE_H
#define SERVE_CONFIG_TABLE_H

#include "serve/config.h"

enum dd_config_kind {
	DD_KEY_NONE, /* sets nothing */
	DD_KEY_TEXT,
	DD_KEY_BOOL,
	DD_KEY_DURATION,
	DD_KEY_TIMEOUT, /* a duration; one that is negative is 0, as the registry takes it */
	DD_KEY_SIZE,
	DD_KEY_NUMBER,
	DD_KEY_TEXTS,	 /* a list, an entry each time */
	DD_KEY_PAIRS,	 /* "*" is the name, the value may be a list */
	DD_KEY_ENDPOINT, /* of notifications.endpoints[…]: set by its last part */
	DD_KEY_SET	 /* by set() */
};

/* The word of what is no key; what was meant by it is said, too. */
#define DD_KEY_UNKNOWN "is not known"

struct dd_config_key {
	/* "http.headers.*": "*" is one part, whatever it is; "**" all that follow; "[]" an entry of a list. */
	const char *pattern;
	enum dd_config_kind kind;
	size_t offset; /* in struct dd_serve_config; of DD_KEY_ENDPOINT in its endpoint */
	enum dd_config_verdict verdict;
	const char *word; /* why it is ignored, or stops us */
	bool secret;
	/* Others than the usual: judges the value. DD_ECONFIG with the reason; NULL: none. */
	int (*set)(struct dd_serve_config *config, const char *value, struct dd_error *err);
	bool always;		   /* of those that stop: without a value, too */
	enum dd_config_kind entry; /* DD_KEY_ENDPOINT: what the member is */
	/* What is to be known about a value that is honoured, and not as it stands; NULL: nothing. */
	const char *(*remark)(const char *value);
};

/* The first that fits; NULL: the key is not known. */
const struct dd_config_key *dd_config_find_key(const char *path);
/* The key that was meant by a path that is none; NULL: there is no knowing. */
const char *dd_config_guess_key(const char *path);
/* For tests and the manual: all of them. */
const struct dd_config_key *dd_config_keys(size_t *count);

#endif
