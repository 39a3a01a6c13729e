/*
 * Two images, or two indexes platform by platform.
 */
#include <string.h>

#include "base/cleanup.h"
#include "inspect/diff.h"
#include "inspect/named.h"
#include "inspect/snapshot.h"
#include "store/resolve.h"

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "compare images");
}

/* ---- layers ---- */

/* The parts of a side by digest, each once. */
struct set {
	struct dd_diff_layer *items;
	size_t count;
};

static void release_set(struct set *set)
{
	free(set->items);
}

static int compare_parts(const void *left, const void *right)
{
	const struct dd_diff_layer *a = left, *b = right;

	return dd_digest_compare(&a->digest, &b->digest);
}

static int make_set(const struct dd_sided *side, struct set *set, struct dd_error *err)
{
	size_t count = side->parts.count;

	set->items = calloc(count + 1, sizeof(*set->items));
	if (!set->items)
		return no_memory(err);
	if (count)
		memcpy(set->items, side->parts.items, count * sizeof(*set->items));
	qsort(set->items, count, sizeof(*set->items), compare_parts);
	for (size_t i = 0; i < count; i++)
		if (!i || compare_parts(&set->items[set->count - 1], &set->items[i]) != 0)
			set->items[set->count++] = set->items[i];
	return 0;
}

static bool has(const struct set *set, const struct dd_diff_layer *part)
{
	return bsearch(part, set->items, set->count, sizeof(*set->items), compare_parts) != NULL;
}

static uint64_t pull_size(const struct dd_sided *side, const struct set *set)
{
	uint64_t bytes = dd_snapshot_sum(side->bytes, side->has_config ? side->config.size : 0);

	for (size_t i = 0; i < set->count; i++)
		bytes = dd_snapshot_sum(bytes, set->items[i].size);
	return bytes;
}

static uint64_t shared_size(const struct dd_sided *before, const struct set *olds,
			    const struct dd_sided *after, const struct set *news)
{
	uint64_t bytes = 0;

	if (before->has_config && after->has_config &&
	    dd_digest_equal(&before->config.digest, &after->config.digest))
		bytes = after->config.size;
	for (size_t i = 0; i < news->count; i++)
		if (has(olds, &news->items[i]))
			bytes = dd_snapshot_sum(bytes, news->items[i].size);
	return bytes;
}

/*
 * In the order of both: what went stands where it was, what appeared where it is. What both have in
 * another order follows the second.
 */
static void merge(const struct dd_sided *before, const struct set *olds,
		  const struct dd_sided *after, const struct set *news, struct dd_diff_image *image,
		  struct dd_diff_layer *rows)
{
	size_t b = 0, a = 0, b_count = before->parts.count, a_count = after->parts.count;

	while (b < b_count || a < a_count) {
		struct dd_diff_layer *row = &rows[image->layer_count];

		if (b < b_count && !has(news, &before->parts.items[b])) {
			*row = before->parts.items[b++];
			row->difference = DD_DIFF_WENT;
		} else if (a < a_count) {
			bool both = has(olds, &after->parts.items[a]);

			*row = after->parts.items[a++];
			row->difference = both ? DD_DIFF_SAME : DD_DIFF_APPEARED;
			if (both && b < b_count)
				b++;
		} else {
			/* Named twice before, and once now. */
			b++;
			continue;
		}
		image->layer_count++;
	}
}

static int differ_layers(struct dd_differing *differing, const struct dd_sided *before,
			 const struct dd_sided *after, struct dd_diff_image *image,
			 struct dd_error *err)
{
	DD_CLEANUP(release_set) struct set olds = { 0 };
	DD_CLEANUP(release_set) struct set news = { 0 };
	size_t most = before->parts.count + after->parts.count;
	struct dd_diff_layer *rows = dd_arena_alloc(differing->memory, (most + 1) * sizeof(*rows));
	int rc = rows ? make_set(before, &olds, err) : no_memory(err);

	if (rc == 0)
		rc = make_set(after, &news, err);
	if (rc < 0)
		return rc;
	image->layers = rows;
	image->before_bytes = pull_size(before, &olds);
	image->after_bytes = pull_size(after, &news);
	image->shared_bytes = shared_size(before, &olds, after, &news);
	merge(before, &olds, after, &news, image, rows);
	return 0;
}

/* ---- one image ---- */

static struct dd_diff_image *add_image(struct dd_differing *differing, struct dd_error *err)
{
	struct dd_diff_image *image = dd_list_add(&differing->images);

	if (!image)
		no_memory(err);
	return image;
}

static int differ(struct dd_differing *differing, struct dd_sided *before, struct dd_sided *after,
		  struct dd_diff_image *image, struct dd_error *err)
{
	int rc = differ_layers(differing, before, after, image, err);

	image->problem = before->problem ? before->problem : after->problem;
	/* Half of a comparison would look like a change. */
	if (rc < 0 || image->problem)
		return rc;
	return dd_differ_fields(differing, before, after, image, err);
}

static int differ_children(struct dd_differing *differing, struct dd_diff_image *image,
			   struct dd_error *err)
{
	struct dd_sided before = { 0 }, after = { 0 };
	struct dd_error own = { 0 };
	int rc = dd_sided_read(differing, differing->references[0]->repository, &image->before,
			       &before, &own);

	if (rc == 0)
		rc = dd_sided_read(differing, differing->references[1]->repository, &image->after,
				   &after, &own);
	if (rc == 0 &&
	    (dd_manifest_type_is_index(before.type) || dd_manifest_type_is_index(after.type)))
		image->problem = "an index in an index; compare it by its digest";
	else if (rc == 0)
		rc = differ(differing, &before, &after, image, &own);
	dd_sided_release(&before);
	dd_sided_release(&after);
	if (rc == DD_ENOMEM || rc == DD_ECANCELLED) {
		if (err)
			*err = own;
		return rc;
	}
	/* A platform that was never pushed is nothing unusual. */
	if (rc < 0)
		image->problem = rc == DD_ENOENT ? "its manifest is not here" : dd_code_text(rc);
	return 0;
}

/* ---- platforms ---- */

struct child {
	const char *platform;
	size_t place; /* in its index */
	const struct dd_diff_layer *part;
};

static int compare_children(const void *left, const void *right)
{
	const struct child *a = left, *b = right;
	int result = strcmp(a->platform, b->platform);

	return result ? result : a->place < b->place ? -1 : 1;
}

static struct child *sort_children(const struct dd_sided *side)
{
	struct child *children = calloc(side->parts.count + 1, sizeof(*children));

	if (!children)
		return NULL;
	for (size_t i = 0; i < side->parts.count; i++)
		children[i] = (struct child){ side->platforms.items[i], i, &side->parts.items[i] };
	qsort(children, side->parts.count, sizeof(*children), compare_children);
	return children;
}

static int add_child(struct dd_differing *differing, const struct child *old,
		     const struct child *new, struct dd_error *err)
{
	struct dd_diff_image *image = add_image(differing, err);

	if (!image)
		return DD_ENOMEM;
	image->has_before = old;
	image->has_after = new;
	if (old) {
		image->platform = old->platform;
		image->before = old->part->digest;
	}
	if (new) {
		image->platform = new->platform;
		image->after = new->part->digest;
	}
	image->difference = !new ? DD_DIFF_WENT :
			    !old ? DD_DIFF_APPEARED :
			    dd_digest_equal(&old->part->digest, &new->part->digest) ? DD_DIFF_SAME :
										      DD_DIFF_MOVED;
	return image->difference == DD_DIFF_MOVED ? differ_children(differing, image, err) : 0;
}

static int differ_indexes(struct dd_differing *differing, const struct dd_sided *before,
			  const struct dd_sided *after, struct dd_error *err)
{
	DD_AUTOFREE struct child *olds = sort_children(before), *news = sort_children(after);
	size_t b = 0, a = 0;
	int rc = olds && news ? 0 : no_memory(err);

	while (rc == 0 && (b < before->parts.count || a < after->parts.count)) {
		const struct child *old = b < before->parts.count ? &olds[b] : NULL,
				   *new = a < after->parts.count ? &news[a] : NULL;
		int which = !new ? -1 : !old ? 1 : strcmp(old->platform, new->platform);

		rc = add_child(differing, which <= 0 ? old : NULL, which >= 0 ? new : NULL, err);
		b += which <= 0;
		a += which >= 0;
	}
	return rc;
}

/* ---- what was asked for ---- */

static int compare(struct dd_differing *differing, struct dd_sided *before, struct dd_sided *after,
		   struct dd_error *err)
{
	bool index = dd_manifest_type_is_index(before->type);
	struct dd_diff_image *image;

	differing->diff->before_type = dd_manifest_type_name(before->type);
	differing->diff->after_type = dd_manifest_type_name(after->type);
	if (index != dd_manifest_type_is_index(after->type)) {
		dd_fail(err, DD_EUSAGE, 0, "%s is an index, and %s is none",
			dd_digest_text(index ? &before->digest : &after->digest),
			dd_digest_text(index ? &after->digest : &before->digest));
		dd_hint(err, "name one of its manifests by digest; 'drydock ls' lists them");
		return DD_EUSAGE;
	}
	if (index)
		return differ_indexes(differing, before, after, err);
	image = add_image(differing, err);
	if (!image)
		return DD_ENOMEM;
	image->has_before = image->has_after = true;
	image->before = before->digest;
	image->after = after->digest;
	image->difference =
		dd_digest_equal(&before->digest, &after->digest) ? DD_DIFF_SAME : DD_DIFF_MOVED;
	return differ(differing, before, after, image, err);
}

static int read_side(struct dd_differing *differing, const struct dd_reference *reference,
		     struct dd_digest *digest, struct dd_sided *side, struct dd_error *err)
{
	int rc;

	if (!reference->tag[0] && !reference->digest[0])
		return dd_fail(err, DD_EUSAGE, 0, "%s: name a tag of it, or a digest",
			       reference->repository);
	rc = dd_resolve(differing->store, reference, digest, err);
	if (rc < 0)
		return rc;
	rc = dd_sided_read(differing, reference->repository, digest, side, err);
	return rc < 0 ? dd_named_failed(reference, digest, rc, err) : 0;
}

int dd_diff_images(struct dd_context *ctx, struct dd_store *store,
		   const struct dd_reference *before, const struct dd_reference *after,
		   struct dd_diff_images *diff, struct dd_error *err)
{
	struct dd_differing differing = {
		.ctx = ctx, .store = store, .references = { before, after }, .diff = diff
	};
	struct dd_sided old = { 0 }, new = { 0 };
	int rc;

	memset(diff, 0, sizeof(*diff));
	differing.memory = calloc(1, sizeof(*differing.memory));
	diff->memory = differing.memory;
	if (!differing.memory)
		return no_memory(err);
	rc = read_side(&differing, before, &diff->before, &old, err);
	if (rc == 0)
		rc = read_side(&differing, after, &diff->after, &new, err);
	if (rc == 0)
		rc = compare(&differing, &old, &new, err);
	dd_sided_release(&old);
	dd_sided_release(&new);
	diff->images = differing.images.items;
	diff->count = differing.images.count;
	for (size_t i = 0; i < diff->count; i++)
		diff->problems += diff->images[i].problem != NULL;
	return rc;
}

void dd_diff_images_release(struct dd_diff_images *diff)
{
	free(diff->images);
	if (diff->memory)
		dd_arena_release(diff->memory);
	free(diff->memory);
	memset(diff, 0, sizeof(*diff));
}
