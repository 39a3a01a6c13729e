/*
 * Who refers to what in a repository: found out by reading each of its manifests once, and kept for the
 * repositories that were asked about last.
 *
 * What is kept is checked each time: new revisions show by the stamp of the directory that they lie in,
 * whoever wrote them; one that went by its link; and of those that had no link when they were seen, it
 * is looked whether they have one by now.
 *
 * Locking: all functions from any thread.
 */
#ifndef REGISTRY_REFERRERS_H
#define REGISTRY_REFERRERS_H

#include <drydock/registry.h>

#include "base/list.h"

struct dd_referrer {
	struct dd_digest digest, subject;
	char *artifact_type; /* NULL: none */
	char *json;	     /* its descriptor, as an index has it */
};
struct dd_referrers {
	DD_LIST(struct dd_referrer) list;
};
void dd_referrers_release(struct dd_referrers *referrers);

/* Copies of those of a subject, in the order of their digests; whether they are still there is not said. */
int dd_referrers_find(struct dd_registry *registry, const char *repository,
		      const struct dd_digest *subject, const char *artifact_type,
		      struct dd_referrers *found, struct dd_error *err);

int dd_referrers_open(struct dd_registry *registry, struct dd_error *err);
void dd_referrers_close(struct dd_registry *registry);

/*
 * One manifest, as bytes that were proved: *is_one, and then what an index says of it. What is no
 * manifest refers to nothing.
 */
int dd_referrer_read(const struct dd_digest *digest, const void *bytes, size_t len, bool *is_one,
		     struct dd_referrer *referrer, struct dd_error *err);
void dd_referrer_release(struct dd_referrer *referrer);

#endif
