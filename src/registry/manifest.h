/*
 * Manifests and tags as a repository has them.
 */
#ifndef REGISTRY_MANIFEST_H
#define REGISTRY_MANIFEST_H

#include <drydock/registry.h>

/* DD_EFORMAT: no tag can be called so. */
int dd_registry_check_tag(const char *tag, struct dd_error *err);

/* Whether the repository has a revision link to it: 0, DD_ENOENT. The caller has a lease. */
int dd_registry_look_at_revision(struct dd_registry *registry, const char *repository,
				 const struct dd_digest *digest, struct dd_error *err);

/* Whether there is anything in it: a layer or a manifest. One that was only ever begun is none. */
int dd_registry_look_at_repository(struct dd_registry *registry, const char *repository,
				   bool *is_one, struct dd_error *err);

/*
 * Whoever writes manifests and tags in a repository does so beside others who do, and never beside one
 * who deletes there: what he has found there is there when he is done. Neither is nested, and no
 * lease is taken meanwhile.
 */
int dd_tagging_open(struct dd_registry *registry, struct dd_error *err);
void dd_tagging_close(struct dd_registry *registry);
void dd_registry_begin_tagging(struct dd_registry *registry, const char *repository);
void dd_registry_end_tagging(struct dd_registry *registry, const char *repository);
void dd_registry_begin_deleting(struct dd_registry *registry, const char *repository);
void dd_registry_end_deleting(struct dd_registry *registry, const char *repository);

#endif
