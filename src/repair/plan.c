/*
 * The plan: a look at each finding, the worst first, by the table of who mends what.
 */
#include <stdlib.h>

#include "repair/repair.h"

#define BLOCK ((size_t)256 << 10)

typedef int mend_fn(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err);

/*
 * Whose turn it is: first all that brings bytes, since they say what is needed; then what images need;
 * where tags point; what else is broken; and last what nothing needs, by all that is known then.
 */
enum turn { TURN_BYTES, TURN_NEEDED, TURN_TAGS, TURN_BROKEN, TURN_LEFT, TURN_COUNT };

/* What is not named here is left: damage with a word, all else in silence. */
static const struct {
	enum turn turn;
	mend_fn *mend;
} menders[DD_FINDING_COUNT] = {
	[DD_FOUND_BLOB_CORRUPT] = { TURN_BYTES, dd_repair_blob },
	[DD_FOUND_BLOB_EMPTY] = { TURN_BYTES, dd_repair_blob },
	[DD_FOUND_BLOB_UNREADABLE] = { TURN_BYTES, dd_repair_blob },
	[DD_FOUND_MANIFEST_MISSING] = { TURN_BYTES, dd_repair_blob },
	[DD_FOUND_CONFIG_MISSING] = { TURN_BYTES, dd_repair_blob },
	[DD_FOUND_LAYER_MISSING] = { TURN_BYTES, dd_repair_blob },
	[DD_FOUND_CHILD_MISSING] = { TURN_BYTES, dd_repair_blob },
	[DD_FOUND_LAYER_UNLINKED] = { TURN_NEEDED, dd_repair_missing_link },
	[DD_FOUND_REVISION_UNLINKED] = { TURN_NEEDED, dd_repair_missing_link },
	[DD_FOUND_HISTORY_UNLINKED] = { TURN_NEEDED, dd_repair_missing_link },
	[DD_FOUND_TAG_DANGLING] = { TURN_BYTES, dd_repair_dangling_tag },
	[DD_FOUND_TAG_NO_CURRENT] = { TURN_TAGS, dd_repair_tag },
	[DD_FOUND_LINK_EMPTY] = { TURN_BROKEN, dd_repair_bad_link },
	[DD_FOUND_LINK_MALFORMED] = { TURN_BROKEN, dd_repair_bad_link },
	[DD_FOUND_LINK_OTHER] = { TURN_BROKEN, dd_repair_bad_link },
	[DD_FOUND_ALIAS_UNRESOLVED] = { TURN_BROKEN, dd_repair_alias },
	[DD_FOUND_BLOB_MISPLACED] = { TURN_BYTES, dd_repair_stray },
	[DD_FOUND_BLOB_NO_DATA] = { TURN_LEFT, dd_repair_empty },
	[DD_FOUND_HISTORY_BROKEN] = { TURN_BROKEN, dd_repair_bad_link },
	[DD_FOUND_LINK_DANGLING] = { TURN_LEFT, dd_repair_dangling },
	[DD_FOUND_UPLOAD_STALE] = { TURN_LEFT, dd_repair_leftover },
	[DD_FOUND_UPLOAD_NO_START] = { TURN_LEFT, dd_repair_leftover },
	[DD_FOUND_TEMP_LEFT] = { TURN_LEFT, dd_repair_leftover },
	[DD_FOUND_OWNER_DIFFERS] = { TURN_LEFT, dd_repair_owner },
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
	mend_fn *mend = menders[found->finding].mend;

	if (mend)
		return mend(repair, found, err);
	if (dd_finding_severity(found->finding) != DD_SEVERITY_ERROR)
		return 0;
	return dd_repair_leave(repair, found, NULL, err);
}

/* ---- turns ---- */

struct turn_queue {
	DD_LIST(const struct dd_found *) waiting; /* those that were found together worst first */
	size_t done;
};

struct turns {
	struct turn_queue queues[TURN_COUNT];
};

static void release(struct turns *turns)
{
	for (size_t i = 0; i < TURN_COUNT; i++)
		dd_list_release(&turns->queues[i].waiting);
}

static int wait_for(struct turns *turns, enum turn turn, const struct dd_found *found,
		    struct dd_error *err)
{
	const struct dd_found **slot = dd_list_add(&turns->queues[turn].waiting);

	if (!slot)
		return dd_fail(err, DD_ENOMEM, 0, "plan a repair");
	*slot = found;
	return 0;
}

static int enter(struct dd_repair *repair, struct turns *turns, const struct dd_found *found,
		 struct dd_error *err)
{
	enum turn turn = menders[found->finding].turn;

	/* A person's word about a tag needs no bytes; of what dangles they may be there to be had. */
	if (found->finding == DD_FOUND_TAG_DANGLING && dd_repair_is_chosen(repair, found))
		turn = TURN_TAGS;
	if (found->finding == DD_FOUND_LINK_DANGLING)
		turn = TURN_BYTES;
	return wait_for(turns, turn, found, err);
}

static int judge_in_turn(struct dd_repair *repair, struct turns *turns, enum turn turn,
			 const struct dd_found *found, struct dd_error *err)
{
	bool handled;
	int rc;

	if (turn != TURN_BYTES || found->finding != DD_FOUND_LINK_DANGLING)
		return judge(repair, found, err);
	rc = dd_repair_dangling_bytes(repair, found, &handled, err);
	return rc < 0 || handled ? rc : wait_for(turns, TURN_LEFT, found, err);
}

static int take_turn(struct dd_repair *repair, struct turns *turns, enum turn turn,
		     struct dd_error *err)
{
	struct turn_queue *queue = &turns->queues[turn];
	int rc = 0;

	dd_progress_begin(repair->ctx, "looking for what mends it",
			  queue->waiting.count - queue->done);
	while (queue->done < queue->waiting.count && rc == 0) {
		rc = judge_in_turn(repair, turns, turn, queue->waiting.items[queue->done++], err);
		dd_progress_add(repair->ctx, 1);
		if (rc == 0)
			rc = dd_context_check(repair->ctx, err);
	}
	dd_progress_end(repair->ctx);
	return rc;
}

/* What comes up by looking ahead has its turn again from the first. */
static int take_turns(struct dd_repair *repair, struct turns *turns, struct dd_error *err)
{
	int rc = 0;

	for (enum turn turn = 0; turn < TURN_COUNT && rc == 0;) {
		const struct dd_reports *ahead = NULL;

		rc = take_turn(repair, turns, turn, err);
		if (rc == 0)
			rc = dd_repair_look_ahead(repair, &ahead, err);
		for (size_t i = 0; ahead && i < ahead->count && rc == 0; i++)
			rc = enter(repair, turns, &ahead->items[i].found, err);
		turn = ahead && ahead->count ? 0 : turn + 1;
	}
	return rc;
}

static int mend_all(struct dd_repair *repair, struct dd_error *err)
{
	DD_CLEANUP(release) struct turns turns = { 0 };
	int rc = 0;

	for (size_t i = 0; i < dd_verify_get_count(repair->verify) && rc == 0; i++)
		rc = enter(repair, &turns, dd_verify_get_found(repair->verify, i), err);
	return rc < 0 ? rc : take_turns(repair, &turns, err);
}

int dd_repair_make(struct dd_repair *repair, struct dd_error *err)
{
	int rc = dd_repair_look_at_choices(repair, err);
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
	rc = mend_all(repair, err);
	if (rc == 0)
		rc = dd_repair_owners(repair, err);
	if (rc == 0)
		rc = dd_repair_check_choices(repair, err);
	dd_repair_take_along(repair);
	settled = dd_repair_put_in_order(repair, rc < 0 ? NULL : err);
	dd_repair_count(repair);
	return rc < 0 ? rc : settled;
}
