/*
 * From what a person wrote to one digest.
 */
#ifndef STORE_RESOLVE_H
#define STORE_RESOLVE_H

#include <drydock/reference.h>
#include <drydock/store.h>

/*
 * The digest that a tag points to, or that a digest cut short can only mean: among a repository's
 * revisions and layers, or among all blobs. DD_ENOENT, DD_EAMBIGUOUS (naming two of them).
 */
int dd_resolve(struct dd_store *store, const struct dd_reference *reference,
	       struct dd_digest *digest, struct dd_error *err);

#endif
