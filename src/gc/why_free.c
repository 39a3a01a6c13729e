/*
 * What would go with tags, manifests and repositories: marked with them, and without.
 */
#include <string.h>

#include "base/cleanup.h"
#include "gc/why.h"
#include "gc/why_free.h"

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "add up what would go");
}

static int mark_without(struct dd_context *ctx, struct dd_free *made, struct dd_error *err)
{
	const struct dd_gc *gc = made->gc;
	const struct dd_mark_options options = {
		.young = gc->candidates.young.items,
		.young_count = gc->candidates.young.count,
		.removed = made->removal.list.items,
		.removed_count = made->removal.list.count,
	};

	return dd_without_init(ctx, gc->survey, gc->candidates.mark, &options, &made->without, err);
}

static int add_up(struct dd_context *ctx, struct dd_store *store, struct dd_free *made,
		  struct dd_error *err)
{
	struct dd_weight weight;
	int rc = dd_without_weigh(ctx, store, &made->without, &weight, err);

	made->answer.blobs = weight.blobs;
	made->answer.bytes = weight.bytes;
	made->answer.linked_bytes = weight.linked_bytes;
	return rc;
}

/* ---- what stays of it ---- */

static int note_kept(void *arg, uint32_t id)
{
	struct dd_free *made = arg;
	const struct dd_node *node = &made->gc->graph->nodes.items[id];

	if (!made->rest[id] && dd_node_is_present(node) && node->flags & DD_NODE_REACHED) {
		made->kept[made->kept_count].id = id;
		made->rest[id] = (uint32_t)++made->kept_count;
		made->answer.kept_blobs++;
		made->answer.kept_bytes += node->size;
	}
	return 1;
}

static int find_kept(struct dd_free *made, struct dd_error *err)
{
	const struct dd_survey *survey = made->gc->survey;
	DD_CLEANUP(dd_family_release) struct dd_family family = { 0 };
	size_t nodes = made->gc->graph->nodes.count;
	uint32_t repository = DD_NO_ID;
	int rc = dd_family_init(&family, made->gc->graph, err);

	made->rest = calloc(nodes + 1, sizeof(*made->rest));
	made->kept = calloc(nodes + 1, sizeof(*made->kept));
	if (rc == 0 && (!made->rest || !made->kept))
		rc = no_memory(err);
	for (size_t i = 0; i < made->removal.named.count && rc == 0; i++) {
		const struct dd_removed *named = &made->removal.named.items[i];
		const struct dd_repository *repo = survey->repositories.items[named->repository];
		uint32_t id =
			named->tag == DD_NO_ID ? named->id : repo->tags.items[named->tag].current;

		if (named->repository != repository)
			rc = dd_family_begin(&family, repo, err);
		repository = named->repository;
		if (rc == 0 && id != DD_NO_ID &&
		    dd_family_walk(&family, id, true, note_kept, made) < 0)
			rc = no_memory(err);
	}
	return rc;
}

static void count_named(struct dd_free *made)
{
	for (size_t i = 0; i < made->removal.named.count; i++)
		made->answer.tags += made->removal.named.items[i].tag != DD_NO_ID;
	for (size_t i = 0; i < made->removal.list.count; i++) {
		const struct dd_removed *removed = &made->removal.list.items[i];

		made->answer.manifests +=
			removed->tag == DD_NO_ID && dd_without_goes(&made->without, removed->id);
	}
}

int dd_free(struct dd_context *ctx, struct dd_store *store, const struct dd_reference *references,
	    size_t count, const struct dd_why_options *options, struct dd_free **out,
	    struct dd_error *err)
{
	DD_CLEANUP(dd_free_closep) struct dd_free *made = calloc(1, sizeof(*made));
	int rc;

	*out = NULL;
	if (!made)
		return no_memory(err);
	rc = dd_why_plan(ctx, store, options, &made->gc, err);
	if (rc == 0)
		rc = dd_removal_choose(made->gc->survey, references, count, &made->removal, err);
	if (rc == 0)
		rc = mark_without(ctx, made, err);
	if (rc == 0)
		rc = add_up(ctx, store, made, err);
	if (rc == 0)
		rc = find_kept(made, err);
	if (rc == 0)
		rc = dd_free_find_keepers(made, options->paths_max, err);
	if (rc < 0)
		return rc;
	count_named(made);
	made->answer.unreadable = made->gc->survey->unreadable;
	*out = made;
	made = NULL;
	return 0;
}

const struct dd_free_answer *dd_free_get(const struct dd_free *made)
{
	return &made->answer;
}

void dd_free_close(struct dd_free *made)
{
	if (!made)
		return;
	dd_without_release(&made->without);
	free(made->relevant);
	free(made->rest);
	free(made->kept);
	dd_list_release(&made->groups);
	dd_list_release(&made->keepers);
	dd_list_release(&made->next);
	dd_removal_release(&made->removal);
	dd_gc_close(made->gc);
	free(made);
}

void dd_free_closep(struct dd_free **made)
{
	dd_free_close(*made);
	*made = NULL;
}
