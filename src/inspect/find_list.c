/*
 * Listing names, and nothing more: where an expression asks for nothing that manifests say. Fills a
 * survey as far as it is wanted; links are not read, so a tag's digest is not known.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/walk.h>

#include "base/cleanup.h"
#include "inspect/find.h"

#define DIGESTS (DD_CLASS_REVISION | DD_CLASS_LINK)

/* One directory of one repository. */
struct list {
	struct dd_find_run_state *run;
	struct dd_repository *repo;
	enum dd_algorithm alg;
	DD_LIST(uint32_t) ids;
	DD_LIST(char *) names;
	unsigned algorithms;
};

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "list names");
}

/* What a walk could not look at is a problem; what it passes over is none. */
static int see_strange(void *arg, enum dd_strange what, const struct dd_place *directory,
		       const char *name, const struct dd_error *err)
{
	struct dd_find_run_state *run = arg;
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };

	if (what == DD_STRANGE_ALIEN || what == DD_STRANGE_NAME)
		return 0;
	if (dd_text_printf(&text, "%s%s%s", dd_find_place_text(directory), name ? "/" : "",
			   name ? name : "") < 0)
		return DD_ENOMEM;
	dd_find_problem(run, text.bytes,
			what == DD_STRANGE_SYMLINK ? "a symbolic link is not followed" :
			err			   ? dd_code_text(err->code) :
						     "cannot be looked at");
	return 0;
}

/* 0 where something is not there; what cannot be listed is said. */
static int list_directory(struct list *list, const struct dd_place *directory, dd_entry_fn *fn,
			  struct dd_error *err)
{
	struct dd_error own = { 0 };
	int rc = dd_store_list(list->run->store, directory, fn, list, &own);

	if (rc == 0 || rc == DD_ENOENT)
		return 0;
	if (rc == DD_ENOMEM || rc == DD_ECANCELLED) {
		if (err)
			*err = own;
		return rc;
	}
	dd_find_problem(list->run, dd_find_place_text(directory), dd_code_text(rc));
	return 0;
}

static int add_digest(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct list *list = arg;
	struct dd_digest digest;
	uint32_t id, *slot;

	if (entry->type != DD_ENTRY_DIRECTORY ||
	    dd_digest_parse_hex(&digest, list->alg, entry->name, strlen(entry->name)) < 0)
		return 0;
	pthread_mutex_lock(&list->run->graph->lock);
	id = dd_graph_intern(list->run->graph, &digest);
	pthread_mutex_unlock(&list->run->graph->lock);
	slot = id == DD_NO_ID ? NULL : dd_list_add(&list->ids);
	if (!slot)
		return no_memory(err);
	*slot = id;
	return 0;
}

static int note_algorithm(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct list *list = arg;
	int alg = dd_algorithm_parse(entry->name, strlen(entry->name));

	(void)err;
	if (alg >= 0 && entry->type == DD_ENTRY_DIRECTORY)
		list->algorithms |= 1u << alg;
	return 0;
}

/* All digests in a directory of algorithms, of which kind "of" is a part. */
static int list_digests(struct list *list, struct dd_place *place, enum dd_place_kind of,
			struct dd_error *err)
{
	int rc;

	list->algorithms = 0;
	list->ids.count = 0;
	rc = list_directory(list, place, note_algorithm, err);
	place->kind = of;
	for (unsigned alg = 0; alg < DD_ALGORITHM_COUNT && rc == 0; alg++) {
		if (!(list->algorithms >> alg & 1))
			continue;
		list->alg = (enum dd_algorithm)alg;
		place->digest.alg = (uint8_t)alg;
		rc = list_directory(list, place, add_digest, err);
	}
	return rc;
}

static int list_revisions(struct list *list, struct dd_error *err)
{
	struct dd_place place = { .kind = DD_IN_REVISIONS, .repository = list->repo->name };
	int rc = list_digests(list, &place, DD_IN_REVISIONS_OF, err);

	for (size_t i = 0; i < list->ids.count && rc == 0; i++) {
		struct dd_revision *revision = dd_list_add(&list->repo->revisions);

		if (!revision)
			return no_memory(err);
		revision->id = list->ids.items[i];
		revision->state = DD_LINK_GOOD; /* a look tells */
	}
	return rc;
}

static int list_layers(struct list *list, struct dd_error *err)
{
	struct dd_place place = { .kind = DD_IN_LAYERS, .repository = list->repo->name };
	int rc = list_digests(list, &place, DD_IN_LAYERS_OF, err);

	for (size_t i = 0; i < list->ids.count && rc == 0; i++) {
		uint32_t *slot = dd_list_add(&list->repo->layers);

		if (!slot)
			return no_memory(err);
		*slot = list->ids.items[i];
	}
	return rc;
}

static int add_name(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct list *list = arg;
	char **slot;

	if (entry->type != DD_ENTRY_DIRECTORY)
		return 0;
	slot = dd_list_add(&list->names);
	if (!slot || !(*slot = strdup(entry->name)))
		return no_memory(err);
	return 0;
}

static void release_names(struct list *list)
{
	for (size_t i = 0; i < list->names.count; i++)
		free(list->names.items[i]);
	dd_list_release(&list->names);
}

static int list_history(struct list *list, struct dd_tag *tag, struct dd_error *err)
{
	struct dd_place place = { .kind = DD_IN_HISTORY,
				  .repository = list->repo->name,
				  .tag = tag->name };
	int rc = list_digests(list, &place, DD_IN_HISTORY_OF, err);

	tag->history = (uint32_t)list->repo->histories.count;
	for (size_t i = 0; i < list->ids.count && rc == 0; i++) {
		uint32_t *slot = dd_list_add(&list->repo->histories);

		if (!slot)
			return no_memory(err);
		*slot = list->ids.items[i];
		tag->history_count++;
	}
	return rc;
}

/* Those whose names can match. */
static int list_tags(struct list *list, struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_IN_TAGS, .repository = list->repo->name };
	const struct dd_find_run_state *run = list->run;
	int rc;

	rc = list_directory(list, &place, add_name, err);
	for (size_t i = 0; i < list->names.count && rc == 0; i++) {
		char *name = list->names.items[i];
		struct dd_tag *tag;

		if (!(run->classes & DD_CLASS_LINK) &&
		    !dd_find_wants_tag(run, list->repo->name, name))
			continue;
		tag = dd_list_add(&list->repo->tags);
		if (!tag)
			return no_memory(err);
		tag->name = name;
		tag->current = DD_NO_ID;
		tag->state = DD_LINK_GOOD;
		list->names.items[i] = NULL;
		if (run->classes & DD_CLASS_LINK)
			rc = list_history(list, tag, err);
	}
	release_names(list);
	return rc;
}

static int list_uploads(struct list *list, struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_IN_UPLOADS, .repository = list->repo->name };
	int rc;

	rc = list_directory(list, &place, add_name, err);
	for (size_t i = 0; i < list->names.count && rc == 0; i++) {
		struct dd_upload *upload;

		if (!dd_upload_valid(list->names.items[i])) {
			dd_log(list->run->ctx, DD_LOG_WARNING,
			       "%s/%s: not of a registry; passed over", dd_find_place_text(&place),
			       list->names.items[i]);
			continue;
		}
		upload = dd_list_add(&list->repo->uploads);
		if (!upload)
			return no_memory(err);
		upload->id = list->names.items[i];
		list->names.items[i] = NULL;
	}
	release_names(list);
	return rc;
}

static int see_repository(void *arg, const char *name, bool has_layers, bool has_manifests,
			  bool has_uploads)
{
	struct dd_find_run_state *run = arg;
	struct list list = { .run = run };
	unsigned classes = run->classes;
	int rc = 0;

	if (!dd_find_wants_repository(run, classes, name))
		return 0;
	list.repo = dd_survey_add_repository(run->survey, name);
	if (!list.repo)
		return DD_ENOMEM;
	if (has_manifests && classes & (DD_CLASS_TAG | DD_CLASS_LINK))
		rc = list_tags(&list, NULL);
	if (rc == 0 && has_manifests && classes & DIGESTS)
		rc = list_revisions(&list, NULL);
	if (rc == 0 && has_layers && classes & DD_CLASS_LINK)
		rc = list_layers(&list, NULL);
	if (rc == 0 && has_uploads && classes & DD_CLASS_UPLOAD)
		rc = list_uploads(&list, NULL);
	dd_list_release(&list.ids);
	return rc;
}

static int see_blobs(void *arg, const struct dd_digest *digests, size_t count)
{
	const struct dd_find_run_state *run = arg;

	return dd_graph_see_blobs(run->graph, digests, count);
}

int dd_find_list(struct dd_find_run_state *run, struct dd_error *err)
{
	const struct dd_repository_visitor repositories = { .repository = see_repository,
							    .strange = see_strange,
							    .arg = run };
	const struct dd_blob_visitor blobs = { .blobs = see_blobs,
					       .strange = see_strange,
					       .arg = run };
	DD_CLEANUP(dd_jobs_closep) struct dd_jobs *jobs = NULL;
	int rc = dd_jobs_open(run->ctx, &jobs, err);

	if (rc < 0)
		return rc;
	run->survey = calloc(1, sizeof(*run->survey));
	if (!run->survey)
		return no_memory(err);
	run->survey->graph = run->graph;
	dd_progress_begin(run->ctx, "looking", 0);
	dd_store_begin_looks(run->store);
	if (run->classes & ~DD_CLASS_BLOB)
		rc = dd_walk_repositories(run->ctx, run->store, &repositories, err);
	if (rc == 0 && run->classes & DD_CLASS_BLOB)
		rc = dd_walk_blobs(run->ctx, run->store, &blobs, err);
	dd_store_end_looks(run->store);
	dd_progress_end(run->ctx);
	if (rc == DD_ENOMEM && err && !err->text[0])
		no_memory(err);
	dd_survey_sort(run->survey, jobs);
	return rc;
}
