/*
 * Objects that were named one by one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "gc/objects.h"

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "tell what is to go");
}

static int compare(const void *left, const void *right)
{
	const struct dd_object *a = left, *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->repository != b->repository)
		return a->repository < b->repository ? -1 : 1;
	if (a->tag != b->tag)
		return a->tag < b->tag ? -1 : 1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->extra != b->extra ? (a->extra < b->extra ? -1 : 1) : 0;
}

/* ---- from places to the survey ---- */

static uint32_t find_upload(const struct dd_repository *repo, const char *id)
{
	for (size_t i = 0; i < repo->uploads.count; i++)
		if (!strcmp(repo->uploads.items[i].id, id))
			return (uint32_t)i;
	return DD_NO_ID;
}

/* What is not there any more has no place in the survey. */
static struct dd_object locate(const struct dd_gc *gc, uint32_t number)
{
	const struct dd_place *place = &gc->options.objects[number];
	struct dd_object object = { .kind = (uint8_t)place->kind,
				    .repository = DD_NO_ID,
				    .tag = DD_NO_ID,
				    .id = DD_NO_ID,
				    .extra = DD_NO_ID,
				    .number = number };
	const struct dd_repository *repo = NULL;
	const struct dd_tag *tag;

	if (place->kind == DD_AT_BLOB) {
		object.id = dd_ids_find(&gc->graph->ids, &place->digest);
		object.there = object.id != DD_NO_ID &&
			       gc->graph->nodes.items[object.id].flags & DD_NODE_PRESENT;
		return object;
	}
	object.repository = dd_survey_repository_index(gc->survey, place->repository);
	if (object.repository != DD_NO_ID)
		repo = gc->survey->repositories.items[object.repository];
	if (!repo)
		return object;
	if (place->kind == DD_AT_TAG) {
		tag = dd_repository_tag(repo, place->tag);
		if (tag)
			object.tag = (uint32_t)(tag - repo->tags.items);
		object.there = tag && !dd_tag_is_empty(tag);
		object.moved = tag && gc->options.objects_since_ns &&
			       tag->moved_ns >= gc->options.objects_since_ns;
	} else if (place->kind == DD_AT_REVISION) {
		const struct dd_revision *revision;

		object.id = dd_ids_find(&gc->graph->ids, &place->digest);
		revision = object.id == DD_NO_ID ? NULL : dd_repository_revision(repo, object.id);
		object.there = revision && revision->state != DD_LINK_ABSENT;
	} else {
		object.extra = find_upload(repo, place->upload);
		object.there = object.extra != DD_NO_ID;
	}
	return object;
}

int dd_gc_find_objects(struct dd_gc *gc, struct dd_error *err)
{
	for (size_t i = 0; i < gc->options.object_count; i++) {
		struct dd_object *slot = dd_list_add(&gc->objects);

		if (!slot)
			return no_memory(err);
		*slot = locate(gc, (uint32_t)i);
	}
	if (gc->objects.count)
		qsort(gc->objects.items, gc->objects.count, sizeof(*gc->objects.items), compare);
	return 0;
}

/* ---- what is named by them ---- */

static bool is_named(const struct dd_gc *gc, uint32_t repository, uint32_t tag)
{
	const struct dd_object key = { .kind = DD_AT_TAG,
				       .repository = repository,
				       .tag = tag,
				       .id = DD_NO_ID,
				       .extra = DD_NO_ID };

	const struct dd_object *object =
		gc->objects.count ?
			bsearch(&key, gc->objects.items, gc->objects.count, sizeof(key), compare) :
			NULL;

	return object && !object->moved;
}

/* By id, of one repository: a tag that points there and does not go itself, + 1. */
static void set_pointed(const struct dd_gc *gc, uint32_t repository, uint32_t *pointed, bool on)
{
	const struct dd_repository *repo = gc->survey->repositories.items[repository];

	for (uint32_t i = 0; i < repo->tags.count; i++)
		if (repo->tags.items[i].current != DD_NO_ID &&
		    (!on || !is_named(gc, repository, i)))
			pointed[repo->tags.items[i].current] = on ? i + 1 : 0;
}

/* fn is called for each revision that is there, with the tag that keeps it, if one does. */
static int visit_revisions(struct dd_gc *gc,
			   int (*fn)(struct dd_gc *gc, struct dd_object *object, uint32_t tag,
				     struct dd_error *err),
			   struct dd_error *err)
{
	DD_AUTOFREE uint32_t *pointed = calloc(gc->graph->nodes.count + 1, sizeof(*pointed));
	uint32_t repository = DD_NO_ID;
	int rc = 0;

	if (!pointed)
		return no_memory(err);
	for (size_t i = 0; i < gc->objects.count && rc == 0; i++) {
		struct dd_object *object = &gc->objects.items[i];

		if (object->kind != DD_AT_REVISION || !object->there)
			continue;
		if (repository != object->repository) {
			if (repository != DD_NO_ID)
				set_pointed(gc, repository, pointed, false);
			repository = object->repository;
			set_pointed(gc, repository, pointed, true);
		}
		rc = fn(gc, object, pointed[object->id] ? pointed[object->id] - 1 : DD_NO_ID, err);
	}
	return rc;
}

static int name(struct dd_gc *gc, const struct dd_object *object, struct dd_error *err)
{
	struct dd_removed *slot = dd_list_add(&gc->removal.named);

	if (!slot)
		return no_memory(err);
	*slot = (struct dd_removed){ object->repository, object->tag, object->id };
	return 0;
}

static int name_revision(struct dd_gc *gc, struct dd_object *object, uint32_t tag,
			 struct dd_error *err)
{
	return tag == DD_NO_ID ? name(gc, object, err) : 0;
}

int dd_gc_name_objects(struct dd_gc *gc, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < gc->objects.count && rc == 0; i++)
		if (gc->objects.items[i].kind == DD_AT_TAG && gc->objects.items[i].there &&
		    !gc->objects.items[i].moved)
			rc = name(gc, &gc->objects.items[i], err);
	return rc < 0 ? rc : visit_revisions(gc, name_revision, err);
}

/* ---- what became of them ---- */

static struct dd_object *object_of(const struct dd_gc *gc, const struct dd_candidate *candidate)
{
	struct dd_object key = { .kind = candidate->kind,
				 .repository = candidate->repository,
				 .tag = DD_NO_ID,
				 .id = candidate->id,
				 .extra = DD_NO_ID };

	if (candidate->reason == DD_REASON_UPLOAD_STALE) {
		key.kind = DD_AT_UPLOAD;
		key.extra = candidate->extra;
	} else if (candidate->id == DD_NO_ID) {
		return NULL;
	} else if (candidate->kind == DD_AT_TAG) {
		key.tag = candidate->tag;
		key.id = DD_NO_ID;
	}
	return gc->objects.count ?
		       bsearch(&key, gc->objects.items, gc->objects.count, sizeof(key), compare) :
		       NULL;
}

bool dd_gc_has_object(const struct dd_gc *gc, const struct dd_candidate *candidate)
{
	struct dd_candidate of = *candidate;
	const struct dd_object *object;

	if (candidate->kind == DD_AT_LAYER && candidate->id != DD_NO_ID) {
		of.kind = DD_AT_BLOB;
		of.repository = DD_NO_ID;
	}
	object = object_of(gc, &of);
	return object && (object->kind == DD_AT_BLOB || object->kind == DD_AT_UPLOAD);
}

/* What was named by a reference has no place of its own. */
static const struct dd_place *place_of(struct dd_gc *gc, const struct dd_object *object)
{
	struct dd_place *place;

	if (object->number != DD_NO_ID)
		return &gc->options.objects[object->number];
	place = dd_arena_alloc(&gc->details, sizeof(*place));
	if (!place)
		return NULL;
	*place = (struct dd_place){
		.kind = DD_AT_REVISION,
		.repository = gc->survey->repositories.items[object->repository]->name,
	};
	dd_ids_get(&gc->graph->ids, object->id, &place->digest);
	return place;
}

static int refuse(struct dd_gc *gc, const struct dd_object *object, const char *why,
		  struct dd_error *err)
{
	struct dd_refusal *slot = dd_list_add(&gc->refusals);

	if (slot) {
		slot->why = dd_arena_copy(&gc->details, why, strlen(why));
		slot->place = place_of(gc, object);
	}
	return slot && slot->why && slot->place ? 0 : no_memory(err);
}

static const char *why_of_state(const struct dd_gc *gc, const struct dd_object *object)
{
	if (!object->there)
		return "it is not there any more";
	if (object->moved)
		return "it was moved since it was found";
	if (dd_mark_holds_everything(gc->candidates.mark))
		return "everything is held by doubt";
	if (object->state == DD_CANDIDATE_YOUNG)
		return "it is younger than the grace period";
	if (object->state == DD_CANDIDATE_UNREADABLE)
		return "it cannot be looked at";
	if (object->state == DD_CANDIDATE_ELSEWHERE)
		return "it lies on another file system than the trash";
	return NULL;
}

static int refuse_revision(struct dd_gc *gc, struct dd_object *object, uint32_t tag,
			   struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	const struct dd_repository *repo = gc->survey->repositories.items[object->repository];
	uint32_t manifest = gc->graph->nodes.items[object->id].manifest;
	const char *why = why_of_state(gc, object);

	if (object->goes)
		return 0;
	if (!why && tag != DD_NO_ID) {
		if (dd_text_printf(&text, "the tag %s points to it", repo->tags.items[tag].name) <
		    0)
			return no_memory(err);
		why = text.bytes;
	} else if (!why && dd_mark_is_held(gc->candidates.mark, object->repository)) {
		why = "its repository is held by doubt";
	} else if (!why && manifest != DD_NO_ID &&
		   gc->graph->manifests.items[manifest].subject != DD_NO_ID) {
		why = "it refers to a manifest that stays";
	}
	return refuse(gc, object, why ? why : "a manifest that stays leads to it", err);
}

/* By id: a manifest that stays and names it, and by manifest the repository that has it; + 1. */
struct keepers {
	uint32_t *manifest, *repository;
};

static void release_keepers(struct keepers *keepers)
{
	free(keepers->manifest);
	free(keepers->repository);
}

static int find_keepers(const struct dd_gc *gc, struct keepers *keepers, struct dd_error *err)
{
	const struct dd_graph *graph = gc->graph;
	size_t count = graph->nodes.count + 1;

	keepers->manifest = calloc(count, sizeof(*keepers->manifest));
	keepers->repository = calloc(count, sizeof(*keepers->repository));
	if (!keepers->manifest || !keepers->repository)
		return no_memory(err);
	for (uint32_t i = 0; i < gc->survey->repositories.count; i++) {
		const struct dd_repository *repo = gc->survey->repositories.items[i];

		for (size_t k = 0; k < repo->revisions.count; k++)
			if (repo->revisions.items[k].state != DD_LINK_ABSENT)
				keepers->repository[repo->revisions.items[k].id] = i + 1;
	}
	for (size_t i = 0; i < graph->manifests.count; i++) {
		const struct dd_manifest_node *node = &graph->manifests.items[i];

		if (!(graph->nodes.items[node->id].flags & DD_NODE_REACHED))
			continue;
		for (uint32_t k = 0; k < node->count; k++)
			keepers->manifest[DD_EDGE_ID(graph->edges.items[node->first + k])] =
				node->id + 1;
	}
	return 0;
}

static const char *repository_name(const struct dd_gc *gc, uint32_t number)
{
	return gc->survey->repositories.items[number - 1]->name;
}

static int refuse_blob(struct dd_gc *gc, const struct dd_object *object,
		       const struct keepers *keepers, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	const char *why = why_of_state(gc, object);
	uint32_t manifest, repository;
	struct dd_digest digest;
	int rc;

	if (why)
		return refuse(gc, object, why, err);
	manifest = keepers->manifest[object->id];
	repository = keepers->repository[manifest ? manifest - 1 : object->id];
	if (!manifest && !repository)
		return refuse(gc, object, "something young, or held by doubt, may need it", err);
	if (manifest)
		dd_ids_get(&gc->graph->ids, manifest - 1, &digest);
	rc = manifest ? dd_text_printf(&text, "%s%s%s names it",
				       repository ? repository_name(gc, repository) : "",
				       repository ? "@" : "", dd_digest_text(&digest)) :
			dd_text_printf(&text, "it is a manifest of %s, and goes there",
				       repository_name(gc, repository));
	return rc < 0 ? no_memory(err) : refuse(gc, object, text.bytes, err);
}

static int refuse_other(struct dd_gc *gc, const struct dd_object *object, struct dd_error *err)
{
	const char *why = why_of_state(gc, object);

	if (!why)
		why = object->kind == DD_AT_UPLOAD ? "it is younger than the grace period" :
						     "its current link holds no digest";
	return refuse(gc, object, why, err);
}

/* As they were named. */
static int compare_refusals(const void *left, const void *right)
{
	const struct dd_refusal *a = left, *b = right;

	return a->place != b->place ? (a->place < b->place ? -1 : 1) : 0;
}

static bool is_whole(const struct dd_gc *gc, uint32_t repository)
{
	for (size_t i = 0; i < gc->removal.whole.count; i++)
		if (gc->removal.whole.items[i] == repository)
			return true;
	return false;
}

/* Manifests that a reference names, and not their repository as a whole: those that do not go. */
static int refuse_named(struct dd_gc *gc, struct dd_error *err)
{
	const struct dd_removed *named = gc->removal.named.items;
	size_t count = gc->removal.named.count;
	DD_AUTOFREE bool *goes = calloc(count + 1, sizeof(*goes));
	int rc = 0;

	if (!goes)
		return no_memory(err);
	for (size_t i = 0; i < gc->order.count && count; i++) {
		const struct dd_candidate *candidate =
			&gc->candidates.list.items[gc->order.items[i]];
		const struct dd_removed key = { candidate->repository, DD_NO_ID, candidate->id },
					*found;

		if (candidate->kind != DD_AT_REVISION)
			continue;
		found = bsearch(&key, named, count, sizeof(key), dd_removed_compare);
		if (found)
			goes[found - named] = true;
	}
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct dd_object object = { .kind = DD_AT_REVISION,
					    .repository = named[i].repository,
					    .tag = DD_NO_ID,
					    .id = named[i].id,
					    .number = DD_NO_ID,
					    .there = true };

		if (named[i].tag == DD_NO_ID && !goes[i] && !is_whole(gc, named[i].repository))
			rc = refuse_revision(gc, &object, DD_NO_ID, err);
	}
	return rc;
}

static int refuse_found(struct dd_gc *gc, struct dd_error *err)
{
	DD_CLEANUP(release_keepers) struct keepers keepers = { 0 };
	int rc;

	for (size_t i = 0; i < gc->candidates.list.count; i++) {
		struct dd_object *object = object_of(gc, &gc->candidates.list.items[i]);

		if (object)
			object->state = gc->candidates.list.items[i].state;
	}
	for (size_t i = 0; i < gc->order.count; i++) {
		struct dd_object *object =
			object_of(gc, &gc->candidates.list.items[gc->order.items[i]]);

		if (object)
			object->goes = true;
	}
	rc = find_keepers(gc, &keepers, err);
	for (size_t i = 0; i < gc->objects.count && rc == 0; i++) {
		const struct dd_object *object = &gc->objects.items[i];

		if (object->goes || (object->kind == DD_AT_REVISION && object->there))
			continue;
		rc = object->kind == DD_AT_BLOB ? refuse_blob(gc, object, &keepers, err) :
						  refuse_other(gc, object, err);
	}
	if (rc == 0)
		rc = visit_revisions(gc, refuse_revision, err);
	if (gc->refusals.count)
		qsort(gc->refusals.items, gc->refusals.count, sizeof(*gc->refusals.items),
		      compare_refusals);
	return rc;
}

int dd_gc_refuse_objects(struct dd_gc *gc, struct dd_error *err)
{
	return gc->options.object_count ? refuse_found(gc, err) : refuse_named(gc, err);
}
