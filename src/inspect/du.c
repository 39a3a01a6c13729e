/*
 * What takes the space: look, weigh, then tell it by whatever is asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/du.h"

static const char *const bys[] = {
#define X(constant, name) [constant] = name,
	DD_DU_BYS(X)
#undef X
};

const char *dd_du_by_name(enum dd_du_by by)
{
	return bys[by];
}

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "add up sizes");
}

/* ---- looking ---- */

static int look(struct dd_weighing *weighing, struct dd_error *err)
{
	const struct dd_du_options *options = weighing->options;
	const struct dd_onlooker onlooker = { .arg = &weighing->parts, .manifest = dd_parts_add };
	bool parts = options->by == DD_DU_MEDIATYPE || options->by == DD_DU_LAYER;
	const struct dd_survey_options how = {
		.only = options->exclusive ? NULL : options->repository,
		.no_blobs = options->repository != NULL,
		.index = options->repository ? NULL : options->index,
		.onlooker = parts ? &onlooker : NULL,
	};
	const struct dd_mark_options all = { 0 };
	int rc = dd_graph_open(&weighing->graph, err);

	if (rc < 0)
		return rc;
	dd_parts_init(&weighing->parts, weighing->graph);
	rc = dd_survey_open(weighing->ctx, weighing->store, weighing->graph, &how,
			    &weighing->survey, err);
	if ((rc == DD_ENOENT && how.only) ||
	    (rc == 0 && options->repository &&
	     !dd_survey_repository(weighing->survey, options->repository))) {
		rc = dd_fail(err, DD_ENOENT, 0, "there is no repository %s", options->repository);
		dd_hint(err, "'drydock ls' lists the repositories");
	}
	if (rc == 0 && !how.only)
		rc = dd_mark_open(weighing->ctx, weighing->survey, &all, &weighing->mark, err);
	return rc;
}

/* What pulling each tag transfers, one by one. */
static int add_logicals(struct dd_weighing *weighing, struct dd_error *err)
{
	const struct dd_survey *survey = weighing->survey;
	DD_CLEANUP(dd_sizer_release) struct dd_sizer sizer = { 0 };
	struct dd_du_totals *totals = &weighing->du->totals;
	int rc = dd_sizer_init(&sizer, weighing->graph, err);

	for (size_t i = 0; i < survey->repositories.count && rc == 0; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];

		if (weighing->options->repository &&
		    strcmp(repo->name, weighing->options->repository) != 0)
			continue;
		rc = dd_context_check(weighing->ctx, err);
		totals->repositories++;
		for (size_t t = 0; t < repo->tags.count && rc == 0; t++) {
			dd_sizer_begin(&sizer);
			totals->tags += !dd_tag_is_empty(&repo->tags.items[t]);
			if (repo->tags.items[t].current != DD_NO_ID &&
			    dd_sizer_add(&sizer, repo->tags.items[t].current) < 0)
				rc = no_memory(err);
			weighing->logicals[i] += sizer.bytes;
		}
		totals->logical += weighing->logicals[i];
	}
	return rc;
}

static void count_problems(struct dd_weighing *weighing)
{
	const struct dd_survey *survey = weighing->survey;

	weighing->du->problems +=
		survey->unreadable + survey->doubts.count + weighing->graph->doubts.count;
	for (size_t i = 0; i < survey->repositories.count; i++)
		weighing->du->problems += survey->repositories.items[i]->doubts.count;
}

static void sum_up(struct dd_du_totals *totals)
{
#define X(name, member, text) totals->all += totals->member;
	DD_DU_TOTALS(X)
#undef X
}

static int weigh(struct dd_weighing *weighing, struct dd_error *err)
{
	static int (*const tell[])(struct dd_weighing *, struct dd_error *) = {
		[DD_DU_REPOSITORY] = dd_weigh_repositories,
		[DD_DU_TAG] = dd_weigh_tags,
		[DD_DU_NAMESPACE] = dd_weigh_repositories,
		[DD_DU_MEDIATYPE] = dd_weigh_media_types,
		[DD_DU_LAYER] = dd_weigh_layers,
		[DD_DU_AGE] = dd_weigh_ages,
	};
	size_t nodes;
	int rc = look(weighing, err);

	if (rc < 0)
		return rc;
	nodes = weighing->graph->nodes.count + 1;
	weighing->weights = calloc(nodes, sizeof(*weighing->weights));
	weighing->mtimes = weighing->options->by == DD_DU_AGE ?
				   calloc(nodes, sizeof(*weighing->mtimes)) :
				   NULL;
	weighing->logicals =
		calloc(weighing->survey->repositories.count + 1, sizeof(*weighing->logicals));
	if (!weighing->weights || !weighing->logicals ||
	    (weighing->options->by == DD_DU_AGE && !weighing->mtimes))
		return no_memory(err);
	rc = weighing->options->repository ? dd_weigh_one(weighing, err) :
					     dd_weigh_all(weighing, err);
	if (rc == 0)
		rc = add_logicals(weighing, err);
	if (rc == 0)
		rc = tell[weighing->options->by](weighing, err);
	if (rc == 0)
		rc = dd_weigh_sort(weighing, err);
	sum_up(&weighing->du->totals);
	count_problems(weighing);
	return rc;
}

int dd_du(struct dd_context *ctx, struct dd_store *store, const struct dd_du_options *options,
	  struct dd_du *du, struct dd_error *err)
{
	struct dd_weighing weighing = { .ctx = ctx, .store = store, .options = options, .du = du };
	bool owners = options->by == DD_DU_REPOSITORY || options->by == DD_DU_TAG ||
		      options->by == DD_DU_NAMESPACE;
	int rc;

	memset(du, 0, sizeof(*du));
	du->by = options->by;
	du->apparent = options->apparent;
	du->exclusive = owners && (!options->repository || options->exclusive);
	du->memory = weighing.memory = calloc(1, sizeof(*weighing.memory));
	if (!weighing.memory)
		return no_memory(err);
	rc = weigh(&weighing, err);
	if (rc == 0 && options->repository) {
		du->repository = dd_weigh_copy(&weighing, options->repository, err);
		rc = du->repository ? 0 : DD_ENOMEM;
	}
	du->rows = weighing.rows.items;
	du->count = weighing.rows.count;
	free(weighing.weights);
	free(weighing.mtimes);
	free(weighing.logicals);
	dd_parts_release(&weighing.parts);
	dd_mark_closep(&weighing.mark);
	dd_survey_closep(&weighing.survey);
	dd_graph_closep(&weighing.graph);
	return rc;
}

void dd_du_release(struct dd_du *du)
{
	free((void *)du->rows);
	if (du->memory)
		dd_arena_release(du->memory);
	free(du->memory);
	memset(du, 0, sizeof(*du));
}
