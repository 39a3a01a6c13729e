/*
 * Aliases of a volume: each link under another algorithm's name is read once.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/walk.h>

#include "base/cleanup.h"
#include "remote/aliases.h"

/* More than any digest takes. */
#define LINK_MAX ((uint64_t)1024)

struct gathering {
	struct dd_alias_links *links;
	struct dd_store *store;
	pthread_mutex_t lock; /* of the links: repositories come from several threads */
};

struct listing {
	struct gathering *gathering;
	const struct dd_place *directory;
};

static int add(struct gathering *gathering, const struct dd_alias_link *found, struct dd_error *err)
{
	struct dd_alias_link *slot;

	pthread_mutex_lock(&gathering->lock);
	slot = dd_list_add(&gathering->links->list);
	if (slot)
		*slot = *found;
	pthread_mutex_unlock(&gathering->lock);
	return slot ? 0 : dd_fail(err, DD_ENOMEM, 0, "look for aliases");
}

static int see_link(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	struct listing *listing = arg;
	struct dd_place place = { .kind = DD_AT_LAYER,
				  .repository = listing->directory->repository };
	struct dd_alias_link found;

	if (dd_digest_parse_hex(&found.name, (enum dd_algorithm)listing->directory->digest.alg,
				entry->name, strlen(entry->name)) < 0)
		return 0;
	place.digest = found.name;
	if (dd_store_read(listing->gathering->store, &place, LINK_MAX, &buffer, NULL, NULL) < 0 ||
	    dd_digest_parse(&found.blob, (const char *)buffer.bytes, buffer.len) < 0 ||
	    dd_digest_equal(&found.name, &found.blob))
		return 0;
	return add(listing->gathering, &found, err);
}

static int see_repository(void *arg, const char *name, bool has_layers, bool has_manifests,
			  bool has_uploads)
{
	struct gathering *gathering = arg;
	int rc = 0;

	(void)has_manifests, (void)has_uploads;
	for (size_t alg = 0; has_layers && alg < DD_ALGORITHM_COUNT && rc != DD_ENOMEM; alg++) {
		const struct dd_place directory = { .kind = DD_IN_LAYERS_OF,
						    .repository = name,
						    .digest = { .alg = (uint8_t)alg } };
		struct listing listing = { gathering, &directory };
		struct dd_error ignored = { 0 };

		if (alg != DD_SHA256)
			rc = dd_store_list(gathering->store, &directory, see_link, &listing,
					   &ignored);
	}
	return rc == DD_ENOMEM ? rc : 0;
}

static int pass_over(void *arg, enum dd_strange what, const struct dd_place *directory,
		     const char *name, const struct dd_error *err)
{
	(void)arg, (void)what, (void)directory, (void)name, (void)err;
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct dd_alias_link *a = left, *b = right;
	int order = dd_digest_compare(&a->name, &b->name);

	return order ? order : dd_digest_compare(&a->blob, &b->blob);
}

static int gather(struct dd_alias_links *links, struct dd_context *ctx, struct dd_store *store,
		  struct dd_error *err)
{
	struct gathering gathering = { .links = links, .store = store };
	const struct dd_repository_visitor visitor = { .repository = see_repository,
						       .strange = pass_over,
						       .arg = &gathering };
	int rc;

	pthread_mutex_init(&gathering.lock, NULL);
	rc = dd_walk_repositories(ctx, store, &visitor, err);
	pthread_mutex_destroy(&gathering.lock);
	if (links->list.count)
		qsort(links->list.items, links->list.count, sizeof(*links->list.items), compare);
	if (rc == DD_ENOMEM || rc == DD_ECANCELLED)
		return rc;
	dd_error_clear(err);
	links->gathered = true;
	return 0;
}

int dd_alias_links_find(struct dd_alias_links *links, struct dd_context *ctx,
			struct dd_store *store, const struct dd_digest *name,
			const struct dd_alias_link **first, size_t *count, struct dd_error *err)
{
	int rc = links->gathered ? 0 : gather(links, ctx, store, err);
	size_t low = 0, high = links->list.count;

	*count = 0;
	if (rc < 0)
		return rc;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (dd_digest_compare(&links->list.items[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*first = links->list.items + low;
	while (low + *count < links->list.count &&
	       dd_digest_equal(&links->list.items[low + *count].name, name))
		++*count;
	return 0;
}

void dd_alias_links_release(struct dd_alias_links *links)
{
	dd_list_release(&links->list);
}
