/*
 * Tags: what each points to now, and what it ever pointed to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/scan.h"

#define BATCH 32

struct found {
	char *name;
	struct dd_scan_link current;
	DD_LIST(struct dd_digest) history;
};

struct batch {
	struct dd_scan *scan;
	struct dd_repository *repo;
	struct dd_directory *within; /* the tags' directory */
	size_t count;
	struct found found[BATCH];
};

struct tag {
	struct batch *batch;
	struct found *found;
};

static int list_history(void *arg, enum dd_algorithm alg, struct dd_error *err)
{
	struct tag *tag = arg;
	struct batch *batch = tag->batch;
	struct dd_place place = { .kind = DD_IN_HISTORY_OF,
				  .repository = batch->repo->name,
				  .tag = tag->found->name };
	struct dd_scan_names names = { .scan = batch->scan,
				       .repo = batch->repo,
				       .within = batch->within,
				       .directory = &place,
				       .alg = alg };
	int rc;

	place.digest.alg = (uint8_t)alg;
	rc = dd_scan_list_names(&names, err);
	rc = dd_scan_listed(batch->scan, NULL, rc, &place, err, NULL);
	/* Of one algorithm, as a rule. */
	if (rc == 0 && !tag->found->history.count) {
		dd_list_release(&tag->found->history);
		memcpy(&tag->found->history, &names.digests, sizeof(names.digests));
		return 0;
	}
	for (size_t i = 0; i < names.digests.count && rc == 0; i++) {
		struct dd_digest *added = dd_list_add(&tag->found->history);

		if (added)
			*added = names.digests.items[i];
		else
			rc = dd_fail(err, DD_ENOMEM, 0, "remember a tag's history");
	}
	dd_list_release(&names.digests);
	return rc;
}

static int look(struct batch *batch, struct found *found, struct dd_error *err)
{
	const struct dd_place current = { .kind = DD_AT_TAG,
					  .repository = batch->repo->name,
					  .tag = found->name };
	const struct dd_place history = { .kind = DD_IN_HISTORY,
					  .repository = batch->repo->name,
					  .tag = found->name };
	struct dd_scan_algorithms algorithms = { .scan = batch->scan,
						 .within = batch->within,
						 .directory = &history };
	struct tag tag = { batch, found };
	int rc = dd_scan_read_link(batch->scan, batch->within, &current, &found->current, err);

	if (rc == 0 && found->current.state == DD_LINK_ABSENT)
		rc = dd_scan_beside(batch->scan, &current, err);
	if (rc == 0)
		rc = dd_scan_list_algorithms(&algorithms, list_history, &tag, err);
	if (rc < 0)
		return rc;
	if (found->current.state == DD_LINK_UNREADABLE ||
	    (found->current.state == DD_LINK_MALFORMED && !found->current.has_digest &&
	     !found->history.count)) {
		DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };

		if (dd_text_printf(&text, "tag %s: %s", found->name, found->current.detail) < 0)
			return DD_ENOMEM;
		return dd_scan_doubt(batch->scan, batch->repo, DD_DOUBT_LINK, NULL, text.bytes);
	}
	if (found->current.state == DD_LINK_MALFORMED)
		return dd_scan_note(batch->scan, DD_STRANGE_ALIEN, &current, NULL, NULL);
	return 0;
}

/* With the lock held. Takes the name. */
static int commit(struct batch *batch, struct found *found, struct dd_scan_wanted *wanted,
		  struct dd_error *err)
{
	struct dd_graph *graph = batch->scan->graph;
	struct dd_repository *repo = batch->repo;
	struct dd_tag *tag = dd_list_add(&repo->tags);
	int rc = 0;

	if (!tag)
		return dd_fail(err, DD_ENOMEM, 0, "remember tags");
	*tag = (struct dd_tag){ .name = found->name,
				.current = DD_NO_ID,
				.state = (uint8_t)found->current.state,
				.history = (uint32_t)repo->histories.count,
				.history_count = (uint32_t)found->history.count,
				.moved_ns = found->current.mtime_ns,
				.sum = found->current.sum };
	found->name = NULL;
	if (found->current.has_digest) {
		tag->current = dd_graph_intern(graph, &found->current.digest);
		if (tag->current == DD_NO_ID)
			return dd_fail(err, DD_ENOMEM, 0, "remember tags");
		rc = dd_scan_want(batch->scan, wanted, tag->current, err);
	}
	for (size_t i = 0; i < found->history.count && rc == 0; i++) {
		uint32_t id = dd_graph_intern(graph, &found->history.items[i]), *slot = NULL;

		if (id != DD_NO_ID)
			slot = dd_list_add(&repo->histories);
		if (!slot)
			return dd_fail(err, DD_ENOMEM, 0, "remember tags");
		*slot = id;
		/* Where current does not tell, any of them may be what is meant. */
		if (tag->state != DD_LINK_GOOD)
			rc = dd_scan_want(batch->scan, wanted, id, err);
	}
	return rc;
}

/* Only a shorter way to the same: without it each tag is looked for from the root, and fails there. */
static void open_tags(struct batch *batch)
{
	const struct dd_place place = { .kind = DD_IN_TAGS, .repository = batch->repo->name };

	dd_store_open_directory(batch->scan->store, &place, &batch->within, NULL);
}

static void scan_batch(void *arg)
{
	struct batch *batch = arg;
	struct dd_scan_wanted wanted = { 0 };
	struct dd_error err = { 0 };
	int rc = 0;

	open_tags(batch);
	for (size_t i = 0; i < batch->count && rc == 0 && !dd_scan_stopped(batch->scan); i++)
		rc = look(batch, &batch->found[i], &err);
	if (rc == 0 && !dd_scan_stopped(batch->scan)) {
		dd_scan_lock(batch->scan);
		dd_graph_expect(batch->scan->graph, &batch->found->current.digest, batch->count,
				sizeof(*batch->found));
		for (size_t i = 0; i < batch->count && rc == 0; i++)
			rc = commit(batch, &batch->found[i], &wanted, &err);
		dd_scan_unlock(batch->scan);
		if (rc == 0)
			rc = dd_scan_start(batch->scan, &wanted, &err);
	}
	if (rc < 0)
		dd_scan_stop(batch->scan, rc, &err);
	for (size_t i = 0; i < batch->count; i++) {
		free(batch->found[i].name);
		dd_list_release(&batch->found[i].history);
	}
	dd_list_release(&wanted.ids);
	dd_directory_closep(&batch->within);
	free(batch);
}

struct tags {
	struct dd_scan *scan;
	struct dd_repository *repo;
	const struct dd_place *directory;
	struct batch *batch; /* being filled */
};

static int add_tag(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct tags *tags = arg;
	char *name;

	if (entry->type == DD_ENTRY_SYMLINK &&
	    dd_scan_doubt(tags->scan, NULL, DD_DOUBT_SYMLINK, NULL, entry->name) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "list tags");
	if (entry->type != DD_ENTRY_DIRECTORY)
		return dd_scan_note(tags->scan,
				    entry->type == DD_ENTRY_SYMLINK ? DD_STRANGE_SYMLINK :
								      DD_STRANGE_ALIEN,
				    tags->directory, entry->name, NULL);
	if (!tags->batch) {
		tags->batch = calloc(1, sizeof(*tags->batch));
		if (!tags->batch)
			return dd_fail(err, DD_ENOMEM, 0, "list tags");
		tags->batch->scan = tags->scan;
		tags->batch->repo = tags->repo;
	}
	name = strdup(entry->name);
	if (!name)
		return dd_fail(err, DD_ENOMEM, 0, "list tags");
	tags->batch->found[tags->batch->count++].name = name;
	if (tags->batch->count == BATCH) {
		dd_jobs_add(tags->scan->jobs, scan_batch, tags->batch);
		tags->batch = NULL;
	}
	return 0;
}

static void scan_tags(void *arg)
{
	struct tags *tags = arg;
	const struct dd_place place = { .kind = DD_IN_TAGS, .repository = tags->repo->name };
	struct dd_error err = { 0 };
	int rc = 0;

	if (!dd_scan_stopped(tags->scan)) {
		tags->directory = &place;
		rc = dd_scan_list(tags->scan, NULL, &place, add_tag, tags, &err);
		rc = dd_scan_listed(tags->scan, NULL, rc, &place, &err, NULL);
	}
	if (tags->batch)
		dd_jobs_add(tags->scan->jobs, scan_batch, tags->batch);
	if (rc < 0)
		dd_scan_stop(tags->scan, rc, &err);
	free(tags);
}

void dd_scan_tags(struct dd_scan *scan, struct dd_repository *repo)
{
	struct tags *tags = calloc(1, sizeof(*tags));

	if (!tags) {
		dd_scan_stop(scan, DD_ENOMEM, NULL);
		return;
	}
	*tags = (struct tags){ .scan = scan, .repo = repo };
	dd_jobs_add(scan->jobs, scan_tags, tags);
}
