/*
 * Weighing: every file of the volume, or the blobs that one repository names.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jobs.h"
#include "inspect/du.h"
#include "inspect/du_shapes.h"
#include "store/usage.h"

#define BATCH 128

/* Of directories the size says nothing; coreutils' du counts none either (since 9.2). */
static uint64_t bytes_of(const struct dd_weighing *weighing, const struct dd_info *info)
{
	if (!weighing->options->apparent)
		return info->allocated;
	return info->type == DD_ENTRY_FILE || info->type == DD_ENTRY_SYMLINK ? info->size : 0;
}

/* ---- the whole volume ---- */

struct sums {
	struct dd_weighing *weighing;
	atomic_uint_fast64_t areas[DD_USED_COUNT];
	atomic_uint_fast64_t new_bytes; /* of blobs that came after the survey */
};

static int add_used(void *arg, const struct dd_used *used)
{
	struct sums *sums = arg;
	struct dd_weighing *weighing = sums->weighing;
	uint64_t bytes = bytes_of(weighing, &used->info);
	uint32_t id;

	if (used->area != DD_USED_BLOB) {
		atomic_fetch_add(&sums->areas[used->area], bytes);
		return 0;
	}
	id = dd_ids_find(&weighing->graph->ids, &used->digest);
	if (id == DD_NO_ID) {
		atomic_fetch_add(&sums->new_bytes, bytes);
		return 0;
	}
	weighing->weights[id] = bytes;
	if (weighing->mtimes)
		weighing->mtimes[id] = used->info.mtime_ns;
	return 0;
}

/* What a tag needs by another name is told by the mark; a symbolic link in place of data is no blob. */
int dd_weigh_all(struct dd_weighing *weighing, struct dd_error *err)
{
	struct dd_du_totals *totals = &weighing->du->totals;
	struct sums sums = { .weighing = weighing };
	uint64_t unreadable = 0;
	struct dd_recollection recollection = { 0 };
	const struct dd_measuring how = { .shapes = weighing->options->measured ?
							    &recollection.shapes :
							    NULL,
					  .fn = add_used,
					  .arg = &sums };
	int rc = dd_recollection_open(&recollection, weighing->options->measured, err);

	if (rc == 0)
		rc = dd_store_measure(weighing->ctx, weighing->store, &how, &unreadable, err);
	if (rc == 0)
		rc = dd_recollection_keep(&recollection, err);
	dd_recollection_release(&recollection);
	weighing->du->problems += unreadable;
	if (rc < 0)
		return rc;
	totals->blob_directories = atomic_load(&sums.areas[DD_USED_BLOBS]);
	totals->links = atomic_load(&sums.areas[DD_USED_REPOSITORY]);
	totals->uploads = atomic_load(&sums.areas[DD_USED_UPLOAD]);
	totals->trash = atomic_load(&sums.areas[DD_USED_TRASH]);
	totals->state = atomic_load(&sums.areas[DD_USED_STATE]);
	totals->other = atomic_load(&sums.areas[DD_USED_OTHER]);
	totals->unreferenced = atomic_load(&sums.new_bytes);
	for (size_t id = 0; id < weighing->graph->nodes.count; id++) {
		const struct dd_node *node = &weighing->graph->nodes.items[id];
		bool reached =
			node->flags & DD_NODE_REACHED || dd_mark_holds_everything(weighing->mark);

		*(reached ? &totals->referenced : &totals->unreferenced) += weighing->weights[id];
		totals->unreferenced_blobs += !reached && node->flags & DD_NODE_PRESENT &&
					      !(node->flags & DD_NODE_MISSING);
	}
	return 0;
}

/* ---- one repository ---- */

struct want {
	DD_LIST(uint32_t) ids;
};

static int want_one(void *arg, uint32_t id)
{
	struct want *want = arg;
	uint32_t *slot = dd_list_add(&want->ids);

	if (!slot)
		return DD_ENOMEM;
	*slot = id;
	return 1;
}

/* Blobs that are looked at together. */
struct batch {
	struct dd_weighing *weighing;
	const uint32_t *ids;
	size_t count;
	atomic_uint_fast64_t *unreadable;
};

static void look_at_batch(void *arg)
{
	struct batch *batch = arg;
	struct dd_weighing *weighing = batch->weighing;

	for (size_t i = 0; i < batch->count && !dd_context_cancelled(weighing->ctx); i++) {
		struct dd_place place = { .kind = DD_AT_BLOB };
		struct dd_info info;
		uint32_t id = batch->ids[i];
		int rc;

		dd_ids_get(&weighing->graph->ids, id, &place.digest);
		rc = dd_store_stat(weighing->store, &place, &info, NULL);
		if (rc == 0) {
			weighing->weights[id] = bytes_of(weighing, &info);
			weighing->graph->nodes.items[id].flags |= DD_NODE_PRESENT;
			if (weighing->mtimes)
				weighing->mtimes[id] = info.mtime_ns;
		} else if (rc != DD_ENOENT) {
			atomic_fetch_add(batch->unreadable, 1);
		}
	}
	free(batch);
}

static int look_at(struct dd_weighing *weighing, const uint32_t *ids, size_t count,
		   struct dd_error *err)
{
	atomic_uint_fast64_t unreadable = 0;
	struct dd_jobs *jobs = NULL;
	int rc = dd_jobs_open(weighing->ctx, &jobs, err);

	for (size_t at = 0; at < count && rc == 0; at += BATCH) {
		struct batch *batch = malloc(sizeof(*batch));

		if (!batch) {
			rc = dd_fail(err, DD_ENOMEM, 0, "look at blobs");
			break;
		}
		*batch = (struct batch){ weighing, ids + at,
					 count - at < BATCH ? count - at : BATCH, &unreadable };
		dd_jobs_add(jobs, look_at_batch, batch);
	}
	dd_jobs_closep(&jobs);
	weighing->du->problems += atomic_load(&unreadable);
	return rc < 0 ? rc : dd_context_check(weighing->ctx, err);
}

int dd_weigh_one(struct dd_weighing *weighing, struct dd_error *err)
{
	const struct dd_repository *repo =
		dd_survey_repository(weighing->survey, weighing->options->repository);
	struct dd_du_totals *totals = &weighing->du->totals;
	DD_CLEANUP(dd_family_release) struct dd_family family = { 0 };
	struct want want = { 0 };
	struct sums sums = { .weighing = weighing };
	const struct dd_measuring how = { .repository = weighing->options->repository,
					  .fn = add_used,
					  .arg = &sums };
	uint64_t unreadable = 0;
	int rc = dd_family_init(&family, weighing->graph, err);

	if (rc == 0)
		rc = dd_family_walk_repository(&family, repo, want_one, &want, err);
	if (rc == 0)
		rc = look_at(weighing, want.ids.items, want.ids.count, err);
	for (size_t i = 0; i < want.ids.count; i++)
		totals->referenced += weighing->weights[want.ids.items[i]];
	dd_list_release(&want.ids);
	if (rc == 0)
		rc = dd_store_measure(weighing->ctx, weighing->store, &how, &unreadable, err);
	weighing->du->problems += unreadable;
	totals->links = atomic_load(&sums.areas[DD_USED_REPOSITORY]);
	totals->uploads = atomic_load(&sums.areas[DD_USED_UPLOAD]);
	return rc;
}
