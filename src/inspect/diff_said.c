/*
 * What is said of an image, by its manifest or its configuration: field by field, then side by side.
 */
#include <string.h>

#include "inspect/diff.h"

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "compare images");
}

const char *dd_differ_copy(struct dd_differing *differing, const char *text, struct dd_error *err)
{
	const char *copy = dd_arena_copy(differing->memory, text, strlen(text));

	if (!copy)
		no_memory(err);
	return copy;
}

int dd_sided_say(struct dd_differing *differing, struct dd_sided *side, unsigned order,
		 const char *field, const char *key, const char *value, struct dd_error *err)
{
	struct dd_said *said = dd_list_add(&side->said);

	if (!said)
		return no_memory(err);
	said->order = order;
	said->field = field;
	said->value = dd_differ_copy(differing, value, err);
	if (key)
		said->key = dd_differ_copy(differing, key, err);
	return said->value && (!key || said->key) ? 0 : DD_ENOMEM;
}

/* ---- side by side ---- */

static int compare_said(const struct dd_said *a, const struct dd_said *b)
{
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return strcmp(a->key ? a->key : "", b->key ? b->key : "");
}

static int compare_all(const void *left, const void *right)
{
	const struct dd_said *a = left, *b = right;
	int result = compare_said(a, b);

	return result ? result : strcmp(a->value, b->value);
}

static void sort(struct dd_sided *side)
{
	if (side->said.count)
		qsort(side->said.items, side->said.count, sizeof(*side->said.items), compare_all);
}

int dd_differ_fields(struct dd_differing *differing, struct dd_sided *before,
		     struct dd_sided *after, struct dd_diff_image *image, struct dd_error *err)
{
	size_t most = before->said.count + after->said.count, b = 0, a = 0;
	struct dd_diff_field *rows = dd_arena_alloc(differing->memory, (most + 1) * sizeof(*rows));

	if (!rows)
		return no_memory(err);
	image->fields = rows;
	sort(before);
	sort(after);
	while (b < before->said.count || a < after->said.count) {
		const struct dd_said *old = b < before->said.count ? &before->said.items[b] : NULL,
				     *new = a < after->said.count ? &after->said.items[a] : NULL;
		int which = !new ? -1 : !old ? 1 : compare_said(old, new);
		const struct dd_said *either = which <= 0 ? old : new;

		b += which <= 0;
		a += which >= 0;
		if (which == 0 && !strcmp(old->value, new->value))
			continue;
		rows[image->field_count++] =
			(struct dd_diff_field){ .field = either->field,
						.key = either->key,
						.before = which <= 0 ? old->value : NULL,
						.after = which >= 0 ? new->value : NULL };
	}
	return 0;
}
