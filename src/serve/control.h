/*
 * The control socket: commands that are to change the volume are handed over here, and carried out by
 * a worker of ours, as drydock/owner.h has it. And the collections that the daemon begins by itself.
 */
#ifndef SERVE_CONTROL_H
#define SERVE_CONTROL_H

#include "registry/gate.h"

struct dd_control;

/* All borrowed, and they live until it is closed. */
struct dd_control_options {
	struct dd_context *ctx; /* who calls for what, and what went wrong, is logged */
	struct dd_store *store; /* owned by this process: dd_owner_take() */
	struct dd_watch *watch;
	const char *program; /* drydock's path */
	/*
	 * Collect by itself: so long after the last one began, and no sooner after the start than the
	 * leases want. 0: never. Words for "drydock gc", beside --apply.
	 */
	int64_t collect_every_ns;
	const char *const *collect_words;
	size_t collect_word_count;
};

/* Listens from here on. */
int dd_control_open(const struct dd_control_options *options, struct dd_control **control,
		    struct dd_error *err);
/*
 * Workers are asked to end, which they do at the next point at which the volume is in order; when
 * they have, it is closed.
 */
void dd_control_closep(struct dd_control **control);

/* For metrics. */
struct dd_control_counts {
	uint64_t errands, refused; /* handed over, and not carried out */
	uint64_t collections, collections_failed;
	int64_t collected_ns; /* when the last of our own began, since the epoch; 0: none did */
};
void dd_control_get_counts(struct dd_control *control, struct dd_control_counts *counts);

#endif
