/*
 * What kind of record a line is: for who makes fewer lines of them (compact.c).
 */
#ifndef RECORD_KINDS_H
#define RECORD_KINDS_H

#include <drydock/record.h>

#include "base/text.h"

/* What is not understood in full (damaged, or a later version's) is none of them. */
enum dd_pull_line {
	DD_PULL_NONE,
	DD_PULL_OF_NAME, /* times[0], words[2] is the repository, words[3] the reference */
	DD_PULLS_KNOWN,	 /* from times[0] to times[1] */
};
enum dd_pull_line dd_pulls_parse(char **words, size_t count, int64_t times[static 2]);

/* A dd_record_line_fn: arg is a struct dd_pulls. Not settled. */
int dd_pulls_enter(void *arg, char **words, size_t count, struct dd_error *err);

/* The lines that say it. */
int dd_pulls_add_name(struct dd_hasher *hasher, const struct dd_pull *pull, struct dd_text *lines,
		      struct dd_error *err);
int dd_pulls_add_known(struct dd_hasher *hasher, const struct dd_pulls *pulls,
		       struct dd_text *lines, struct dd_error *err);

enum dd_run_line { DD_RUN_NONE, DD_RUN_BEGAN, DD_RUN_ENDED };
/* Its strings are those of the words. */
enum dd_run_line dd_collections_parse(char **words, size_t count, struct dd_collection *one);

#endif
