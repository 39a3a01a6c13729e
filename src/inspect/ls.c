/*
 * Lists: repositories, a repository's tags, a manifest's parts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/inspect.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "graph/stored.h"
#include "graph/survey.h"
#include "inspect/named.h"
#include "inspect/parts.h"
#include "inspect/problem.h"
#include "inspect/size.h"
#include "store/resolve.h"

/* The list in the making; its strings live as long as it does. */
struct list {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_ls *ls;
	struct dd_index *index;
	const char *repository; /* whose manifest is taken apart; "": nobody's in particular */
	struct dd_arena *strings;
	DD_LIST(struct dd_ls_row) rows;
};

static const char *keep(struct list *list, const char *text, struct dd_error *err)
{
	const char *kept = dd_arena_copy(list->strings, text, strlen(text));

	if (!kept)
		dd_fail(err, DD_ENOMEM, 0, "list");
	return kept;
}

static struct dd_ls_row *add_row(struct list *list, struct dd_error *err)
{
	struct dd_ls_row *row = dd_list_add(&list->rows);

	if (!row)
		dd_fail(err, DD_ENOMEM, 0, "list");
	return row;
}

static int survey(struct list *list, const char *only, struct dd_graph **graph,
		  struct dd_survey **survey, struct dd_error *err)
{
	const struct dd_survey_options options = { .only = only,
						   .no_blobs = true,
						   .index = only ? NULL : list->index };
	int rc = dd_graph_open(graph, err);

	return rc < 0 ? rc : dd_survey_open(list->ctx, list->store, *graph, &options, survey, err);
}

/* ---- repositories ---- */

static int add_repository(struct list *list, struct dd_sizer *sizer,
			  const struct dd_repository *repo, struct dd_error *err)
{
	struct dd_ls_row *row = add_row(list, err);
	const struct dd_graph *graph = sizer->graph;

	if (!row || !(row->repository = keep(list, repo->name, err)))
		return DD_ENOMEM;
	dd_sizer_begin(sizer);
	for (size_t i = 0; i < repo->tags.count; i++) {
		const struct dd_tag *tag = &repo->tags.items[i];

		row->tags += !dd_tag_is_empty(tag);
		if (tag->moved_ns > row->pushed_ns)
			row->pushed_ns = tag->moved_ns;
		if (tag->current != DD_NO_ID && dd_sizer_add(sizer, tag->current) < 0)
			return dd_fail(err, DD_ENOMEM, 0, "list");
	}
	for (size_t i = 0; i < repo->revisions.count; i++) {
		const struct dd_revision *revision = &repo->revisions.items[i];

		if (revision->state == DD_LINK_ABSENT)
			continue;
		row->manifests++;
		if (!row->problem)
			row->problem = dd_problem_of(graph, revision->id);
		if (dd_sizer_add(sizer, revision->id) < 0)
			return dd_fail(err, DD_ENOMEM, 0, "list");
	}
	if (!row->problem && repo->doubts.count)
		row->problem = dd_doubt_text(repo->doubts.items[0].doubt);
	row->size = sizer->bytes;
	return 0;
}

static int list_repositories(struct list *list, struct dd_error *err)
{
	DD_CLEANUP(dd_graph_closep) struct dd_graph *graph = NULL;
	DD_CLEANUP(dd_survey_closep) struct dd_survey *found = NULL;
	DD_CLEANUP(dd_sizer_release) struct dd_sizer sizer = { 0 };
	int rc = survey(list, NULL, &graph, &found, err);

	if (rc == 0)
		rc = dd_sizer_init(&sizer, graph, err);
	for (size_t i = 0; rc == 0 && i < found->repositories.count; i++)
		rc = add_repository(list, &sizer, found->repositories.items[i], err);
	if (rc == 0)
		list->ls->problems += found->unreadable + found->doubts.count;
	return rc;
}

/* ---- tags ---- */

static int add_tag(struct list *list, struct dd_sizer *sizer, const struct dd_repository *repo,
		   const struct dd_tag *tag, struct dd_error *err)
{
	const struct dd_graph *graph = sizer->graph;
	struct dd_ls_row *row = add_row(list, err);
	uint32_t manifest;

	if (!row || !(row->repository = keep(list, repo->name, err)) ||
	    !(row->tag = keep(list, tag->name, err)))
		return DD_ENOMEM;
	row->pushed_ns = tag->moved_ns;
	if (tag->state != DD_LINK_GOOD)
		row->problem = tag->state == DD_LINK_ABSENT ? "its current link is not there" :
							      "its current link holds no digest";
	if (tag->current == DD_NO_ID)
		return 0;
	row->has_digest = true;
	dd_ids_get(&graph->ids, tag->current, &row->digest);
	if (!row->problem)
		row->problem = dd_problem_of(graph, tag->current);
	manifest = graph->nodes.items[tag->current].manifest;
	if (manifest != DD_NO_ID) {
		row->type = dd_manifest_type_name(graph->manifests.items[manifest].type);
		row->present = true;
	}
	dd_sizer_begin(sizer);
	if (dd_sizer_add(sizer, tag->current) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "list");
	row->size = sizer->bytes;
	return 0;
}

static int list_tags(struct list *list, const char *name, struct dd_error *err)
{
	DD_CLEANUP(dd_graph_closep) struct dd_graph *graph = NULL;
	DD_CLEANUP(dd_survey_closep) struct dd_survey *found = NULL;
	DD_CLEANUP(dd_sizer_release) struct dd_sizer sizer = { 0 };
	const struct dd_repository *repo;
	int rc = survey(list, name, &graph, &found, err);

	if (rc == DD_ENOENT) {
		dd_fail(err, rc, 0, "there is no repository %s", name);
		dd_hint(err, "'drydock ls' lists the repositories");
	}
	if (rc == 0)
		rc = dd_sizer_init(&sizer, graph, err);
	if (rc < 0)
		return rc;
	repo = found->repositories.items[0];
	for (size_t i = 0; rc == 0 && i < repo->tags.count; i++)
		rc = dd_tag_is_empty(&repo->tags.items[i]) ?
			     0 :
			     add_tag(list, &sizer, repo, &repo->tags.items[i], err);
	list->ls->problems += found->unreadable + repo->doubts.count;
	return rc;
}

/* ---- parts ---- */

static const char *platform(struct list *list, const struct dd_descriptor *descriptor,
			    struct dd_error *err)
{
	char text[DD_PLATFORM_TEXT];

	return dd_platform_format(descriptor, text) ? keep(list, text, err) : NULL;
}

static int add_part(struct list *list, const struct dd_descriptor *descriptor, struct dd_error *err)
{
	struct dd_ls_row *row = add_row(list, err);
	struct dd_error own = { 0 };
	struct dd_place place;
	struct dd_info info;
	int rc;

	if (!row)
		return DD_ENOMEM;
	row->name = dd_role_name(descriptor->role);
	row->has_digest = !descriptor->legacy;
	row->digest = descriptor->digest;
	row->size = descriptor->size;
	row->platform = platform(list, descriptor, err);
	if (descriptor->media_type && !(row->type = keep(list, descriptor->media_type, err)))
		return DD_ENOMEM;
	if (descriptor->legacy)
		return 0;
	rc = dd_stored_stat(list->store, list->repository, &descriptor->digest, &place, &info,
			    &own);
	row->present = rc == 0;
	if (rc == 0 && descriptor->has_size && info.size != descriptor->size)
		row->problem = "its file is of another size";
	else if (rc == DD_ENOENT && !descriptor->urls && descriptor->role != DD_ROLE_CHILD &&
		 descriptor->role != DD_ROLE_SUBJECT)
		row->problem = "it is not there";
	else if (rc < 0 && rc != DD_ENOENT)
		row->problem = dd_code_text(rc);
	return 0;
}

static int list_parts(struct list *list, const struct dd_reference *reference, struct dd_error *err)
{
	DD_CLEANUP(dd_manifest_parser_closep) struct dd_manifest_parser *parser = NULL;
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	struct dd_place place = { .kind = DD_AT_BLOB };
	const struct dd_manifest *manifest = NULL;
	struct dd_ls_row *self;
	struct dd_info info;
	int rc = dd_resolve(list->store, reference, &place.digest, err);

	list->repository = reference->repository;
	if (rc == 0)
		rc = dd_manifest_parser_open(&parser, err);
	if (rc < 0)
		return rc;
	rc = dd_store_read(list->store, &place, DD_MANIFEST_MAX, &buffer, &info, err);
	if (rc == 0)
		rc = dd_manifest_verify_and_parse(parser, &place.digest, buffer.bytes, buffer.len,
						  NULL, &manifest, err);
	if (rc < 0)
		return dd_named_failed(reference, &place.digest, rc, err);
	self = add_row(list, err);
	if (!self)
		return DD_ENOMEM;
	*self = (struct dd_ls_row){ .name = "self",
				    .digest = place.digest,
				    .has_digest = true,
				    .type = dd_manifest_type_name(manifest->type),
				    .size = buffer.len,
				    .pushed_ns = info.mtime_ns,
				    .present = true };
	for (size_t i = 0; i < manifest->count && rc == 0; i++)
		rc = add_part(list, &manifest->descriptors[i], err);
	return rc;
}

/* ---- order ---- */

static const char *name_of(const struct dd_ls_row *row)
{
	return row->tag ? row->tag : row->repository ? row->repository : "";
}

/* Largest and newest first, names from A; reverse turns all of it. */
static int compare_rows(const void *left, const void *right, void *arg)
{
	const struct dd_ls_row *a = left, *b = right;
	const struct dd_ls_options *order = arg;
	int result = 0;

	if (order->sort == DD_LS_SIZE)
		result = a->size < b->size ? 1 : a->size > b->size ? -1 : 0;
	else if (order->sort == DD_LS_PUSHED)
		result = a->pushed_ns < b->pushed_ns ? 1 : a->pushed_ns > b->pushed_ns ? -1 : 0;
	if (!result)
		result = strcmp(name_of(a), name_of(b));
	return order->reverse ? -result : result;
}

int dd_ls(struct dd_context *ctx, struct dd_store *store, const struct dd_reference *reference,
	  const struct dd_ls_options *options, struct dd_ls *ls, struct dd_error *err)
{
	struct list list = { .ctx = ctx, .store = store, .ls = ls, .index = options->index };
	struct dd_ls_options order = *options;
	int rc;

	memset(ls, 0, sizeof(*ls));
	ls->what = !reference				     ? DD_LS_REPOSITORIES :
		   reference->tag[0] || reference->digest[0] ? DD_LS_PARTS :
							       DD_LS_TAGS;
	list.strings = calloc(1, sizeof(*list.strings));
	ls->memory = list.strings;
	if (!list.strings)
		return dd_fail(err, DD_ENOMEM, 0, "list");
	rc = ls->what == DD_LS_REPOSITORIES ? list_repositories(&list, err) :
	     ls->what == DD_LS_TAGS	    ? list_tags(&list, reference->repository, err) :
					      list_parts(&list, reference, err);
	ls->rows = list.rows.items;
	ls->count = list.rows.count;
	for (size_t i = 0; i < ls->count; i++)
		ls->problems += ls->rows[i].problem != NULL;
	/* A manifest's parts stand in its own order. */
	if (rc == 0 && ls->count && (ls->what != DD_LS_PARTS || order.sort != DD_LS_NAME))
		qsort_r(ls->rows, ls->count, sizeof(*ls->rows), compare_rows, &order);
	return rc;
}

void dd_ls_release(struct dd_ls *ls)
{
	free(ls->rows);
	if (ls->memory)
		dd_arena_release(ls->memory);
	free(ls->memory);
	memset(ls, 0, sizeof(*ls));
}
