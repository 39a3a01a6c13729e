/*
 * By repository, namespace and tag.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/du.h"

#define LEVELS_MAX 16 /* of namespaces: what is deeper stands below the deepest */

/* Bytes of the first so many components, with the slash that ends them; 0: it has no more of them. */
static size_t prefix(const char *name, unsigned components)
{
	const char *at = name;

	for (unsigned i = 0; i < components; i++) {
		at = strchr(at, '/');
		if (!at)
			return 0;
		at++;
	}
	return (size_t)(at - name);
}

static unsigned components(const char *name)
{
	unsigned count = 1;

	for (; *name; name++)
		count += *name == '/';
	return count;
}

struct naming {
	struct dd_weighing *weighing;
	uint32_t *units; /* by repository */
	size_t *above;	 /* by repository: the row of its nearest namespace so far */
	struct dd_own_unit *owned;
	size_t count; /* of units */
};

/* Is it shown at all; of namespaces alone the first level. */
static bool is_shown(const struct dd_weighing *weighing, unsigned depth)
{
	unsigned most = weighing->options->depth;

	if (!most && weighing->options->by == DD_DU_NAMESPACE)
		most = 1;
	return !most || depth <= most;
}

static int own(struct naming *naming, struct dd_error *err)
{
	struct dd_weighing *weighing = naming->weighing;
	const struct dd_own_options options = { .units = naming->units,
						.count = naming->count,
						.mark = weighing->mark,
						.weights = weighing->weights };

	free(naming->owned);
	naming->owned = NULL;
	return dd_own(weighing->ctx, weighing->survey, &options, &naming->owned, err);
}

static bool is_held(const struct dd_weighing *weighing, size_t repository)
{
	return weighing->mark && (dd_mark_holds_everything(weighing->mark) ||
				  dd_mark_is_held(weighing->mark, (uint32_t)repository));
}

/* Repositories that share a prefix stand in a row; a namespace of one is one all the same. */
static void group(struct naming *naming, unsigned level)
{
	const struct dd_survey *survey = naming->weighing->survey;

	naming->count = 0;
	for (size_t i = 0; i < survey->repositories.count; i++) {
		const char *name = survey->repositories.items[i]->name;
		size_t len = prefix(name, level);
		bool same = i && len &&
			    prefix(survey->repositories.items[i - 1]->name, level) == len &&
			    !strncmp(name, survey->repositories.items[i - 1]->name, len);

		naming->count += !same;
		naming->units[i] = (uint32_t)naming->count - 1;
	}
}

static int add_namespaces(struct naming *naming, unsigned level, struct dd_error *err)
{
	struct dd_weighing *weighing = naming->weighing;
	const struct dd_survey *survey = weighing->survey;
	size_t current = DD_DU_NONE;
	int rc;

	group(naming, level);
	rc = own(naming, err);
	for (size_t i = 0; i < survey->repositories.count && rc == 0; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];
		size_t len = prefix(repo->name, level);
		DD_AUTOFREE char *name = NULL;
		struct dd_du_row *row;

		if (!len)
			continue;
		if (!i || naming->units[i] != naming->units[i - 1]) {
			const struct dd_own_unit *unit = &naming->owned[naming->units[i]];

			name = strndup(repo->name, len);
			row = name ? dd_weigh_row(weighing, name, err) : NULL;
			if (!row)
				return dd_fail(err, DD_ENOMEM, 0, "add up sizes");
			row->parent = naming->above[i];
			row->depth = level;
			row->blobs = unit->blobs;
			row->physical = unit->bytes;
			row->exclusive = unit->exclusive;
			row->shown = is_shown(weighing, level);
			current = weighing->rows.count - 1;
		}
		row = &weighing->rows.items[current];
		row->logical += weighing->logicals[i];
		row->repositories++;
		row->held |= is_held(weighing, i);
		for (size_t t = 0; t < repo->tags.count; t++)
			row->tags += !dd_tag_is_empty(&repo->tags.items[t]);
		naming->above[i] = current;
	}
	return rc;
}

static int add_repositories(struct naming *naming, struct dd_error *err)
{
	struct dd_weighing *weighing = naming->weighing;
	const struct dd_survey *survey = weighing->survey;
	int rc;

	naming->count = survey->repositories.count;
	for (size_t i = 0; i < naming->count; i++)
		naming->units[i] = (uint32_t)i;
	rc = own(naming, err);
	for (size_t i = 0; i < naming->count && rc == 0; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];
		struct dd_du_row *row;

		if (weighing->options->repository &&
		    strcmp(repo->name, weighing->options->repository) != 0)
			continue;
		row = dd_weigh_row(weighing, repo->name, err);
		if (!row)
			return DD_ENOMEM;
		row->is_repository = true;
		row->parent = naming->above[i];
		row->depth =
			row->parent == DD_DU_NONE ? 1 : weighing->rows.items[row->parent].depth + 1;
		row->blobs = naming->owned[i].blobs;
		row->physical = naming->owned[i].bytes;
		row->exclusive = naming->owned[i].exclusive;
		row->logical = weighing->logicals[i];
		row->repositories = 1;
		row->held = is_held(weighing, i);
		row->shown = is_shown(weighing, row->depth);
		for (size_t t = 0; t < repo->tags.count; t++)
			row->tags += !dd_tag_is_empty(&repo->tags.items[t]);
	}
	return rc;
}

int dd_weigh_repositories(struct dd_weighing *weighing, struct dd_error *err)
{
	const struct dd_survey *survey = weighing->survey;
	size_t count = survey->repositories.count;
	DD_AUTOFREE uint32_t *units = calloc(count + 1, sizeof(*units));
	DD_AUTOFREE size_t *above = calloc(count + 1, sizeof(*above));
	struct naming naming = { .weighing = weighing, .units = units, .above = above };
	unsigned levels = 0;
	int rc = 0;

	if (!units || !above)
		return dd_fail(err, DD_ENOMEM, 0, "add up sizes");
	for (size_t i = 0; i < count; i++) {
		unsigned of = components(survey->repositories.items[i]->name) - 1;

		above[i] = DD_DU_NONE;
		levels = of > levels ? of : levels;
	}
	/* Of one repository there is nothing above to be told. */
	if (weighing->options->repository)
		levels = 0;
	for (unsigned level = 1; level <= levels && level <= LEVELS_MAX && rc == 0; level++)
		if (is_shown(weighing, level))
			rc = add_namespaces(&naming, level, err);
	if (rc == 0)
		rc = add_repositories(&naming, err);
	free(naming.owned);
	return rc;
}

/* ---- tags ---- */

int dd_weigh_tags(struct dd_weighing *weighing, struct dd_error *err)
{
	const struct dd_survey *survey = weighing->survey;
	const struct dd_own_options options = { .count = dd_own_tags(survey),
						.mark = weighing->mark,
						.weights = weighing->weights };
	DD_CLEANUP(dd_sizer_release) struct dd_sizer sizer = { 0 };
	DD_AUTOFREE struct dd_own_unit *units = NULL;
	size_t unit = 0;
	int rc = dd_own(weighing->ctx, weighing->survey, &options, &units, err);

	if (rc == 0)
		rc = dd_sizer_init(&sizer, weighing->graph, err);
	for (size_t i = 0; i < survey->repositories.count && rc == 0; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];
		bool wanted = !weighing->options->repository ||
			      !strcmp(repo->name, weighing->options->repository);

		for (size_t t = 0; t < repo->tags.count; t++, unit++) {
			const struct dd_tag *tag = &repo->tags.items[t];
			struct dd_du_row *row;

			if (!wanted || dd_tag_is_empty(tag))
				continue;
			row = dd_weigh_row(weighing, repo->name, err);
			if (!row || !(row->tag = dd_weigh_copy(weighing, tag->name, err)))
				return DD_ENOMEM;
			dd_sizer_begin(&sizer);
			if (tag->current != DD_NO_ID && dd_sizer_add(&sizer, tag->current) < 0)
				return dd_fail(err, DD_ENOMEM, 0, "add up sizes");
			row->logical = sizer.bytes;
			row->blobs = units[unit].blobs;
			row->physical = units[unit].bytes;
			row->exclusive = units[unit].exclusive;
			row->repositories = row->tags = 1;
			row->held = is_held(weighing, i);
		}
	}
	return rc;
}
