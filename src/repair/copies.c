/*
 * Where good bytes are, when a blob is damaged or missing: misplaced in the volume, in the trash,
 * under the digest of another algorithm, or beyond the volume. All are read and hashed before they
 * are believed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "repair/repair.h"

#define BLOCK ((size_t)256 << 10)

/* ---- hashing ---- */

struct input {
	struct dd_reader *reader;
	struct dd_stream *stream;
};

static int64_t read_input(const struct input *input, void *bytes, size_t len, struct dd_error *err)
{
	return input->reader ? dd_reader_read(input->reader, bytes, len, err) :
			       dd_stream_read(input->stream, bytes, len, err);
}

static int hash(struct dd_repair *repair, const struct input *input, enum dd_algorithm alg,
		struct dd_digest *digest, struct dd_error *err)
{
	struct dd_hasher *hasher = repair->hashers[alg];
	struct dd_digest ignored;
	int64_t got;
	int rc = 0;

	while ((got = read_input(input, repair->block, BLOCK, err)) > 0 && rc == 0) {
		rc = dd_hasher_add(hasher, repair->block, (size_t)got, err);
		if (rc == 0)
			rc = dd_context_check(repair->ctx, err);
	}
	if (rc == 0 && got == 0)
		return dd_hasher_final(hasher, digest, err);
	dd_hasher_final(hasher, &ignored, NULL); /* to be used again */
	return rc < 0 ? rc : (int)got;
}

int dd_repair_hash(struct dd_repair *repair, const struct dd_place *place, enum dd_algorithm alg,
		   struct dd_digest *digest, struct dd_info *info, struct dd_error *err)
{
	DD_CLEANUP(dd_reader_closep) struct dd_reader *reader = NULL;
	int rc = dd_store_open_reader(repair->store, place, &reader, info, err);

	if (rc < 0)
		return rc;
	dd_reader_pass_through(reader);
	return hash(repair, &(struct input){ .reader = reader }, alg, digest, err);
}

static int hash_stream(struct dd_repair *repair, struct dd_source *source,
		       const struct dd_digest *called, enum dd_algorithm alg, uint64_t *size,
		       struct dd_digest *digest, struct dd_error *err)
{
	DD_CLEANUP(dd_stream_closep) struct dd_stream *stream = NULL;
	int rc = dd_source_open_blob(source, called, &stream, size, err);

	return rc < 0 ? rc : hash(repair, &(struct input){ .stream = stream }, alg, digest, err);
}

int dd_repair_hash_blob(struct dd_repair *repair, const struct dd_digest *blob,
			enum dd_algorithm alg, struct dd_digest *digest, struct dd_error *err)
{
	const struct dd_copy *copy = dd_repair_copy_of(repair, blob);
	const struct dd_place place = { .kind = DD_AT_BLOB, .digest = *blob };
	struct dd_info info;
	uint64_t size;

	if (copy && copy->kind == DD_COPY_SOURCE)
		return hash_stream(repair, copy->source, &copy->called, alg, &size, digest, err);
	return dd_repair_hash(repair, copy ? &copy->place : &place, alg, digest, &info, err);
}

/* ---- the trash ---- */

static int compare_items(const void *left, const void *right)
{
	const struct dd_item *a = *(const struct dd_item *const *)left,
			     *b = *(const struct dd_item *const *)right;
	int order = dd_digest_compare(&a->place.digest, &b->place.digest);

	return order ? order : strcmp(b->place.run, a->place.run);
}

static int list_trashed(struct dd_repair *repair, struct dd_error *err)
{
	int rc = dd_trash_load(repair->ctx, repair->store, &repair->trash, err);

	for (size_t r = 0; r < repair->trash.count && rc == 0; r++)
		for (size_t i = 0; i < repair->trash.runs[r].count; i++) {
			const struct dd_item *item = &repair->trash.runs[r].items[i], **slot;

			if (item->place.kind != DD_AT_BLOB || item->place.beside ||
			    dd_reason_damage(item->reason))
				continue;
			slot = dd_list_add(&repair->trashed);
			if (!slot)
				return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
			*slot = item;
		}
	if (rc == 0 && repair->trashed.count)
		qsort(repair->trashed.items, repair->trashed.count, sizeof(*repair->trashed.items),
		      compare_items);
	return rc;
}

static size_t first_trashed(const struct dd_repair *repair, const struct dd_digest *digest)
{
	size_t low = 0, high = repair->trashed.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (dd_digest_compare(&repair->trashed.items[middle]->place.digest, digest) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Reading failed: fatal for the run only if it would be so anywhere. */
static bool fatal(int rc)
{
	return rc == DD_ENOMEM || rc == DD_ECANCELLED;
}

/* *good: the file at the place holds the bytes. */
static int try_place(struct dd_repair *repair, const struct dd_place *place,
		     const struct dd_digest *digest, struct dd_copy *copy, struct dd_error *err)
{
	struct dd_digest got;
	struct dd_info info;
	int rc = dd_repair_hash(repair, place, (enum dd_algorithm)digest->alg, &got, &info, err);

	if (rc < 0) {
		if (fatal(rc))
			return rc;
		dd_error_clear(err);
		return 0;
	}
	if (dd_digest_equal(&got, digest))
		*copy = (struct dd_copy){
			.kind = copy->kind, .place = *place, .bytes = info.size, .stamp = info.stamp
		};
	else
		copy->kind = DD_COPY_NONE;
	return dd_digest_equal(&got, digest);
}

static int find_in_trash(struct dd_repair *repair, const struct dd_digest *digest,
			 struct dd_copy *copy, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = first_trashed(repair, digest); i < repair->trashed.count && rc == 0; i++) {
		const struct dd_place *place = &repair->trashed.items[i]->place;

		if (!dd_digest_equal(&place->digest, digest))
			break;
		copy->kind = DD_COPY_TRASH;
		rc = try_place(repair, place, digest, copy, err);
	}
	return rc;
}

/* ---- misplaced in the volume ---- */

static int note_stray(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err)
{
	struct dd_stray *stray = dd_list_add(&repair->strays);
	char path[4096];
	int rc;

	if (!stray)
		return dd_fail(err, DD_ENOMEM, 0, "look at what is misplaced");
	stray->found = found;
	snprintf(path, sizeof(path), "%s/data", found->path);
	rc = dd_repair_place(repair, path, &stray->place, err);
	if (rc == 0 && stray->place.kind == DD_AT_STRAY)
		rc = dd_repair_hash(repair, &stray->place, (enum dd_algorithm)found->digest.alg,
				    &stray->holds, &stray->info, err);
	stray->rc = rc;
	if (rc < 0 && fatal(rc))
		return rc;
	dd_error_clear(err);
	return 0;
}

static int note_strays(struct dd_repair *repair, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < dd_verify_get_count(repair->verify) && rc == 0; i++) {
		const struct dd_found *found = dd_verify_get_found(repair->verify, i);

		if (found->finding == DD_FOUND_BLOB_MISPLACED && found->path && found->has_digest)
			rc = note_stray(repair, found, err);
	}
	return rc;
}

static bool find_stray(struct dd_repair *repair, const struct dd_digest *digest,
		       struct dd_copy *copy)
{
	for (size_t i = 0; i < repair->strays.count; i++) {
		struct dd_stray *stray = &repair->strays.items[i];

		if (stray->rc < 0 || stray->place.kind != DD_AT_STRAY ||
		    !dd_digest_equal(&stray->holds, digest))
			continue;
		*copy = (struct dd_copy){ .kind = DD_COPY_STRAY,
					  .stray = stray,
					  .place = stray->place,
					  .bytes = stray->info.size,
					  .stamp = stray->info.stamp };
		return true;
	}
	return false;
}

/* ---- under another algorithm's digest ---- */

/* A blob that is wanted, of a size that a manifest tells. */
struct wanted {
	uint64_t size;
	uint8_t alg;
};

struct wanteds {
	DD_LIST(struct wanted) list;
};

static int compare_wanted(const void *left, const void *right)
{
	const struct wanted *a = left, *b = right;

	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return (int)a->alg - (int)b->alg;
}

static int add_wanted(const struct dd_repair *repair, const struct dd_found *found,
		      struct wanteds *wanted, struct dd_error *err)
{
	const struct dd_graph *graph = repair->verify->graph;
	struct dd_digest stored;
	struct wanted *slot;
	uint32_t id;

	if (!found->has_digest)
		return 0;
	dd_repair_stored_as(repair, &found->digest, &stored);
	id = dd_repair_id(repair, &stored);
	if (id == DD_NO_ID || repair->verify->verdicts[id] == DD_BLOB_GOOD ||
	    !graph->nodes.items[id].size)
		return 0;
	slot = dd_list_add(&wanted->list);
	if (!slot)
		return dd_fail(err, DD_ENOMEM, 0, "look for copies");
	*slot = (struct wanted){ graph->nodes.items[id].size, stored.alg };
	return 0;
}

static int list_wanted(const struct dd_repair *repair, struct wanteds *wanted, struct dd_error *err)
{
	const struct dd_verify *verify = repair->verify;
	int rc = 0;

	for (size_t i = 0; i < dd_verify_get_count(verify) && rc == 0; i++)
		rc = add_wanted(repair, dd_verify_get_found(verify, i), wanted, err);
	for (size_t i = 0; i < verify->foreseen.count; i++)
		for (size_t k = 0; k < verify->foreseen.items[i].count && rc == 0; k++)
			rc = add_wanted(repair, &verify->foreseen.items[i].items[k].found, wanted,
					err);
	if (wanted->list.count)
		qsort(wanted->list.items, wanted->list.count, sizeof(*wanted->list.items),
		      compare_wanted);
	return rc;
}

static bool is_wanted(const struct wanteds *wanted, uint64_t size, uint8_t alg)
{
	const struct wanted key = { size, alg };

	return wanted->list.count &&
	       bsearch(&key, wanted->list.items, wanted->list.count, sizeof(key), compare_wanted);
}

/* *again: it was hashed by that algorithm before. */
static int note_hashed(struct dd_repair *repair, uint32_t id, enum dd_algorithm alg, bool *again,
		       struct dd_error *err)
{
	size_t more = id < repair->hashed.count ? 0 : id + 1 - repair->hashed.count;

	if (dd_list_reserve(&repair->hashed, more) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "look for copies");
	memset(repair->hashed.items + repair->hashed.count, 0, more);
	repair->hashed.count += more;
	*again = repair->hashed.items[id] & 1U << alg;
	repair->hashed.items[id] |= (uint8_t)(1U << alg);
	return 0;
}

static int note_twin(struct dd_repair *repair, uint32_t id, enum dd_algorithm alg,
		     struct dd_error *err)
{
	struct dd_twin twin = { .id = id }, *slot;
	struct dd_digest blob;
	bool again = false;
	int rc = note_hashed(repair, id, alg, &again, err);

	if (rc < 0 || again)
		return rc;
	dd_ids_get(&repair->verify->graph->ids, id, &blob);
	rc = dd_repair_hash_blob(repair, &blob, alg, &twin.digest, err);
	if (rc < 0) {
		if (fatal(rc))
			return rc;
		dd_error_clear(err);
		return 0;
	}
	slot = dd_list_add(&repair->twins);
	if (!slot)
		return dd_fail(err, DD_ENOMEM, 0, "look for copies");
	*slot = twin;
	return 0;
}

/*
 * A name of another algorithm that nothing explains. Verifying tries what it reads, which leaves out
 * what it remembers, and what comes from elsewhere; a repair is the same with memory and without.
 */
static bool is_riddle(const struct dd_found *found)
{
	if (!found->has_digest || found->digest.alg == DD_SHA256 || found->has_other)
		return false;
	return found->finding == DD_FOUND_ALIAS_UNRESOLVED ||
	       found->finding == DD_FOUND_LINK_EMPTY || found->finding == DD_FOUND_LINK_MALFORMED;
}

static bool has_riddle(const struct dd_repair *repair)
{
	for (size_t i = 0; i < dd_verify_get_count(repair->verify); i++)
		if (is_riddle(dd_verify_get_found(repair->verify, i)))
			return true;
	return false;
}

/*
 * Each blob of a size that is wanted under another algorithm is hashed by that one, once; and what is to be
 * put in place, of whatever size, if it may be what a broken link stood for.
 */
static int seek_twins(struct dd_repair *repair, struct dd_error *err)
{
	const struct dd_verify *verify = repair->verify;
	struct wanteds wanted = { 0 };
	bool riddle = has_riddle(repair);
	int rc = list_wanted(repair, &wanted, err);

	repair->twins_sought = true;
	for (uint32_t id = 0; id < verify->graph->nodes.count && rc == 0; id++) {
		struct dd_digest digest;
		bool any;

		if (verify->verdicts[id] != DD_BLOB_GOOD || (!wanted.list.count && !riddle))
			continue;
		dd_ids_get(&verify->graph->ids, id, &digest);
		any = riddle && dd_repair_copy_of(repair, &digest);
		for (uint8_t alg = 0; alg < DD_ALGORITHM_COUNT && rc == 0; alg++)
			if (alg != digest.alg &&
			    (any || is_wanted(&wanted, verify->sizes[id], alg)))
				rc = note_twin(repair, id, (enum dd_algorithm)alg, err);
	}
	dd_list_release(&wanted.list);
	return rc;
}

/* What is to be put under the other name is taken twice from where it comes from. */
static void share_copy(const struct dd_copy *theirs, struct dd_copy *copy)
{
	*copy = *theirs;
	copy->stray = NULL;
	if (copy->kind != DD_COPY_SOURCE)
		copy->kind = DD_COPY_TWIN;
}

static int find_twin(struct dd_repair *repair, const struct dd_digest *digest, struct dd_copy *copy,
		     struct dd_error *err)
{
	int rc = repair->twins_sought ? 0 : seek_twins(repair, err);

	for (size_t i = 0; i < repair->twins.count && rc == 0; i++) {
		struct dd_place place = { .kind = DD_AT_BLOB };
		const struct dd_copy *theirs;

		if (!dd_digest_equal(&repair->twins.items[i].digest, digest))
			continue;
		dd_ids_get(&repair->verify->graph->ids, repair->twins.items[i].id, &place.digest);
		theirs = dd_repair_copy_of(repair, &place.digest);
		if (theirs) {
			share_copy(theirs, copy);
			return 1;
		}
		copy->kind = DD_COPY_TWIN;
		rc = try_place(repair, &place, digest, copy, err);
	}
	return rc;
}

/* ---- beyond the volume ---- */

static int try_source(struct dd_repair *repair, struct dd_source *source,
		      const struct dd_digest *digest, struct dd_copy *copy, struct dd_error *err)
{
	struct dd_digest got;
	uint64_t size;
	int rc = hash_stream(repair, source, digest, (enum dd_algorithm)digest->alg, &size, &got,
			     err);

	if (rc < 0 && fatal(rc))
		return rc;
	if (rc < 0 && rc != DD_ENOENT)
		dd_log(repair->ctx, DD_LOG_WARNING, "%s in %s cannot be read: %s",
		       dd_digest_text(digest), dd_source_get_name(source), err ? err->text : "");
	dd_error_clear(err);
	if (rc < 0)
		return 0;
	if (!dd_digest_equal(&got, digest)) {
		dd_log(repair->ctx, DD_LOG_WARNING, "%s in %s is damaged, too",
		       dd_digest_text(digest), dd_source_get_name(source));
		return 0;
	}
	*copy = (struct dd_copy){
		.kind = DD_COPY_SOURCE, .source = source, .called = *digest, .bytes = size
	};
	return 1;
}

static int find_beyond(struct dd_repair *repair, const struct dd_digest *digest,
		       struct dd_copy *copy, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < repair->options.source_count && rc == 0; i++)
		rc = try_source(repair, repair->options.sources[i], digest, copy, err);
	return rc;
}

/* ---- all of them ---- */

int dd_repair_learn_names(struct dd_repair *repair, const struct dd_digest *digest,
			  struct dd_error *err)
{
	return digest->alg == DD_SHA256 || repair->twins_sought ? 0 : seek_twins(repair, err);
}

int dd_repair_renew_copies(struct dd_repair *repair, struct dd_error *err)
{
	repair->twins_sought = false;
	return has_riddle(repair) ? seek_twins(repair, err) : 0;
}

int dd_repair_open_copies(struct dd_repair *repair, struct dd_error *err)
{
	int rc = list_trashed(repair, err);

	if (rc == 0)
		rc = note_strays(repair, err);
	return rc == 0 && has_riddle(repair) ? seek_twins(repair, err) : rc;
}

int dd_repair_find_copy(struct dd_repair *repair, const struct dd_digest *digest,
			struct dd_copy *copy, struct dd_error *err)
{
	struct dd_error own = { 0 };
	int rc = find_stray(repair, digest, copy) ? 1 : 0;

	if (!err)
		err = &own;
	if (rc == 0)
		rc = find_in_trash(repair, digest, copy, err);
	if (rc == 0)
		rc = find_twin(repair, digest, copy, err);
	if (rc == 0)
		rc = find_beyond(repair, digest, copy, err);
	if (rc <= 0)
		copy->kind = DD_COPY_NONE;
	return rc < 0 ? rc : 0;
}
