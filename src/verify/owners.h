/*
 * Owners and modes: which there are, how often, and an example of each. A registry runs as one user;
 * what another has written it may not be able to read.
 */
#ifndef VERIFY_OWNERS_H
#define VERIFY_OWNERS_H

#include <drydock/store.h>

#define DD_OWNERS_MAX 32 /* kinds; what is beyond is counted with the last */

struct dd_owner {
	uint32_t owner, group, mode;
	uint64_t count;
	struct dd_place *example; /* in one block with its strings */
};

struct dd_owners {
	struct dd_owner kinds[DD_OWNERS_MAX];
	size_t count;
};

/* A thread has its own, and adds them up at the end. 0 or DD_ENOMEM. */
int dd_owners_add(struct dd_owners *owners, const struct dd_info *info,
		  const struct dd_place *place);
void dd_owners_merge(struct dd_owners *owners, struct dd_owners *from); /* from is emptied */
/* The most frequent kind; NULL if there is none. */
const struct dd_owner *dd_owners_usual(const struct dd_owners *owners);
void dd_owners_release(struct dd_owners *owners);

#endif
