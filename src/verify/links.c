/*
 * The pass over links: each is read, whatever its name says already.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "verify/verify.h"

#define BATCH 128

/* A registry that truncates and rewrites is soon done. */
#define FLIGHT_NS (60 * DD_SECOND)
#define FLIGHT_TRIES 5

struct batch {
	struct dd_verify *verify;
	uint32_t index; /* of the repository */
	const struct dd_repository *repo;
	enum dd_place_kind kind;
	size_t first, count; /* of layers, revisions or tags */
	struct dd_directory *within;
	struct dd_buffer buffer;
	struct dd_error error; /* why the last one is unreadable */
	struct dd_owners owners;
	uint64_t links;
};

/* What one link is and says. */
struct link {
	struct dd_place place;
	uint32_t id; /* of its name; DD_NO_ID for current */
	enum dd_link_state state;
	bool has_digest;
	struct dd_digest says;
	const char *why;
	bool unread; /* too long for that */
};

/* A file that says its name, as nearly all do. */
static bool says_its_name(const struct dd_buffer *buffer, const struct dd_digest *digest)
{
	struct dd_digest said;

	return dd_digest_parse(&said, (const char *)buffer->bytes, buffer->len) == 0 &&
	       dd_digest_equal(&said, digest);
}

/* Said by the file as it is now, and read not too long ago. */
static bool recall(struct batch *batch, struct link *link, struct dd_info *info)
{
	const struct dd_verify *verify = batch->verify;
	int64_t read_ns;
	int rc;

	if (!verify->audited || verify->options.full)
		return false;
	rc = batch->within ? dd_directory_stat(batch->within, &link->place, info, NULL) :
			     dd_store_stat(verify->store, &link->place, info, NULL);
	if (rc < 0 || !dd_index_get_link(verify->audited, info, &link->says, &read_ns) ||
	    read_ns > verify->now_ns ||
	    verify->now_ns - read_ns >= verify->options.reverify_after_ns)
		return false;
	link->state = DD_LINK_GOOD;
	link->has_digest = true;
	return true;
}

static int read_anew(struct batch *batch, struct link *link, struct dd_info *info)
{
	int rc = batch->within ? dd_directory_read(batch->within, &link->place, DD_LINK_MAX,
						   &batch->buffer, info, &batch->error) :
				 dd_store_read(batch->verify->store, &link->place, DD_LINK_MAX,
					       &batch->buffer, info, &batch->error);

	link->unread = rc == DD_ETOOBIG;
	if (rc == DD_ENOENT)
		link->state = DD_LINK_ABSENT;
	else if (rc == DD_ETOOBIG) {
		link->state = DD_LINK_MALFORMED;
		link->why = "it is far too long";
	} else if (rc < 0)
		link->state = DD_LINK_UNREADABLE;
	else if (link->id != DD_NO_ID && says_its_name(&batch->buffer, &link->place.digest)) {
		link->state = DD_LINK_GOOD;
		link->has_digest = true;
		link->says = link->place.digest;
	} else
		link->state = dd_link_parse(batch->buffer.bytes, batch->buffer.len, &link->says,
					    &link->has_digest, &link->why);
	if (link->state == DD_LINK_GOOD)
		dd_index_learn_link(batch->verify->audited, info, batch->verify->now_ns,
				    &link->says);
	return rc == DD_ENOMEM ? rc : 0;
}

static int read_once(struct batch *batch, struct link *link, struct dd_info *info)
{
	return recall(batch, link, info) ? 0 : read_anew(batch, link, info);
}

static int read_link(struct batch *batch, struct link *link)
{
	static const struct timespec pause = { 0, 50 * 1000 * 1000 };

	for (int i = 0;; i++) {
		struct dd_info info = { 0 };
		int rc = read_once(batch, link, &info);

		batch->links += link->state != DD_LINK_ABSENT && i == 0;
		if (rc == 0 && link->state == DD_LINK_GOOD)
			return dd_verify_saw(batch->verify, &batch->owners, &info, &link->place);
		if (rc < 0 || link->state != DD_LINK_MALFORMED || i == FLIGHT_TRIES ||
		    batch->verify->now_ns - info.mtime_ns > FLIGHT_NS)
			return rc;
		nanosleep(&pause, NULL);
	}
}

/* What a link that should be an alias stands for. */
static const struct dd_digest *get_other(const struct batch *batch, const struct link *link,
					 struct dd_digest *other)
{
	uint32_t blob = DD_NO_ID;

	if (link->place.kind == DD_AT_LAYER && link->place.digest.alg != DD_SHA256)
		blob = dd_verify_stands_for(batch->verify, link->id);
	if (blob == DD_NO_ID)
		return NULL;
	dd_ids_get(&batch->verify->graph->ids, blob, other);
	return other;
}

static int report(struct batch *batch, const struct link *link, enum dd_finding finding,
		  const char *found, struct dd_error *err)
{
	struct dd_digest other;
	const struct dd_evidence evidence = {
		.finding = link->place.kind == DD_AT_HISTORY ? DD_FOUND_HISTORY_BROKEN : finding,
		.place = &link->place,
		.id = link->id,
		.repository = batch->index,
		.expected = link->id != DD_NO_ID ? dd_digest_text(&link->place.digest) : "a digest",
		.found = found,
		.other = get_other(batch, link, &other),
	};

	if (link->state == DD_LINK_UNREADABLE)
		return dd_verify_report_failure(batch->verify, &evidence, batch->error.code,
						&batch->error, err);
	return dd_verify_report(batch->verify, &evidence, err);
}

/* The bytes that are there instead of a digest, as far as they tell anything. */
static int report_malformed(struct batch *batch, const struct link *link, struct dd_error *err)
{
	char found[256];
	int shown = batch->buffer.len < 100 ? (int)batch->buffer.len : 100;

	if (link->unread)
		return report(batch, link, DD_FOUND_LINK_MALFORMED, link->why, err);
	if (!batch->buffer.len)
		return report(batch, link, DD_FOUND_LINK_EMPTY, "nothing", err);
	snprintf(found, sizeof(found), "%s: \"%.*s\"", link->why, shown,
		 (const char *)batch->buffer.bytes);
	return report(batch, link, DD_FOUND_LINK_MALFORMED, found, err);
}

/* Under another algorithm's name the reference keeps what the blob is called under sha256. */
static bool is_alias(const struct link *link)
{
	return link->place.kind == DD_AT_LAYER && link->place.digest.alg != DD_SHA256 &&
	       link->says.alg == DD_SHA256;
}

static int report_unresolved(struct batch *batch, const struct link *link, struct dd_error *err)
{
	struct dd_digest other;

	return report(batch, link, DD_FOUND_ALIAS_UNRESOLVED,
		      get_other(batch, link, &other) ? dd_digest_text(&other) : "only its own name",
		      err);
}

static int judge_other(struct batch *batch, const struct link *link, struct dd_error *err)
{
	uint32_t blob;

	if (dd_digest_equal(&link->says, &link->place.digest)) {
		/* It says itself: right where blobs are stored by that algorithm, too. */
		if (link->place.kind != DD_AT_LAYER || link->place.digest.alg == DD_SHA256 ||
		    (dd_verify_there(batch->verify, link->id, &blob) != 0 && blob == link->id))
			return 0;
		return report_unresolved(batch, link, err);
	}
	/* What it stands for may be gone, and the bytes be stored by its own name. */
	if (is_alias(link) && !dd_verify_leads_astray(batch->verify, link->id, &link->says))
		return 0;
	return report(batch, link, DD_FOUND_LINK_OTHER, dd_digest_text(&link->says), err);
}

static int judge(struct batch *batch, struct link *link, struct dd_error *err)
{
	int rc = read_link(batch, link);

	if (rc < 0)
		return dd_fail(err, rc, 0, "read a link");
	switch (link->state) {
	case DD_LINK_GOOD:
		return link->id == DD_NO_ID ? 0 : judge_other(batch, link, err);
	case DD_LINK_MALFORMED:
		return report_malformed(batch, link, err);
	case DD_LINK_UNREADABLE:
		return report(batch, link, DD_FOUND_LINK_UNREADABLE, NULL, err);
	default:
		return 0;
	}
}

static int judge_id(struct batch *batch, uint32_t id, const char *tag, enum dd_link_state *state,
		    struct dd_error *err)
{
	struct link link = {
		.place = { .kind = batch->kind, .repository = batch->repo->name, .tag = tag },
		.id = id
	};
	int rc;

	dd_ids_get(&batch->verify->graph->ids, id, &link.place.digest);
	/* The directory that is held is that of the first algorithm alone. */
	if (batch->within && link.place.digest.alg != DD_SHA256) {
		struct dd_directory *within = batch->within;

		batch->within = NULL;
		rc = judge(batch, &link, err);
		batch->within = within;
	} else {
		rc = judge(batch, &link, err);
	}
	*state = link.state;
	return rc;
}

/* ---- one kind after the other ---- */

static void hold(struct batch *batch, enum dd_place_kind directory)
{
	const struct dd_place place = { .kind = directory, .repository = batch->repo->name };

	dd_store_open_directory(batch->verify->store, &place, &batch->within, NULL);
}

static int judge_layers(struct batch *batch, struct dd_error *err)
{
	const uint32_t *ids = batch->repo->layers.items;
	size_t end = batch->first + batch->count;
	int rc = 0;

	hold(batch, DD_IN_LAYERS_OF);
	for (size_t i = batch->first; i < end && rc == 0; i++) {
		enum dd_link_state state;

		if (i + DD_VERIFY_AHEAD < end)
			dd_ids_prefetch_id(&batch->verify->graph->ids, ids[i + DD_VERIFY_AHEAD]);
		rc = judge_id(batch, ids[i], NULL, &state, err);
		batch->verify->layers[batch->index][i] = (uint8_t)state;
	}
	return rc;
}

static bool has_signatures(const struct dd_verify *verify, uint32_t id)
{
	uint32_t manifest = verify->graph->nodes.items[id].manifest;
	uint8_t type;

	if (manifest == DD_NO_ID)
		return false;
	type = verify->graph->manifests.items[manifest].type;
	return type == DD_MANIFEST_SCHEMA1 || type == DD_MANIFEST_SCHEMA1_SIGNED;
}

struct listing {
	struct batch *batch;
	struct link link; /* of the kind that is listed, but for what the entry says */
};

static int see_listed(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct listing *listing = arg;
	struct link link = listing->link;
	struct dd_digest digest;

	if (dd_digest_parse_hex(&digest, DD_SHA256, entry->name, strlen(entry->name)) < 0)
		return 0; /* the survey has told */
	if (link.place.kind == DD_AT_SIGNATURE)
		link.place.second = digest;
	else
		link.place.digest = digest;
	return judge(listing->batch, &link, err);
}

/* What cannot be listed the survey has told. */
static int judge_listed(struct batch *batch, const struct dd_place *directory,
			const struct link *link, struct dd_error *err)
{
	struct listing listing = { batch, *link };
	int rc = dd_store_list(batch->verify->store, directory, see_listed, &listing, err);

	return rc == DD_ENOMEM ? rc : 0;
}

static int judge_signatures(struct batch *batch, uint32_t id, struct dd_error *err)
{
	struct dd_place directory = { .kind = DD_IN_SIGNATURES_OF,
				      .repository = batch->repo->name };
	struct link link = { .place = { .kind = DD_AT_SIGNATURE, .repository = batch->repo->name },
			     .id = DD_NO_ID };
	struct dd_directory *within = batch->within;
	int rc;

	dd_ids_get(&batch->verify->graph->ids, id, &directory.digest);
	link.place.digest = directory.digest;
	batch->within = NULL;
	rc = judge_listed(batch, &directory, &link, err);
	batch->within = within;
	return rc;
}

/* The survey has, and it says its name; only what it did not understand is looked at again. */
static bool was_read(const struct dd_verify *verify, const struct dd_revision *revision)
{
	return revision->state == DD_LINK_GOOD &&
	       !(verify->graph->nodes.items[revision->id].flags & DD_NODE_ALIAS);
}

static int judge_revisions(struct batch *batch, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = batch->first; i < batch->first + batch->count && rc == 0; i++) {
		uint32_t id = batch->repo->revisions.items[i].id;
		enum dd_link_state state;

		if (was_read(batch->verify, &batch->repo->revisions.items[i]))
			batch->links++;
		else
			rc = judge_id(batch, id, NULL, &state, err);
		if (rc == 0 && has_signatures(batch->verify, id))
			rc = judge_signatures(batch, id, err);
	}
	return rc;
}

static int judge_current(struct batch *batch, const struct dd_tag *tag, struct dd_error *err)
{
	struct link link = {
		.place = { .kind = DD_AT_TAG, .repository = batch->repo->name, .tag = tag->name },
		.id = DD_NO_ID
	};

	batch->links += tag->state == DD_LINK_GOOD;
	/* The survey has read it; only what it did not understand is looked at again. */
	return tag->state == DD_LINK_GOOD ? 0 : judge(batch, &link, err);
}

static int judge_tags(struct batch *batch, struct dd_error *err)
{
	int rc = 0;

	hold(batch, DD_IN_TAGS);
	for (size_t i = batch->first; i < batch->first + batch->count && rc == 0; i++) {
		const struct dd_tag *tag = &batch->repo->tags.items[i];

		rc = judge_current(batch, tag, err);
		for (uint32_t k = 0; k < tag->history_count && rc == 0; k++) {
			enum dd_link_state state;

			rc = judge_id(batch, batch->repo->histories.items[tag->history + k],
				      tag->name, &state, err);
		}
	}
	return rc;
}

/* ---- tarsum: the links of registry 2.0 ---- */

static int see_version(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct batch *batch = arg;
	const struct dd_place directory = { .kind = DD_IN_TARSUM_OF,
					    .repository = batch->repo->name,
					    .name = entry->name };
	const struct link link = { .place = { .kind = DD_AT_TARSUM,
					      .repository = batch->repo->name,
					      .name = entry->name },
				   .id = DD_NO_ID };

	return judge_listed(batch, &directory, &link, err);
}

static int judge_tarsums(struct batch *batch, struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_IN_TARSUMS, .repository = batch->repo->name };
	int rc = dd_store_list(batch->verify->store, &place, see_version, batch, err);

	return rc == DD_ENOMEM ? rc : 0;
}

/* ---- the jobs ---- */

static int judge_batch(struct batch *batch, struct dd_error *err)
{
	switch ((int)batch->kind) {
	case DD_AT_LAYER:
		return judge_layers(batch, err);
	case DD_AT_REVISION:
		return judge_revisions(batch, err);
	case DD_AT_HISTORY:
		return judge_tags(batch, err);
	default:
		return judge_tarsums(batch, err);
	}
}

static void run_batch(void *arg)
{
	struct batch *batch = arg;
	struct dd_verify *verify = batch->verify;
	struct dd_error err = { 0 };
	int rc = dd_verify_stopped(verify) ? 0 : judge_batch(batch, &err);

	if (rc < 0)
		dd_verify_stop(verify, rc, &err);
	dd_progress_add(verify->ctx, batch->count);
	pthread_mutex_lock(&verify->lock);
	verify->summary.links += batch->links;
	dd_owners_merge(&verify->owners, &batch->owners);
	pthread_mutex_unlock(&verify->lock);
	dd_directory_closep(&batch->within);
	dd_buffer_release(&batch->buffer);
	free(batch);
}

static int add_batches(struct dd_verify *verify, struct dd_jobs *jobs, uint32_t index,
		       enum dd_place_kind kind, size_t total, struct dd_error *err)
{
	for (size_t at = 0; at < total; at += BATCH) {
		struct batch *batch = calloc(1, sizeof(*batch));

		if (!batch)
			return dd_fail(err, DD_ENOMEM, 0, "read links");
		batch->verify = verify;
		batch->index = index;
		batch->repo = verify->survey->repositories.items[index];
		batch->kind = kind;
		batch->first = at;
		batch->count = total - at < BATCH ? total - at : BATCH;
		dd_jobs_add(jobs, run_batch, batch);
	}
	return 0;
}

static int add_repository(struct dd_verify *verify, struct dd_jobs *jobs, uint32_t index,
			  struct dd_error *err)
{
	const struct dd_repository *repo = verify->survey->repositories.items[index];
	int rc = 0;

	verify->layers[index] = calloc(repo->layers.count + 1, 1);
	if (!verify->layers[index])
		rc = dd_fail(err, DD_ENOMEM, 0, "read links");
	if (rc == 0)
		rc = add_batches(verify, jobs, index, DD_AT_LAYER, repo->layers.count, err);
	if (rc == 0)
		rc = add_batches(verify, jobs, index, DD_AT_REVISION, repo->revisions.count, err);
	if (rc == 0)
		rc = add_batches(verify, jobs, index, DD_AT_HISTORY, repo->tags.count, err);
	if (rc == 0 && repo->tarsums.count + repo->doubts.count > 0)
		rc = add_batches(verify, jobs, index, DD_AT_TARSUM, 1, err);
	return rc;
}

int dd_verify_links(struct dd_verify *verify, struct dd_error *err)
{
	DD_CLEANUP(dd_jobs_closep) struct dd_jobs *jobs = NULL;
	size_t count = verify->survey->repositories.count;
	int rc = dd_jobs_open(verify->ctx, &jobs, err);

	if (rc < 0)
		return rc;
	dd_progress_begin(verify->ctx, "links", 0);
	for (uint32_t i = 0; i < count && rc == 0; i++)
		rc = add_repository(verify, jobs, i, err);
	dd_jobs_closep(&jobs);
	dd_progress_end(verify->ctx);
	if (rc == 0 && verify->rc < 0 && err)
		*err = verify->error;
	return rc < 0 ? rc : verify->rc;
}
