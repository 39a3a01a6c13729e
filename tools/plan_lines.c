/*
 * What the plan is told in: what kinds of objects are called, headings, and a line for each object.
 */
#include <stdio.h>

#include <drydock/escape.h>

#include "cleanup.h"
#include "plan.h"
#include "render.h"

static const struct kind {
	enum dd_place_kind kind;
	const char *one, *many;
} kinds[] = {
	{ DD_AT_BLOB, "blob", "blobs" },
	{ DD_AT_LAYER, "layer link", "layer links" },
	{ DD_AT_REVISION, "revision", "revisions" },
	{ DD_AT_TAG, "tag", "tags" },
	{ DD_AT_HISTORY, "tag history entry", "tag history entries" },
	{ DD_AT_SIGNATURE, "signature link", "signature links" },
	{ DD_AT_TARSUM, "tarsum link", "tarsum links" },
	{ DD_AT_UPLOAD, "unfinished upload", "unfinished uploads" },
	{ DD_AT_STARTEDAT, "unfinished upload", "unfinished uploads" },
};

static const struct kind *find_kind(const struct dd_place *place)
{
	static const struct kind temporary = { DD_PLACE_COUNT, "temporary file",
					       "temporary files" };
	static const struct kind other = { DD_PLACE_COUNT, "object", "objects" };

	if (place->beside)
		return &temporary;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].kind == place->kind)
			return &kinds[i];
	return &other;
}

const char *plan_kind(const struct dd_place *place)
{
	return find_kind(place)->one;
}

const char *plan_count_kind(const struct dd_place *place, uint64_t count)
{
	const struct kind *kind = find_kind(place);

	return render_count(count, kind->one, kind->many);
}

void plan_heading(enum render_style style, const char *text)
{
	printf("\n%s%s%s\n", style_on(style), text, style_off());
}

void plan_print_object(const struct dd_place *place, const char *size, const char *note)
{
	AUTOFREE char *name = render_place(place);

	printf("  %*s  %s%s%s\n", SIZE_COLUMNS, size, name ? dd_escaped(name) : "?",
	       note[0] ? "  " : "", note);
}

void plan_print_more(uint64_t count)
{
	render_more(SIZE_COLUMNS + 4, count, BY_VERBOSE);
}
