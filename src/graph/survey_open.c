/*
 * Opening a survey: the walk finds repositories and blobs, jobs look into each (scan_*.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/scan.h"

static size_t count_unnamed(const uint32_t *ids, size_t count)
{
	size_t unnamed = 0;

	for (size_t i = 0; i < count; i++)
		unnamed += ids[i] == DD_NO_ID;
	return unnamed;
}

/* Blobs that no repository names. */
static int see_unnamed(struct dd_scan *scan, const struct dd_digest *digests, size_t count,
		       const uint32_t *ids, size_t unnamed_count)
{
	DD_AUTOFREE struct dd_digest *unnamed = calloc(unnamed_count + 1, sizeof(*unnamed));
	size_t found = 0;
	int rc;

	if (!unnamed)
		return DD_ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (ids[i] == DD_NO_ID)
			unnamed[found++] = digests[i];
	pthread_rwlock_wrlock(&scan->naming);
	rc = dd_graph_see_blobs(scan->graph, unnamed, found);
	pthread_rwlock_unlock(&scan->naming);
	return rc;
}

/*
 * Nothing else goes on by now but the walk of the blobs, and most of them are named: so threads need not
 * wait for one another but where one adds to the graph what it found.
 */
static int see_blobs(void *arg, const struct dd_digest *digests, size_t count)
{
	struct dd_scan *scan = arg;
	DD_AUTOFREE uint32_t *ids = calloc(count + 1, sizeof(*ids));
	size_t unnamed;

	if (!ids)
		return DD_ENOMEM;
	pthread_rwlock_rdlock(&scan->naming);
	dd_graph_see_named_blobs(scan->graph, digests, count, ids);
	pthread_rwlock_unlock(&scan->naming);
	unnamed = count_unnamed(ids, count);
	return unnamed ? see_unnamed(scan, digests, count, ids, unnamed) : 0;
}

/* As the index knows them, if it knows of nothing else there. */
static bool recall_blobs(void *arg, const struct dd_place *shard, struct dd_digest **digests,
			 size_t *count)
{
	DD_LIST(struct dd_digest) found = { 0 };
	struct dd_listing listing;
	struct dd_listed listed;
	struct dd_info info;
	bool good =
		shard->digest.alg == DD_SHA256 && dd_scan_recall(arg, NULL, shard, &info, &listing);

	good = good && dd_list_reserve(&found, dd_listing_hashes(&listing)) == 0;
	while (good && dd_listing_next(&listing, &listed)) {
		struct dd_digest *added = listed.hash && listed.type == DD_ENTRY_DIRECTORY &&
							  listed.hash[0] == shard->digest.bytes[0] ?
						  dd_list_add(&found) :
						  NULL;

		good = added;
		if (!added)
			break;
		added->alg = DD_SHA256;
		memcpy(added->bytes, listed.hash, DD_LISTED_HASH);
	}
	if (!good) {
		dd_list_release(&found);
		return false;
	}
	*digests = found.items;
	*count = found.count;
	return true;
}

static bool in_repositories(const struct dd_place *directory)
{
	return directory->kind == DD_IN_REPOSITORIES || directory->kind == DD_IN_REPOSITORY;
}

/* Where repositories or blobs could hide, nothing may go. A shard that cannot be listed hides
 * nothing but blobs, which then cannot be told to be unreferenced: a note. */
static int see_strange(void *arg, enum dd_strange what, const struct dd_place *directory,
		       const char *name, const struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	struct dd_scan *scan = arg;
	int rc = dd_scan_note(scan, what, directory, name, err);

	if (rc < 0 || what == DD_STRANGE_ALIEN || what == DD_STRANGE_NAME)
		return rc;
	if (what == DD_STRANGE_UNREADABLE && !in_repositories(directory))
		return 0;
	if (dd_scan_describe(&text, directory, name) < 0 ||
	    (err && err->sys_errno && dd_text_printf(&text, ": %s", strerror(err->sys_errno)) < 0))
		return DD_ENOMEM;
	return dd_scan_doubt(scan, NULL,
			     what == DD_STRANGE_SYMLINK ? DD_DOUBT_SYMLINK : DD_DOUBT_DIRECTORY,
			     NULL, text.bytes);
}

struct dd_repository *dd_survey_add_repository(struct dd_survey *survey, const char *name)
{
	struct dd_repository *repo = calloc(1, sizeof(*repo)), **slot = NULL;

	if (!repo)
		return NULL;
	repo->name = strdup(name);
	repo->valid = dd_repository_valid(name);
	pthread_mutex_lock(&survey->graph->lock);
	if (repo->name)
		slot = dd_list_add(&survey->repositories);
	if (slot)
		*slot = repo;
	pthread_mutex_unlock(&survey->graph->lock);
	if (!slot) {
		free(repo->name);
		free(repo);
	}
	return slot ? repo : NULL;
}

static int see_repository(void *arg, const char *name, bool has_layers, bool has_manifests,
			  bool has_uploads)
{
	struct dd_scan *scan = arg;
	struct dd_repository *repo;

	if (scan->options->wants && !scan->options->wants(scan->options->wants_arg, name))
		return 0;
	repo = dd_survey_add_repository(scan->survey, name);
	if (!repo)
		return DD_ENOMEM;
	repo->has_layers = has_layers;
	if (has_manifests) {
		dd_scan_tags(scan, repo);
		dd_scan_revisions(scan, repo);
	}
	/* Jobs run last one first: so most of its digests get their numbers in the order of this list. */
	if (has_layers)
		dd_scan_layers(scan, repo);
	if (has_uploads && !scan->options->only)
		dd_scan_uploads(scan, repo);
	return 0;
}

static int list(void *arg, const struct dd_place *directory, dd_entry_fn *fn, void *fn_arg,
		struct dd_error *err)
{
	return dd_scan_list(arg, NULL, directory, fn, fn_arg, err);
}

static int walk_all(struct dd_scan *scan, struct dd_error *err)
{
	const struct dd_repository_visitor repositories = { see_repository, see_strange, list,
							    scan };
	const struct dd_blob_visitor blobs = { see_blobs, recall_blobs, see_strange, list, scan };
	int rc = dd_walk_repositories(scan->ctx, scan->store, &repositories, err);

	if (rc < 0 || scan->options->no_blobs)
		return rc;
	/* Digests get their numbers repository by repository: what is marked together lies together. */
	dd_jobs_wait(scan->jobs);
	dd_index_let_go(scan->options->index);
	return dd_walk_blobs(scan->ctx, scan->store, &blobs, err);
}

/* The one repository that is asked for; a directory that holds others is none itself. */
static int note_part(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	unsigned *parts = arg;

	(void)err;
	*parts |= !strcmp(entry->name, "_layers")    ? 1 :
		  !strcmp(entry->name, "_manifests") ? 2 :
		  !strcmp(entry->name, "_uploads")   ? 4 :
						       0;
	return 0;
}

static int walk_one(struct dd_scan *scan, const char *name, struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_IN_REPOSITORY, .repository = name };
	unsigned parts = 0;
	int rc = dd_store_list(scan->store, &place, note_part, &parts, err);

	if (rc < 0)
		return rc;
	if (!parts)
		return dd_fail(err, DD_ENOENT, 0, "%s is no repository", name);
	rc = see_repository(scan, name, parts & 1, parts & 2, parts & 4);
	return rc < 0 ? dd_fail(err, rc, 0, "look into %s", name) : 0;
}

/* What is asked for by its digest is read first. */
static int begin_with(struct dd_scan *scan, const struct dd_digest *digest, struct dd_error *err)
{
	struct dd_scan_wanted wanted = { 0 };
	uint32_t id;
	int rc;

	dd_scan_lock(scan);
	id = dd_graph_intern(scan->graph, digest);
	rc = id == DD_NO_ID ? dd_fail(err, DD_ENOMEM, 0, "remember a digest") :
			      dd_scan_want(scan, &wanted, id, err);
	dd_scan_unlock(scan);
	if (rc == 0)
		rc = dd_scan_start(scan, &wanted, err);
	dd_list_release(&wanted.ids);
	return rc;
}

static int walk(struct dd_scan *scan, struct dd_error *err)
{
	const struct dd_survey_options *options = scan->options;
	int rc = options->start ? begin_with(scan, options->start, err) : 0;

	if (rc < 0 || options->alone)
		return rc;
	return options->only ? walk_one(scan, options->only, err) : walk_all(scan, err);
}

static void close_readers(struct dd_scan *scan)
{
	while (scan->readers) {
		struct dd_scan_reader *reader = scan->readers;

		scan->readers = reader->next;
		dd_directory_closep(&reader->blobs);
		dd_manifest_parser_close(reader->parser);
		dd_buffer_release(&reader->buffer);
		dd_descriptors_release(&reader->known);
		dd_list_release(&reader->ids);
		free(reader);
	}
}

static int run(struct dd_scan *scan, struct dd_error *err)
{
	const struct dd_place volume = { .kind = DD_IN_VOLUME },
			      scheduler = { .kind = DD_AT_SCHEDULER };
	struct dd_info info = { 0 };
	int rc = dd_store_stat(scan->store, &volume, &info, err);

	scan->survey->device = info.device;
	if (rc == 0)
		rc = dd_jobs_open(scan->ctx, &scan->jobs, err);
	if (rc < 0)
		return rc;
	scan->survey->cache_volume = dd_store_stat(scan->store, &scheduler, &info, NULL) == 0;
	dd_progress_begin(scan->ctx, "looking", 0);
	if (!scan->options->only && !scan->options->alone)
		dd_graph_reserve(scan->graph, dd_index_count_digests(scan->options->index));
	rc = walk(scan, err);
	if (rc < 0)
		dd_scan_stop(scan, rc, err);
	dd_jobs_wait(scan->jobs);
	dd_scan_signatures(scan);
	if (scan->options->leftovers) {
		dd_jobs_wait(scan->jobs);
		dd_scan_leftovers(scan);
	}
	dd_jobs_wait(scan->jobs);
	dd_survey_sort(scan->survey, scan->jobs);
	dd_jobs_closep(&scan->jobs);
	dd_progress_end(scan->ctx);
	if (rc == 0) {
		rc = atomic_load(&scan->rc);
		if (rc < 0 && err)
			*err = scan->error;
	}
	return rc;
}

/* What names only itself is resolved where its bytes are: a directory that a crash left has none. */
static int look_at_unresolved(struct dd_scan *scan, struct dd_error *err)
{
	struct dd_place place = { .kind = DD_AT_BLOB };
	struct dd_info info;
	int rc = 0;

	for (size_t i = 0; i < scan->survey->repositories.count && rc == 0; i++) {
		const struct dd_repository *repo = scan->survey->repositories.items[i];

		for (size_t k = 0; k < repo->unresolved.count && rc == 0; k++) {
			uint32_t id = repo->unresolved.items[k];
			struct dd_node *node = &scan->graph->nodes.items[id];

			if (!(node->flags & DD_NODE_PRESENT))
				continue;
			dd_ids_get(&scan->graph->ids, id, &place.digest);
			if (dd_store_stat(scan->store, &place, &info, NULL) == DD_ENOENT)
				node->flags &= (uint16_t)~DD_NODE_PRESENT;
			rc = dd_context_check(scan->ctx, err);
		}
	}
	return rc;
}

int dd_survey_open(struct dd_context *ctx, struct dd_store *store, struct dd_graph *graph,
		   const struct dd_survey_options *options, struct dd_survey **out,
		   struct dd_error *err)
{
	DD_CLEANUP(dd_survey_closep) struct dd_survey *survey = calloc(1, sizeof(*survey));
	struct dd_scan scan = { .ctx = ctx,
				.store = store,
				.graph = graph,
				.survey = survey,
				.options = options,
				.now_ns = dd_time_now() };
	int rc;

	*out = NULL;
	if (!survey)
		return dd_fail(err, DD_ENOMEM, 0, "look at the volume");
	survey->graph = graph;
	pthread_mutex_init(&scan.large, NULL);
	pthread_rwlock_init(&scan.naming, NULL);
	dd_graph_begin_scan(graph);
	dd_store_begin_looks(store);
	rc = run(&scan, err);
	if (rc == 0)
		rc = look_at_unresolved(&scan, err);
	dd_store_end_looks(store);
	close_readers(&scan);
	pthread_mutex_destroy(&scan.large);
	pthread_rwlock_destroy(&scan.naming);
	if (rc == 0 && !options->alone && !options->unsettled)
		rc = dd_index_settle(options->index,
				     !options->only && !options->wants && !options->no_blobs, err);
	if (rc < 0)
		return dd_wrap(err, rc, "look at the volume");
	dd_graph_end_scan(graph);
	*out = survey;
	survey = NULL;
	return 0;
}
