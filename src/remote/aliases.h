/*
 * What a volume's links say that stand for a blob under another algorithm's name: a layer that was
 * pushed as sha512:y is stored as sha256:x, and the link y holds x.
 */
#ifndef REMOTE_ALIASES_H
#define REMOTE_ALIASES_H

#include <drydock/store.h>

#include "base/list.h"

struct dd_alias_link {
	struct dd_digest name, blob;
};

/* { 0 } knows none, and gathers them when it is first asked. One thread at a time. */
struct dd_alias_links {
	DD_LIST(struct dd_alias_link) list; /* sorted by name */
	bool gathered;
};

/*
 * What a name stands for: the first of *count; what several repositories say is there several times.
 * What cannot be looked at says nothing. Strings and memory are the list's.
 */
int dd_alias_links_find(struct dd_alias_links *links, struct dd_context *ctx,
			struct dd_store *store, const struct dd_digest *name,
			const struct dd_alias_link **first, size_t *count, struct dd_error *err);
void dd_alias_links_release(struct dd_alias_links *links);

#endif
