/*
 * The scope: everything, or what a reference reaches.
 */
#include <stdlib.h>
#include <string.h>

#include "store/resolve.h"
#include "verify/verify.h"

static int open_survey(struct dd_verify *verify, const struct dd_survey_options *options,
		       struct dd_error *err)
{
	struct dd_survey_options own = *options;
	int rc;

	own.onlooker = &verify->onlooker;
	own.leftovers = verify->options.full;
	own.index = verify->audited;
	own.anew = verify->options.full;
	own.since_ns = verify->now_ns - verify->options.reverify_after_ns;
	own.unsettled = true;
	rc = dd_survey_open(verify->ctx, verify->store, verify->graph, &own, &verify->survey, err);
	if (rc == DD_ENOENT && own.only) {
		dd_fail(err, rc, 0, "there is no repository %s", own.only);
		dd_hint(err, "'drydock ls' lists the repositories");
	}
	return rc;
}

struct stack {
	DD_LIST(uint32_t) ids;
};

static int push(struct dd_verify *verify, struct stack *stack, uint32_t id, unsigned how)
{
	bool seen = verify->scope[id];
	uint32_t *slot;

	verify->scope[id] |= (uint8_t)how;
	if (seen)
		return 0;
	slot = dd_list_add(&stack->ids);
	if (!slot)
		return DD_ENOMEM;
	*slot = id;
	return 0;
}

unsigned dd_verify_scope_by(uint32_t edge)
{
	return DD_SCOPE_NAMED | (edge & DD_EDGE_MANIFEST ? DD_SCOPE_MANIFEST : 0);
}

static int push_all_that_it_names(struct dd_verify *verify, struct stack *stack, uint32_t id)
{
	const struct dd_graph *graph = verify->graph;
	const struct dd_node *node = &graph->nodes.items[id];
	const struct dd_manifest_node *manifest;
	const struct dd_tie *ties;
	size_t count = 0;
	int rc = 0;

	ties = node->flags & DD_NODE_ALIAS ? dd_graph_ties(graph, id, &count) : NULL;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = push(verify, stack, ties[i].to, DD_SCOPE_BEHIND);
	if (node->manifest == DD_NO_ID)
		return rc;
	manifest = &graph->manifests.items[node->manifest];
	for (uint32_t i = 0; i < manifest->count && rc == 0; i++) {
		uint32_t edge = graph->edges.items[manifest->first + i];

		rc = push(verify, stack, DD_EDGE_ID(edge), dd_verify_scope_by(edge));
	}
	return rc;
}

static int reach(struct dd_verify *verify, uint32_t from, struct dd_error *err)
{
	struct stack stack = { 0 };
	int rc;

	verify->scope = calloc(verify->graph->nodes.count + 1, 1);
	rc = verify->scope ? push(verify, &stack, from, DD_SCOPE_NAMED | DD_SCOPE_MANIFEST) :
			     DD_ENOMEM;
	while (rc == 0 && stack.ids.count)
		rc = push_all_that_it_names(verify, &stack, stack.ids.items[--stack.ids.count]);
	dd_list_release(&stack.ids);
	return rc < 0 ? dd_fail(err, rc, 0, "follow a reference") : 0;
}

/*
 * A tag whose link holds nothing usable is damage, which the passes tell; so may be one without a
 * link: *absent is why.
 */
static int resolve(struct dd_verify *verify, struct dd_digest *digest, bool *known,
		   struct dd_error *absent, struct dd_error *err)
{
	int rc = dd_resolve(verify->store, verify->options.reference, digest, err);

	*known = rc == 0;
	if (rc == 0 || rc == DD_EAMBIGUOUS || rc == DD_EUSAGE || !verify->options.reference->tag[0])
		return rc;
	if (rc == DD_ENOENT)
		*absent = err ? *err : (struct dd_error){ .code = rc };
	dd_error_clear(err);
	return 0;
}

/* Whether a history tells that there was such a tag. */
static bool was_there(struct dd_verify *verify)
{
	const struct dd_survey *survey = verify->survey;
	const char *name = verify->options.reference->tag;

	for (size_t i = 0; i < survey->repositories.count; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];

		for (size_t k = 0; k < repo->tags.count; k++)
			if (!strcmp(repo->tags.items[k].name, name))
				return dd_verify_has_past(verify, repo, &repo->tags.items[k]);
	}
	return false;
}

static int survey_reference(struct dd_verify *verify, struct dd_error *err)
{
	const struct dd_reference *reference = verify->options.reference;
	struct dd_survey_options options = { .no_blobs = true };
	struct dd_error absent = { 0 };
	struct dd_digest digest;
	bool known = false;
	int rc = 0;

	if (reference->repository[0])
		options.only = reference->repository;
	if (reference->tag[0] || reference->digest[0])
		rc = resolve(verify, &digest, &known, &absent, err);
	if (rc < 0)
		return rc;
	if (known)
		options.start = &digest;
	options.alone = !options.only;
	rc = open_survey(verify, &options, err);
	if (rc < 0)
		return rc;
	if (known) {
		verify->start = dd_ids_find(&verify->graph->ids, &digest);
		return reach(verify, verify->start, err);
	}
	if (absent.code && !was_there(verify)) {
		if (err)
			*err = absent;
		return absent.code;
	}
	if (reference->tag[0]) /* nothing but the tag itself */
		verify->scope = calloc(verify->graph->nodes.count + 1, 1);
	return 0;
}

int dd_verify_survey(struct dd_verify *verify, struct dd_error *err)
{
	static const struct dd_survey_options everything = { 0 };

	return verify->options.reference ? survey_reference(verify, err) :
					   open_survey(verify, &everything, err);
}
