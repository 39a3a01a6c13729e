/*
 * Two volumes, or one at two times: lists in the same order, gone through side by side.
 */
#include <string.h>

#include <drydock/diff.h>

#include "base/cleanup.h"
#include "inspect/snapshot.h"

static const char *const differences[][2] = {
#define X(constant, name, sign) [constant] = { name, sign },
	DD_DIFFERENCES(X)
#undef X
};

static const char *const changed[][2] = {
#define X(constant, name, plural) [constant] = { name, plural },
	DD_CHANGED(X)
#undef X
};

const char *dd_difference_name(enum dd_difference difference)
{
	return differences[difference][0];
}

const char *dd_difference_sign(enum dd_difference difference)
{
	return differences[difference][1];
}

const char *dd_changed_name(enum dd_changed what)
{
	return changed[what][0];
}

const char *dd_changed_plural(enum dd_changed what)
{
	return changed[what][1];
}

struct comparing {
	struct dd_diff_volumes *diff;
	bool everything;
	DD_LIST(struct dd_change) changes;
};

static int add(struct comparing *comparing, const struct dd_change *change, struct dd_error *err)
{
	struct dd_change *slot;

	comparing->diff->counts[change->what][change->difference]++;
	if (!comparing->everything &&
	    (change->what == DD_CHANGED_MANIFEST || change->what == DD_CHANGED_BLOB))
		return 0;
	slot = dd_list_add(&comparing->changes);
	if (!slot)
		return dd_fail(err, DD_ENOMEM, 0, "compare volumes");
	*slot = *change;
	return 0;
}

static void set_digest(const struct dd_snapshot *snapshot, uint32_t blob, bool *has,
		       struct dd_digest *digest)
{
	*has = blob != DD_SNAPSHOT_NONE;
	if (*has)
		*digest = snapshot->blobs[blob].digest;
}

/* ---- tags ---- */

static int add_tag(struct comparing *comparing, const char *repository,
		   const struct dd_snapshot_tag *before, const struct dd_snapshot_tag *after,
		   struct dd_error *err)
{
	struct dd_change change = { .what = DD_CHANGED_TAG,
				    .difference = !after  ? DD_DIFF_WENT :
						  !before ? DD_DIFF_APPEARED :
							    DD_DIFF_MOVED,
				    .repository = repository };

	if (before) {
		change.tag = before->name;
		set_digest(comparing->diff->before, before->blob, &change.has_before,
			   &change.before);
	}
	if (after) {
		change.tag = after->name;
		set_digest(comparing->diff->after, after->blob, &change.has_after, &change.after);
	}
	if (before && after && change.has_before == change.has_after &&
	    (!change.has_before || dd_digest_equal(&change.before, &change.after)))
		return 0;
	return add(comparing, &change, err);
}

/* Less than 0: only before has it, more: only after, 0: both have. */
static int side(bool has_before, bool has_after, int order)
{
	if (has_before && has_after)
		return order;
	return has_before ? -1 : 1;
}

static int compare_tags(struct comparing *comparing, const struct dd_snapshot_repository *before,
			const struct dd_snapshot_repository *after, struct dd_error *err)
{
	const char *name = after ? after->name : before->name;
	size_t b = 0, a = 0, b_count = before ? before->tag_count : 0,
	       a_count = after ? after->tag_count : 0;
	int rc = 0;

	while (rc == 0 && (b < b_count || a < a_count)) {
		const struct dd_snapshot_tag *old = b < b_count ? &before->tags[b] : NULL,
					     *new = a < a_count ? &after->tags[a] : NULL;
		int which = side(old, new, old && new ? strcmp(old->name, new->name) : 0);

		rc = add_tag(comparing, name, which <= 0 ? old : NULL, which >= 0 ? new : NULL,
			     err);
		b += which <= 0;
		a += which >= 0;
	}
	return rc;
}

/* ---- manifests ---- */

static int compare_manifests(struct comparing *comparing,
			     const struct dd_snapshot_repository *before,
			     const struct dd_snapshot_repository *after, struct dd_error *err)
{
	const struct dd_snapshot *from = comparing->diff->before, *to = comparing->diff->after;
	size_t b = 0, a = 0, b_count = before ? before->manifest_count : 0,
	       a_count = after ? after->manifest_count : 0;
	int rc = 0;

	while (rc == 0 && (b < b_count || a < a_count)) {
		const struct dd_digest *old = b < b_count ?
						      &from->blobs[before->manifests[b]].digest :
						      NULL,
				       *new = a < a_count ? &to->blobs[after->manifests[a]].digest :
							    NULL;
		int which = side(old, new, old && new ? dd_digest_compare(old, new) : 0);
		struct dd_change change = { .what = DD_CHANGED_MANIFEST,
					    .repository = after ? after->name : before->name };

		if (which < 0) {
			change.difference = DD_DIFF_WENT;
			change.has_before = true;
			change.before = *old;
		} else if (which > 0) {
			change.difference = DD_DIFF_APPEARED;
			change.has_after = true;
			change.after = *new;
		}
		if (which)
			rc = add(comparing, &change, err);
		b += which <= 0;
		a += which >= 0;
	}
	return rc;
}

/* ---- repositories ---- */

static int compare_repository(struct comparing *comparing,
			      const struct dd_snapshot_repository *before,
			      const struct dd_snapshot_repository *after, struct dd_error *err)
{
	const struct dd_change change = {
		.what = DD_CHANGED_REPOSITORY,
		.difference = !after			   ? DD_DIFF_WENT :
			      !before			   ? DD_DIFF_APPEARED :
			      after->bytes > before->bytes ? DD_DIFF_GREW :
			      after->bytes < before->bytes ? DD_DIFF_SHRANK :
							     DD_DIFF_SAME,
		.repository = after ? after->name : before->name,
		.before_bytes = before ? before->bytes : 0,
		.after_bytes = after ? after->bytes : 0,
	};
	int rc = change.difference == DD_DIFF_SAME ? 0 : add(comparing, &change, err);

	if (rc == 0)
		rc = compare_tags(comparing, before, after, err);
	return rc < 0 ? rc : compare_manifests(comparing, before, after, err);
}

static int compare_repositories(struct comparing *comparing, struct dd_error *err)
{
	const struct dd_snapshot *before = comparing->diff->before, *after = comparing->diff->after;
	size_t b = 0, a = 0;
	int rc = 0;

	while (rc == 0 && (b < before->repository_count || a < after->repository_count)) {
		const struct dd_snapshot_repository *old = b < before->repository_count ?
								   &before->repositories[b] :
								   NULL,
						    *new = a < after->repository_count ?
								   &after->repositories[a] :
								   NULL;
		int which = side(old, new, old && new ? strcmp(old->name, new->name) : 0);

		rc = compare_repository(comparing, which <= 0 ? old : NULL, which >= 0 ? new : NULL,
					err);
		b += which <= 0;
		a += which >= 0;
	}
	return rc;
}

/* ---- blobs ---- */

static size_t next_present(const struct dd_snapshot *snapshot, size_t at)
{
	while (at < snapshot->blob_count && !snapshot->blobs[at].present)
		at++;
	return at;
}

static int add_blob(struct comparing *comparing, const struct dd_snapshot_blob *old,
		    const struct dd_snapshot_blob *new, struct dd_error *err)
{
	struct dd_diff_volumes *diff = comparing->diff;
	struct dd_change change = { .what = DD_CHANGED_BLOB,
				    .difference = !new			? DD_DIFF_WENT :
						  !old			? DD_DIFF_APPEARED :
						  new->size > old->size ? DD_DIFF_GREW :
						  new->size < old->size ? DD_DIFF_SHRANK :
									  DD_DIFF_SAME };

	if (change.difference == DD_DIFF_SAME)
		return 0;
	change.has_before = old;
	change.has_after = new;
	if (old) {
		change.before = old->digest;
		change.before_bytes = old->size;
	}
	if (new) {
		change.after = new->digest;
		change.after_bytes = new->size;
	}
	if (!new)
		diff->went_bytes = dd_snapshot_sum(diff->went_bytes, old->size);
	if (!old)
		diff->appeared_bytes = dd_snapshot_sum(diff->appeared_bytes, new->size);
	return add(comparing, &change, err);
}

static int compare_blobs(struct comparing *comparing, struct dd_error *err)
{
	const struct dd_snapshot *before = comparing->diff->before, *after = comparing->diff->after;
	size_t b = next_present(before, 0), a = next_present(after, 0);
	int rc = 0;

	while (rc == 0 && (b < before->blob_count || a < after->blob_count)) {
		const struct dd_snapshot_blob *old = b < before->blob_count ? &before->blobs[b] :
									      NULL,
					      *new = a < after->blob_count ? &after->blobs[a] :
									     NULL;
		int which = side(old, new,
				 old && new ? dd_digest_compare(&old->digest, &new->digest) : 0);

		rc = add_blob(comparing, which <= 0 ? old : NULL, which >= 0 ? new : NULL, err);
		if (which <= 0)
			b = next_present(before, b + 1);
		if (which >= 0)
			a = next_present(after, a + 1);
	}
	return rc;
}

int dd_diff_volumes(const struct dd_snapshot *before, const struct dd_snapshot *after,
		    bool everything, struct dd_diff_volumes *diff, struct dd_error *err)
{
	struct comparing comparing = { .diff = diff, .everything = everything };
	int rc;

	memset(diff, 0, sizeof(*diff));
	diff->before = before;
	diff->after = after;
	rc = compare_repositories(&comparing, err);
	if (rc == 0)
		rc = compare_blobs(&comparing, err);
	diff->changes = comparing.changes.items;
	diff->count = comparing.changes.count;
	return rc;
}

void dd_diff_volumes_release(struct dd_diff_volumes *diff)
{
	free(diff->changes);
	memset(diff, 0, sizeof(*diff));
}
