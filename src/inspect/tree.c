/*
 * The tree: which repositories, tags and manifests stand at its top.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/problem.h"
#include "inspect/referrer_tag.h"
#include "inspect/tree.h"
#include "store/resolve.h"

/* ---- who is about whom ---- */

static int add_about(struct dd_growing *growing, uint32_t subject, uint32_t id, const char *tag,
		     struct dd_error *err)
{
	const struct dd_revision *revision = dd_repository_revision(growing->repo, subject);
	struct dd_about *about;

	if (!revision || revision->state == DD_LINK_ABSENT || subject == id)
		return 0;
	about = dd_list_add(&growing->about);
	if (!about)
		return dd_fail(err, DD_ENOMEM, 0, "grow the tree");
	*about = (struct dd_about){ subject, id, tag };
	return 0;
}

/* Ids are given in the order in which things are found, which is another one each time. */
static int compare_ids(const void *left, const void *right, void *ids)
{
	const uint32_t *a = left, *b = right;
	struct dd_digest one, two;

	dd_ids_get(ids, *a, &one);
	dd_ids_get(ids, *b, &two);
	return dd_digest_compare(&one, &two);
}

static int compare_about(const void *left, const void *right, void *ids)
{
	const struct dd_about *a = left, *b = right;
	int result;

	if (a->subject != b->subject)
		return a->subject < b->subject ? -1 : 1;
	result = compare_ids(&a->id, &b->id, ids);
	/* By its subject field and by a tag; by several tags. */
	if (!result && a->tag && b->tag)
		return strcmp(a->tag, b->tag);
	return result ? result : (a->tag != NULL) - (b->tag != NULL);
}

int dd_grow_begin(struct dd_growing *growing, const struct dd_repository *repo,
		  struct dd_error *err)
{
	const struct dd_graph *graph = growing->graph;
	int rc = 0;

	growing->repo = repo;
	growing->about.count = 0;
	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++) {
		const struct dd_revision *revision = &repo->revisions.items[i];
		uint32_t manifest = graph->nodes.items[revision->id].manifest;

		if (revision->state != DD_LINK_ABSENT && manifest != DD_NO_ID &&
		    graph->manifests.items[manifest].subject != DD_NO_ID)
			rc = add_about(growing, graph->manifests.items[manifest].subject,
				       revision->id, NULL, err);
	}
	for (size_t i = 0; i < repo->tags.count && rc == 0; i++) {
		const struct dd_tag *tag = &repo->tags.items[i];
		uint32_t subject = dd_referrer_tag_subject(graph, repo, tag);

		if (subject != DD_NO_ID)
			rc = add_about(growing, subject, tag->current, tag->name, err);
	}
	if (growing->about.count)
		qsort_r(growing->about.items, growing->about.count, sizeof(*growing->about.items),
			compare_about, (void *)&graph->ids);
	return rc;
}

/* ---- repositories ---- */

int dd_grow_tag(struct dd_growing *growing, const struct dd_tag *tag, size_t parent,
		struct dd_error *err)
{
	size_t made = growing->nodes.count;
	struct dd_tree_node *node;
	int rc = 0;

	growing->root++;
	if (tag->current == DD_NO_ID)
		rc = dd_grow_add(growing, DD_TREE_TAG, parent, err) ? 0 : DD_ENOMEM;
	else
		rc = dd_grow_manifest(growing, DD_TREE_TAG, tag->current, NULL, parent, &made, err);
	if (rc < 0)
		return rc;
	node = &growing->nodes.items[made];
	node->pushed_ns = tag->moved_ns;
	if (tag->state != DD_LINK_GOOD)
		node->problem = tag->state == DD_LINK_ABSENT ? "its current link is not there" :
							       "its current link holds no digest";
	node->repository = dd_grow_copy(growing, growing->repo->name, err);
	node->tag = dd_grow_copy(growing, tag->name, err);
	return node->repository && node->tag ? 0 : DD_ENOMEM;
}

static int pass(void *arg, uint32_t id)
{
	(void)arg;
	(void)id;
	return 1;
}

/* Revisions that nothing shown so far leads to; not those below or about another one of these. */
static int grow_untagged(struct dd_growing *growing, struct dd_family *family, size_t parent,
			 struct dd_error *err)
{
	const struct dd_repository *repo = growing->repo;
	const struct dd_graph *graph = growing->graph;
	DD_AUTOFREE bool *below = calloc(graph->nodes.count + 1, sizeof(*below));
	DD_AUTOFREE uint32_t *loose = calloc(repo->revisions.count + 1, sizeof(*loose));
	size_t count = 0;
	int rc = 0;

	if (!below || !loose)
		return dd_fail(err, DD_ENOMEM, 0, "grow the tree");
	for (size_t i = 0; i < growing->about.count; i++)
		below[growing->about.items[i].id] = true;
	for (size_t i = 0; i < repo->revisions.count; i++) {
		uint32_t manifest = graph->nodes.items[repo->revisions.items[i].id].manifest;
		const struct dd_manifest_node *node;

		if (manifest == DD_NO_ID ||
		    dd_family_visited(family, repo->revisions.items[i].id) ||
		    repo->revisions.items[i].state == DD_LINK_ABSENT)
			continue;
		node = &graph->manifests.items[manifest];
		for (uint32_t k = 0; k < node->count; k++)
			below[DD_EDGE_ID(graph->edges.items[node->first + k])] = true;
	}
	for (size_t i = 0; i < repo->revisions.count; i++) {
		const struct dd_revision *revision = &repo->revisions.items[i];

		if (revision->state != DD_LINK_ABSENT && !below[revision->id] &&
		    !dd_family_visited(family, revision->id))
			loose[count++] = revision->id;
	}
	qsort_r(loose, count, sizeof(*loose), compare_ids, (void *)&graph->ids);
	for (size_t i = 0; i < count && rc == 0; i++) {
		size_t made;

		growing->root++;
		rc = dd_grow_manifest(growing, DD_TREE_UNTAGGED, loose[i], NULL, parent, &made,
				      err);
	}
	return rc;
}

static int grow_tags(struct dd_growing *growing, size_t parent, struct dd_error *err)
{
	const struct dd_repository *repo = growing->repo;
	DD_CLEANUP(dd_family_release) struct dd_family family = { 0 };
	int rc = dd_family_init(&family, growing->graph, err);

	if (rc == 0)
		rc = dd_family_begin(&family, repo, err);
	for (size_t i = 0; i < repo->tags.count && rc == 0; i++) {
		const struct dd_tag *tag = &repo->tags.items[i];

		if (dd_tag_is_empty(tag))
			continue;
		if (tag->current != DD_NO_ID &&
		    dd_family_walk(&family, tag->current, false, pass, NULL) < 0)
			return dd_fail(err, DD_ENOMEM, 0, "grow the tree");
		if (dd_referrer_tag_subject(growing->graph, repo, tag) == DD_NO_ID)
			rc = dd_grow_tag(growing, tag, parent, err);
	}
	return rc < 0 ? rc : grow_untagged(growing, &family, parent, err);
}

/* What `ls` says of it. */
static int fill_repository(struct dd_growing *growing, size_t index, struct dd_error *err)
{
	const struct dd_repository *repo = growing->repo;
	struct dd_tree_node *node = &growing->nodes.items[index];
	int rc = 0;

	node->repository = dd_grow_copy(growing, repo->name, err);
	dd_sizer_begin(&growing->sizer);
	for (size_t i = 0; i < repo->tags.count && rc == 0; i++) {
		node->tags += !dd_tag_is_empty(&repo->tags.items[i]);
		if (repo->tags.items[i].current != DD_NO_ID)
			rc = dd_sizer_add(&growing->sizer, repo->tags.items[i].current);
	}
	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++) {
		if (repo->revisions.items[i].state == DD_LINK_ABSENT)
			continue;
		node->manifests++;
		rc = dd_sizer_add(&growing->sizer, repo->revisions.items[i].id);
	}
	node->present = true;
	node->total = growing->sizer.bytes;
	if (repo->doubts.count)
		node->problem = dd_doubt_text(repo->doubts.items[0].doubt);
	return node->repository && rc == 0 ? 0 : dd_fail(err, DD_ENOMEM, 0, "grow the tree");
}

int dd_grow_repository(struct dd_growing *growing, const struct dd_repository *repo,
		       struct dd_error *err)
{
	size_t index = growing->nodes.count;
	int rc = dd_grow_begin(growing, repo, err);

	if (rc == 0 && !dd_grow_add(growing, DD_TREE_REPOSITORY, DD_TREE_NONE, err))
		rc = DD_ENOMEM;
	if (rc == 0)
		rc = fill_repository(growing, index, err);
	if (rc < 0)
		return rc;
	if (growing->depth != 1)
		return grow_tags(growing, index, err);
	growing->nodes.items[index].cut = repo->tags.count || repo->revisions.count;
	return 0;
}

/* ---- what is asked for ---- */

/* How many manifests name each digest; each counts once. */
static int count_uses(struct dd_growing *growing, struct dd_error *err)
{
	const struct dd_graph *graph = growing->graph;
	DD_AUTOFREE uint32_t *last = calloc(graph->nodes.count + 1, sizeof(*last));

	if (!last)
		return dd_fail(err, DD_ENOMEM, 0, "grow the tree");
	for (size_t m = 0; m < graph->manifests.count; m++) {
		const struct dd_manifest_node *node = &graph->manifests.items[m];

		for (uint32_t i = 0; i < node->count; i++) {
			uint32_t id = DD_EDGE_ID(graph->edges.items[node->first + i]);

			growing->uses[id] += last[id] != m + 1;
			last[id] = (uint32_t)m + 1;
		}
	}
	return 0;
}

static int prepare(struct dd_growing *growing, struct dd_error *err)
{
	size_t count = growing->graph->nodes.count + 1;
	int rc = dd_sizer_init(&growing->sizer, growing->graph, err);

	growing->seen = calloc(count, sizeof(*growing->seen));
	growing->uses = calloc(count, sizeof(*growing->uses));
	growing->shown = calloc(count, sizeof(*growing->shown));
	growing->sibling = calloc(count, sizeof(*growing->sibling));
	if (!growing->seen || !growing->uses || !growing->shown || !growing->sibling)
		return dd_fail(err, DD_ENOMEM, 0, "grow the tree");
	return rc < 0 ? rc : count_uses(growing, err);
}

static int look(struct dd_growing *growing, const struct dd_reference *reference,
		const struct dd_digest *digest, struct dd_error *err)
{
	const struct dd_onlooker onlooker = { .arg = &growing->parts, .manifest = dd_parts_add };
	const struct dd_survey_options options = {
		.only = reference && reference->repository[0] ? reference->repository : NULL,
		.no_blobs = true,
		.index = reference ? NULL : growing->index,
		.onlooker = &onlooker,
		.start = digest,
		.alone = digest && !reference->repository[0],
	};
	int rc = dd_graph_open(&growing->graph, err);

	if (rc < 0)
		return rc;
	dd_parts_init(&growing->parts, growing->graph);
	rc = dd_survey_open(growing->ctx, growing->store, growing->graph, &options,
			    &growing->survey, err);
	if (rc == DD_ENOENT && options.only) {
		dd_fail(err, rc, 0, "there is no repository %s", options.only);
		dd_hint(err, "'drydock ls' lists the repositories");
	}
	return rc < 0 ? rc : prepare(growing, err);
}

/* Of bytes that were read whole, and that no link says to be a manifest. */
static bool is_other_blob(const struct dd_growing *growing, const struct dd_repository *repo,
			  uint32_t id)
{
	const struct dd_node_doubt *doubt = dd_graph_doubt(growing->graph, id);

	return doubt && !(repo && dd_repository_revision(repo, id)) &&
	       (doubt->doubt == DD_DOUBT_INVALID || doubt->doubt == DD_DOUBT_UNKNOWN ||
		doubt->doubt == DD_DOUBT_TOO_BIG);
}

static int grow_digest(struct dd_growing *growing, const struct dd_repository *repo,
		       const struct dd_digest *digest, struct dd_error *err)
{
	uint32_t id = dd_ids_find(&growing->graph->ids, digest);
	size_t made;
	int rc;

	if (!is_other_blob(growing, repo, id))
		return dd_grow_manifest(growing, DD_TREE_MANIFEST, id, NULL, DD_TREE_NONE, &made,
					err);
	rc = dd_fail(err, DD_EUSAGE, 0, "%s is no manifest", dd_digest_text(digest));
	dd_hint(err, "'drydock show' says what it is");
	return rc;
}

static int grow_one(struct dd_growing *growing, const struct dd_reference *reference,
		    const struct dd_digest *digest, struct dd_error *err)
{
	const struct dd_survey *survey = growing->survey;
	const struct dd_repository *repo =
		survey->repositories.count ? survey->repositories.items[0] : NULL;
	const struct dd_tag *tag;
	int rc = repo ? dd_grow_begin(growing, repo, err) : 0;

	if (rc < 0)
		return rc;
	growing->root++;
	if (!reference->tag[0])
		return grow_digest(growing, repo, digest, err);
	tag = dd_repository_tag(repo, reference->tag);
	if (tag && !dd_tag_is_empty(tag))
		return dd_grow_tag(growing, tag, DD_TREE_NONE, err);
	rc = dd_fail(err, DD_ENOENT, 0, "%s has no tag %s", repo->name, reference->tag);
	dd_hint(err, "'drydock ls %s' lists its tags", repo->name);
	return rc;
}

static int grow(struct dd_growing *growing, const struct dd_reference *reference,
		struct dd_error *err)
{
	struct dd_digest digest;
	bool by_digest = reference && reference->digest[0];
	int rc = by_digest ? dd_resolve(growing->store, reference, &digest, err) : 0;

	if (rc == 0)
		rc = look(growing, reference, by_digest ? &digest : NULL, err);
	if (rc < 0)
		return rc;
	if (by_digest || (reference && reference->tag[0]))
		return grow_one(growing, reference, by_digest ? &digest : NULL, err);
	for (size_t i = 0; i < growing->survey->repositories.count && rc == 0; i++)
		rc = dd_grow_repository(growing, growing->survey->repositories.items[i], err);
	return rc;
}

static void finish(struct dd_growing *growing)
{
	struct dd_tree *tree = growing->tree;

	tree->nodes = growing->nodes.items;
	tree->count = growing->nodes.count;
	for (size_t i = 0; i < tree->count; i++)
		tree->problems += tree->nodes[i].problem != NULL;
	if (growing->survey)
		tree->problems += growing->survey->unreadable + growing->survey->doubts.count;
	dd_list_release(&growing->about);
	free(growing->seen);
	free(growing->uses);
	free(growing->shown);
	free(growing->sibling);
	dd_sizer_release(&growing->sizer);
	dd_parts_release(&growing->parts);
	dd_survey_closep(&growing->survey);
	dd_graph_closep(&growing->graph);
}

int dd_tree(struct dd_context *ctx, struct dd_store *store, const struct dd_reference *reference,
	    const struct dd_tree_options *options, struct dd_tree *tree, struct dd_error *err)
{
	struct dd_growing growing = { .ctx = ctx,
				      .store = store,
				      .depth = options->depth,
				      .index = options->index,
				      .tree = tree };
	int rc;

	memset(tree, 0, sizeof(*tree));
	growing.memory = calloc(1, sizeof(*growing.memory));
	tree->memory = growing.memory;
	if (!growing.memory)
		return dd_fail(err, DD_ENOMEM, 0, "grow the tree");
	rc = grow(&growing, reference, err);
	finish(&growing);
	return rc;
}

void dd_tree_release(struct dd_tree *tree)
{
	free(tree->nodes);
	if (tree->memory)
		dd_arena_release(tree->memory);
	free(tree->memory);
	memset(tree, 0, sizeof(*tree));
}
