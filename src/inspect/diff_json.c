/*
 * Differences as JSON: schema/diff.json.
 */
#include <drydock/diff.h>

/* ---- images ---- */

static void put_layers(const struct dd_diff_image *image, struct dd_json_out *out)
{
	dd_json_array(out, "layers");
	for (size_t i = 0; i < image->layer_count; i++) {
		const struct dd_diff_layer *layer = &image->layers[i];

		dd_json_object(out, NULL);
		dd_json_text(out, "difference", dd_difference_name(layer->difference));
		dd_json_digest(out, "digest", &layer->digest);
		dd_json_uint(out, "size", layer->size);
		dd_json_text(out, "type", layer->type);
		dd_json_end(out);
	}
	dd_json_end(out);
}

static void put_fields(const struct dd_diff_image *image, struct dd_json_out *out)
{
	dd_json_array(out, "fields");
	for (size_t i = 0; i < image->field_count; i++) {
		const struct dd_diff_field *field = &image->fields[i];

		dd_json_object(out, NULL);
		dd_json_text(out, "field", field->field);
		dd_json_text(out, "key", field->key);
		dd_json_text(out, "before", field->before);
		dd_json_text(out, "after", field->after);
		dd_json_end(out);
	}
	dd_json_end(out);
}

static void put_image(const struct dd_diff_image *image, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	dd_json_text(out, "platform", image->platform);
	dd_json_text(out, "difference", dd_difference_name(image->difference));
	dd_json_digest(out, "before", image->has_before ? &image->before : NULL);
	dd_json_digest(out, "after", image->has_after ? &image->after : NULL);
	dd_json_uint(out, "before_bytes", image->before_bytes);
	dd_json_uint(out, "after_bytes", image->after_bytes);
	dd_json_uint(out, "shared_bytes", image->shared_bytes);
	put_layers(image, out);
	put_fields(image, out);
	dd_json_text(out, "problem", image->problem);
	dd_json_end(out);
}

void dd_diff_images_json(const struct dd_diff_images *diff, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	dd_json_text(out, "command", "diff");
	dd_json_text(out, "what", "images");
	dd_json_digest(out, "before", &diff->before);
	dd_json_digest(out, "after", &diff->after);
	dd_json_text(out, "before_type", diff->before_type);
	dd_json_text(out, "after_type", diff->after_type);
	dd_json_array(out, "images");
	for (size_t i = 0; i < diff->count && !dd_json_failed(out); i++)
		put_image(&diff->images[i], out);
	dd_json_end(out);
	dd_json_uint(out, "problems", diff->problems);
	dd_json_end(out);
}

/* ---- volumes ---- */

static void put_side(const char *key, const struct dd_snapshot *snapshot, struct dd_json_out *out)
{
	dd_json_object(out, key);
	dd_json_text(out, "root", snapshot->root);
	dd_json_time(out, "taken", snapshot->taken_ns);
	dd_json_uint(out, "repositories", snapshot->repository_count);
	dd_json_uint(out, "tags", snapshot->tags);
	dd_json_uint(out, "manifests", snapshot->manifests);
	dd_json_uint(out, "blobs", snapshot->present);
	dd_json_uint(out, "bytes", snapshot->bytes);
	dd_json_uint(out, "problems", snapshot->problems);
	dd_json_end(out);
}

static void put_change(const struct dd_change *change, struct dd_json_out *out)
{
	bool sized = change->what == DD_CHANGED_REPOSITORY || change->what == DD_CHANGED_BLOB;

	dd_json_object(out, NULL);
	dd_json_text(out, "what", dd_changed_name(change->what));
	dd_json_text(out, "difference", dd_difference_name(change->difference));
	dd_json_text(out, "repository", change->repository);
	dd_json_text(out, "tag", change->tag);
	dd_json_digest(out, "before", change->has_before ? &change->before : NULL);
	dd_json_digest(out, "after", change->has_after ? &change->after : NULL);
	if (sized) {
		dd_json_uint(out, "before_bytes", change->before_bytes);
		dd_json_uint(out, "after_bytes", change->after_bytes);
	}
	dd_json_end(out);
}

static void put_counts(const struct dd_diff_volumes *diff, struct dd_json_out *out)
{
	dd_json_object(out, "counts");
	for (int what = 0; what < DD_CHANGED_COUNT; what++) {
		dd_json_object(out, dd_changed_plural((enum dd_changed)what));
		for (int i = DD_DIFF_SAME + 1; i < DD_DIFFERENCE_COUNT; i++)
			dd_json_uint(out, dd_difference_name((enum dd_difference)i),
				     diff->counts[what][i]);
		dd_json_end(out);
	}
	dd_json_end(out);
}

void dd_diff_volumes_json(const struct dd_diff_volumes *diff, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	dd_json_text(out, "command", "diff");
	dd_json_text(out, "what", "volumes");
	put_side("before", diff->before, out);
	put_side("after", diff->after, out);
	dd_json_array(out, "changes");
	for (size_t i = 0; i < diff->count && !dd_json_failed(out); i++)
		put_change(&diff->changes[i], out);
	dd_json_end(out);
	put_counts(diff, out);
	dd_json_uint(out, "appeared_bytes", diff->appeared_bytes);
	dd_json_uint(out, "went_bytes", diff->went_bytes);
	dd_json_end(out);
}
