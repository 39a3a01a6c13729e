/*
 * By media type, layer and age.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "inspect/du.h"

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "add up sizes");
}

static bool is_present(const struct dd_weighing *weighing, size_t id)
{
	const struct dd_node *node = &weighing->graph->nodes.items[id];

	return (node->flags & DD_NODE_PRESENT) && !(node->flags & DD_NODE_MISSING);
}

/* ---- media types ---- */

struct typed {
	const char *type; /* texts that are equal are one, but for our own */
	uint64_t bytes, logical;
};

static int compare_typed(const void *left, const void *right)
{
	const struct typed *a = left, *b = right;

	return a->type == b->type ? 0 : strcmp(a->type, b->type);
}

/* A digest that is named in several ways has the one that sorts first, whatever was read first. */
static void note_types(const struct dd_weighing *weighing, struct typed *of)
{
	const struct dd_graph *graph = weighing->graph;

	for (size_t i = 0; i < weighing->parts.parts.count; i++) {
		const struct dd_part *part = &weighing->parts.parts.items[i];

		if (part->role == DD_ROLE_SUBJECT)
			continue;
		of[part->id].logical += part->size;
		if (part->type && (!of[part->id].type || strcmp(part->type, of[part->id].type) < 0))
			of[part->id].type = part->type;
	}
	for (size_t m = 0; m < graph->manifests.count; m++) {
		const struct dd_manifest_node *node = &graph->manifests.items[m];

		of[node->id].type = dd_manifest_type_media_type((enum dd_manifest_type)node->type);
		of[node->id].logical += of[node->id].logical ? 0 : node->stored;
	}
}

int dd_weigh_media_types(struct dd_weighing *weighing, struct dd_error *err)
{
	size_t nodes = weighing->graph->nodes.count, count = 0;
	DD_AUTOFREE struct typed *of = calloc(nodes + 1, sizeof(*of));
	struct dd_du_row *row = NULL;

	if (!of)
		return no_memory(err);
	note_types(weighing, of);
	for (size_t id = 0; id < nodes; id++) {
		struct typed typed = of[id];

		if (!is_present(weighing, id))
			continue;
		if (!typed.type)
			typed.type = typed.logical ? "(not said)" : "(nothing names it)";
		typed.bytes = weighing->weights[id];
		of[count++] = typed;
	}
	qsort(of, count, sizeof(*of), compare_typed);
	for (size_t i = 0; i < count; i++) {
		if (!i || compare_typed(&of[i - 1], &of[i]) != 0)
			row = dd_weigh_row(weighing, of[i].type, err);
		if (!row)
			return DD_ENOMEM;
		row->blobs++;
		row->physical += of[i].bytes;
		row->logical += of[i].logical;
	}
	return 0;
}

/* ---- layers ---- */

static int count_one(void *arg, uint32_t id)
{
	uint32_t *counts = arg;

	counts[id]++;
	return 1;
}

static int count_repositories(struct dd_weighing *weighing, uint32_t *counts, struct dd_error *err)
{
	const struct dd_survey *survey = weighing->survey;
	DD_CLEANUP(dd_family_release) struct dd_family family = { 0 };
	int rc = dd_family_init(&family, weighing->graph, err);

	for (size_t i = 0; i < survey->repositories.count && rc == 0; i++) {
		rc = dd_context_check(weighing->ctx, err);
		if (rc == 0)
			rc = dd_family_walk_repository(&family, survey->repositories.items[i],
						       count_one, counts, err);
	}
	return rc;
}

struct layer {
	const char *type;
	uint64_t logical;
	uint32_t manifests, last; /* last: the last manifest that named it, and one */
	bool is;
};

static void note_layers(const struct dd_weighing *weighing, struct layer *layers)
{
	const struct dd_parts *parts = &weighing->parts;

	for (size_t m = 0; m < parts->manifests.count; m++) {
		const struct dd_parts_of *of = &parts->manifests.items[m];

		for (uint32_t i = 0; i < of->count; i++) {
			const struct dd_part *part = &parts->parts.items[of->first + i];
			struct layer *layer = &layers[part->id];

			layer->is |= part->role == DD_ROLE_LAYER || part->role == DD_ROLE_BLOB;
			layer->manifests += layer->last != m + 1;
			layer->last = (uint32_t)m + 1;
			layer->logical += part->size;
			if (part->type && (!layer->type || strcmp(part->type, layer->type) < 0))
				layer->type = part->type;
		}
	}
}

int dd_weigh_layers(struct dd_weighing *weighing, struct dd_error *err)
{
	size_t nodes = weighing->graph->nodes.count;
	DD_AUTOFREE struct layer *layers = calloc(nodes + 1, sizeof(*layers));
	DD_AUTOFREE uint32_t *repositories = calloc(nodes + 1, sizeof(*repositories));
	int rc;

	if (!layers || !repositories)
		return no_memory(err);
	note_layers(weighing, layers);
	rc = count_repositories(weighing, repositories, err);
	for (uint32_t id = 0; id < nodes && rc == 0; id++) {
		struct dd_du_row *row;

		if (!layers[id].is || !is_present(weighing, id))
			continue;
		row = dd_weigh_row(weighing, layers[id].type ? layers[id].type : "(not said)", err);
		if (!row)
			return DD_ENOMEM;
		row->has_digest = true;
		dd_ids_get(&weighing->graph->ids, id, &row->digest);
		row->blobs = 1;
		row->physical = weighing->weights[id];
		row->logical = layers[id].logical;
		row->manifests = layers[id].manifests;
		row->repositories = repositories[id];
	}
	return rc;
}

/* ---- ages ---- */

#define DAYS(n) ((n)*24 * 60 * 60 * DD_SECOND)

static const struct {
	const char *name;
	int64_t below_ns;
} ages[] = {
	{ "under a day", DAYS(1) },	     { "a day to a week", DAYS(7) },
	{ "a week to a month", DAYS(30) },   { "a month to 3 months", DAYS(91) },
	{ "3 months to a year", DAYS(365) }, { "over a year", INT64_MAX },
};

int dd_weigh_ages(struct dd_weighing *weighing, struct dd_error *err)
{
	int64_t now_ns = dd_time_now();

	for (size_t i = 0; i < DD_COUNT(ages); i++)
		if (!dd_weigh_row(weighing, ages[i].name, err))
			return DD_ENOMEM;
	for (size_t id = 0; id < weighing->graph->nodes.count; id++) {
		int64_t age;
		size_t at = 0;

		if (!is_present(weighing, id) || !weighing->mtimes[id])
			continue;
		if (__builtin_sub_overflow(now_ns, weighing->mtimes[id], &age))
			age = INT64_MAX - 1;
		while (age >= ages[at].below_ns && at + 1 < DD_COUNT(ages))
			at++;
		weighing->rows.items[at].blobs++;
		weighing->rows.items[at].physical += weighing->weights[id];
		weighing->rows.items[at].logical += weighing->weights[id];
	}
	return 0;
}
