/*
 * Carrying a plan out: what should come back comes back; links go; a second look; blobs go; a last
 * look. Each step is durable before the next begins, so that no reference outlives what it refers
 * to, whenever the power goes.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gc/bring_back.h"
#include "gc/look_again.h"
#include "gc/plan.h"

struct apply {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_gc *gc;
	struct dd_change *change;
	size_t at;		  /* in gc->order: what goes next */
	uint8_t kind;		  /* of the references that go now */
	bool doubt;		  /* a look found a hold that the plan does not have */
	bool more;		  /* what was written to came back since the latest look */
	bool late;		  /* the time was up before the old trash was empty */
	bool elsewhere;		  /* something could not be renamed into the trash */
	struct dd_trash_view own; /* after the withdrawal: the trash with this run */
	bool own_is_there;	  /* it was opened, during a last look */
	pthread_mutex_t lock;	  /* of both, then */
};

static bool is_reference(const struct dd_candidate *candidate)
{
	return candidate->reason == DD_REASON_HISTORY_DEAD ||
	       candidate->reason == DD_REASON_UNTAGGED || candidate->reason == DD_REASON_REMOVED ||
	       candidate->reason == DD_REASON_POLICY ||
	       candidate->reason == DD_REASON_HISTORY_OLD ||
	       candidate->reason == DD_REASON_LINK_UNUSED ||
	       candidate->reason == DD_REASON_LINK_DANGLING;
}

/* Between two items. What is left is counted once, where it was noticed. */
static bool time_is_up(struct apply *apply)
{
	struct dd_gc_totals *totals = &apply->gc->plan.totals;

	if (!totals->left_items && apply->at < apply->gc->order.count &&
	    dd_context_time_is_up(apply->ctx))
		totals->left_items = apply->gc->order.count - apply->at;
	return totals->left_items;
}

static const struct dd_candidate *candidate_at(const struct apply *apply, size_t at)
{
	return &apply->gc->candidates.list.items[apply->gc->order.items[at]];
}

/* As it goes: of an upload that has no file of its own, its directory. */
static void get_item(const struct apply *apply, size_t at, struct dd_item *item)
{
	const struct dd_candidate *candidate = candidate_at(apply, at);
	const struct dd_repository *repo;
	const struct dd_upload *upload;

	dd_gc_get_item(apply->gc, at, item);
	if (candidate->reason != DD_REASON_UPLOAD_STALE)
		return;
	repo = apply->gc->survey->repositories.items[candidate->repository];
	upload = &repo->uploads.items[candidate->extra];
	if (!upload->has_data && !upload->has_startedat)
		item->reason = DD_REASON_EMPTY;
}

/* A referrer, a tag, or a link that tells what another digest stands for: what it leads to was not known. */
static bool leads_on(const struct dd_place *place)
{
	return place->kind == DD_AT_REVISION || place->kind == DD_AT_TAG ||
	       (place->kind == DD_AT_LAYER && place->digest.alg != DD_SHA256);
}

/* What is back is neither in the trash nor freed. */
static void count_back(void *arg, const struct dd_revival *revival)
{
	struct apply *apply = arg;
	struct dd_gc_totals *totals = &apply->gc->plan.totals;

	totals->revived_items++;
	apply->more |= revival->changed || leads_on(&revival->place);
	if (strcmp(revival->place.run, apply->gc->plan.run))
		return;
	totals->withdrawn_items--;
	totals->withdrawn_bytes -= revival->bytes;
}

static int revive(struct apply *apply, const struct dd_revivals *revivals, struct dd_error *err)
{
	return dd_bring_back(apply->store, apply->change, revivals, count_back, apply, err);
}

static int announce(struct apply *apply, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < apply->gc->order.count && rc == 0; i++) {
		struct dd_item item;

		get_item(apply, i, &item);
		rc = dd_change_announce(apply->change, &item, err);
	}
	return rc < 0 ? rc : dd_change_seal(apply->change, err);
}

/* What became of an item. */
static void count_one(void *arg, const struct dd_item *item, int rc)
{
	struct apply *apply = arg;
	struct dd_gc_totals *totals = &apply->gc->plan.totals;

	if (rc == DD_EAGAIN) {
		totals->leased_items++;
	} else if (rc == DD_EXDEV) {
		totals->elsewhere_items++;
		apply->elsewhere = true;
	} else if (rc < 0) {
		totals->skipped_items++;
	} else {
		totals->withdrawn_items++;
		totals->withdrawn_bytes += item->links > 1 ? 0 : item->bytes;
	}
	dd_progress_add(apply->ctx, 1);
}

/*
 * The next reference of the kind that is under way. What a policy takes it takes whole: to the next run
 * the manifest of a tag that went would only be untagged.
 */
static int next_reference(void *arg, struct dd_item *item, struct dd_error *err)
{
	struct apply *apply = arg;

	(void)err;
	if (apply->at >= apply->gc->order.count || !is_reference(candidate_at(apply, apply->at)) ||
	    candidate_at(apply, apply->at)->kind != apply->kind ||
	    (!apply->gc->options.policy && time_is_up(apply)))
		return 0;
	dd_gc_get_item(apply->gc, apply->at++, item);
	return 1;
}

/* References, each kind durable before the next; stops before the first blob. */
static int withdraw_references(struct apply *apply, struct dd_error *err)
{
	const struct dd_withdrawal withdrawal = { next_reference, count_one, apply, true };
	size_t before;
	int rc;

	do {
		before = apply->at;
		if (apply->at < apply->gc->order.count)
			apply->kind = candidate_at(apply, apply->at)->kind;
		rc = dd_change_withdraw_many(apply->change, &withdrawal, err);
		if (rc == 0)
			rc = dd_change_sync(apply->change, err);
	} while (rc == 0 && apply->at > before);
	return rc;
}

/* Passes over what the second look reached. */
static int next_blob(void *arg, struct dd_item *item, struct dd_error *err)
{
	struct apply *apply = arg;
	const struct dd_node *nodes = apply->gc->graph->nodes.items;

	(void)err;
	while (apply->at < apply->gc->order.count && !time_is_up(apply)) {
		const struct dd_candidate *candidate = candidate_at(apply, apply->at);

		get_item(apply, apply->at++, item);
		if (candidate->id == DD_NO_ID || !(nodes[candidate->id].flags & DD_NODE_REACHED))
			return 1;
		apply->gc->plan.totals.skipped_items++;
	}
	return 0;
}

static int withdraw_blobs(struct apply *apply, const struct dd_look_again *look,
			  struct dd_error *err)
{
	const struct dd_withdrawal withdrawal = { next_blob, count_one, apply, false };
	int rc;

	if (dd_mark_holds_everything(look->mark)) {
		apply->gc->plan.totals.skipped_items += apply->gc->order.count - apply->at;
		apply->at = apply->gc->order.count;
	}
	rc = dd_change_withdraw_many(apply->change, &withdrawal, err);
	return rc < 0 ? rc : dd_change_sync(apply->change, err);
}

/* Whether anything that went, or was to go, is reached after all. */
static bool any_reached(const struct apply *apply, struct dd_look_again *look)
{
	const struct dd_node *nodes = apply->gc->graph->nodes.items;

	if (look->roots.count || dd_mark_holds_everything(look->mark))
		return true;
	for (size_t i = 0; i < apply->gc->order.count; i++) {
		const struct dd_candidate *candidate = candidate_at(apply, i);

		if (candidate->id != DD_NO_ID && candidate->kind != DD_AT_LAYER &&
		    nodes[candidate->id].flags & DD_NODE_REACHED)
			return true;
	}
	return false;
}

/* Links and blobs of this run or of earlier ones that the look says are needed, or that changed. */
static int bring_back(struct apply *apply, struct dd_look_again *look, struct dd_error *err)
{
	struct dd_revivals revivals = { 0 };
	int rc;

	dd_trash_view_release(&apply->own);
	rc = dd_trash_view_open(apply->ctx, apply->store, &apply->own, err);
	if (rc == 0)
		rc = dd_revivals_find(&apply->own, look->survey, look->mark, &revivals, err);
	if (rc == 0)
		rc = revive(apply, &revivals, err);
	dd_list_release(&revivals.list);
	return rc;
}

static void warn(struct apply *apply, const struct dd_look_again *look,
		 const struct dd_marked_hold *hold)
{
	bool in_one = hold->repository != DD_NO_ID, has_digest = hold->id != DD_NO_ID;
	struct dd_digest digest = { 0 };

	if (has_digest)
		dd_ids_get(&apply->gc->graph->ids, hold->id, &digest);
	dd_log(apply->ctx, DD_LOG_WARNING,
	       "look again: %s%s%s is newly in doubt: %s (%s): what it may need stays",
	       in_one ? look->survey->repositories.items[hold->repository]->name : "the volume",
	       has_digest ? "@" : "", has_digest ? dd_digest_text(&digest) : "",
	       dd_doubt_text(hold->doubt), hold->detail);
}

/*
 * What a look could not read may name what goes. Within a repository the hold sees to it that
 * nothing more goes; nothing may go for good either way. Behind what holds everything may be
 * anything: the run ends, and says so.
 */
static int check_look(struct apply *apply, const struct dd_look_again *look, struct dd_error *err)
{
	const struct dd_marked_hold *first, *everything;
	int rc = dd_look_again_doubts(apply->gc, look, &first, &everything, err);

	if (rc < 0)
		return rc;
	/* No hold of the plan's tells why something stayed. */
	if (first && !apply->doubt) {
		warn(apply, look, first);
		apply->gc->plan.totals.unreadable++;
	}
	apply->doubt |= first != NULL;
	return everything ? dd_fail(err, DD_EREFUSED, 0, "look again: %s (%s)",
				    dd_doubt_text(everything->doubt), everything->detail) :
			    0;
}

/*
 * With what this run took: bytes that nothing named went unread, and a registry that had looked at
 * them just before may have written the links since. Looked into when the first is missing.
 */
static bool in_trash_now(void *arg, const struct dd_digest *digest, struct dd_place *place)
{
	struct apply *apply = arg;
	bool there;

	pthread_mutex_lock(&apply->lock);
	/* An error comes again when what is needed is brought back, and is told then. */
	if (!apply->own_is_there) {
		apply->own_is_there =
			dd_trash_view_open(apply->ctx, apply->store, &apply->own, NULL) == 0;
		if (!apply->own_is_there)
			dd_trash_view_release(&apply->own);
	}
	there = apply->own_is_there && dd_trash_view_has(&apply->own, digest, place);
	pthread_mutex_unlock(&apply->lock);
	return there;
}

static int look_a_last_time(struct apply *apply, struct dd_error *err)
{
	DD_CLEANUP(dd_look_again_release) struct dd_look_again last = { 0 };
	int rc;

	dd_trash_view_release(&apply->own);
	apply->own_is_there = false;
	rc = dd_look_again(apply->ctx, apply->store, apply->gc, in_trash_now, apply, &last, err);
	apply->more = false;
	/* What was still open when it went shows in the trash alone. */
	if (rc == 0)
		rc = bring_back(apply, &last, err);
	return rc == 0 ? check_look(apply, &last, err) : rc;
}

/* A link that came back because it was written to needs what it leads to. */
static int look_for_more(struct apply *apply, struct dd_error *err)
{
	int rc = 0;

	while (rc == 0 && apply->more)
		rc = look_a_last_time(apply, err);
	return rc;
}

/* The second look, and what is judged by it. */
static int collect_blobs(struct apply *apply, struct dd_error *err)
{
	DD_CLEANUP(dd_look_again_release) struct dd_look_again second = { 0 };
	int rc = dd_look_again(apply->ctx, apply->store, apply->gc, dd_trash_view_has,
			       &apply->gc->trash, &second, err);

	if (rc == 0 && any_reached(apply, &second))
		rc = bring_back(apply, &second, err);
	if (rc == 0)
		rc = check_look(apply, &second, err);
	dd_progress_begin(apply->ctx, "withdrawing", apply->gc->order.count);
	if (rc == 0)
		rc = withdraw_blobs(apply, &second, err);
	dd_progress_end(apply->ctx);
	return rc;
}

static int collect(struct apply *apply, struct dd_error *err)
{
	int rc = announce(apply, err);

	dd_progress_begin(apply->ctx, "withdrawing", apply->gc->order.count);
	if (rc == 0)
		rc = withdraw_references(apply, err);
	/* A survey is as large as the volume: one at a time. */
	if (rc == 0 && !time_is_up(apply))
		rc = collect_blobs(apply, err);
	return rc == 0 ? look_a_last_time(apply, err) : rc;
}

/* What was in doubt from the start was spared; what came into doubt since may need what went. */
static bool may_purge(const struct apply *apply)
{
	for (size_t i = 0; i < apply->own.trash.count; i++)
		if (apply->own.trash.runs[i].unseen &&
		    !strcmp(apply->own.trash.runs[i].name, apply->gc->plan.run))
			return false;
	return !apply->doubt;
}

static int remember_acknowledged(struct apply *apply, struct dd_error *err)
{
	const struct dd_gc_options *options = &apply->gc->options;
	int rc = 0;

	for (size_t i = 0; i < options->ack_count && rc == 0; i++)
		rc = dd_records_acknowledge(apply->store, options->ack[i].repository,
					    &options->ack[i].digest, err);
	return rc;
}

/* A volume of which nothing can be renamed into its trash: by quotas of projects, or by an overlay. */
static int check_renames(const struct apply *apply, struct dd_error *err)
{
	if (!apply->elsewhere || apply->gc->plan.totals.withdrawn_items)
		return 0;
	dd_fail(err, DD_EXDEV, 0, "nothing of what was to go can be renamed into the trash");
	dd_hint(err, "what is mounted from elsewhere below the root, lies in a lower layer of an "
		     "overlay, or counts for another project's quota cannot be collected");
	return DD_EXDEV;
}

/* The run is whole; what it had no time for is the next one's. */
static int check_time(const struct apply *apply, struct dd_error *err)
{
	const struct dd_gc_totals *totals = &apply->gc->plan.totals;

	if (totals->left_items)
		return dd_fail(err, DD_ECANCELLED, 0,
			       "the time limit was reached: %llu of %llu objects are left for the "
			       "next run",
			       (unsigned long long)totals->left_items,
			       (unsigned long long)totals->items);
	return !apply->late ? 0 :
			      dd_fail(err, DD_ECANCELLED, 0,
				      "the time limit was reached: old trash is left for the next "
				      "run");
}

static int carry_out(struct apply *apply, struct dd_error *err)
{
	struct dd_gc *gc = apply->gc;
	struct dd_gc_totals *totals = &gc->plan.totals;
	bool purge, may;
	int rc = remember_acknowledged(apply, err), end;

	if (rc == 0)
		rc = revive(apply, &gc->revivals, err);
	if (rc == 0 && gc->order.count && !gc->plan.brake)
		rc = collect(apply, err);
	if (rc == 0)
		rc = look_for_more(apply, err);
	may = rc == 0 && may_purge(apply);
	purge = may && gc->options.purge;
	/* However it ended: what went is in the journal, and the run is closed. */
	end = dd_change_finish(apply->change, purge, rc == 0 ? err : NULL);
	if (end == 0 && purge) {
		gc->plan.purged = true;
		totals->freed_bytes += totals->withdrawn_bytes;
	}
	if (rc == 0)
		rc = end;
	if (rc == 0 && gc->options.purge && !purge && totals->withdrawn_items)
		rc = dd_fail(err, DD_EREFUSED, 0,
			     "run %s is kept in the trash: what is still needed of it cannot be "
			     "told",
			     gc->plan.run);
	if (rc == 0)
		rc = dd_gc_empty_old(apply->ctx, apply->store, gc, apply->change, apply->doubt, may,
				     &apply->late, err);
	if (rc == 0)
		rc = check_renames(apply, err);
	return rc < 0 ? rc : check_time(apply, err);
}

int dd_gc_apply(struct dd_context *ctx, struct dd_store *store, const struct dd_gc_options *options,
		struct dd_gc **out, struct dd_error *err)
{
	const struct dd_change_options change = { .command = options->command,
						  .lock_wait_ns = options->lock_wait_ns };
	struct apply apply = { .ctx = ctx, .store = store, .lock = PTHREAD_MUTEX_INITIALIZER };
	int rc = dd_gc_new(options, &apply.gc, err);

	*out = apply.gc;
	/* Before our state is made: a volume that is refused is left as it is. */
	if (rc == 0)
		rc = dd_gc_refuse(ctx, store, options, err);
	if (rc == 0)
		rc = dd_change_begin(ctx, store, &change, &apply.change, err);
	if (rc == 0)
		rc = dd_change_let_in(apply.change, true, err);
	if (rc == 0)
		rc = dd_gc_heed(apply.gc, dd_change_get_terms(apply.change), err);
	if (rc == 0)
		dd_gc_remember_begin(ctx, store, apply.gc, dd_change_get_run(apply.change));
	if (rc == 0)
		rc = dd_gc_make(ctx, store, apply.gc, err);
	if (rc == 0)
		rc = dd_gc_show(apply.gc, apply.change, err);
	if (rc == 0 && options->estimate && !dd_gc_is_removal(options))
		rc = dd_gc_estimate(ctx, store, apply.gc, err);
	if (rc == 0) {
		dd_context_ignore_time_limit(ctx, true);
		apply.gc->plan.applied = true;
		snprintf(apply.gc->plan.run, sizeof(apply.gc->plan.run), "%s",
			 dd_change_get_run(apply.change));
		rc = carry_out(&apply, err);
	}
	dd_trash_view_release(&apply.own);
	if (apply.change)
		dd_gc_remember_end(ctx, store, apply.gc, dd_change_get_run(apply.change), rc, err);
	dd_change_closep(&apply.change);
	dd_context_ignore_time_limit(ctx, false);
	return rc;
}

int dd_gc_revive(struct dd_context *ctx, struct dd_store *store, struct dd_change *change,
		 const struct dd_gc_options *options, struct dd_gc **out, struct dd_error *err)
{
	struct apply apply = {
		.ctx = ctx, .store = store, .change = change, .lock = PTHREAD_MUTEX_INITIALIZER
	};
	int rc = dd_gc_new(options, &apply.gc, err);

	*out = apply.gc;
	if (rc == 0)
		rc = dd_gc_make(ctx, store, apply.gc, err);
	if (rc == 0)
		rc = revive(&apply, &apply.gc->revivals, err);
	if (rc == 0)
		rc = look_for_more(&apply, err);
	if (rc == 0 && apply.doubt)
		rc = dd_fail(err, DD_EREFUSED, 0, "what came back from the trash is in doubt");
	dd_trash_view_release(&apply.own);
	return rc;
}
