/*
 * Which repositories have a link to a blob: made out once for the whole volume, when it is first asked
 * for, and kept by what we write ourselves from then on. It only suggests: a repository that it names
 * is looked at before it counts.
 *
 * Locking: all functions from any thread.
 */
#ifndef REGISTRY_WHEREABOUTS_H
#define REGISTRY_WHEREABOUTS_H

#include <drydock/registry.h>

int dd_whereabouts_open(struct dd_registry *registry, struct dd_error *err);
void dd_whereabouts_close(struct dd_registry *registry);

/* A layer link was written. Never a failure: what is lost is found by the next walk. */
void dd_whereabouts_note(struct dd_registry *registry, const char *repository,
			 const struct dd_digest *digest);

/*
 * Each repository that may have a link to it, until fn returns other than 0, which is handed on. The
 * first call waits for a walk; so does one that is asked for what nobody knows, some minutes later.
 */
typedef int dd_whereabouts_fn(void *arg, const char *repository, struct dd_error *err);
int dd_whereabouts_visit(struct dd_registry *registry, const struct dd_digest *digest,
			 dd_whereabouts_fn *fn, void *arg, struct dd_error *err);

#endif
