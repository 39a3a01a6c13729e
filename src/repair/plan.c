/*
 * The plan: a look at each finding, the worst first, by the table of who mends what.
 */
#include <stdlib.h>

#include "repair/repair.h"

#define BLOCK ((size_t)256 << 10)

typedef int mend_fn(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err);

/* What is not named here is left: damage with a word, all else in silence. */
static mend_fn *const menders[DD_FINDING_COUNT] = {
	[DD_FOUND_BLOB_CORRUPT] = dd_repair_blob,
	[DD_FOUND_BLOB_EMPTY] = dd_repair_blob,
	[DD_FOUND_BLOB_UNREADABLE] = dd_repair_blob,
	[DD_FOUND_MANIFEST_MISSING] = dd_repair_blob,
	[DD_FOUND_CONFIG_MISSING] = dd_repair_blob,
	[DD_FOUND_LAYER_MISSING] = dd_repair_blob,
	[DD_FOUND_CHILD_MISSING] = dd_repair_blob,
	[DD_FOUND_LAYER_UNLINKED] = dd_repair_missing_link,
	[DD_FOUND_REVISION_UNLINKED] = dd_repair_missing_link,
	[DD_FOUND_HISTORY_UNLINKED] = dd_repair_missing_link,
	[DD_FOUND_TAG_DANGLING] = dd_repair_dangling_tag,
	[DD_FOUND_TAG_NO_CURRENT] = dd_repair_tag,
	[DD_FOUND_LINK_EMPTY] = dd_repair_bad_link,
	[DD_FOUND_LINK_MALFORMED] = dd_repair_bad_link,
	[DD_FOUND_LINK_OTHER] = dd_repair_bad_link,
	[DD_FOUND_ALIAS_UNRESOLVED] = dd_repair_alias,
	[DD_FOUND_BLOB_MISPLACED] = dd_repair_stray,
	[DD_FOUND_BLOB_NO_DATA] = dd_repair_empty,
	[DD_FOUND_HISTORY_BROKEN] = dd_repair_bad_link,
	[DD_FOUND_LINK_DANGLING] = dd_repair_dangling,
	[DD_FOUND_CHILD_SPARSE] = dd_repair_sparse,
	[DD_FOUND_UPLOAD_STALE] = dd_repair_leftover,
	[DD_FOUND_UPLOAD_NO_START] = dd_repair_leftover,
	[DD_FOUND_TEMP_LEFT] = dd_repair_leftover,
	[DD_FOUND_OWNER_DIFFERS] = dd_repair_owner,
};

/* ---- all of it ---- */

static int prepare(struct dd_repair *repair, struct dd_error *err)
{
	int rc = 0;

	repair->block = malloc(BLOCK);
	if (!repair->block)
		rc = dd_fail(err, DD_ENOMEM, 0, "plan a repair");
	for (size_t alg = 0; alg < DD_ALGORITHM_COUNT && rc == 0; alg++)
		rc = dd_hasher_open(&repair->hashers[alg], (enum dd_algorithm)alg, err);
	return rc;
}

static int judge(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err)
{
	mend_fn *mend = menders[found->finding];

	if (mend)
		return mend(repair, found, err);
	if (dd_finding_severity(found->finding) != DD_SEVERITY_ERROR)
		return 0;
	return dd_repair_leave(repair, found, NULL, err);
}

int dd_repair_make(struct dd_repair *repair, struct dd_error *err)
{
	int rc = dd_repair_look_at_choices(repair, err);
	size_t count;
	int settled;

	if (rc == 0)
		rc = prepare(repair, err);
	if (rc == 0)
		rc = dd_verify(repair->ctx, repair->store, &repair->options.verify, &repair->verify,
			       err);
	if (rc == 0)
		rc = dd_repair_open_copies(repair, err);
	if (rc < 0)
		return rc;
	count = dd_verify_get_count(repair->verify);
	dd_progress_begin(repair->ctx, "looking for what mends it", count);
	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = judge(repair, dd_verify_get_found(repair->verify, i), err);
		if (rc == 0)
			rc = dd_repair_follow(repair, err);
		dd_progress_add(repair->ctx, 1);
		if (rc == 0)
			rc = dd_context_check(repair->ctx, err);
	}
	dd_progress_end(repair->ctx);
	if (rc == 0)
		rc = dd_repair_follow_losses(repair, err);
	if (rc == 0)
		rc = dd_repair_owners(repair, err);
	if (rc == 0)
		rc = dd_repair_check_choices(repair, err);
	dd_repair_take_along(repair);
	settled = dd_repair_put_in_order(repair, rc < 0 ? NULL : err);
	dd_repair_count(repair);
	return rc < 0 ? rc : settled;
}
