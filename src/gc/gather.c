/*
 * Gathering what the mark did not reach: repository by repository as they are marked, then blobs.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "gc/judge.h"

struct gather {
	struct dd_survey *survey;
	const struct dd_judge_options *options;
	struct dd_candidates *candidates;
	const struct dd_mark *mark;
	const struct dd_repository *repo;
	uint32_t index;
	uint64_t link_sizes[DD_ALGORITHM_COUNT];
	struct dd_gathered *count; /* not NULL: count what would be gathered, and keep nothing */
	bool failed;
};

/* By what manifests say of a blob; a link holds the text of its digest. */
static uint64_t size_of(const struct gather *gather, enum dd_place_kind kind, uint32_t id)
{
	const struct dd_graph *graph = gather->survey->graph;

	return kind == DD_AT_BLOB ? graph->nodes.items[id].size :
				    gather->link_sizes[graph->nodes.items[id].algorithm];
}

static struct dd_candidate *add(struct gather *gather, enum dd_place_kind kind,
				enum dd_reason reason, uint32_t id)
{
	struct dd_candidate *candidate;

	if (gather->count) {
		gather->count->items++;
		gather->count->bytes += size_of(gather, kind, id);
		return NULL;
	}
	candidate = dd_list_add(&gather->candidates->list);
	if (!candidate) {
		gather->failed = true;
		return NULL;
	}
	candidate->kind = (uint8_t)kind;
	candidate->reason = (uint8_t)reason;
	candidate->repository = gather->index;
	candidate->id = id;
	return candidate;
}

static bool dead(const struct gather *gather, uint32_t id)
{
	return !dd_mark_reached(gather->mark, id);
}

static bool removed(const struct gather *gather, uint32_t tag, uint32_t id)
{
	return dd_removed_has(gather->options->removed, gather->options->removed_count,
			      gather->index, tag, id);
}

static void add_named(struct gather *gather, enum dd_place_kind kind, enum dd_reason reason,
		      uint32_t tag, uint32_t id)
{
	struct dd_candidate *candidate = add(gather, kind, reason, id);

	if (!candidate)
		return;
	candidate->named = true;
	candidate->tag = tag;
}

/* All that it ever pointed to, too: without its current link that would be what it means. */
static void gather_tag(struct gather *gather, uint32_t index)
{
	enum dd_reason reason = gather->options->by_policy ? DD_REASON_POLICY : DD_REASON_REMOVED;
	const struct dd_tag *tag = &gather->repo->tags.items[index];

	for (uint32_t k = 0; k < tag->history_count; k++)
		add_named(gather, DD_AT_HISTORY, reason, index,
			  gather->repo->histories.items[tag->history + k]);
	if (tag->current != DD_NO_ID)
		add_named(gather, DD_AT_TAG, reason, index, tag->current);
}

static void gather_history(struct gather *gather)
{
	const struct dd_repository *repo = gather->repo;

	for (size_t t = 0; t < repo->tags.count; t++) {
		const struct dd_tag *tag = &repo->tags.items[t];

		if (removed(gather, (uint32_t)t, DD_NO_ID)) {
			gather_tag(gather, (uint32_t)t);
			continue;
		}
		for (uint32_t k = 0; k < tag->history_count; k++) {
			uint32_t id = repo->histories.items[tag->history + k];
			struct dd_candidate *candidate;

			if (removed(gather, (uint32_t)t, id)) {
				add_named(gather, DD_AT_HISTORY, DD_REASON_HISTORY_OLD, (uint32_t)t,
					  id);
				continue;
			}
			if (!dead(gather, id))
				continue;
			candidate = add(gather, DD_AT_HISTORY, DD_REASON_HISTORY_DEAD, id);
			if (candidate) {
				candidate->tag = (uint32_t)t;
				candidate->latest_ns = tag->moved_ns;
			}
		}
	}
}

/* One that dangles is told apart: it may be put back as it was, where no other may dangle. */
static void add_link(struct gather *gather, enum dd_place_kind kind, enum dd_reason reason,
		     uint32_t id)
{
	add(gather, kind,
	    dd_link_dangles(gather->survey->graph, id, NULL) ? DD_REASON_LINK_DANGLING : reason,
	    id);
}

/* Whether what no tag leads to goes: by the options all of it, or what somebody has named. */
static bool untagged_goes(const struct gather *gather, uint32_t id)
{
	return gather->options->delete_untagged || removed(gather, DD_NO_ID, id);
}

/*
 * A layer link that nothing needs where it is. One that names a manifest is a revision to registry 2.1,
 * which linked them so, and goes when that goes: left behind it would look as if it had been pushed
 * anew. One that tells what a digest stands for that is needed elsewhere stays: it may be the only one
 * that does.
 */
static bool layer_goes(const struct gather *gather, uint32_t id)
{
	const unsigned flags = gather->survey->graph->nodes.items[id].flags;

	return dead(gather, id) &&
	       (!(flags & (DD_NODE_WANTED | DD_NODE_READ)) || untagged_goes(gather, id)) &&
	       (flags & (DD_NODE_ALIAS | DD_NODE_REACHED)) != (DD_NODE_ALIAS | DD_NODE_REACHED);
}

static void gather_links(struct gather *gather)
{
	const struct dd_repository *repo = gather->repo;

	for (size_t i = 0; i < repo->revisions.count; i++) {
		const struct dd_revision *revision = &repo->revisions.items[i];

		if (revision->state != DD_LINK_GOOD || !dead(gather, revision->id))
			continue;
		if (gather->options->delete_untagged ||
		    (gather->options->by_policy && removed(gather, DD_NO_ID, revision->id)))
			add_link(gather, DD_AT_REVISION, DD_REASON_UNTAGGED, revision->id);
		else if (removed(gather, DD_NO_ID, revision->id))
			add_named(gather, DD_AT_REVISION, DD_REASON_REMOVED, 0, revision->id);
	}
	for (size_t i = 0; i < repo->layers.count; i++)
		if (layer_goes(gather, repo->layers.items[i]))
			add_link(gather, DD_AT_LAYER, DD_REASON_LINK_UNUSED, repo->layers.items[i]);
}

static void gather_uploads(struct gather *gather)
{
	const struct dd_judge_options *options = gather->options;

	for (size_t i = 0; i < gather->repo->uploads.count; i++) {
		const struct dd_upload *upload = &gather->repo->uploads.items[i];
		int64_t quiet = options->grace_ns < options->uploads_older_ns ?
					options->grace_ns :
					options->uploads_older_ns;
		int64_t began = upload->began_ns ? upload->began_ns : upload->newest_ns;
		enum dd_place_kind kind =
			upload->has_data || !upload->has_startedat ? DD_AT_UPLOAD : DD_AT_STARTEDAT;
		struct dd_candidate *candidate;

		/* One that began long ago and still receives bytes is young. */
		if (began > options->now_ns - options->uploads_older_ns ||
		    upload->newest_ns > options->now_ns - quiet ||
		    upload->device != gather->survey->device)
			continue;
		candidate = add(gather, kind, DD_REASON_UPLOAD_STALE, DD_NO_ID);
		if (!candidate)
			continue;
		candidate->extra = (uint32_t)i;
		candidate->bytes = upload->bytes;
		candidate->links = upload->links;
		candidate->latest_ns = upload->newest_ns;
		candidate->stamp = upload->stamp;
	}
}

/* It has just been marked. */
static void gather_repository(void *arg, struct dd_mark *mark, uint32_t index)
{
	struct gather *gather = arg;

	if (index == DD_NO_ID) {
		gather->candidates->list.count = 0;
		if (gather->count)
			*gather->count = (struct dd_gathered){ 0 };
		return;
	}
	gather->mark = mark;
	gather->index = index;
	gather->repo = gather->survey->repositories.items[index];
	/* What lies under a name that is none is kept, and keeps; it is not ours to tidy. */
	if (!gather->repo->valid)
		return;
	gather_history(gather);
	gather_links(gather);
	if (!gather->count)
		gather_uploads(gather);
}

static bool is_dead(const struct dd_graph *graph, uint32_t id)
{
	return (graph->nodes.items[id].flags & (DD_NODE_PRESENT | DD_NODE_REACHED)) ==
	       DD_NODE_PRESENT;
}

/* A blob that nothing reaches, by where it lies. */
struct dead_blob {
	uint64_t start; /* of the digest */
	uint32_t id;
	uint8_t alg;
};

static int compare_dead(const void *left, const void *right)
{
	const struct dead_blob *a = left, *b = right;

	if (a->alg != b->alg)
		return a->alg < b->alg ? -1 : 1;
	return a->start != b->start ? (a->start < b->start ? -1 : 1) : 0;
}

/* Shard by shard, so that each is looked into once. */
static int gather_blobs(struct gather *gather, struct dd_error *err)
{
	const struct dd_graph *graph = gather->survey->graph;
	DD_AUTOFREE struct dead_blob *dead_blobs = NULL;
	struct dd_digest digest;
	size_t count = 0;

	for (uint32_t id = 0; id < graph->nodes.count; id++) {
		if (!is_dead(graph, id))
			continue;
		count++;
		if (gather->count)
			add(gather, DD_AT_BLOB, DD_REASON_UNREFERENCED, id);
	}
	if (gather->count || !count)
		return 0;
	dead_blobs = calloc(count + 1, sizeof(*dead_blobs));
	if (!dead_blobs)
		return dd_fail(err, DD_ENOMEM, 0, "gather what is not reached");
	count = 0;
	for (uint32_t id = 0; id < graph->nodes.count; id++) {
		if (!is_dead(graph, id))
			continue;
		dd_ids_get(&graph->ids, id, &digest);
		dead_blobs[count++] =
			(struct dead_blob){ dd_digest_start(&digest), id, digest.alg };
	}
	qsort(dead_blobs, count, sizeof(*dead_blobs), compare_dead);
	gather->index = DD_NO_ID;
	for (size_t i = 0; i < count; i++) {
		struct dd_candidate *candidate =
			add(gather, DD_AT_BLOB, DD_REASON_UNREFERENCED, dead_blobs[i].id);

		if (candidate && gather->options->named)
			candidate->named = gather->options->named[dead_blobs[i].id];
	}
	return 0;
}

/* One by one once more: what an alias's link is for depends on all of them. */
static int gather_after(struct gather *gather, struct dd_error *err)
{
	struct dd_mark *mark = gather->candidates->mark;
	int rc = 0;

	for (uint32_t i = 0; i < gather->survey->repositories.count && rc == 0; i++) {
		rc = dd_mark_repository(mark, i, err);
		if (rc == 0)
			gather_repository(gather, mark, i);
	}
	return rc;
}

static int gather_all(struct dd_context *ctx, struct gather *gather, struct dd_error *err)
{
	bool aliases = gather->survey->graph->ties.count;
	int rc = dd_candidates_mark(ctx, gather->survey, gather->options, gather->candidates,
				    aliases ? NULL : gather_repository, gather, err);

	if (rc == 0 && aliases)
		rc = gather_after(gather, err);
	if (rc == 0)
		rc = gather_blobs(gather, err);
	if (rc < 0)
		return rc;
	return gather->failed ? dd_fail(err, DD_ENOMEM, 0, "gather what is not reached") : 0;
}

int dd_gather(struct dd_context *ctx, struct dd_survey *survey,
	      const struct dd_judge_options *options, struct dd_candidates *candidates,
	      struct dd_error *err)
{
	struct gather gather = { .survey = survey, .options = options, .candidates = candidates };

	return gather_all(ctx, &gather, err);
}

int dd_gather_count(struct dd_context *ctx, struct dd_survey *survey,
		    const struct dd_judge_options *options, struct dd_candidates *candidates,
		    struct dd_gathered *count, struct dd_error *err)
{
	struct gather gather = {
		.survey = survey, .options = options, .candidates = candidates, .count = count
	};

	for (uint8_t alg = 0; alg < DD_ALGORITHM_COUNT; alg++)
		gather.link_sizes[alg] = dd_link_size(&(struct dd_digest){ .alg = alg });
	*count = (struct dd_gathered){ 0 };
	return gather_all(ctx, &gather, err);
}

/* What a crash left beside a file of the registry's. */
int dd_gather_temps(struct dd_survey *survey, const struct dd_judge_options *options,
		    struct dd_candidates *candidates, struct dd_error *err)
{
	struct gather gather = {
		.survey = survey, .options = options, .candidates = candidates, .index = DD_NO_ID
	};
	int64_t older_ns = options->grace_ns > options->temps_older_ns ? options->grace_ns :
									 options->temps_older_ns;

	for (size_t i = 0; i < survey->temps.count; i++) {
		const struct dd_temp *temp = &survey->temps.items[i];
		struct dd_candidate *candidate;

		if (temp->info.mtime_ns > options->now_ns - older_ns ||
		    temp->info.device != survey->device ||
		    (temp->place.repository && !dd_repository_valid(temp->place.repository)))
			continue;
		candidate = add(&gather, temp->place.kind, DD_REASON_TEMP_STALE, DD_NO_ID);
		if (!candidate)
			return dd_fail(err, DD_ENOMEM, 0, "gather what is not reached");
		candidate->extra = (uint32_t)i;
		candidate->bytes = temp->info.size;
		candidate->links = temp->info.links;
		candidate->latest_ns = temp->info.mtime_ns;
		candidate->stamp = temp->info.stamp;
	}
	return 0;
}
