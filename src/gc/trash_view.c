/*
 * The trash as the collector sees it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "gc/candidates.h"
#include "gc/trash_view.h"

/* Bytes of a blob: a file beside them has their place, and is none. */
static bool is_blob(const struct dd_item *item)
{
	return item->place.kind == DD_AT_BLOB && !item->place.beside &&
	       !dd_reason_damage(item->reason);
}

static int note_blob(struct dd_trash_view *view, const struct dd_item *item, struct dd_error *err)
{
	uint32_t id = dd_ids_intern(&view->blobs, &item->place.digest);
	const struct dd_item **slot;

	if (id == DD_NO_ID)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	slot = id < view->by_id.count ? &view->by_id.items[id] : dd_list_add(&view->by_id);
	if (!slot)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	*slot = item; /* runs come oldest first: the newest stays */
	return 0;
}

int dd_trash_view_open(struct dd_context *ctx, struct dd_store *store, struct dd_trash_view *view,
		       struct dd_error *err)
{
	int rc = dd_trash_load(ctx, store, &view->trash, err);

	for (size_t r = 0; r < view->trash.count && rc == 0; r++) {
		const struct dd_run *run = &view->trash.runs[r];

		for (size_t i = 0; i < run->count && rc == 0; i++)
			if (is_blob(&run->items[i]))
				rc = note_blob(view, &run->items[i], err);
	}
	return rc;
}

void dd_trash_view_release(struct dd_trash_view *view)
{
	dd_trash_release(&view->trash);
	dd_ids_release(&view->blobs);
	dd_list_release(&view->by_id);
}

bool dd_trash_view_has(void *arg, const struct dd_digest *digest, struct dd_place *place)
{
	const struct dd_trash_view *view = arg;
	uint32_t id = dd_ids_find(&view->blobs, digest);

	if (id == DD_NO_ID)
		return false;
	*place = view->by_id.items[id]->place;
	return true;
}

uint64_t dd_trash_view_bytes(const struct dd_trash_view *view)
{
	uint64_t bytes = 0;

	for (size_t r = 0; r < view->trash.count; r++)
		bytes += dd_run_bytes(&view->trash.runs[r]);
	return bytes;
}

/* ---- what should come back ---- */

struct finder {
	const struct dd_trash_view *view;
	bool *linked; /* by id of the view: a link to the blob was written to */
	const struct dd_survey *survey;
	struct dd_mark *mark;
	uint32_t marked;       /* the repository that mark answers for */
	struct dd_ids removed; /* tags that somebody wanted gone since, by digests of their names */
	struct dd_revivals *revivals;
};

static bool history_lacks(const struct dd_repository *repo, const struct dd_place *place,
			  uint32_t id)
{
	const struct dd_tag *tag = dd_repository_tag(repo, place->tag);

	/* The tag itself is gone; what is left of one that was removed is its directory. */
	if (!tag || tag->state == DD_LINK_ABSENT)
		return false;
	for (uint32_t k = 0; k < tag->history_count; k++)
		if (repo->histories.items[tag->history + k] == id)
			return false;
	return true;
}

static bool link_lacks(const struct dd_repository *repo, const struct dd_place *place, uint32_t id)
{
	const struct dd_revision *revision;

	switch (place->kind) {
	case DD_AT_LAYER:
		return !dd_repository_has_layer(repo, id);
	case DD_AT_REVISION:
		revision = dd_repository_revision(repo, id);
		return !revision || revision->state == DD_LINK_ABSENT;
	case DD_AT_HISTORY:
		return history_lacks(repo, place, id);
	default:
		return false;
	}
}

/*
 * A referrer that went as its subject did, which stayed after all: while its link is gone no mark
 * leads to it.
 */
static bool follows_subject(const struct finder *finder, const struct dd_item *item, uint32_t id)
{
	const struct dd_graph *graph = finder->survey->graph;
	uint32_t manifest = graph->nodes.items[id].manifest, subject;

	if (item->place.kind != DD_AT_REVISION || item->reason != DD_REASON_UNTAGGED ||
	    manifest == DD_NO_ID)
		return false;
	subject = graph->manifests.items[manifest].subject;
	return subject != DD_NO_ID && dd_mark_reached(finder->mark, subject);
}

static int mark_for(struct finder *finder, uint32_t index, struct dd_error *err)
{
	int rc = finder->marked == index ? 0 : dd_mark_repository(finder->mark, index, err);

	if (rc == 0)
		finder->marked = index;
	return rc;
}

static int name_tag(const struct dd_place *place, struct dd_digest *digest, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };

	if (dd_text_printf(&text, "%s:%s", place->repository, place->tag) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	return dd_digest_of(digest, DD_SHA256, text.bytes, text.len, err);
}

/* For the runs before it: the latest word counts. */
static int note_removed(struct finder *finder, const struct dd_run *run, struct dd_error *err)
{
	struct dd_digest digest;
	int rc = 0;

	for (size_t i = 0; i < run->count && rc == 0; i++) {
		const struct dd_item *item = &run->items[i];

		if (item->place.kind != DD_AT_TAG || item->reason != DD_REASON_REMOVED)
			continue;
		rc = name_tag(&item->place, &digest, err);
		if (rc == 0 && dd_ids_intern(&finder->removed, &digest) == DD_NO_ID)
			rc = dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	}
	return rc;
}

static int was_removed_since(const struct finder *finder, const struct dd_place *place,
			     bool *result, struct dd_error *err)
{
	struct dd_digest digest;
	int rc = name_tag(place, &digest, err);

	*result = rc == 0 && dd_ids_find(&finder->removed, &digest) != DD_NO_ID;
	return rc;
}

/*
 * A tag that is about a manifest, and went with it by a policy, is needed where that is here; unless it
 * was there again, and somebody has removed it.
 */
static int companion_needed(struct finder *finder, const struct dd_item *item, bool *result,
			    struct dd_error *err)
{
	const struct dd_survey *survey = finder->survey;
	uint32_t index = dd_survey_repository_index(survey, item->place.repository), id;
	const struct dd_revision *revision;
	const struct dd_tag *tag;
	struct dd_digest subject;
	bool removed = false;
	int rc;

	if (index == DD_NO_ID || !dd_tag_subject(item->place.tag, &subject))
		return 0;
	id = dd_ids_find(&survey->graph->ids, &subject);
	tag = dd_repository_tag(survey->repositories.items[index], item->place.tag);
	if (id == DD_NO_ID || id >= survey->graph->nodes.count ||
	    (tag && tag->state != DD_LINK_ABSENT))
		return 0;
	revision = dd_repository_revision(survey->repositories.items[index], id);
	rc = mark_for(finder, index, err);
	if (rc == 0)
		rc = was_removed_since(finder, &item->place, &removed, err);
	*result = rc == 0 && !removed && revision && revision->state != DD_LINK_ABSENT &&
		  dd_mark_reached(finder->mark, id);
	return rc;
}

/* A link that went because its bytes were gone helps nobody while they are: back, it would be doubt. */
static bool dangles_still(const struct finder *finder, const struct dd_item *item, uint32_t id)
{
	const struct dd_place *place = &item->place;
	struct dd_place bytes;

	/* One of another length tells what its name stands for. */
	return item->reason == DD_REASON_LINK_DANGLING &&
	       item->bytes == dd_link_size(&place->digest) &&
	       dd_link_dangles(finder->survey->graph, id, NULL) &&
	       !dd_trash_view_has((void *)finder->view, &place->digest, &bytes);
}

/* Reached where it belongs, and not there. */
static int needed(struct finder *finder, const struct dd_item *item, bool *result,
		  struct dd_error *err)
{
	const struct dd_place *place = &item->place;
	uint32_t id = dd_ids_find(&finder->survey->graph->ids, &place->digest), index;
	int rc;

	*result = false;
	if (item->reason == DD_REASON_POLICY && place->kind == DD_AT_TAG && !place->beside)
		return companion_needed(finder, item, result, err);
	if (place->beside || id == DD_NO_ID || id >= finder->survey->graph->nodes.count)
		return 0;
	if (place->kind == DD_AT_BLOB) {
		*result = (finder->survey->graph->nodes.items[id].flags &
			   (DD_NODE_REACHED | DD_NODE_PRESENT)) == DD_NODE_REACHED;
		return 0;
	}
	if ((place->kind != DD_AT_LAYER && place->kind != DD_AT_REVISION &&
	     place->kind != DD_AT_HISTORY) ||
	    dangles_still(finder, item, id))
		return 0;
	index = dd_survey_repository_index(finder->survey, place->repository);
	if (index == DD_NO_ID)
		return 0;
	rc = mark_for(finder, index, err);
	if (rc < 0)
		return rc;
	*result = (dd_mark_reached(finder->mark, id) || follows_subject(finder, item, id)) &&
		  link_lacks(finder->survey->repositories.items[index], place, id);
	return 0;
}

/* A link that was written to brings its blob: somebody was told that it is there. */
static int note_linked(struct finder *finder, struct dd_error *err)
{
	const struct dd_trash *trash = &finder->view->trash;

	finder->linked = calloc(finder->view->blobs.count + 1, sizeof(*finder->linked));
	if (!finder->linked)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	for (size_t r = 0; r < trash->count; r++)
		for (size_t i = 0; i < trash->runs[r].count; i++) {
			const struct dd_place *place = &trash->runs[r].items[i].place;
			uint32_t id;
			if (!trash->runs[r].changed[i] || place->beside ||
			    dd_reason_damage(trash->runs[r].items[i].reason) ||
			    (place->kind != DD_AT_LAYER && place->kind != DD_AT_REVISION))
				continue;
			id = dd_ids_find(&finder->view->blobs, &place->digest);
			if (id != DD_NO_ID)
				finder->linked[id] = true;
		}
	return 0;
}

static bool link_changed(const struct finder *finder, const struct dd_item *item)
{
	const struct dd_graph *graph = finder->survey->graph;
	uint32_t id;

	if (!is_blob(item) ||
	    !finder->linked[dd_ids_find(&finder->view->blobs, &item->place.digest)])
		return false;
	id = dd_ids_find(&graph->ids, &item->place.digest);
	return id == DD_NO_ID || !(graph->nodes.items[id].flags & DD_NODE_PRESENT);
}

/* A blob that was written to brings the links that went with it. */
static bool blob_changed(const bool *blobs, const struct dd_ids *ids, const struct dd_place *place)
{
	uint32_t id = dd_ids_find(ids, &place->digest);

	return id != DD_NO_ID && blobs[id] && place->kind != DD_AT_UPLOAD &&
	       place->kind != DD_AT_STARTEDAT;
}

static int find_in_run(struct finder *finder, const struct dd_run *run, struct dd_error *err)
{
	DD_AUTOFREE bool *blobs = calloc(finder->view->blobs.count + 1, sizeof(*blobs));

	if (!blobs)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	for (size_t i = 0; i < run->count; i++)
		if (run->changed[i] && is_blob(&run->items[i]))
			blobs[dd_ids_find(&finder->view->blobs, &run->items[i].place.digest)] =
				true;
	for (size_t i = 0; i < run->count; i++) {
		const struct dd_item *item = &run->items[i];
		const struct dd_place *place = &item->place;
		struct dd_revival *revival;
		bool changed = run->changed[i] || blob_changed(blobs, &finder->view->blobs, place);
		bool wanted = changed || link_changed(finder, item);
		int rc = 0;

		/* What was damaged comes back by no need, but by who undoes the run. */
		if (dd_reason_damage(item->reason))
			continue;
		/* Nor does what a tag was before, where that is not to be remembered. */
		if (!wanted && item->reason != DD_REASON_HISTORY_OLD)
			rc = needed(finder, item, &wanted, err);
		if (rc < 0)
			return rc;
		if (!wanted)
			continue;
		revival = dd_list_add(&finder->revivals->list);
		if (!revival)
			return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
		*revival =
			(struct dd_revival){ *place, changed, item->links > 1 ? 0 : item->bytes };
	}
	return 0;
}

/* Blobs, then the links that name them, then what only tags remember; of one object the newest. */
static int rank(const struct dd_place *place)
{
	static const enum dd_place_kind order[] = { DD_AT_BLOB, DD_AT_LAYER, DD_AT_REVISION,
						    DD_AT_HISTORY };

	for (size_t i = 0; i < DD_COUNT(order); i++)
		if (place->kind == order[i])
			return (int)i;
	return (int)DD_COUNT(order);
}

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_object(const struct dd_place *a, const struct dd_place *b)
{
	int order = rank(a) - rank(b);

	if (!order)
		order = compare_text(a->repository, b->repository);
	if (!order)
		order = compare_text(a->tag, b->tag);
	if (!order)
		order = compare_text(a->upload, b->upload);
	if (!order)
		order = compare_text(a->beside, b->beside);
	return order ? order : dd_digest_compare(&a->digest, &b->digest);
}

static int compare_revivals(const void *left, const void *right)
{
	const struct dd_revival *a = left, *b = right;
	int order = compare_object(&a->place, &b->place);

	return order ? order : -strcmp(a->place.run, b->place.run);
}

int dd_revivals_find(const struct dd_trash_view *view, const struct dd_survey *survey,
		     struct dd_mark *mark, struct dd_revivals *revivals, struct dd_error *err)
{
	struct finder finder = { .view = view,
				 .survey = survey,
				 .mark = mark,
				 .marked = DD_NO_ID,
				 .revivals = revivals };
	struct dd_revival *list;
	size_t kept = 0;
	int rc = note_linked(&finder, err);

	for (size_t r = view->trash.count; r > 0 && rc == 0; r--) {
		rc = find_in_run(&finder, &view->trash.runs[r - 1], err);
		if (rc == 0)
			rc = note_removed(&finder, &view->trash.runs[r - 1], err);
	}
	free(finder.linked);
	dd_ids_release(&finder.removed);
	list = revivals->list.items;
	if (rc < 0 || !revivals->list.count)
		return rc;
	qsort(list, revivals->list.count, sizeof(*list), compare_revivals);
	for (size_t i = 0; i < revivals->list.count; i++)
		if (i == 0 || compare_object(&list[i].place, &list[kept - 1].place))
			list[kept++] = list[i];
	revivals->list.count = kept;
	return 0;
}
