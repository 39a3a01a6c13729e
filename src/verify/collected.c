/*
 * Revisions in the trash. An index whose manifests were collected looks like one whose manifests
 * were never pushed; it was accepted because somebody believed them to be here.
 */
#include <stdlib.h>
#include <string.h>

#include "verify/verify.h"

static int compare(const void *left, const void *right)
{
	const struct dd_place *a = &(*(const struct dd_item *const *)left)->place,
			      *b = &(*(const struct dd_item *const *)right)->place;
	int order = dd_digest_compare(&a->digest, &b->digest);

	return order ? order : strcmp(a->repository, b->repository);
}

static bool is_revision(const struct dd_item *item)
{
	return item->place.kind == DD_AT_REVISION && !item->place.beside &&
	       !dd_reason_damage(item->reason);
}

static int load(struct dd_verify *verify, struct dd_error *err)
{
	int rc = dd_trash_load(verify->ctx, verify->store, &verify->trash, err);

	if (rc < 0 && rc != DD_ENOMEM && rc != DD_ECANCELLED) {
		/* What it holds is not known: then nothing was collected that we know of. */
		dd_error_clear(err);
		rc = 0;
	}
	for (size_t r = 0; r < verify->trash.count && rc == 0; r++)
		for (size_t i = 0; i < verify->trash.runs[r].count; i++) {
			const struct dd_item *item = &verify->trash.runs[r].items[i], **slot;

			if (!is_revision(item))
				continue;
			slot = dd_list_add(&verify->collected);
			if (!slot)
				return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
			*slot = item;
		}
	if (rc == 0 && verify->collected.count)
		qsort(verify->collected.items, verify->collected.count,
		      sizeof(*verify->collected.items), compare);
	verify->trash_loaded = rc == 0;
	return rc;
}

int dd_verify_collected(struct dd_verify *verify, const char *repository, uint32_t id,
			bool *collected, struct dd_error *err)
{
	struct dd_item item = { .place = { .repository = repository } };
	const struct dd_item *key = &item;
	int rc = 0;

	dd_ids_get(&verify->graph->ids, id, &item.place.digest);
	pthread_mutex_lock(&verify->lock);
	if (!verify->trash_loaded)
		rc = load(verify, err);
	*collected = rc == 0 && verify->collected.count &&
		     bsearch(&key, verify->collected.items, verify->collected.count,
			     sizeof(*verify->collected.items), compare);
	pthread_mutex_unlock(&verify->lock);
	return rc;
}
