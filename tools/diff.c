/*
 * Differences, for people.
 */
#include <stdio.h>
#include <string.h>

#include <drydock/escape.h>

#include "cleanup.h"
#include "diff.h"
#include "render.h"

static const enum render_style styles[] = {
	[DD_DIFF_SAME] = STYLE_PLAIN, [DD_DIFF_WENT] = STYLE_BAD,   [DD_DIFF_APPEARED] = STYLE_GOOD,
	[DD_DIFF_MOVED] = STYLE_WARN, [DD_DIFF_GREW] = STYLE_PLAIN, [DD_DIFF_SHRANK] = STYLE_PLAIN,
};

/* ---- images ---- */

static int print_layers(const struct dd_diff_image *image, struct dd_error *err)
{
	static const struct column columns[] = {
		{ "LAYER", 0 }, { "SIZE", COLUMN_RIGHT }, { "DIGEST", 0 }, { "TYPE", COLUMN_SHRINK }
	};
	CLEANUP(table_closep) struct table *rows = NULL;

	if (!image->layer_count)
		return 0;
	rows = table_open(columns, 4);
	for (size_t i = 0; i < image->layer_count; i++) {
		const struct dd_diff_layer *layer = &image->layers[i];
		const char *cells[] = { dd_difference_name(layer->difference),
					render_size(layer->size), render_digest(&layer->digest),
					layer->type };

		table_add(rows, styles[layer->difference], cells);
	}
	return table_print(rows, err);
}

/* A text without a character is there, and is no gap. */
static const char *value(const char *text)
{
	return text && !text[0] ? "\"\"" : text;
}

static int print_fields(const struct dd_diff_image *image, struct dd_error *err)
{
	static const struct column columns[] = { { "FIELD", 0 },
						 { "KEY", COLUMN_SHRINK | COLUMN_TAIL },
						 { "BEFORE", COLUMN_SHRINK },
						 { "AFTER", COLUMN_SHRINK } };
	CLEANUP(table_closep) struct table *rows = NULL;

	if (!image->field_count)
		return 0;
	if (image->layer_count)
		putchar('\n');
	rows = table_open(columns, 4);
	for (size_t i = 0; i < image->field_count; i++) {
		const struct dd_diff_field *field = &image->fields[i];
		const char *cells[] = { field->field, field->key, value(field->before),
					value(field->after) };

		table_add(rows,
			  !field->before ? STYLE_GOOD :
			  !field->after	 ? STYLE_BAD :
					   STYLE_WARN,
			  cells);
	}
	return table_print(rows, err);
}

static void print_sizes(const struct dd_diff_image *image)
{
	printf("%s before, %s after; %s are shared:\nwho has the first pulls %s for the second.\n",
	       render_size(image->before_bytes), render_size(image->after_bytes),
	       render_size(image->shared_bytes),
	       render_size(image->after_bytes - image->shared_bytes));
}

static int print_image(const struct dd_diff_image *image, struct dd_error *err)
{
	int rc;

	if (image->difference != DD_DIFF_MOVED)
		return 0;
	if (image->platform)
		printf("\n%s%s%s\n", style_on(STYLE_HEADING), dd_escaped(image->platform),
		       style_off());
	rc = print_layers(image, err);
	if (rc == 0)
		rc = print_fields(image, err);
	if (rc < 0)
		return rc;
	if (image->layer_count || image->field_count)
		putchar('\n');
	if (image->problem)
		printf("%sProblem: %s.%s\n", style_on(STYLE_BAD), image->problem, style_off());
	if (image->layer_count)
		print_sizes(image);
	return 0;
}

static int print_platforms(const struct dd_diff_images *diff, struct dd_error *err)
{
	static const struct column columns[] = {
		{ "PLATFORM", COLUMN_NAME }, { "MANIFEST", 0 }, { "BEFORE", 0 }, { "AFTER", 0 }
	};
	CLEANUP(table_closep) struct table *rows = table_open(columns, 4);

	for (size_t i = 0; i < diff->count; i++) {
		const struct dd_diff_image *image = &diff->images[i];
		const char *cells[] = { image->platform, dd_difference_name(image->difference),
					image->has_before ? render_digest(&image->before) : NULL,
					image->has_after ? render_digest(&image->after) : NULL };

		table_add(rows, styles[image->difference], cells);
	}
	return table_print(rows, err);
}

/* What it was called, without the digest that has a column of its own; heap memory. */
static char *name_of(const char *name, const struct dd_digest *digest)
{
	const char *at = strstr(name, dd_digest_text(digest));

	return !at ? strdup(name) : strndup(name, at > name ? (size_t)(at - name) - 1 : 0);
}

/* A line a side, one below the other; on a terminal cut where it does not fit. */
static int print_sides(const struct dd_diff_images *diff, const char *before, const char *after,
		       struct dd_error *err)
{
	static const struct column columns[] = {
		{ "SIDE", 0 }, { "NAME", COLUMN_NAME }, { "DIGEST", 0 }, { "TYPE", 0 }
	};
	CLEANUP(table_closep) struct table *rows = table_open(columns, 4);
	AUTOFREE char *old = name_of(before, &diff->before), *new = name_of(after, &diff->after);
	const char *first[] = { "before", old, render_digest(&diff->before), diff->before_type };
	const char *second[] = { "after", new, render_digest(&diff->after), diff->after_type };

	table_add(rows, STYLE_PLAIN, first);
	table_add(rows, STYLE_PLAIN, second);
	return old && new ? table_print(rows, err) :
			    dd_fail(err, DD_ENOMEM, 0, "print what is compared");
}

int diff_print_images(const struct dd_diff_images *diff, const char *before, const char *after,
		      struct dd_error *err)
{
	int rc = print_sides(diff, before, after, err);

	if (rc < 0)
		return rc;
	if (dd_digest_equal(&diff->before, &diff->after)) {
		puts("They are the same.");
		return 0;
	}
	putchar('\n');
	if (diff->count && diff->images[0].platform)
		rc = print_platforms(diff, err);
	for (size_t i = 0; i < diff->count && rc == 0; i++)
		rc = print_image(&diff->images[i], err);
	return rc;
}

/* ---- volumes ---- */

static void print_volume(const char *label, const struct dd_snapshot *snapshot)
{
	printf("%s  %s  %s: %s, %s, %s, %s, %s\n", label, render_time(snapshot->taken_ns),
	       dd_escaped(snapshot->root),
	       render_count(snapshot->repository_count, "repository", "repositories"),
	       render_count(snapshot->tags, "tag", "tags"),
	       render_count(snapshot->manifests, "manifest", "manifests"),
	       render_count(snapshot->present, "blob", "blobs"), render_size(snapshot->bytes));
}

static int add_change(struct table *rows, const struct dd_change *change, struct dd_error *err)
{
	bool sized = change->what == DD_CHANGED_REPOSITORY;
	AUTOFREE char *name = NULL;
	const struct dd_digest *digest = change->has_after ? &change->after : &change->before;
	const char *cells[5] = { dd_difference_name(change->difference),
				 dd_changed_name(change->what) };
	int made;

	if (change->what == DD_CHANGED_TAG)
		made = asprintf(&name, "%s:%s", change->repository, change->tag);
	else if (change->what == DD_CHANGED_MANIFEST)
		made = asprintf(&name, "%s@%s", change->repository, render_digest(digest));
	else
		made = asprintf(&name, "%s", sized ? change->repository : render_digest(digest));
	if (made < 0) {
		name = NULL;
		return dd_fail(err, DD_ENOMEM, 0, "print a change");
	}
	cells[2] = name;
	if (change->what == DD_CHANGED_TAG) {
		cells[3] = change->has_before ? render_digest(&change->before) : NULL;
		cells[4] = change->has_after ? render_digest(&change->after) : NULL;
	} else if (change->what != DD_CHANGED_MANIFEST) {
		cells[3] = change->difference == DD_DIFF_APPEARED ?
				   NULL :
				   render_size(change->before_bytes);
		cells[4] = change->difference == DD_DIFF_WENT ? NULL :
								render_size(change->after_bytes);
	}
	table_add(rows, styles[change->difference], cells);
	return 0;
}

static int print_changes(const struct dd_diff_volumes *diff, struct dd_error *err)
{
	static const struct column columns[] = { { "CHANGE", 0 },
						 { "WHAT", 0 },
						 { "NAME", COLUMN_NAME },
						 { "BEFORE", 0 },
						 { "AFTER", 0 } };
	CLEANUP(table_closep) struct table *rows = NULL;
	int rc = 0;

	if (!diff->count)
		return 0;
	rows = table_open(columns, 5);
	for (size_t i = 0; i < diff->count && rc == 0; i++)
		rc = add_change(rows, &diff->changes[i], err);
	if (rc == 0)
		rc = table_print(rows, err);
	putchar('\n');
	return rc;
}

/* "2 tags, 1 manifest and 4 blobs (1.2 MiB) appeared." */
static bool print_count(const struct dd_diff_volumes *diff, enum dd_difference difference,
			uint64_t bytes)
{
	bool any = false;

	for (int what = 0; what < DD_CHANGED_COUNT; what++) {
		uint64_t count = diff->counts[what][difference];

		if (!count)
			continue;
		printf("%s%s", any ? ", " : "",
		       render_count(count, dd_changed_name((enum dd_changed)what),
				    dd_changed_plural((enum dd_changed)what)));
		if (what == DD_CHANGED_BLOB && difference <= DD_DIFF_APPEARED)
			printf(" (%s)", render_size(bytes));
		any = true;
	}
	if (any)
		printf(" %s.\n", dd_difference_name(difference));
	return any;
}

int diff_print_volumes(const struct dd_diff_volumes *diff, struct dd_error *err)
{
	bool any = false;
	int rc;

	print_volume("before", diff->before);
	print_volume("after ", diff->after);
	putchar('\n');
	rc = print_changes(diff, err);
	for (int i = DD_DIFF_SAME + 1; i < DD_DIFFERENCE_COUNT; i++)
		any |= print_count(diff, (enum dd_difference)i,
				   i == DD_DIFF_WENT ? diff->went_bytes : diff->appeared_bytes);
	if (!any)
		puts("Nothing differs.");
	return rc;
}
