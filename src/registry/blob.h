/*
 * A repository's layer links and what they lead to.
 */
#ifndef REGISTRY_BLOB_H
#define REGISTRY_BLOB_H

#include <drydock/registry.h>

/*
 * The blob that a repository's layer link to a digest leads to: mostly itself; of an alias (a layer
 * that was pushed as sha512 to a registry that stores all by sha256) the name that its bytes lie under.
 * The caller has a lease. DD_ENOENT: no link, or one that says nothing.
 */
int dd_registry_resolve_layer(struct dd_registry *registry, const char *repository,
			      const struct dd_digest *digest, struct dd_digest *stored,
			      struct dd_error *err);

/*
 * Whether the repository has the blob: link and bytes, which are not known to be bad. What is missing
 * and lies in the trash comes back first. *info: of the file. DD_ENOENT. The caller has a lease.
 */
int dd_registry_find_blob(struct dd_registry *registry, const char *repository,
			  const struct dd_digest *digest, struct dd_digest *stored,
			  struct dd_info *info, struct dd_error *err);

#endif
