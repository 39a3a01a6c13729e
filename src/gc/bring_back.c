/*
 * Back from the trash, what is referred to before what refers to it.
 */
#include "gc/bring_back.h"

/*
 * What a client has removed is to stay so, and is in the next run's hands. Of a tag that is gone no
 * history comes back, or that would keep images for ever.
 */
static bool is_wanted_still(struct dd_store *store, const struct dd_change *change,
			    const struct dd_place *place)
{
	struct dd_place tag = { .kind = DD_AT_TAG,
				.repository = place->repository,
				.tag = place->tag };
	struct dd_info info;

	if (dd_change_is_beside(change, place->run))
		return false;
	return place->kind != DD_AT_HISTORY || dd_store_stat(store, &tag, &info, NULL) != DD_ENOENT;
}

static int bring_all(struct dd_store *store, struct dd_change *change,
		     const struct dd_revivals *revivals,
		     void (*back)(void *arg, const struct dd_revival *revival), void *arg,
		     struct dd_error *err)
{
	enum dd_place_kind kind = DD_AT_BLOB;

	for (size_t i = 0; i < revivals->list.count; i++) {
		const struct dd_revival *revival = &revivals->list.items[i];
		bool there = false;
		int rc = 0;

		if (!is_wanted_still(store, change, &revival->place))
			continue;
		/* What is referred to is durable before what refers to it. */
		if (revival->place.kind != kind) {
			kind = revival->place.kind;
			rc = dd_change_sync(change, err);
		}
		if (rc == 0)
			rc = dd_change_revive(change, &revival->place, revival->changed, &there,
					      err);
		if (rc == DD_ENOENT || (rc == 0 && there)) /* came back already */
			continue;
		if (rc < 0)
			return rc;
		back(arg, revival);
	}
	return dd_change_sync(change, err);
}

int dd_bring_back(struct dd_store *store, struct dd_change *change,
		  const struct dd_revivals *revivals,
		  void (*back)(void *arg, const struct dd_revival *revival), void *arg,
		  struct dd_error *err)
{
	int rc, open;

	if (!revivals->list.count)
		return dd_change_sync(change, err);
	rc = dd_change_let_in(change, false, err);
	if (rc == 0)
		rc = bring_all(store, change, revivals, back, arg, err);
	open = dd_change_let_in(change, true, rc == 0 ? err : NULL);
	return rc < 0 ? rc : open;
}
