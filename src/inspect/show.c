/*
 * Everything about one manifest or blob.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "graph/stored.h"
#include "inspect/problem.h"
#include "inspect/show.h"
#include "store/resolve.h"

/* ---- looking ---- */

static int look_around(struct dd_showing *showing, struct dd_error *err)
{
	const struct dd_reference *reference = showing->reference;
	const struct dd_onlooker onlooker = { .arg = &showing->seen, .manifest = dd_parts_add };
	const struct dd_survey_options options = {
		.only = reference->repository[0] ? reference->repository : NULL,
		.no_blobs = true,
		.onlooker = &onlooker,
		.start = &showing->show->digest,
		.alone = !reference->repository[0],
	};
	int rc = dd_graph_open(&showing->graph, err);

	if (rc < 0)
		return rc;
	dd_parts_init(&showing->seen, showing->graph);
	rc = dd_survey_open(showing->ctx, showing->store, showing->graph, &options,
			    &showing->survey, err);
	if (rc == 0)
		rc = dd_sizer_init(&showing->sizer, showing->graph, err);
	if (rc < 0)
		return rc;
	showing->id = dd_ids_find(&showing->graph->ids, &showing->show->digest);
	showing->show->problems += showing->survey->unreadable;
	return 0;
}

/* Whether a look at a digest's bytes is remembered that is still true. */
static bool recall(const struct dd_showing *showing, const struct dd_digest *digest,
		   const struct dd_info *info, struct dd_verified *verified)
{
	return showing->options->index &&
	       dd_index_get_verified(showing->options->index, digest, &info->stamp, verified);
}

static bool is_linked(const struct dd_showing *showing, enum dd_place_kind kind,
		      const struct dd_digest *digest)
{
	const struct dd_place place = { .kind = kind,
					.repository = showing->show->repository,
					.digest = *digest };
	struct dd_info info;

	return showing->show->repository && dd_store_stat(showing->store, &place, &info, NULL) == 0;
}

static int look_at_self(struct dd_showing *showing, struct dd_error *err)
{
	struct dd_show *show = showing->show;
	struct dd_place place;
	struct dd_info info;
	int rc =
		dd_stored_stat(showing->store, show->repository, &show->digest, &place, &info, err);

	if (rc == DD_ENOMEM)
		return rc;
	show->present = rc == 0;
	if (rc < 0) {
		show->problem = rc == DD_ENOENT ? "its bytes are not there" : dd_code_text(rc);
		dd_error_clear(err);
		return 0;
	}
	show->size = show->total = info.size;
	show->stored_ns = info.mtime_ns;
	show->verified = recall(showing, &place.digest, &info, &show->last);
	if (show->verified && show->last.verdict == DD_VERDICT_CORRUPT)
		show->problem = "its bytes were not those of its digest when they were read last";
	return 0;
}

/* Its bytes were read just now, for a manifest is never believed without. */
static struct dd_verified proved_now(uint64_t size)
{
	return (struct dd_verified){ .when_ns = dd_time_now(),
				     .size = size,
				     .verdict = DD_VERDICT_GOOD };
}

/* ---- parts ---- */

static void look_at_part(struct dd_showing *showing, const struct dd_descriptor *descriptor,
			 struct dd_show_part *part)
{
	struct dd_error own = { 0 };
	struct dd_place place;
	struct dd_info info;
	int rc = dd_stored_stat(showing->store, showing->show->repository, &part->digest, &place,
				&info, &own);
	bool sparse = descriptor->role == DD_ROLE_CHILD;

	part->present = rc == 0;
	part->linked = is_linked(showing, sparse ? DD_AT_REVISION : DD_AT_LAYER, &part->digest);
	if (rc == 0) {
		part->verified = recall(showing, &place.digest, &info, &part->last);
		if (part->verified && part->last.verdict == DD_VERDICT_CORRUPT)
			part->problem = "its bytes are not those of its digest";
		else if (descriptor->has_size && info.size != descriptor->size)
			part->problem = "its file is of another size";
	} else if (rc != DD_ENOENT) {
		part->problem = dd_code_text(rc);
	} else if (!descriptor->urls && (!sparse || part->linked)) {
		part->problem = "it is not there";
	}
}

static int add_part(struct dd_showing *showing, const struct dd_descriptor *descriptor,
		    struct dd_error *err)
{
	struct dd_show_part *part = &showing->parts[showing->show->part_count++];
	char text[DD_PLATFORM_TEXT];
	const char *platform = dd_platform_format(descriptor, text);
	uint32_t id = descriptor->legacy ? DD_NO_ID :
					   dd_ids_find(&showing->graph->ids, &descriptor->digest);

	part->role = descriptor->role;
	part->has_digest = !descriptor->legacy;
	part->digest = descriptor->digest;
	part->size = part->total = descriptor->size;
	part->type = dd_show_copy(showing, descriptor->media_type, err);
	part->platform = dd_show_copy(showing, platform, err);
	if ((descriptor->media_type && !part->type) || (platform && !part->platform))
		return DD_ENOMEM;
	if (descriptor->legacy)
		return 0;
	look_at_part(showing, descriptor, part);
	if (descriptor->role != DD_ROLE_CHILD || id == DD_NO_ID)
		return 0;
	dd_sizer_begin(&showing->sizer);
	if (dd_sizer_add(&showing->sizer, id) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "add up sizes");
	part->total = showing->sizer.bytes;
	if (showing->graph->nodes.items[id].manifest != DD_NO_ID) {
		part->verified = true;
		part->last = proved_now(part->size);
	}
	if (!part->problem && part->linked)
		part->problem = dd_problem_of(showing->graph, id);
	part->artifact = dd_show_copy(showing, dd_parts_artifact(&showing->seen, id), err);
	return 0;
}

static int add_annotations(struct dd_showing *showing, const struct dd_annotations *annotations,
			   struct dd_error *err)
{
	struct dd_label *labels = dd_show_alloc(showing, annotations->count, sizeof(*labels), err);

	if (!labels)
		return DD_ENOMEM;
	for (size_t i = 0; i < annotations->count; i++) {
		labels[i].key = dd_show_copy(showing, annotations->items[i].key, err);
		labels[i].value = dd_show_copy(showing, annotations->items[i].value, err);
		if (!labels[i].key || !labels[i].value)
			return DD_ENOMEM;
	}
	showing->show->annotations = labels;
	showing->show->annotation_count = annotations->count;
	return 0;
}

static int take_manifest(struct dd_showing *showing, const struct dd_manifest *manifest,
			 struct dd_error *err)
{
	struct dd_show *show = showing->show;
	const char *artifact = dd_parts_artifact(&showing->seen, showing->id);
	int rc = add_annotations(showing, &manifest->annotations, err);

	show->manifest = show->verified = true;
	show->last = proved_now(show->size);
	show->problem = NULL; /* what was remembered of it is past */
	show->type = dd_manifest_type_name(manifest->type);
	show->media_type =
		dd_show_copy(showing,
			     manifest->media_type ? manifest->media_type :
						    dd_manifest_type_media_type(manifest->type),
			     err);
	show->artifact = dd_show_copy(showing, artifact, err);
	showing->parts = dd_show_alloc(showing, manifest->count, sizeof(*showing->parts), err);
	if (!showing->parts || (artifact && !show->artifact))
		return DD_ENOMEM;
	show->parts = showing->parts;
	if (manifest->subject) {
		show->has_subject = true;
		show->subject = manifest->subject->digest;
	}
	for (size_t i = 0; i < manifest->count && rc == 0; i++)
		if (manifest->descriptors[i].role != DD_ROLE_SUBJECT)
			rc = add_part(showing, &manifest->descriptors[i], err);
	dd_sizer_begin(&showing->sizer);
	if (rc == 0 && dd_sizer_add(&showing->sizer, showing->id) < 0)
		rc = dd_fail(err, DD_ENOMEM, 0, "add up sizes");
	show->total = showing->sizer.bytes;
	return rc;
}

/* What the survey could read is read once more, for it keeps little of it. */
static int read_manifest(struct dd_showing *showing, struct dd_error *err)
{
	DD_CLEANUP(dd_manifest_parser_closep) struct dd_manifest_parser *parser = NULL;
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	const struct dd_place place = { .kind = DD_AT_BLOB, .digest = showing->show->digest };
	const struct dd_manifest *manifest = NULL;
	int rc = dd_store_read(showing->store, &place, DD_MANIFEST_MAX, &buffer, NULL, err);

	if (rc == 0)
		rc = dd_manifest_parser_open(&parser, err);
	if (rc == 0)
		rc = dd_manifest_verify_and_parse(parser, &place.digest, buffer.bytes, buffer.len,
						  NULL, &manifest, err);
	return rc < 0 ? dd_wrap(err, rc, "show %s", dd_digest_text(&place.digest)) :
			take_manifest(showing, manifest, err);
}

/* A blob of which nobody says that it is a manifest is none if it does not look like one. */
static bool is_expected(const struct dd_showing *showing)
{
	return showing->show->tag || is_linked(showing, DD_AT_REVISION, &showing->show->digest);
}

static int examine(struct dd_showing *showing, struct dd_error *err)
{
	const struct dd_node *node = &showing->graph->nodes.items[showing->id];
	struct dd_show *show = showing->show;

	if (node->manifest != DD_NO_ID)
		return read_manifest(showing, err);
	show->manifest = is_expected(showing);
	if (show->manifest && !show->problem)
		show->problem = dd_problem_of(showing->graph, showing->id);
	return 0;
}

/* ---- the repository ---- */

static int find_tags(struct dd_showing *showing, struct dd_error *err)
{
	const struct dd_survey *survey = showing->survey;
	const struct dd_repository *repo =
		survey->repositories.count ? survey->repositories.items[0] : NULL;
	struct dd_show *show = showing->show;
	const char **items =
		dd_show_alloc(showing, repo ? repo->tags.count : 0, sizeof(*items), err);

	if (!items)
		return DD_ENOMEM;
	show->tags.items = items;
	for (size_t i = 0; repo && i < repo->tags.count; i++) {
		const struct dd_tag *tag = &repo->tags.items[i];

		if (tag->current != showing->id)
			continue;
		items[show->tags.count] = dd_show_copy(showing, tag->name, err);
		if (!items[show->tags.count++])
			return DD_ENOMEM;
		if (show->tag && !strcmp(show->tag, tag->name))
			show->pushed_ns = tag->moved_ns;
	}
	show->linked =
		is_linked(showing, show->manifest ? DD_AT_REVISION : DD_AT_LAYER, &show->digest);
	return 0;
}

static int show_all(struct dd_showing *showing, struct dd_error *err)
{
	int rc = look_around(showing, err);

	if (rc == 0)
		rc = look_at_self(showing, err);
	if (rc == 0)
		rc = examine(showing, err);
	if (rc == 0)
		rc = find_tags(showing, err);
	if (rc == 0)
		rc = dd_show_configure(showing, err);
	if (rc == 0)
		rc = dd_show_referrers(showing, err);
	if (rc == 0)
		rc = dd_show_elsewhere(showing, err);
	if (rc == 0 && showing->options->free && showing->show->manifest)
		rc = dd_show_weigh(showing, err);
	return rc;
}

static void count_problems(struct dd_show *show)
{
	show->problems += (show->problem != NULL) + (show->config.problem != NULL);
	for (size_t i = 0; i < show->part_count; i++)
		show->problems += show->parts[i].problem != NULL;
}

int dd_show(struct dd_context *ctx, struct dd_store *store, const struct dd_reference *reference,
	    const struct dd_show_options *options, struct dd_show *show, struct dd_error *err)
{
	struct dd_showing showing = {
		.ctx = ctx, .store = store, .reference = reference, .options = options, .show = show
	};
	int rc;

	memset(show, 0, sizeof(*show));
	show->memory = showing.memory = calloc(1, sizeof(*showing.memory));
	if (!showing.memory)
		return dd_fail(err, DD_ENOMEM, 0, "show a manifest");
	rc = dd_resolve(store, reference, &show->digest, err);
	if (rc < 0)
		return rc;
	if (reference->repository[0])
		show->repository = dd_show_copy(&showing, reference->repository, err);
	if (reference->tag[0])
		show->tag = dd_show_copy(&showing, reference->tag, err);
	if ((reference->repository[0] && !show->repository) || (reference->tag[0] && !show->tag))
		return DD_ENOMEM;
	rc = show_all(&showing, err);
	count_problems(show);
	dd_sizer_release(&showing.sizer);
	dd_parts_release(&showing.seen);
	dd_survey_closep(&showing.survey);
	dd_graph_closep(&showing.graph);
	return rc;
}

void dd_show_release(struct dd_show *show)
{
	if (show->memory)
		dd_arena_release(show->memory);
	free(show->memory);
	memset(show, 0, sizeof(*show));
}
