/*
 * What becomes of what could come back: what stands in its place, and whether what it needs is there.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gc/restore.h"

#define COMPARE_BYTES ((size_t)64 << 10)

static int same_bytes(struct dd_reader *one, struct dd_reader *two, uint64_t size, bool *same,
		      struct dd_error *err)
{
	DD_AUTOFREE char *bytes = malloc(2 * COMPARE_BYTES);
	char *others = bytes ? bytes + COMPARE_BYTES : NULL;

	*same = false;
	if (!bytes)
		return dd_fail(err, DD_ENOMEM, 0, "compare");
	while (size) {
		int64_t got = dd_reader_read(one, bytes, COMPARE_BYTES, err), more = 0;

		if (got < 0)
			return (int)got;
		if (!got)
			return 0;
		for (int64_t have = 0; have < got; have += more) {
			more = dd_reader_read(two, others, (size_t)(got - have), err);
			if (more < 0)
				return (int)more;
			if (!more || memcmp(bytes + have, others, (size_t)more) != 0)
				return 0;
		}
		size -= (uint64_t)got > size ? size : (uint64_t)got;
	}
	*same = true;
	return 0;
}

/* Whether what is in the volume has the bytes of what lies in the trash. */
static int compare(struct dd_restore *restore, const struct dd_place *trashed, bool *same,
		   struct dd_error *err)
{
	DD_CLEANUP(dd_reader_closep) struct dd_reader *there = NULL;
	DD_CLEANUP(dd_reader_closep) struct dd_reader *here = NULL;
	struct dd_place in_volume = *trashed;
	struct dd_info one = { 0 }, two = { 0 };
	int rc;

	in_volume.run = NULL;
	*same = false;
	rc = dd_store_open_reader(restore->store, &in_volume, &here, &one, err);
	if (rc == DD_EIRREGULAR || rc == DD_ESYMLINK)
		return 0;
	if (rc == 0)
		rc = dd_store_open_reader(restore->store, trashed, &there, &two, err);
	if (rc < 0 || one.size != two.size)
		return rc;
	return same_bytes(here, there, one.size, same, err);
}

/* What becomes of an item where something stands in its place already. */
int dd_restore_judge(struct dd_restore *restore, struct dd_restored *item, struct dd_error *err)
{
	bool same;
	int rc = compare(restore, &item->place, &same, err);

	if (rc == 0)
		item->outcome = same ? DD_OUTCOME_SAME : DD_OUTCOME_DIFFERENT;
	item->swap = rc == 0 && same && !item->damage &&
		     dd_trash_index_put(&restore->index, &item->place) != NULL;
	return rc;
}

/* A link does not go back without what it names, unless that was gone before it; what lies beside does. */
static int judge_link(struct dd_restore *restore, struct dd_restored *item, struct dd_error *err)
{
	bool nowhere = false;
	int rc = item->dangled || item->place.beside ?
			 0 :
			 dd_restore_is_bare(restore, &item->place, &nowhere, err);

	if (rc == 0 && nowhere)
		item->outcome = DD_OUTCOME_BYTES_GONE;
	return rc;
}

/* Something is there that the run put there: it goes first. */
static bool goes_first(const struct dd_restore *restore, const struct dd_restored *item)
{
	const struct dd_run *run = restore->run;
	const struct dd_put *put =
		item->damage ? dd_trash_index_put(&restore->index, &item->place) : NULL;

	return put && put->replaces && put >= run->puts && put < run->puts + run->put_count;
}

static int compare_digests(const void *left, const void *right)
{
	return dd_digest_compare(left, right);
}

/* No link goes back without its blob: where that is barred, it stays as well. */
static int settle_links(struct dd_restore *restore, struct dd_error *err)
{
	DD_LIST(struct dd_digest) barred = { 0 };
	struct dd_restored *items = restore->items.items;
	struct dd_digest target, *slot;
	int rc = 0;

	for (size_t i = 0; i < restore->items.count && rc == 0; i++) {
		if (items[i].outcome != DD_OUTCOME_BARRED || items[i].place.kind != DD_AT_BLOB ||
		    items[i].place.beside)
			continue;
		slot = dd_list_add(&barred);
		if (slot)
			*slot = items[i].place.digest;
		else
			rc = dd_fail(err, DD_ENOMEM, 0, "plan what comes back");
	}
	if (barred.count)
		qsort(barred.items, barred.count, sizeof(*barred.items), compare_digests);
	for (size_t i = 0; i < restore->items.count && rc == 0 && barred.count; i++)
		if (items[i].outcome == DD_OUTCOME_BACK &&
		    dd_restore_target(restore, &items[i].place, &target) &&
		    bsearch(&target, barred.items, barred.count, sizeof(target), compare_digests))
			items[i].outcome = DD_OUTCOME_BARRED;
	dd_list_release(&barred);
	return rc;
}

/* Where nothing may be looked at, or has gone since. */
static int bar(struct dd_restored *item, int rc, struct dd_error *err)
{
	if (!dd_restore_bars(rc) && rc != DD_ENOENT)
		return rc;
	dd_error_clear(err);
	item->outcome = DD_OUTCOME_BARRED;
	return 0;
}

int dd_restore_settle(struct dd_restore *restore, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < restore->items.count && rc == 0; i++) {
		struct dd_restored *item = &restore->items.items[i];
		bool here;
		if (item->outcome != DD_OUTCOME_BACK || item->reason == DD_REASON_EMPTY ||
		    goes_first(restore, item))
			continue;
		rc = dd_context_check(restore->ctx, err);
		if (rc == 0)
			rc = dd_restore_is_here(restore, &item->place, &here, err);
		if (rc == 0 && here)
			rc = dd_restore_judge(restore, item, err);
		else if (rc == 0)
			rc = judge_link(restore, item, err);
		rc = bar(item, rc, err);
	}
	return rc < 0 ? rc : settle_links(restore, err);
}
