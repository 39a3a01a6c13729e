/*
 * The brake: a plan that takes more than somebody expected is shown, and not carried out. What made it
 * so large (a wrong --delete-untagged, tags that went by mistake) is for a person to find out.
 */
#include <stdio.h>

#include "gc/plan.h"

static uint64_t count_blobs(const struct dd_gc *gc)
{
	uint64_t blobs = 0;

	for (size_t i = 0; i < gc->order.count; i++)
		blobs += gc->candidates.list.items[gc->order.items[i]].kind == DD_AT_BLOB;
	return blobs;
}

void dd_gc_brake(struct dd_gc *gc)
{
	const struct dd_gc_options *options = &gc->options;
	const struct dd_gc_totals *totals = &gc->plan.totals;
	uint64_t blobs = options->max_share ? count_blobs(gc) : 0;
	char *text = gc->brake;

	gc->plan.brake = text;
	if (options->max_items && totals->items > options->max_items)
		snprintf(text, sizeof(gc->brake),
			 "%llu objects would go, and no more than %llu may (--max-items)",
			 (unsigned long long)totals->items, (unsigned long long)options->max_items);
	else if (options->max_bytes && totals->bytes > options->max_bytes)
		snprintf(text, sizeof(gc->brake),
			 "%llu bytes would go, and no more than %llu may (--max-bytes)",
			 (unsigned long long)totals->bytes, (unsigned long long)options->max_bytes);
	else if (options->max_share && blobs * 100 > totals->blobs * options->max_share)
		snprintf(text, sizeof(gc->brake),
			 "%llu of %llu blobs would go, and no more than %u%% may (--max-share)",
			 (unsigned long long)blobs, (unsigned long long)totals->blobs,
			 options->max_share);
	else
		gc->plan.brake = NULL;
}
