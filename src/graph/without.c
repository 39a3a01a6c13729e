/*
 * What would go: two marks, compared.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/without.h"

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "add up what would go");
}

int dd_without_init(struct dd_context *ctx, struct dd_survey *survey, const struct dd_mark *before,
		    const struct dd_mark_options *options, struct dd_without *without,
		    struct dd_error *err)
{
	DD_CLEANUP(dd_mark_closep) struct dd_mark *mark = NULL;
	const struct dd_graph *graph = survey->graph;

	without->graph = graph;
	without->before = calloc(graph->nodes.count + 1, sizeof(*without->before));
	if (!without->before)
		return no_memory(err);
	for (size_t i = 0; i < graph->nodes.count; i++)
		without->before[i] = graph->nodes.items[i].flags & DD_NODE_REACHED;
	if (dd_mark_holds_everything(before))
		return 0;
	return dd_mark_open(ctx, survey, options, &mark, err);
}

void dd_without_release(struct dd_without *without)
{
	free(without->before);
	without->before = NULL;
}

bool dd_node_is_present(const struct dd_node *node)
{
	return (node->flags & (DD_NODE_PRESENT | DD_NODE_MISSING)) == DD_NODE_PRESENT;
}

bool dd_without_goes(const struct dd_without *without, uint32_t id)
{
	const struct dd_node *node = &without->graph->nodes.items[id];

	return dd_node_is_present(node) && without->before[id] && !(node->flags & DD_NODE_REACHED);
}

/* ---- weighing ---- */

struct going {
	uint64_t start;
	uint32_t id;
};

static int compare_going(const void *left, const void *right)
{
	const struct going *a = left, *b = right;

	return a->start != b->start ? (a->start < b->start ? -1 : 1) : 0;
}

/* In the order in which they lie. */
static int list_going(const struct dd_without *without, uint32_t **ids, size_t *count,
		      struct dd_error *err)
{
	const struct dd_graph *graph = without->graph;
	DD_AUTOFREE struct going *list = NULL;

	*count = 0;
	for (uint32_t id = 0; id < graph->nodes.count; id++)
		*count += dd_without_goes(without, id);
	list = calloc(*count + 1, sizeof(*list));
	*ids = calloc(*count + 1, sizeof(**ids));
	if (!list || !*ids)
		return no_memory(err);
	*count = 0;
	for (uint32_t id = 0; id < graph->nodes.count; id++) {
		struct dd_digest digest;

		if (!dd_without_goes(without, id))
			continue;
		dd_ids_get(&graph->ids, id, &digest);
		list[(*count)++] = (struct going){ dd_digest_start(&digest), id };
	}
	qsort(list, *count, sizeof(*list), compare_going);
	for (size_t i = 0; i < *count; i++)
		(*ids)[i] = list[i].id;
	return 0;
}

int dd_without_weigh(struct dd_context *ctx, struct dd_store *store,
		     const struct dd_without *without, struct dd_weight *weight,
		     struct dd_error *err)
{
	DD_CLEANUP(dd_directory_closep) struct dd_directory *held = NULL;
	DD_AUTOFREE uint32_t *ids = NULL;
	size_t count;
	int rc = list_going(without, &ids, &count, err);

	memset(weight, 0, sizeof(*weight));
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct dd_place place = { .kind = DD_AT_BLOB };
		struct dd_info info;

		dd_ids_get(&without->graph->ids, ids[i], &place.digest);
		rc = dd_context_check(ctx, err);
		if (rc == 0)
			rc = dd_store_stat_near(store, &held, &place, &info, err);
		if (rc == DD_ENOENT) {
			dd_error_clear(err);
			rc = 0;
			continue;
		}
		if (rc < 0)
			return dd_wrap(err, rc, "add up what would go");
		weight->blobs++;
		*(info.links > 1 ? &weight->linked_bytes : &weight->bytes) += info.size;
	}
	return rc;
}
