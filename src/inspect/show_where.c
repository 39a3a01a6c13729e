/*
 * What surrounds a manifest: who refers to it, where else it is, what would go with it.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/walk.h>

#include "base/cleanup.h"
#include "graph/removal.h"
#include "graph/without.h"
#include "inspect/referrer_tag.h"
#include "inspect/show.h"

/* ---- referrers ---- */

static bool refers(const struct dd_showing *showing, uint32_t id)
{
	const struct dd_graph *graph = showing->graph;
	uint32_t manifest = graph->nodes.items[id].manifest;

	return id != showing->id && manifest != DD_NO_ID &&
	       graph->manifests.items[manifest].subject == showing->id;
}

static int fill_referrer(struct dd_showing *showing, uint32_t id, const char *tag,
			 struct dd_show_referrer *referrer, struct dd_error *err)
{
	const struct dd_graph *graph = showing->graph;
	uint32_t manifest = graph->nodes.items[id].manifest;
	const char *artifact = dd_parts_artifact(&showing->seen, id);

	dd_ids_get(&graph->ids, id, &referrer->digest);
	if (manifest != DD_NO_ID)
		referrer->type = dd_manifest_type_name(graph->manifests.items[manifest].type);
	referrer->artifact = dd_show_copy(showing, artifact, err);
	referrer->tag = dd_show_copy(showing, tag, err);
	dd_sizer_begin(&showing->sizer);
	if ((artifact && !referrer->artifact) || (tag && !referrer->tag) ||
	    dd_sizer_add(&showing->sizer, id) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "show a referrer");
	referrer->total = showing->sizer.bytes;
	return 0;
}

int dd_show_referrers(struct dd_showing *showing, struct dd_error *err)
{
	const struct dd_survey *survey = showing->survey;
	const struct dd_repository *repo =
		survey->repositories.count ? survey->repositories.items[0] : NULL;
	struct dd_show *show = showing->show;
	struct dd_show_referrer *list;
	int rc = 0;

	if (!repo)
		return 0;
	list = dd_show_alloc(showing, repo->revisions.count + repo->tags.count, sizeof(*list), err);
	if (!list)
		return DD_ENOMEM;
	show->referrers = list;
	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++)
		if (repo->revisions.items[i].state != DD_LINK_ABSENT &&
		    refers(showing, repo->revisions.items[i].id))
			rc = fill_referrer(showing, repo->revisions.items[i].id, NULL,
					   &list[show->referrer_count++], err);
	for (size_t i = 0; i < repo->tags.count && rc == 0; i++) {
		const struct dd_tag *tag = &repo->tags.items[i];

		if (dd_referrer_tag_subject(showing->graph, repo, tag) == showing->id)
			rc = fill_referrer(showing, tag->current, tag->name,
					   &list[show->referrer_count++], err);
	}
	return rc;
}

/* ---- other repositories ---- */

struct elsewhere {
	struct dd_showing *showing;
	pthread_mutex_t lock;
	DD_LIST(const char *) names;
	uint64_t unreadable;
};

static int look_there(void *arg, const char *name, bool has_layers, bool has_manifests,
		      bool has_uploads)
{
	struct elsewhere *elsewhere = arg;
	struct dd_showing *showing = elsewhere->showing;
	const struct dd_place place = {
		.kind = showing->show->manifest ? DD_AT_REVISION : DD_AT_LAYER,
		.repository = name,
		.digest = showing->show->digest,
	};
	const char **slot;
	struct dd_info info;
	int rc;

	(void)has_uploads;
	if (!(showing->show->manifest ? has_manifests : has_layers) ||
	    (showing->show->repository && !strcmp(name, showing->show->repository)))
		return 0;
	rc = dd_store_stat(showing->store, &place, &info, NULL);
	if (rc == DD_ENOENT)
		return 0;
	pthread_mutex_lock(&elsewhere->lock);
	if (rc < 0) {
		elsewhere->unreadable++;
		rc = rc == DD_ENOMEM ? rc : 0;
	} else {
		slot = dd_list_add(&elsewhere->names);
		if (slot)
			*slot = dd_show_copy(showing, name, NULL);
		rc = slot && *slot ? 0 : DD_ENOMEM;
	}
	pthread_mutex_unlock(&elsewhere->lock);
	return rc;
}

static int pass_over(void *arg, enum dd_strange what, const struct dd_place *directory,
		     const char *name, const struct dd_error *err)
{
	struct elsewhere *elsewhere = arg;

	(void)directory;
	(void)name;
	(void)err;
	if (what == DD_STRANGE_UNREADABLE) {
		pthread_mutex_lock(&elsewhere->lock);
		elsewhere->unreadable++;
		pthread_mutex_unlock(&elsewhere->lock);
	}
	return 0;
}

static int compare_names(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

int dd_show_elsewhere(struct dd_showing *showing, struct dd_error *err)
{
	struct elsewhere elsewhere = { .showing = showing };
	const struct dd_repository_visitor visitor = { .repository = look_there,
						       .strange = pass_over,
						       .arg = &elsewhere };
	const char **items;
	int rc;

	pthread_mutex_init(&elsewhere.lock, NULL);
	rc = dd_walk_repositories(showing->ctx, showing->store, &visitor, err);
	pthread_mutex_destroy(&elsewhere.lock);
	showing->show->problems += elsewhere.unreadable;
	items = rc < 0 ? NULL : dd_show_alloc(showing, elsewhere.names.count, sizeof(*items), err);
	if (items && elsewhere.names.count) {
		memcpy(items, elsewhere.names.items, elsewhere.names.count * sizeof(*items));
		qsort(items, elsewhere.names.count, sizeof(*items), compare_names);
	}
	showing->show->elsewhere = (struct dd_texts){ items, items ? elsewhere.names.count : 0 };
	dd_list_release(&elsewhere.names);
	return rc < 0 ? rc : items ? 0 : DD_ENOMEM;
}

/* ---- what would go ---- */

static int weigh(struct dd_showing *showing, struct dd_survey *survey, struct dd_error *err)
{
	DD_CLEANUP(dd_mark_closep) struct dd_mark *before = NULL;
	DD_CLEANUP(dd_removal_release) struct dd_removal removal = { 0 };
	DD_CLEANUP(dd_without_release) struct dd_without without = { 0 };
	const struct dd_mark_options all = { 0 };
	struct dd_mark_options rest = { 0 };
	struct dd_weight weight = { 0 };
	int rc = dd_removal_choose(survey, showing->reference, 1, &removal, err);

	if (rc == 0)
		rc = dd_mark_open(showing->ctx, survey, &all, &before, err);
	rest.removed = removal.list.items;
	rest.removed_count = removal.list.count;
	if (rc == 0)
		rc = dd_without_init(showing->ctx, survey, before, &rest, &without, err);
	if (rc == 0)
		rc = dd_without_weigh(showing->ctx, showing->store, &without, &weight, err);
	showing->show->weighed = rc == 0;
	showing->show->freed_blobs = weight.blobs;
	showing->show->freed_bytes = weight.bytes;
	showing->show->freed_linked_bytes = weight.linked_bytes;
	return rc;
}

int dd_show_weigh(struct dd_showing *showing, struct dd_error *err)
{
	DD_CLEANUP(dd_graph_closep) struct dd_graph *graph = NULL;
	DD_CLEANUP(dd_survey_closep) struct dd_survey *survey = NULL;
	const struct dd_survey_options options = { 0 };
	int rc = dd_graph_open(&graph, err);

	if (rc == 0)
		rc = dd_survey_open(showing->ctx, showing->store, graph, &options, &survey, err);
	if (rc == 0)
		rc = weigh(showing, survey, err);
	if (survey)
		showing->show->problems += survey->unreadable;
	return rc;
}
