/*
 * Which images suffer: from what is broken up to all manifests that lead to it, and to the tags that
 * point to those. Only done where something is broken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "verify/verify.h"

/* A manifest that a repository serves, by a tag or, without one, by its digest. */
struct name {
	uint32_t id, repository;
	const char *tag; /* NULL: none */
};

struct search {
	struct dd_verify *verify;
	uint32_t *first;   /* by id: where its parents begin; one more than there are nodes */
	uint32_t *parents; /* ids */
	DD_LIST(struct name) names; /* sorted by id */
	uint32_t *stamps;	    /* by id: the report for which it was seen */
	uint32_t stamp;
	DD_LIST(uint32_t) seen;
	DD_LIST(const char *) images;
	uint64_t total;
	uint8_t *broken; /* by name: counted as an image that cannot be pulled */
};

static void release(struct search *search)
{
	free(search->first);
	free(search->parents);
	free(search->stamps);
	free(search->broken);
	dd_list_release(&search->names);
	dd_list_release(&search->seen);
	dd_list_release(&search->images);
}

/* ---- what leads where ---- */

/* Calls for each edge, upwards; a blob leads to the aliases that stand for it. */
static void each_edge(const struct dd_graph *graph,
		      void (*fn)(struct search *search, uint32_t child, uint32_t parent),
		      struct search *search)
{
	for (size_t i = 0; i < graph->manifests.count; i++) {
		const struct dd_manifest_node *node = &graph->manifests.items[i];

		for (uint32_t k = 0; k < node->count; k++)
			fn(search, DD_EDGE_ID(graph->edges.items[node->first + k]), node->id);
	}
	for (size_t i = 0; i < graph->ties.count; i++) {
		struct dd_digest name;

		dd_ids_get(&graph->ids, graph->ties.items[i].from, &name);
		if (name.alg != DD_SHA256)
			fn(search, graph->ties.items[i].to, graph->ties.items[i].from);
	}
}

static void count_edge(struct search *search, uint32_t child, uint32_t parent)
{
	(void)parent;
	search->first[child + 1]++;
}

/* Afterwards first[child] is where the next one's begin: put right by the caller. */
static void put_edge(struct search *search, uint32_t child, uint32_t parent)
{
	search->parents[search->first[child]++] = parent;
}

static int turn_edges(struct search *search)
{
	const struct dd_graph *graph = search->verify->graph;
	size_t nodes = graph->nodes.count;

	search->first = calloc(nodes + 2, sizeof(*search->first));
	search->stamps = calloc(nodes + 1, sizeof(*search->stamps));
	search->parents =
		calloc(graph->edges.count + graph->ties.count + 1, sizeof(*search->parents));
	if (!search->first || !search->stamps || !search->parents)
		return DD_ENOMEM;
	each_edge(graph, count_edge, search);
	for (size_t i = 0; i < nodes; i++)
		search->first[i + 1] += search->first[i];
	each_edge(graph, put_edge, search);
	memmove(search->first + 1, search->first, (nodes + 1) * sizeof(*search->first));
	search->first[0] = 0;
	return 0;
}

/* ---- names ---- */

static int add_name(struct search *search, uint32_t id, uint32_t repository, const char *tag)
{
	struct name *name = dd_list_add(&search->names);

	if (!name)
		return DD_ENOMEM;
	*name = (struct name){ id, repository, tag };
	return 0;
}

static int compare_names(const void *left, const void *right)
{
	const struct name *a = left, *b = right;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	/* Tags first: where there is one the digest goes without saying. */
	if (!a->tag != !b->tag)
		return a->tag ? -1 : 1;
	if (a->repository != b->repository)
		return a->repository < b->repository ? -1 : 1;
	return a->tag ? strcmp(a->tag, b->tag) : 0;
}

static int gather_names(struct search *search)
{
	const struct dd_survey *survey = search->verify->survey;
	int rc = 0;

	for (uint32_t i = 0; i < survey->repositories.count; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];

		for (size_t k = 0; k < repo->tags.count && rc == 0; k++)
			if (repo->tags.items[k].current != DD_NO_ID)
				rc = add_name(search, repo->tags.items[k].current, i,
					      repo->tags.items[k].name);
		for (size_t k = 0; k < repo->revisions.count && rc == 0; k++)
			if (repo->revisions.items[k].state != DD_LINK_ABSENT)
				rc = add_name(search, repo->revisions.items[k].id, i, NULL);
	}
	if (rc == 0 && search->names.count)
		qsort(search->names.items, search->names.count, sizeof(*search->names.items),
		      compare_names);
	search->broken = calloc(search->names.count + 1, 1);
	return search->broken ? rc : DD_ENOMEM;
}

static size_t first_name(const struct search *search, uint32_t id)
{
	return dd_first_from(search->names.items, search->names.count, id, id);
}

/* ---- one report ---- */

static int see(struct search *search, uint32_t id)
{
	uint32_t *slot;

	if (search->stamps[id] == search->stamp)
		return 0;
	search->stamps[id] = search->stamp;
	slot = dd_list_add(&search->seen);
	if (!slot)
		return DD_ENOMEM;
	*slot = id;
	return 0;
}

/* As an index names a manifest. */
static bool names_as_manifest(const struct dd_graph *graph, uint32_t parent, uint32_t id)
{
	const struct dd_manifest_node *node =
		&graph->manifests.items[graph->nodes.items[parent].manifest];

	for (uint32_t i = node->first; i < node->first + node->count; i++)
		if (graph->edges.items[i] == (id | DD_EDGE_MANIFEST))
			return true;
	return false;
}

/* Whether what is wrong with id is felt by what leads straight to it. */
static bool is_felt(const struct search *search, enum dd_finding finding, uint32_t parent,
		    uint32_t id)
{
	const struct dd_graph *graph = search->verify->graph;
	bool is_manifest = graph->nodes.items[parent].manifest != DD_NO_ID;
	unsigned how = !is_manifest			    ? DD_SCOPE_BEHIND :
		       names_as_manifest(graph, parent, id) ? DD_SCOPE_NAMED | DD_SCOPE_MANIFEST :
							      DD_SCOPE_NAMED;

	return how & dd_verify_felt(finding);
}

static int climb(struct search *search, uint32_t from, enum dd_finding finding)
{
	int rc;

	search->stamp++;
	search->seen.count = 0;
	rc = see(search, from);
	for (size_t i = 0; i < search->seen.count && rc == 0; i++) {
		uint32_t id = search->seen.items[i];

		for (uint32_t k = search->first[id]; k < search->first[id + 1] && rc == 0; k++)
			if (i || is_felt(search, finding, search->parents[k], id))
				rc = see(search, search->parents[k]);
	}
	return rc;
}

static int add_image(struct search *search, const struct name *name)
{
	const struct dd_verify *verify = search->verify;
	const char *repository = verify->survey->repositories.items[name->repository]->name;
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	struct dd_digest digest;
	const char **slot;

	search->total++;
	if (search->images.count == DD_VERIFY_IMAGES)
		return 0;
	dd_ids_get(&verify->graph->ids, name->id, &digest);
	if ((name->tag ? dd_text_printf(&text, "%s:%s", repository, name->tag) :
			 dd_text_printf(&text, "%s@%s", repository, dd_digest_text(&digest))) < 0)
		return DD_ENOMEM;
	slot = dd_list_add(&search->images);
	if (!slot)
		return DD_ENOMEM;
	*slot = dd_arena_copy(&search->verify->strings, text.bytes, text.len);
	return *slot ? 0 : DD_ENOMEM;
}

/* Without a tag: only what no index above it stands for, and no tag of the same repository. */
static bool is_named_above(const struct search *search, size_t at)
{
	const struct name *name = &search->names.items[at];

	for (size_t i = first_name(search, name->id); i < at; i++)
		if (search->names.items[i].repository == name->repository)
			return true;
	for (uint32_t k = search->first[name->id]; k < search->first[name->id + 1]; k++) {
		uint32_t parent = search->parents[k];

		for (size_t i = first_name(search, parent);
		     i < search->names.count && search->names.items[i].id == parent; i++)
			if (search->names.items[i].repository == name->repository)
				return true;
	}
	return false;
}

static int name_those_of(struct search *search, uint32_t id, uint32_t repository)
{
	int rc = 0;

	for (size_t i = first_name(search, id);
	     i < search->names.count && search->names.items[i].id == id && rc == 0; i++) {
		const struct name *name = &search->names.items[i];

		if (repository != DD_NO_ID && name->repository != repository)
			continue;
		if (!name->tag && is_named_above(search, i))
			continue;
		if (!search->broken[i])
			search->verify->summary.images++;
		search->broken[i] = 1;
		rc = add_image(search, name);
	}
	return rc;
}

static int compare_texts(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* A manifest that was asked for by its digest alone is whoever's image it may be. */
static int name_by_itself(struct search *search)
{
	struct dd_verify *verify = search->verify;
	struct dd_digest digest;
	const char *text, **slot;

	if (!verify->options.reference || verify->options.reference->repository[0] ||
	    verify->start == DD_NO_ID || search->stamps[verify->start] != search->stamp ||
	    verify->graph->nodes.items[verify->start].manifest == DD_NO_ID)
		return 0;
	dd_ids_get(&verify->graph->ids, verify->start, &digest);
	text = dd_digest_text(&digest);
	slot = dd_list_add(&search->images);
	if (!slot || !(*slot = dd_arena_copy(&verify->strings, text, strlen(text))))
		return DD_ENOMEM;
	search->total = 1;
	verify->summary.images = 1;
	return 0;
}

/* A tag that leads nowhere is in no list of what leads where. */
static int name_tag(struct search *search, const struct dd_found *found)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	const char **slot;

	if (dd_text_printf(&text, "%s:%s", found->repository, found->tag) < 0)
		return DD_ENOMEM;
	slot = dd_list_add(&search->images);
	if (!slot || !(*slot = dd_arena_copy(&search->verify->strings, text.bytes, text.len)))
		return DD_ENOMEM;
	search->total = 1;
	search->verify->summary.images++;
	return 0;
}

static int name_images(struct search *search, struct dd_report *report)
{
	struct dd_found *found = &report->found;
	const char **images;
	int rc = 0;

	search->images.count = 0;
	search->total = 0;
	if (report->id != DD_NO_ID) {
		rc = climb(search, report->id, found->finding);
		for (size_t i = 0; i < search->seen.count && rc == 0; i++)
			rc = name_those_of(search, search->seen.items[i], report->repository);
		if (rc == 0)
			rc = name_by_itself(search);
	} else if (found->tag) {
		rc = name_tag(search, found);
	}
	if (rc < 0 || !search->images.count)
		return rc;
	images = dd_arena_alloc(&search->verify->strings, search->images.count * sizeof(*images));
	if (!images)
		return DD_ENOMEM;
	memcpy(images, search->images.items, search->images.count * sizeof(*images));
	qsort(images, search->images.count, sizeof(*images), compare_texts);
	found->images = images;
	found->image_count = search->images.count;
	found->image_total = search->total;
	return 0;
}

int dd_verify_name_images(struct dd_verify *verify, struct dd_error *err)
{
	DD_CLEANUP(release) struct search search = { .verify = verify };
	int rc = 0;

	if (!verify->summary.errors)
		return 0;
	rc = turn_edges(&search);
	if (rc == 0)
		rc = gather_names(&search);
	for (size_t i = 0; i < verify->reports.count && rc == 0; i++)
		if (dd_finding_severity(verify->reports.items[i].found.finding) ==
		    DD_SEVERITY_ERROR)
			rc = name_images(&search, &verify->reports.items[i]);
	return rc < 0 ? dd_fail(err, rc, 0, "name the images") : 0;
}
