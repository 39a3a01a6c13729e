/*
 * One manifest or blob as JSON: schema/show.json.
 */
#include <drydock/show.h>

static void put_texts(const struct dd_texts *texts, const char *key, struct dd_json_out *out)
{
	dd_json_array(out, key);
	for (size_t i = 0; i < texts->count; i++)
		dd_json_text(out, NULL, texts->items[i]);
	dd_json_end(out);
}

/* A key may be there twice, and is untrusted: so no members of an object. */
static void put_labels(const struct dd_label *labels, size_t count, const char *key,
		       struct dd_json_out *out)
{
	dd_json_array(out, key);
	for (size_t i = 0; i < count; i++) {
		dd_json_object(out, NULL);
		dd_json_text(out, "key", labels[i].key);
		dd_json_text(out, "value", labels[i].value);
		dd_json_end(out);
	}
	dd_json_end(out);
}

static void put_time(const char *key, int64_t ns, struct dd_json_out *out)
{
	if (ns)
		dd_json_time(out, key, ns);
	else
		dd_json_null(out, key);
}

static void put_verified(bool verified, const struct dd_verified *last, struct dd_json_out *out)
{
	if (!verified) {
		dd_json_null(out, "verified");
		return;
	}
	dd_json_object(out, "verified");
	dd_json_bool(out, "good", last->verdict == DD_VERDICT_GOOD);
	dd_json_time(out, "when", last->when_ns);
	dd_json_end(out);
}

static void put_part(const struct dd_show_part *part, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	dd_json_text(out, "role", dd_role_name(part->role));
	dd_json_digest(out, "digest", part->has_digest ? &part->digest : NULL);
	dd_json_text(out, "type", part->type);
	dd_json_text(out, "platform", part->platform);
	dd_json_text(out, "artifact_type", part->artifact);
	dd_json_uint(out, "size", part->size);
	dd_json_uint(out, "total", part->total);
	dd_json_bool(out, "present", part->present);
	dd_json_bool(out, "linked", part->linked);
	put_verified(part->verified, &part->last, out);
	dd_json_text(out, "problem", part->problem);
	dd_json_end(out);
}

static void put_history(const struct dd_show *show, struct dd_json_out *out)
{
	const struct dd_show_config *config = &show->config;

	dd_json_bool(out, "history_matches_layers", config->matched);
	dd_json_array(out, "history");
	for (size_t i = 0; i < config->history_count && !dd_json_failed(out); i++) {
		const struct dd_show_step *step = &config->history[i];
		const struct dd_show_part *layer =
			step->part == DD_SHOW_NONE ? NULL : &show->parts[step->part];

		dd_json_object(out, NULL);
		put_time("created", step->created_ns, out);
		dd_json_text(out, "created_by", step->created_by);
		dd_json_text(out, "comment", step->comment);
		dd_json_bool(out, "empty_layer", step->empty);
		dd_json_digest(out, "layer", layer ? &layer->digest : NULL);
		dd_json_uint(out, "size", layer ? layer->size : 0);
		dd_json_end(out);
	}
	dd_json_end(out);
}

static void put_config(const struct dd_show *show, struct dd_json_out *out)
{
	const struct dd_show_config *config = &show->config;

	if (!config->known) {
		dd_json_null(out, "config");
		return;
	}
	dd_json_object(out, "config");
	put_time("created", config->created_ns, out);
	dd_json_text(out, "author", config->author);
	dd_json_text(out, "platform", config->platform);
	dd_json_text(out, "user", config->user);
	dd_json_text(out, "working_directory", config->directory);
	dd_json_text(out, "stop_signal", config->stop_signal);
	put_texts(&config->entrypoint, "entrypoint", out);
	put_texts(&config->command, "cmd", out);
	put_texts(&config->environment, "env", out);
	put_texts(&config->ports, "exposed_ports", out);
	put_texts(&config->volumes, "volumes", out);
	put_labels(config->labels, config->label_count, "labels", out);
	put_history(show, out);
	dd_json_end(out);
}

static void put_manifest(const struct dd_show *show, struct dd_json_out *out)
{
	dd_json_array(out, "parts");
	for (size_t i = 0; i < show->part_count && !dd_json_failed(out); i++)
		put_part(&show->parts[i], out);
	dd_json_end(out);
	put_labels(show->annotations, show->annotation_count, "annotations", out);
	dd_json_digest(out, "subject", show->has_subject ? &show->subject : NULL);
	put_config(show, out);
	dd_json_text(out, "config_problem", show->config.problem);
	dd_json_array(out, "referrers");
	for (size_t i = 0; i < show->referrer_count; i++) {
		const struct dd_show_referrer *referrer = &show->referrers[i];

		dd_json_object(out, NULL);
		dd_json_digest(out, "digest", &referrer->digest);
		dd_json_text(out, "type", referrer->type);
		dd_json_text(out, "artifact_type", referrer->artifact);
		dd_json_text(out, "tag", referrer->tag);
		dd_json_uint(out, "total", referrer->total);
		dd_json_end(out);
	}
	dd_json_end(out);
}

static void put_freed(const struct dd_show *show, struct dd_json_out *out)
{
	if (!show->weighed) {
		dd_json_null(out, "freed");
		return;
	}
	dd_json_object(out, "freed");
	dd_json_uint(out, "blobs", show->freed_blobs);
	dd_json_uint(out, "bytes", show->freed_bytes);
	dd_json_uint(out, "linked_bytes", show->freed_linked_bytes);
	dd_json_end(out);
}

void dd_show_json(const struct dd_show *show, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	dd_json_text(out, "command", "show");
	dd_json_text(out, "kind", show->manifest ? "manifest" : "blob");
	dd_json_text(out, "repository", show->repository);
	dd_json_text(out, "tag", show->tag);
	dd_json_digest(out, "digest", &show->digest);
	dd_json_text(out, "type", show->type);
	dd_json_text(out, "media_type", show->media_type);
	dd_json_text(out, "artifact_type", show->artifact);
	dd_json_uint(out, "size", show->size);
	dd_json_uint(out, "total", show->total);
	put_time("stored", show->stored_ns, out);
	put_time("pushed", show->pushed_ns, out);
	dd_json_bool(out, "present", show->present);
	dd_json_bool(out, "linked", show->linked);
	put_verified(show->verified, &show->last, out);
	put_texts(&show->tags, "tags", out);
	put_texts(&show->elsewhere, "elsewhere", out);
	put_manifest(show, out);
	put_freed(show, out);
	dd_json_text(out, "problem", show->problem);
	dd_json_uint(out, "problems", show->problems);
	dd_json_end(out);
}
