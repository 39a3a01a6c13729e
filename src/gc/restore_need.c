/*
 * What restored objects need: a link its blob, a revision its manifest and all that it names.
 */
#include <search.h>
#include <string.h>

#include "base/cleanup.h"
#include "gc/restore.h"

#define LINK_MAX 1024

/* ---- each place is asked for once ---- */

struct question {
	enum dd_place_kind kind; /* DD_AT_TAG: a manifest's parts */
	struct dd_digest digest;
	const char *repository;
};

static int compare_questions(const void *a, const void *b)
{
	const struct question *one = a, *two = b;
	int order = (int)one->kind - (int)two->kind;

	if (!order)
		order = dd_digest_compare(&one->digest, &two->digest);
	return order ? order : strcmp(one->repository, two->repository);
}

/* 1: it was asked before. The strings live as long as the trash. */
static int ask(struct dd_restore *restore, enum dd_place_kind kind, const char *repository,
	       const struct dd_digest *digest, struct dd_error *err)
{
	struct question *question = malloc(sizeof(*question)), **found;

	if (!question)
		return dd_fail(err, DD_ENOMEM, 0, "look for what is needed");
	*question = (struct question){ kind, *digest, kind == DD_AT_BLOB ? "" : repository };
	found = tsearch(question, &restore->asked, compare_questions);
	if (found && *found == question)
		return 0;
	free(question);
	return found ? 1 : dd_fail(err, DD_ENOMEM, 0, "look for what is needed");
}

/* ---- looking ---- */

int dd_restore_is_here(struct dd_restore *restore, const struct dd_place *place, bool *here,
		       struct dd_error *err)
{
	struct dd_place in_volume = *place;
	struct dd_info info;
	int rc;

	in_volume.run = NULL;
	rc = dd_store_stat(restore->store, &in_volume, &info, err);
	/* A symbolic link, or a file where a directory was: nothing of ours, and it takes the place. */
	*here = rc == 0 || rc == DD_ESYMLINK || rc == DD_EIRREGULAR;
	if (!*here)
		return rc == DD_ENOENT ? 0 : rc;
	dd_error_clear(err);
	return 0;
}

/* What cannot be seen is not known to be there; where it lies in the trash as well it is judged later. */
static int unless_barred(int rc, struct dd_error *err)
{
	if (!dd_restore_bars(rc))
		return rc;
	dd_error_clear(err);
	return 0;
}

static int read_link_at(struct dd_restore *restore, const struct dd_place *place,
			struct dd_digest *digest, struct dd_error *err)
{
	int rc = dd_store_read(restore->store, place, LINK_MAX, &restore->buffer, NULL, err);

	if (rc == 0)
		rc = dd_digest_parse(digest, (const char *)restore->buffer.bytes,
				     restore->buffer.len);
	return rc;
}

int dd_restore_read_link(struct dd_restore *restore, const struct dd_place *place,
			 struct dd_digest *digest, struct dd_error *err)
{
	const struct dd_object *object;
	struct dd_place in_volume = *place;

	in_volume.run = NULL;
	if (read_link_at(restore, &in_volume, digest, err) == 0)
		return 0;
	object = dd_trash_index_find(&restore->index, place, restore->run);
	if (object && read_link_at(restore, &object->item->place, digest, err) == 0)
		return 0;
	return dd_fail(err, DD_ENOENT, 0, "no link");
}

static int add_problem(struct dd_restore *restore, const struct dd_place *place,
		       enum dd_outcome outcome, const struct dd_digest *needed_by,
		       struct dd_error *err)
{
	struct dd_restored *item = dd_list_add(&restore->items);

	if (!item)
		return dd_fail(err, DD_ENOMEM, 0, "look for what is needed");
	item->place = *place;
	item->place.run = NULL;
	item->outcome = outcome;
	item->needed = needed_by != NULL;
	if (needed_by)
		item->needed_by = *needed_by;
	return 0;
}

/*
 * Something is needed: nothing is to be done if it is in the volume or in the plan, else it is
 * fetched from the trash. required: say so if it is nowhere.
 */
static int need(struct dd_restore *restore, enum dd_place_kind kind, const char *repository,
		const struct dd_digest *digest, const struct dd_digest *needed_by, bool required,
		struct dd_error *err)
{
	const struct dd_place place = { .kind = kind,
					.repository = kind == DD_AT_BLOB ? NULL : repository,
					.digest = *digest };
	struct dd_object *object;
	bool here;
	int rc = ask(restore, kind, repository, digest, err);

	if (rc)
		return rc < 0 ? rc : 0;
	rc = unless_barred(dd_restore_is_here(restore, &place, &here, err), err);
	if (rc < 0 || here)
		return rc;
	object = dd_trash_index_find(&restore->index, &place, restore->run);
	if (object)
		return dd_restore_take(restore, object, needed_by, err);
	return required ? add_problem(restore, &place, DD_OUTCOME_MISSING, needed_by, err) : 0;
}

static int visit_later(struct dd_restore *restore, const char *repository,
		       const struct dd_digest *digest, struct dd_error *err)
{
	struct dd_visit *visit;
	int rc = ask(restore, DD_AT_TAG, repository, digest, err);

	if (rc)
		return rc < 0 ? rc : 0;
	visit = dd_list_add(&restore->visits);
	if (!visit)
		return dd_fail(err, DD_ENOMEM, 0, "look for what is needed");
	*visit = (struct dd_visit){ repository, *digest };
	return 0;
}

/* ---- what a manifest names ---- */

/* A layer may be linked by another name than that of its blob (sha512): the link knows. */
static struct dd_digest blob_of_layer(struct dd_restore *restore, const char *repository,
				      const struct dd_digest *layer)
{
	const struct dd_place link = { .kind = DD_AT_LAYER,
				       .repository = repository,
				       .digest = *layer };
	struct dd_digest digest;

	if (dd_restore_read_link(restore, &link, &digest, NULL) < 0)
		return *layer;
	return digest;
}

static int need_layer(struct dd_restore *restore, const char *repository,
		      const struct dd_descriptor *part, const struct dd_digest *manifest,
		      struct dd_error *err)
{
	bool required = !part->urls && !part->has_data;
	const struct dd_digest blob = blob_of_layer(restore, repository, &part->digest);
	int rc = need(restore, DD_AT_BLOB, NULL, &blob, manifest, required, err);

	if (rc == 0)
		rc = need(restore, DD_AT_LAYER, repository, &part->digest, manifest, false, err);
	if (rc == 0 && !dd_digest_equal(&blob, &part->digest))
		rc = need(restore, DD_AT_LAYER, repository, &blob, manifest, false, err);
	return rc;
}

/* A child that this repository never had is left out on purpose: the index is sparse. */
static int need_child(struct dd_restore *restore, const char *repository,
		      const struct dd_digest *child, const struct dd_digest *manifest,
		      struct dd_error *err)
{
	const struct dd_place link = { .kind = DD_AT_REVISION,
				       .repository = repository,
				       .digest = *child };
	bool linked;
	int rc = unless_barred(dd_restore_is_here(restore, &link, &linked, err), err);

	if (rc < 0)
		return rc;
	linked = linked || dd_trash_index_find(&restore->index, &link, restore->run);
	rc = need(restore, DD_AT_BLOB, NULL, child, manifest, linked, err);
	if (rc == 0 && linked)
		rc = need(restore, DD_AT_REVISION, repository, child, manifest, false, err);
	if (rc == 0)
		rc = visit_later(restore, repository, child, err);
	return rc;
}

/* By what is there rather than by what the field is called: a layer may be a manifest. */
static bool is_revision(const struct dd_restore *restore, const char *repository,
			const struct dd_digest *digest)
{
	const struct dd_place link = { .kind = DD_AT_REVISION,
				       .repository = repository,
				       .digest = *digest };

	return dd_trash_index_find(&restore->index, &link, restore->run) != NULL;
}

static int need_parts(struct dd_restore *restore, const char *repository,
		      const struct dd_manifest *manifest, const struct dd_digest *digest,
		      struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < manifest->count && rc == 0; i++) {
		const struct dd_descriptor *part = &manifest->descriptors[i];

		if (part->legacy || part->role == DD_ROLE_SUBJECT)
			continue;
		if (part->is_manifest || is_revision(restore, repository, &part->digest))
			rc = need_child(restore, repository, &part->digest, digest, err);
		else
			rc = need_layer(restore, repository, part, digest, err);
	}
	return rc;
}

/* Its bytes, here or else in the trash. */
static int read_manifest(struct dd_restore *restore, const struct dd_digest *digest,
			 struct dd_error *err)
{
	struct dd_place place = { .kind = DD_AT_BLOB, .digest = *digest };
	const struct dd_object *object;
	int rc =
		dd_store_read(restore->store, &place, DD_MANIFEST_MAX, &restore->buffer, NULL, err);

	if (rc != DD_ENOENT)
		return rc;
	object = dd_trash_index_find(&restore->index, &place, restore->run);
	if (!object)
		return rc;
	return dd_store_read(restore->store, &object->item->place, DD_MANIFEST_MAX,
			     &restore->buffer, NULL, err);
}

static int visit(struct dd_restore *restore, const struct dd_visit *visit, struct dd_error *err)
{
	const struct dd_manifest *manifest;
	struct dd_error why = { 0 };
	int rc = read_manifest(restore, &visit->digest, &why);

	/* Whoever named it has said that it is missing, if it ought to be here. */
	if (rc == DD_ENOENT)
		return 0;
	if (rc == 0)
		rc = dd_manifest_verify_and_parse(restore->parser, &visit->digest,
						  restore->buffer.bytes, restore->buffer.len, NULL,
						  &manifest, &why);
	if (rc == 0)
		return need_parts(restore, visit->repository, manifest, &visit->digest, err);
	if (rc == DD_ENOMEM || rc == DD_ECANCELLED) {
		if (err)
			*err = why;
		return rc;
	}
	dd_log(restore->ctx, DD_LOG_WARNING, "%s: %s", dd_digest_text(&visit->digest), why.text);
	return add_problem(restore,
			   &(struct dd_place){ .kind = DD_AT_BLOB, .digest = visit->digest },
			   DD_OUTCOME_UNREADABLE, NULL, err);
}

/* ---- what an object needs ---- */

bool dd_restore_target(struct dd_restore *restore, const struct dd_place *place,
		       struct dd_digest *target)
{
	if (place->beside)
		return false;
	*target = place->digest;
	if (place->kind == DD_AT_LAYER || place->kind == DD_AT_TARSUM || place->kind == DD_AT_TAG)
		return dd_restore_read_link(restore, place, target, NULL) == 0;
	return place->kind == DD_AT_REVISION;
}

static int is_nowhere(struct dd_restore *restore, const struct dd_digest *digest, bool *nowhere,
		      struct dd_error *err)
{
	const struct dd_place blob = { .kind = DD_AT_BLOB, .digest = *digest };
	bool here = false;
	int rc = 0;

	if (!dd_trash_index_find(&restore->index, &blob, restore->run))
		rc = dd_restore_is_here(restore, &blob, &here, err);
	else
		here = true;
	*nowhere = rc == 0 && !here;
	return unless_barred(rc, err);
}

int dd_restore_is_bare(struct dd_restore *restore, const struct dd_place *place, bool *bare,
		       struct dd_error *err)
{
	struct dd_digest target;
	int rc;

	*bare = false;
	if (!dd_restore_target(restore, place, &target))
		return 0;
	rc = is_nowhere(restore, &target, bare, err);
	/* What a link was judged by when it went is its name, whatever somebody wrote into it. */
	if (*bare && place->kind == DD_AT_LAYER && !dd_digest_equal(&target, &place->digest))
		rc = is_nowhere(restore, &place->digest, bare, err);
	return rc;
}

static int complete_item(struct dd_restore *restore, const struct dd_restored *item,
			 struct dd_error *err)
{
	const struct dd_place *place = &item->place;
	struct dd_digest target;
	int rc;

	if (place->beside)
		return 0;
	switch (place->kind) {
	case DD_AT_LAYER:
	case DD_AT_TARSUM:
		/* Where nothing is found the link itself is judged, not its blob: see settle(). */
		if (!dd_restore_target(restore, place, &target))
			return 0;
		return need(restore, DD_AT_BLOB, NULL, &target, &place->digest, false, err);
	case DD_AT_TAG:
		if (!dd_restore_target(restore, place, &target))
			return 0;
		return need(restore, DD_AT_REVISION, place->repository, &target, &target, false,
			    err);
	case DD_AT_SIGNATURE:
		return need(restore, DD_AT_BLOB, NULL, &place->second, &place->digest, false, err);
	case DD_AT_REVISION:
		rc = need(restore, DD_AT_BLOB, NULL, &place->digest, &place->digest, item->dangled,
			  err);
		return rc < 0 ? rc : visit_later(restore, place->repository, &place->digest, err);
	case DD_AT_HISTORY:
		return need(restore, DD_AT_REVISION, place->repository, &place->digest,
			    &place->digest, false, err);
	default:
		return 0;
	}
}

int dd_restore_complete(struct dd_restore *restore, struct dd_error *err)
{
	size_t items = 0, visits = 0;
	int rc = 0;

	/* Both lists grow meanwhile, and may move. */
	while (rc == 0 && (items < restore->items.count || visits < restore->visits.count)) {
		rc = dd_context_check(restore->ctx, err);
		if (rc == 0 && items < restore->items.count) {
			struct dd_restored item = restore->items.items[items++];
			if (item.outcome == DD_OUTCOME_BACK && !item.damage)
				rc = complete_item(restore, &item, err);
		} else if (rc == 0) {
			struct dd_visit next = restore->visits.items[visits++];

			rc = visit(restore, &next, err);
		}
	}
	return rc;
}
