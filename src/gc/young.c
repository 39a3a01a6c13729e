/*
 * Telling the young.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gc/judge.h"

struct young {
	struct dd_store *store;
	struct dd_survey *survey;
	const struct dd_judge_options *options;
	struct dd_candidates *candidates;
	int64_t *latest; /* by id */
	struct dd_manifest_parser *parser;
	struct dd_buffer buffer;
};

struct pending {
	DD_LIST(uint32_t) ids;
};

static int add_root(struct young *young, uint32_t repository, uint32_t id, struct dd_error *err)
{
	struct dd_young_root *root = dd_list_add(&young->candidates->young);

	if (!root)
		return dd_fail(err, DD_ENOMEM, 0, "remember what is young");
	*root = (struct dd_young_root){ repository, id };
	return 0;
}

static bool begins_an_object(const struct dd_buffer *buffer)
{
	size_t at = 0;

	while (at < buffer->len && memchr(" \t\r\n", buffer->bytes[at], 4))
		at++;
	return at < buffer->len && buffer->bytes[at] == '{';
}

/* What is none is a layer, or nothing that we know. */
static int read_manifest(struct young *young, uint32_t id, struct dd_error *err)
{
	struct dd_place place = { .kind = DD_AT_BLOB };
	const struct dd_manifest *manifest;
	int rc = 0;

	if (young->survey->graph->nodes.items[id].flags & DD_NODE_READ)
		return 0;
	dd_ids_get(&young->survey->graph->ids, id, &place.digest);
	if (dd_store_read(young->store, &place, DD_MANIFEST_MAX, &young->buffer, NULL, NULL) < 0 ||
	    !begins_an_object(&young->buffer))
		return 0;
	if (!young->parser)
		rc = dd_manifest_parser_open(&young->parser, err);
	if (rc < 0)
		return rc;
	if (dd_manifest_verify_and_parse(young->parser, &place.digest, young->buffer.bytes,
					 young->buffer.len, NULL, &manifest, NULL) < 0)
		return 0;
	return dd_graph_add_manifest(young->survey->graph, id, manifest, NULL, young->buffer.len,
				     false, err);
}

/* The manifests that one names, of which the survey may not know: no link leads to them. */
static int add_children(const struct young *young, uint32_t id, struct pending *pending,
			struct dd_error *err)
{
	const struct dd_graph *graph = young->survey->graph;
	const struct dd_manifest_node *node;

	if (graph->nodes.items[id].manifest == DD_NO_ID)
		return 0;
	node = &graph->manifests.items[graph->nodes.items[id].manifest];
	for (uint32_t i = 0; i < node->count; i++) {
		uint32_t edge = graph->edges.items[node->first + i], *slot;

		if (!(edge & DD_EDGE_MANIFEST) ||
		    graph->nodes.items[DD_EDGE_ID(edge)].flags & (DD_NODE_READ | DD_NODE_WANTED))
			continue;
		slot = dd_list_add(&pending->ids);
		if (!slot)
			return dd_fail(err, DD_ENOMEM, 0, "tell what is young");
		*slot = DD_EDGE_ID(edge);
	}
	return 0;
}

/* A manifest whose links are not written yet, and all those beneath it. */
static int read_manifests(struct young *young, uint32_t id, struct dd_error *err)
{
	struct pending pending = { 0 };
	int rc = read_manifest(young, id, err);

	if (rc == 0)
		rc = add_children(young, id, &pending, err);
	while (rc == 0 && pending.ids.count) {
		id = pending.ids.items[--pending.ids.count];
		if (young->survey->graph->nodes.items[id].flags & DD_NODE_READ)
			continue;
		rc = read_manifest(young, id, err);
		if (rc == 0)
			rc = add_children(young, id, &pending, err);
	}
	dd_list_release(&pending.ids);
	return rc;
}

static void note_latest(struct young *young)
{
	const struct dd_candidates *candidates = young->candidates;

	for (size_t i = 0; i < candidates->list.count; i++) {
		const struct dd_candidate *candidate = &candidates->list.items[i];
		int64_t *latest;

		if (candidate->id == DD_NO_ID)
			continue;
		latest = &young->latest[candidate->id];
		/* What could not be looked at may have been written this moment; what stays holds. */
		if (candidate->state == DD_CANDIDATE_UNREADABLE ||
		    candidate->state == DD_CANDIDATE_ELSEWHERE ||
		    candidate->state == DD_CANDIDATE_UNPLANNED)
			*latest = INT64_MAX;
		else if (candidate->state == DD_CANDIDATE_DEAD && candidate->latest_ns > *latest)
			*latest = candidate->latest_ns;
	}
}

static int judge(struct young *young, struct dd_candidate *candidate, struct dd_error *err)
{
	const struct dd_judge_options *options = young->options;
	int64_t latest = candidate->id == DD_NO_ID ? 0 : young->latest[candidate->id];
	int rc;

	if (candidate->id == DD_NO_ID || (candidate->named && !options->by_policy) ||
	    candidate->state == DD_CANDIDATE_GONE || latest <= options->now_ns - options->grace_ns)
		return 0;
	if (candidate->state == DD_CANDIDATE_DEAD) {
		candidate->state = latest == INT64_MAX ? DD_CANDIDATE_REACHED : DD_CANDIDATE_YOUNG;
		candidate->latest_ns = latest;
	}
	if (!candidate->unlinked)
		return candidate->kind == DD_AT_BLOB ?
			       0 :
			       add_root(young, candidate->repository, candidate->id, err);
	rc = read_manifests(young, candidate->id, err);
	return rc < 0 ? rc : add_root(young, DD_NO_ID, candidate->id, err);
}

static int compare(const void *left, const void *right)
{
	const struct dd_young_root *a = left, *b = right;

	return a->repository != b->repository ? (a->repository < b->repository ? -1 : 1) : 0;
}

int dd_young_find(struct dd_context *ctx, struct dd_store *store, struct dd_survey *survey,
		  const struct dd_judge_options *options, struct dd_candidates *candidates,
		  struct dd_error *err)
{
	DD_AUTOFREE int64_t *latest = calloc(survey->graph->nodes.count + 1, sizeof(*latest));
	struct young young = { .store = store,
			       .survey = survey,
			       .options = options,
			       .candidates = candidates,
			       .latest = latest };
	int rc = dd_context_check(ctx, err);

	if (!latest)
		return dd_fail(err, DD_ENOMEM, 0, "tell what is young");
	note_latest(&young);
	for (size_t i = 0; i < candidates->list.count && rc == 0; i++)
		rc = judge(&young, &candidates->list.items[i], err);
	dd_manifest_parser_closep(&young.parser);
	dd_buffer_release(&young.buffer);
	if (candidates->young.count)
		qsort(candidates->young.items, candidates->young.count,
		      sizeof(*candidates->young.items), compare);
	return rc;
}
