/*
 * What somebody asks for comes back from the trash.
 */
#ifndef REGISTRY_REVIVE_H
#define REGISTRY_REVIVE_H

#include <drydock/registry.h>

int dd_revivable_open(struct dd_registry *registry, struct dd_error *err);
void dd_revivable_close(struct dd_registry *registry);

/*
 * What is missing of a digest in a repository, and lies in the trash of any run, comes back: the
 * repository's link (revision or layer), the bytes; of a manifest all that it reaches, too. By renames
 * that replace nothing, durable when it returns. The caller has a lease on it. What a person or a
 * policy removed, or was damaged, stays where it is. No trash costs one look.
 *
 * 0 if all that the trash had of it is in place, also if that is nothing: the caller looks again.
 */
int dd_registry_bring_back(struct dd_registry *registry, const char *repository,
			   const struct dd_digest *digest, struct dd_error *err);

#endif
