/*
 * Manifests: each read once, proved by its digest, its descriptors made edges. What it names as a
 * manifest is read next.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "graph/scan.h"

#define BATCH 32

/* Larger ones wait for one another, so that memory stays within one of them. */
#define SMALL ((uint64_t)256 << 10)

/* A write in flight is soon done. */
#define FLIGHT_NS (60 * DD_SECOND)
#define FLIGHT_TRIES 5

struct batch {
	struct dd_scan *scan;
	size_t count;
	uint32_t ids[BATCH];
};

int dd_scan_want(struct dd_scan *scan, struct dd_scan_wanted *wanted, uint32_t id,
		 struct dd_error *err)
{
	uint16_t *flags = &scan->graph->nodes.items[id].flags;
	uint32_t *added;

	if (*flags & (DD_NODE_WANTED | DD_NODE_READ))
		return 0;
	added = dd_list_add(&wanted->ids);
	if (!added)
		return dd_fail(err, DD_ENOMEM, 0, "remember manifests");
	*added = id;
	*flags |= DD_NODE_WANTED;
	return 0;
}

static struct dd_scan_reader *take_reader(struct dd_scan *scan, struct dd_error *err)
{
	const struct dd_place blobs = { .kind = DD_IN_BLOBS_OF, .digest = { .alg = DD_SHA256 } };
	struct dd_scan_reader *reader;

	dd_scan_lock(scan);
	reader = scan->readers;
	if (reader)
		scan->readers = reader->next;
	dd_scan_unlock(scan);
	if (reader)
		return reader;
	reader = calloc(1, sizeof(*reader));
	if (!reader) {
		dd_fail(err, DD_ENOMEM, 0, "read manifests");
		return NULL;
	}
	if (dd_manifest_parser_open(&reader->parser, err) < 0) {
		free(reader);
		return NULL;
	}
	dd_store_open_directory(scan->store, &blobs, &reader->blobs, NULL);
	return reader;
}

static void give_reader(struct dd_scan *scan, struct dd_scan_reader *reader)
{
	if (reader->buffer.room > SMALL + 1)
		dd_buffer_release(&reader->buffer);
	dd_descriptors_empty(&reader->known);
	dd_scan_lock(scan);
	reader->next = scan->readers;
	scan->readers = reader;
	dd_scan_unlock(scan);
}

/* What is being looked at. */
struct look {
	struct dd_scan *scan;
	struct dd_scan_reader *reader;
	uint32_t id;
	struct dd_digest digest;
	struct dd_place place;
	struct dd_info info;
	int64_t read_ns; /* when its bytes were */
	bool trashed;
};

/* A shorter way to the bytes of a digest, if there is one. */
static struct dd_directory *within(const struct look *look)
{
	return look->digest.alg == DD_SHA256 ? look->reader->blobs : NULL;
}

static int read_bytes(struct look *look, uint64_t max, struct dd_error *err)
{
	struct dd_scan *scan = look->scan;
	int rc;

	look->place = (struct dd_place){ .kind = DD_AT_BLOB, .digest = look->digest };
	look->trashed = false;
	look->read_ns = scan->now_ns;
	memset(&look->info, 0, sizeof(look->info));
	rc = within(look) ? dd_directory_read(within(look), &look->place, max,
					      &look->reader->buffer, &look->info, err) :
			    dd_store_read(scan->store, &look->place, max, &look->reader->buffer,
					  &look->info, err);
	if (rc == DD_ENOENT && scan->options->in_trash &&
	    scan->options->in_trash(scan->options->arg, &look->digest, &look->place)) {
		look->trashed = true;
		rc = dd_store_read(scan->store, &look->place, max, &look->reader->buffer,
				   &look->info, err);
	}
	return rc;
}

static int parse(struct look *look, const struct dd_manifest **manifest, struct dd_error *err)
{
	return dd_manifest_verify_and_parse(look->reader->parser, &look->digest,
					    look->reader->buffer.bytes, look->reader->buffer.len,
					    NULL, manifest, err);
}

/* Read and parse; what looks half written and is young is looked at again before it is doubt. */
static int understand(struct look *look, uint64_t max, const struct dd_manifest **manifest,
		      struct dd_error *err)
{
	static const struct timespec pause = { 0, 50 * 1000 * 1000 };

	for (int i = 0;; i++) {
		int rc = read_bytes(look, max, err);

		if (rc < 0)
			return rc;
		rc = parse(look, manifest, err);
		if (rc != DD_ECORRUPT || i == FLIGHT_TRIES ||
		    look->info.mtime_ns < look->scan->now_ns - FLIGHT_NS)
			return rc;
		nanosleep(&pause, NULL);
	}
}

/* By what an earlier run found out, if its blob is as it was then. */
static bool recall(struct look *look, struct dd_surveyed *known)
{
	struct dd_scan *scan = look->scan;
	const struct dd_place place = { .kind = DD_AT_BLOB, .digest = look->digest };
	const struct dd_onlooker *onlooker = scan->options->onlooker;
	int rc;

	if (!scan->options->index || scan->options->anew)
		return false;
	rc = within(look) ? dd_directory_stat(within(look), &place, &look->info, NULL) :
			    dd_store_stat(scan->store, &place, &look->info, NULL);
	if (rc == 0 && onlooker && onlooker->when_proved) {
		look->read_ns = onlooker->when_proved(onlooker->arg, &look->digest, &look->info);
		rc = look->read_ns ? 0 : DD_ENOENT;
	}
	return rc == 0 && dd_index_get_manifest(scan->options->index, &look->digest, &look->info,
						&look->reader->known, known);
}

static void remember(const struct look *look, int rc, const struct dd_manifest *manifest,
		     const char *detail)
{
	struct dd_surveyed found = { .code = rc,
				     .detail = detail,
				     .stored = look->reader->buffer.len };

	if (rc == 0)
		found.manifest = *manifest;
	if (!look->trashed)
		dd_index_learn_manifest(look->scan->options->index, &look->digest, &look->info,
					look->scan->now_ns, &found);
}

static enum dd_doubt doubt_of(int rc)
{
	switch (rc) {
	case DD_ECORRUPT:
		return DD_DOUBT_CORRUPT;
	case DD_EFORMAT:
		return DD_DOUBT_INVALID;
	case DD_EUNKNOWN:
		return DD_DOUBT_UNKNOWN;
	case DD_ETOOBIG:
		return DD_DOUBT_TOO_BIG;
	default:
		return DD_DOUBT_UNREADABLE;
	}
}

/* With the lock held. */
static int commit(struct look *look, const struct dd_manifest *manifest, const uint32_t *ids,
		  size_t stored, struct dd_scan_wanted *wanted, struct dd_error *err)
{
	const struct dd_onlooker *onlooker = look->scan->options->onlooker;
	struct dd_graph *graph = look->scan->graph;
	const struct dd_manifest_node *node;
	int rc = dd_graph_add_manifest(graph, look->id, manifest, ids, stored, look->trashed, err);

	if (rc < 0)
		return rc;
	if (onlooker && onlooker->manifest)
		rc = onlooker->manifest(onlooker->arg, look->id, manifest);
	if (rc == 0 && onlooker && onlooker->proved && !look->trashed)
		rc = onlooker->proved(onlooker->arg, look->id, &look->info, look->read_ns);
	node = &graph->manifests.items[graph->nodes.items[look->id].manifest];
	for (uint32_t i = 0; i < node->count && rc == 0; i++) {
		uint32_t edge = graph->edges.items[node->first + i];

		if (edge & DD_EDGE_MANIFEST)
			rc = dd_scan_want(look->scan, wanted, DD_EDGE_ID(edge), err);
	}
	return rc;
}

/* What was found out, by whatever way, goes into the graph; ids may be NULL. With the lock held. */
static int enter(struct look *look, int rc, const struct dd_manifest *manifest, const uint32_t *ids,
		 size_t stored, struct dd_scan_wanted *wanted, struct dd_error *err)
{
	struct dd_graph *graph = look->scan->graph;

	if (rc == 0)
		return commit(look, manifest, ids, stored, wanted, err);
	if (rc == DD_ENOENT) {
		graph->nodes.items[look->id].flags |= DD_NODE_MISSING;
		return 0;
	}
	return rc == DD_ENOMEM || rc == DD_ECANCELLED ?
		       rc :
		       dd_graph_add_doubt(graph, look->id, doubt_of(rc), err->text, err);
}

static int read_it(struct look *look, struct dd_scan_wanted *wanted, struct dd_error *err)
{
	struct dd_scan *scan = look->scan;
	const struct dd_manifest *manifest = NULL;
	bool large = false;
	int rc = understand(look, SMALL, &manifest, err);

	if (rc == DD_ETOOBIG) {
		large = true;
		pthread_mutex_lock(&scan->large);
		rc = understand(look, DD_MANIFEST_MAX, &manifest, err);
	}
	remember(look, rc, manifest, err->text);
	dd_scan_lock(scan);
	if (rc == 0 && manifest->count)
		dd_graph_expect(scan->graph, &manifest->descriptors->digest, manifest->count,
				sizeof(*manifest->descriptors));
	rc = enter(look, rc, manifest, NULL, look->reader->buffer.len, wanted, err);
	dd_scan_unlock(scan);
	if (large) {
		dd_buffer_release(&look->reader->buffer);
		pthread_mutex_unlock(&scan->large);
	}
	return rc;
}

/* ---- a batch ---- */

/* What the index knows is entered together: the lock is not taken for each. */
struct known {
	size_t count;
	struct {
		struct look look;
		struct dd_surveyed said;
	} items[BATCH];
};

/* More descriptors than this do not wait: memory is for a few manifests, not for a batch of large ones. */
#define KNOWN_MAX 4096

/* All that is named by what waits. With the lock held. */
static int intern_known(struct dd_graph *graph, struct dd_scan_reader *reader, struct dd_error *err)
{
	const struct dd_descriptors *named = &reader->known;

	if (dd_list_reserve(&reader->ids, named->count) < 0 ||
	    (named->count && dd_graph_intern_all(graph, &named->items->digest, named->count,
						 sizeof(*named->items), reader->ids.items) < 0))
		return dd_fail(err, DD_ENOMEM, 0, "remember manifests");
	dd_graph_prefetch(graph, reader->ids.items, named->count);
	return 0;
}

static int enter_known(struct known *known, struct dd_scan_reader *reader,
		       struct dd_scan_wanted *wanted, struct dd_error *err)
{
	struct dd_scan *scan;
	size_t at = 0;
	int rc;

	if (!known->count)
		return 0;
	scan = known->items[0].look.scan;
	dd_scan_lock(scan);
	rc = intern_known(scan->graph, reader, err);
	for (size_t i = 0; i < known->count && rc == 0; i++) {
		struct dd_surveyed *said = &known->items[i].said;

		dd_surveyed_place(said, reader->known.items + at);
		if (said->code)
			dd_fail(err, said->code, 0, "%s", said->detail);
		rc = enter(&known->items[i].look, said->code, &said->manifest,
			   reader->ids.items + at, said->stored, wanted, err);
		at += said->manifest.count;
	}
	dd_scan_unlock(scan);
	known->count = 0;
	dd_descriptors_empty(&reader->known);
	return rc;
}

static int look_at(struct look *look, struct known *known, struct dd_scan_wanted *wanted,
		   struct dd_error *err)
{
	struct dd_surveyed said;

	if (!recall(look, &said))
		return read_it(look, wanted, err);
	known->items[known->count].look = *look;
	known->items[known->count++].said = said;
	return look->reader->known.count < KNOWN_MAX ?
		       0 :
		       enter_known(known, look->reader, wanted, err);
}

static int scan_ids(struct batch *batch, struct dd_scan_reader *reader,
		    struct dd_scan_wanted *wanted, struct dd_error *err)
{
	struct dd_scan *scan = batch->scan;
	struct dd_digest digests[BATCH] = { 0 };
	struct known known = { 0 };
	int rc = 0;

	dd_scan_lock(scan);
	for (size_t i = 0; i < batch->count; i++)
		dd_ids_prefetch_id(&scan->graph->ids, batch->ids[i]);
	for (size_t i = 0; i < batch->count; i++)
		dd_ids_get(&scan->graph->ids, batch->ids[i], &digests[i]);
	dd_scan_unlock(scan);
	for (size_t i = 0; i < batch->count && rc == 0 && !dd_scan_stopped(scan); i++) {
		struct look look = {
			.scan = scan, .reader = reader, .id = batch->ids[i], .digest = digests[i]
		};

		rc = look_at(&look, &known, wanted, err);
	}
	dd_progress_add(scan->ctx, batch->count);
	return rc < 0 ? rc : enter_known(&known, reader, wanted, err);
}

static void scan_batch(void *arg)
{
	struct batch *batch = arg;
	struct dd_scan *scan = batch->scan;
	struct dd_scan_wanted wanted = { 0 };
	struct dd_error err = { 0 };
	struct dd_scan_reader *reader = take_reader(scan, &err);
	int rc = reader ? scan_ids(batch, reader, &wanted, &err) : err.code;

	if (reader)
		give_reader(scan, reader);
	if (rc == 0)
		rc = dd_scan_start(scan, &wanted, &err);
	if (rc < 0)
		dd_scan_stop(scan, rc, &err);
	dd_list_release(&wanted.ids);
	free(batch);
}

int dd_scan_start(struct dd_scan *scan, struct dd_scan_wanted *wanted, struct dd_error *err)
{
	for (size_t at = 0; at < wanted->ids.count; at += BATCH) {
		struct batch *batch = calloc(1, sizeof(*batch));
		size_t left = wanted->ids.count - at;

		if (!batch)
			return dd_fail(err, DD_ENOMEM, 0, "read manifests");
		batch->scan = scan;
		batch->count = left < BATCH ? left : BATCH;
		memcpy(batch->ids, wanted->ids.items + at, batch->count * sizeof(*batch->ids));
		dd_jobs_add(scan->jobs, scan_batch, batch);
	}
	wanted->ids.count = 0;
	return 0;
}
