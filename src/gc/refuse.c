/*
 * Volumes that are not ours to judge.
 */
#include <stdatomic.h>

#include <drydock/walk.h>

#include "gc/plan.h"
#include "gc/plan_file.h"

/* Tags that live in a database are not on the volume: everything would look unreferenced. */
static int refuse_database(struct dd_store *store, struct dd_error *err)
{
	const struct dd_place lock = { .kind = DD_AT_DATABASE };
	struct dd_info info;
	int rc = dd_store_stat(store, &lock, &info, err);

	if (rc == DD_ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	dd_fail(err, DD_EREFUSED, 0,
		"a database owns this volume's tags: "
		"%s/docker/registry/lockfiles/database-in-use is there",
		dd_store_get_root(store));
	dd_hint(err, "collect with the registry that keeps the database");
	return DD_EREFUSED;
}

struct search {
	struct dd_store *store;
	atomic_bool revisions;
};

static int any_entry(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	(void)arg;
	(void)entry;
	(void)err;
	return 1;
}

/* 1 as soon as there is a tag, which ends the walk. */
static int look_for_tag(void *arg, const char *name, bool has_layers, bool has_manifests,
			bool has_uploads)
{
	const struct dd_place tags = { .kind = DD_IN_TAGS, .repository = name };
	const struct dd_place revisions = { .kind = DD_IN_REVISIONS, .repository = name };
	struct search *search = arg;

	(void)has_layers;
	(void)has_uploads;
	if (!has_manifests)
		return 0;
	if (dd_store_list(search->store, &tags, any_entry, NULL, NULL) == 1)
		return 1;
	if (dd_store_list(search->store, &revisions, any_entry, NULL, NULL) == 1)
		search->revisions = true;
	return 0;
}

/* Harbor keeps its tags elsewhere: to the volume every image looks untagged. */
static int refuse_tagless(struct dd_context *ctx, struct dd_store *store, struct dd_error *err)
{
	struct search search = { .store = store };
	const struct dd_repository_visitor visitor = { .repository = look_for_tag, .arg = &search };
	int rc = dd_walk_repositories(ctx, store, &visitor, err);

	if (rc || !search.revisions)
		return rc < 0 ? rc : 0;
	dd_fail(err, DD_EREFUSED, 0,
		"no repository has a tag, so --delete-untagged would remove every "
		"manifest");
	dd_hint(err,
		"if the tags are kept elsewhere (Harbor does), collect there; if the volume is "
		"really to be emptied, add --allow-empty");
	return DD_EREFUSED;
}

int dd_gc_refuse(struct dd_context *ctx, struct dd_store *store,
		 const struct dd_gc_options *options, struct dd_error *err)
{
	int rc = refuse_database(store, err);

	if (rc == 0 && options->plan)
		rc = dd_plan_file_check(options->plan, store, err);
	if (rc == 0 && options->delete_untagged && !options->allow_empty)
		rc = refuse_tagless(ctx, store, err);
	return rc;
}
