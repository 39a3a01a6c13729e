/*
 * What only the whole survey tells: what is reachable, how often something is named, and which
 * manifests lead to a digest.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/find.h"

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "weigh what was found");
}

static void flag_reached(struct dd_find_run_state *run, uint16_t flag)
{
	for (size_t i = 0; i < run->graph->nodes.count && i < run->said.flags.count; i++)
		if (run->graph->nodes.items[i].flags & DD_NODE_REACHED)
			run->said.flags.items[i] |= flag;
}

/* ---- tags ---- */

/* Of each revision of each repository whether a mark from the tags reaches it, or does not. */
static int weigh_revisions(struct dd_find_run_state *run, const struct dd_mark_options *options,
			   bool reached, bool **out, struct dd_error *err)
{
	DD_CLEANUP(dd_mark_closep) struct dd_mark *mark = NULL;
	const struct dd_survey *survey = run->survey;
	bool all, *told;
	size_t total = 0;
	int rc = dd_mark_open(run->ctx, run->survey, options, &mark, err);

	for (size_t i = 0; i < survey->repositories.count; i++)
		total += survey->repositories.items[i]->revisions.count;
	*out = told = calloc(total + 1, sizeof(*told));
	if (rc == 0 && !told)
		rc = no_memory(err);
	all = rc == 0 && dd_mark_holds_everything(mark);
	for (uint32_t i = 0; i < survey->repositories.count && rc == 0; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];

		rc = dd_mark_repository(mark, i, err);
		for (size_t k = 0; k < repo->revisions.count && rc == 0; k++)
			*told++ = (all || dd_mark_reached(mark, repo->revisions.items[k].id)) ==
				  reached;
	}
	return rc;
}

static int weigh_tagged(struct dd_find_run_state *run, struct dd_error *err)
{
	const struct dd_mark_options options = { .delete_untagged = true, .ignore_holds = true };
	int rc = weigh_revisions(run, &options, true, &run->tagged, err);

	flag_reached(run, DD_SAID_TAGGED);
	return rc;
}

/* What a doubt holds may be what a tag leads to: it is neither. */
static int weigh_untagged(struct dd_find_run_state *run, struct dd_error *err)
{
	const struct dd_mark_options options = { .delete_untagged = true };

	return weigh_revisions(run, &options, false, &run->untagged, err);
}

/* ---- counts ---- */

static int weigh_counts(struct dd_find_run_state *run, struct dd_error *err)
{
	const struct dd_graph *graph = run->graph;
	size_t count = graph->nodes.count + 1;
	DD_AUTOFREE uint32_t *stamps = calloc(count, sizeof(*stamps));
	uint32_t pass = 0;

	run->refs = calloc(count, sizeof(*run->refs));
	run->repos = calloc(count, sizeof(*run->repos));
	if (!stamps || !run->refs || !run->repos)
		return no_memory(err);
#define ONCE(counts, id)                \
	do {                            \
		if (stamps[id] != pass) \
			(counts)[id]++; \
		stamps[id] = pass;      \
	} while (0)
	for (size_t i = 0; i < graph->manifests.count; i++) {
		const struct dd_manifest_node *node = &graph->manifests.items[i];

		pass++;
		for (uint32_t k = 0; k < node->count; k++)
			ONCE(run->refs, DD_EDGE_ID(graph->edges.items[node->first + k]));
	}
	for (size_t i = 0; i < run->survey->repositories.count; i++) {
		const struct dd_repository *repo = run->survey->repositories.items[i];

		pass++;
		for (size_t k = 0; k < repo->layers.count; k++)
			ONCE(run->repos, repo->layers.items[k]);
		for (size_t k = 0; k < repo->revisions.count; k++)
			if (repo->revisions.items[k].state != DD_LINK_ABSENT)
				ONCE(run->repos, repo->revisions.items[k].id);
	}
#undef ONCE
	return 0;
}

/* For what lies in no repository, -repo asks which of them link it. */
static int weigh_repositories(struct dd_find_run_state *run, struct dd_error *err)
{
	for (size_t t = 0; t < run->find->tests.count; t++) {
		struct dd_find_test *test = run->find->tests.items[t];
		int rc = 0;

		if (strcmp(test->kind->name, "-repo") != 0)
			continue;
		for (size_t i = 0; i < run->survey->repositories.count && rc == 0; i++) {
			const struct dd_repository *repo = run->survey->repositories.items[i];
			const struct dd_find_subject subject = { .class = DD_CLASS_REPOSITORY,
								 .repository = repo->name };

			if (test->kind->match(test, &subject, run) != DD_TRUE)
				continue;
			for (size_t k = 0; k < repo->layers.count && rc == 0; k++)
				rc = dd_find_mark(test, repo->layers.items[k]);
			for (size_t k = 0; k < repo->revisions.count && rc == 0; k++)
				rc = dd_find_mark(test, repo->revisions.items[k].id);
		}
		if (rc < 0)
			return no_memory(err);
	}
	return 0;
}

/* ---- what leads to a digest ---- */

/* By id: the manifests that name it are from[first[id]] up to from[first[id + 1]]. */
struct backwards {
	uint32_t *first, *from;
};

static void release_backwards(struct backwards *backwards)
{
	free(backwards->first);
	free(backwards->from);
}

static int turn_round(const struct dd_graph *graph, struct backwards *backwards,
		      struct dd_error *err)
{
	size_t count = graph->nodes.count;

	backwards->first = calloc(count + 2, sizeof(uint32_t));
	backwards->from = calloc(graph->edges.count + 1, sizeof(uint32_t));
	if (!backwards->first || !backwards->from)
		return no_memory(err);
	/* Counted two places on, so that filling leaves each first where it belongs. */
	for (size_t i = 0; i < graph->edges.count; i++)
		backwards->first[DD_EDGE_ID(graph->edges.items[i]) + 2]++;
	for (size_t i = 2; i < count + 2; i++)
		backwards->first[i] += backwards->first[i - 1];
	for (size_t i = 0; i < graph->manifests.count; i++) {
		const struct dd_manifest_node *node = &graph->manifests.items[i];

		for (uint32_t k = 0; k < node->count; k++) {
			uint32_t to = DD_EDGE_ID(graph->edges.items[node->first + k]);

			backwards->from[backwards->first[to + 1]++] = node->id;
		}
	}
	return 0;
}

/* All above the seeds, which are not counted themselves unless something of them is above them. */
static int climb(const struct dd_graph *graph, const struct backwards *backwards,
		 const uint32_t *seeds, size_t count, bool *above, struct dd_error *err)
{
	DD_LIST(uint32_t) stack = { 0 };
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		uint32_t *slot = dd_list_add(&stack);

		if (slot)
			*slot = seeds[i];
		else
			rc = DD_ENOMEM;
	}
	(void)graph;
	while (stack.count && rc == 0) {
		uint32_t id = stack.items[--stack.count];

		for (uint32_t k = backwards->first[id]; k < backwards->first[id + 1]; k++) {
			uint32_t up = backwards->from[k], *slot;

			if (above[up])
				continue;
			above[up] = true;
			slot = dd_list_add(&stack);
			if (!slot) {
				rc = DD_ENOMEM;
				break;
			}
			*slot = up;
		}
	}
	dd_list_release(&stack);
	return rc < 0 ? no_memory(err) : 0;
}

static int weigh_contained(struct dd_find_run_state *run, const struct backwards *backwards,
			   struct dd_error *err)
{
	for (size_t t = 0; t < run->find->tests.count; t++) {
		struct dd_find_test *test = run->find->tests.items[t];
		uint32_t id = (uint32_t)test->amount.value;
		int rc;

		if (strcmp(test->kind->name, "-contains") != 0)
			continue;
		free(test->marked);
		test->marked_count = run->graph->nodes.count;
		test->marked = calloc(test->marked_count + 1, sizeof(*test->marked));
		if (!test->marked)
			return no_memory(err);
		rc = climb(run->graph, backwards, &id, 1, test->marked, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- what the last verification found ---- */

struct corrupt {
	struct dd_find_run_state *run;
	DD_LIST(uint32_t) ids;
};

/* It counts for the file that was read, and no other. */
static int see_verified(void *arg, const struct dd_verified_blob *blob, struct dd_error *err)
{
	struct corrupt *corrupt = arg;
	const struct dd_place place = { .kind = DD_AT_BLOB, .digest = blob->digest };
	struct dd_verified verified;
	struct dd_info info;
	uint32_t id, *slot;

	if (blob->verified.verdict != DD_VERDICT_CORRUPT)
		return 0;
	id = dd_ids_find(&corrupt->run->graph->ids, &blob->digest);
	if (id == DD_NO_ID || dd_store_stat(corrupt->run->store, &place, &info, NULL) < 0 ||
	    !dd_index_get_verified(corrupt->run->options->verified, &blob->digest, &info.stamp,
				   &verified) ||
	    verified.verdict != DD_VERDICT_CORRUPT)
		return 0;
	slot = dd_list_add(&corrupt->ids);
	if (!slot)
		return no_memory(err);
	*slot = id;
	return 0;
}

static int weigh_state(struct dd_find_run_state *run, const struct backwards *backwards,
		       struct dd_error *err)
{
	DD_AUTOFREE bool *above = calloc(run->graph->nodes.count + 1, sizeof(*above));
	struct corrupt corrupt = { .run = run };
	uint16_t *flags = run->said.flags.items;
	int rc;

	if (!above)
		return no_memory(err);
	rc = dd_index_visit_verified(run->options->verified, see_verified, &corrupt, err);
	for (size_t i = 0; i < corrupt.ids.count && rc == 0; i++)
		flags[corrupt.ids.items[i]] |= DD_SAID_CORRUPT | DD_SAID_SPOILT;
	if (rc == 0)
		rc = climb(run->graph, backwards, corrupt.ids.items, corrupt.ids.count, above, err);
	for (size_t i = 0; i < run->graph->nodes.count && rc == 0; i++)
		if (above[i])
			flags[i] |= DD_SAID_SPOILT;
	dd_list_release(&corrupt.ids);
	return rc;
}

/*
 * What is asked of the whole volume is not known where there is doubt: what it holds is not called
 * unreferenced or untagged, and what a manifest in doubt names is not counted. Whoever asked should know.
 */
static int tell_holds(struct dd_find_run_state *run, const struct dd_mark *mark,
		      struct dd_error *err)
{
	size_t count;
	const struct dd_marked_hold *holds = dd_mark_holds(mark, &count);

	for (size_t i = 0; i < count; i++) {
		const struct dd_marked_hold *hold = &holds[i];
		bool all = hold->everything || hold->repository == DD_NO_ID;
		DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
		struct dd_digest digest;

		if (dd_text_printf(&text, "%s",
				   all ? "everything is held" :
					 run->survey->repositories.items[hold->repository]->name) <
		    0)
			return no_memory(err);
		if (!all && hold->id != DD_NO_ID) {
			dd_find_is_first(run, hold->id);
			dd_ids_get(&run->graph->ids, hold->id, &digest);
			if (dd_text_printf(&text, "@%s", dd_digest_text(&digest)) < 0)
				return no_memory(err);
		}
		dd_find_problem(run, text.bytes, dd_doubt_text(hold->doubt));
	}
	return 0;
}

/* The last mark: what is reached stands in the graph, for links. */
static int weigh_reached(struct dd_find_run_state *run, struct dd_error *err)
{
	const struct dd_mark_options options = { 0 };
	int rc = dd_mark_open(run->ctx, run->survey, &options, &run->mark, err);

	if (rc == 0)
		rc = tell_holds(run, run->mark, err);
	if (rc < 0)
		return rc;
	if (!(run->facts & DD_FACT_REACH)) {
		dd_mark_closep(&run->mark);
		return 0;
	}
	run->everything_held = dd_mark_holds_everything(run->mark);
	flag_reached(run, DD_SAID_REACHED);
	return 0;
}

/* ---- all of it ---- */

int dd_find_weigh(struct dd_find_run_state *run, struct dd_error *err)
{
	DD_CLEANUP(release_backwards) struct backwards backwards = { 0 };
	int rc = 0;

	if (run->facts & (DD_FACT_CONFIG | DD_FACT_PLATFORM)) {
		run->configs = calloc(run->graph->nodes.count + 1, sizeof(*run->configs));
		if (!run->configs)
			return no_memory(err);
	}
	if (run->facts & (DD_FACT_CONTAINS | DD_FACT_STATE))
		rc = turn_round(run->graph, &backwards, err);
	if (rc == 0 && run->facts & DD_FACT_CONTAINS)
		rc = weigh_contained(run, &backwards, err);
	if (rc == 0 && run->facts & DD_FACT_STATE && run->options->verified)
		rc = weigh_state(run, &backwards, err);
	if (rc == 0 && run->facts & DD_FACT_COUNT)
		rc = weigh_counts(run, err);
	if (rc == 0 && run->facts & DD_FACT_REPOS)
		rc = weigh_repositories(run, err);
	if (rc == 0 && run->facts & DD_FACT_TAGGED)
		rc = weigh_tagged(run, err);
	if (rc == 0 && run->facts & DD_FACT_UNTAGGED)
		rc = weigh_untagged(run, err);
	return rc == 0 && run->whole ? weigh_reached(run, err) : rc;
}
