/*
 * Carrying it out: everything that is to be written is ready and announced before the first object
 * changes; then step by step, what is referred to before what refers.
 *
 * The volume was verified without its lock. Each step looks once more at what it changes, and leaves
 * what is not as it was judged.
 */
#include <stdlib.h>
#include <string.h>

#include "repair/repair.h"

/* What ends the whole run; all else fails one step. */
static bool fatal(int rc)
{
	return rc == DD_ENOMEM || rc == DD_ECANCELLED || rc == DD_ENOSPC;
}

static int fail_step(struct dd_repair *repair, struct dd_step *step, int rc, struct dd_error *err)
{
	if (rc == 0 || fatal(rc))
		return rc;
	step->mend.outcome = rc == DD_ECHANGED || rc == DD_ENOENT || rc == DD_EAGAIN ?
				     DD_MENDED_CHANGED :
				     DD_MENDED_FAILED;
	step->mend.why = dd_repair_keep(repair, err->text);
	dd_error_clear(err);
	return 0;
}

/* ---- making ready ---- */

struct link_bytes {
	char text[DD_DIGEST_TEXT];
	size_t len, at;
};

static int64_t next_of_link(void *arg, void *bytes, size_t len, struct dd_error *err)
{
	struct link_bytes *link = arg;
	size_t now = link->len - link->at < len ? link->len - link->at : len;

	(void)err;
	memcpy(bytes, link->text + link->at, now);
	link->at += now;
	return (int64_t)now;
}

static int stage_link(struct dd_change *change, struct dd_step *step, struct dd_error *err)
{
	struct link_bytes link = { .at = 0 };

	dd_digest_format(&step->mend.digest, link.text);
	link.len = strlen(link.text);
	return dd_change_stage(change, &step->mend.place, next_of_link, &link, &step->put, err);
}

/* Bytes on their way, hashed as they go by. */
struct passing {
	struct dd_repair *repair;
	struct dd_reader *reader;
	struct dd_stream *stream;
	struct dd_hasher *hasher;
	const struct dd_digest *want;
};

static int64_t next_of_blob(void *arg, void *bytes, size_t len, struct dd_error *err)
{
	struct passing *passing = arg;
	struct dd_digest got;
	int64_t read = passing->reader ? dd_reader_read(passing->reader, bytes, len, err) :
					 dd_stream_read(passing->stream, bytes, len, err);
	int rc = dd_context_check(passing->repair->ctx, err);

	if (read < 0 || rc < 0)
		return rc < 0 ? rc : read;
	if (read > 0) {
		rc = dd_hasher_add(passing->hasher, bytes, (size_t)read, err);
		dd_progress_add(passing->repair->ctx, (uint64_t)read);
		return rc < 0 ? rc : read;
	}
	rc = dd_hasher_final(passing->hasher, &got, err);
	if (rc == 0 && !dd_digest_equal(&got, passing->want))
		rc = dd_fail(err, DD_ECHANGED, 0, "the copy of %s holds %s by now",
			     dd_digest_text(passing->want), dd_digest_text(&got));
	return rc;
}

static int stage_copy(struct dd_repair *repair, struct dd_change *change, struct dd_step *step,
		      struct dd_error *err)
{
	DD_CLEANUP(dd_reader_closep) struct dd_reader *reader = NULL;
	DD_CLEANUP(dd_stream_closep) struct dd_stream *stream = NULL;
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	struct passing passing = { .repair = repair, .want = &step->mend.digest };
	uint64_t size;
	int rc = dd_hasher_open(&hasher, (enum dd_algorithm)step->mend.digest.alg, err);

	if (rc == 0 && step->copy.kind == DD_COPY_SOURCE)
		rc = dd_source_open_blob(step->copy.source, &step->copy.called, &stream, &size,
					 err);
	else if (rc == 0)
		rc = dd_store_open_reader(repair->store, &step->copy.place, &reader, NULL, err);
	if (rc < 0)
		return rc;
	passing.reader = reader;
	passing.stream = stream;
	passing.hasher = hasher;
	return dd_change_stage(change, &step->mend.place, next_of_blob, &passing, &step->put, err);
}

static int stage(struct dd_repair *repair, struct dd_change *change, struct dd_step *step,
		 struct dd_error *err)
{
	if (step->mend.mending != DD_MEND_PUT_BLOB && step->mend.mending != DD_MEND_MOVE_BLOB)
		return stage_link(change, step, err);
	if (step->copy.kind == DD_COPY_TWIN || step->copy.kind == DD_COPY_SOURCE)
		return stage_copy(repair, change, step, err);
	step->put = (struct dd_put){ .place = step->mend.place,
				     .origin = step->copy.place,
				     .bytes = step->copy.bytes,
				     .stamp = step->copy.stamp };
	return 0;
}

static int ready_put(struct dd_repair *repair, struct dd_change *change, struct dd_step *step,
		     struct dd_error *err)
{
	int rc = stage(repair, change, step, err);

	if (rc == DD_ENOSPC) {
		dd_error_clear(err);
		rc = stage(repair, change, step, err);
	}
	if (rc < 0)
		return rc;
	step->mend.bytes = step->put.bytes;
	step->put.replaces = step->replaces;
	if (step->replaces) {
		step->put.replaced = step->there.stamp;
		step->put.replaced_bytes = step->there.size;
	}
	return dd_change_announce_put(change, &step->put, err);
}

static void describe_withdrawal(const struct dd_step *step, struct dd_item *item)
{
	*item = (struct dd_item){ .place = step->mend.place,
				  .reason = step->mend.reason,
				  .bytes = step->mend.bytes,
				  .links = step->there.links,
				  .stamp = step->there.stamp };
}

static int ready_step(struct dd_repair *repair, struct dd_change *change, struct dd_step *step,
		      struct dd_error *err)
{
	struct dd_item item;

	switch (step->mend.mending) {
	case DD_MEND_LEAVE:
		return 0;
	case DD_MEND_WITHDRAW:
		describe_withdrawal(step, &item);
		return dd_change_announce(change, &item, err);
	case DD_MEND_SET_OWNER:
		return dd_change_announce_dress(change, &step->dress, err);
	default:
		return ready_put(repair, change, step, err);
	}
}

static uint64_t bytes_to_copy(const struct dd_repair *repair)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < repair->steps.count; i++) {
		const struct dd_step *step = &repair->steps.items[i];

		if (step->copy.kind == DD_COPY_TWIN || step->copy.kind == DD_COPY_SOURCE)
			bytes += step->copy.bytes;
	}
	return bytes;
}

static int make_ready(struct dd_repair *repair, struct dd_change *change, struct dd_error *err)
{
	int rc = 0;

	dd_progress_begin_bytes(repair->ctx, "copying good bytes", bytes_to_copy(repair));
	for (size_t i = 0; i < repair->steps.count && rc == 0; i++) {
		struct dd_step *step = &repair->steps.items[i];

		rc = dd_context_check(repair->ctx, err);
		if (rc < 0)
			break;
		rc = ready_step(repair, change, step, err);
		step->ready = rc == 0 && step->mend.mending != DD_MEND_LEAVE;
		rc = fail_step(repair, step, rc, err);
	}
	dd_progress_end(repair->ctx);
	return rc;
}

/* ---- doing ---- */

/* A link is not written to what went since it was judged: another run may have taken it. */
static int check_target(struct dd_repair *repair, const struct dd_step *step, struct dd_error *err)
{
	struct dd_place blob = { .kind = DD_AT_BLOB, .digest = step->mend.digest };
	struct dd_info info;

	if (step->mend.mending != DD_MEND_WRITE_LINK || step->mend.place.kind == DD_AT_HISTORY)
		return 0;
	dd_repair_stored_as(repair, &step->mend.digest, &blob.digest);
	return dd_store_stat(repair->store, &blob, &info, err);
}

static int do_step(struct dd_repair *repair, struct dd_change *change, struct dd_step *step,
		   struct dd_error *err)
{
	struct dd_item item;
	int rc;

	switch (step->mend.mending) {
	case DD_MEND_WITHDRAW:
		describe_withdrawal(step, &item);
		rc = dd_change_withdraw(change, &item, err);
		break;
	case DD_MEND_SET_OWNER:
		rc = dd_change_dress(change, &step->dress, err);
		break;
	default:
		rc = check_target(repair, step, err);
		if (rc == 0)
			rc = dd_change_put(change, &step->put, err);
	}
	if (rc == 0)
		step->mend.outcome = DD_MENDED;
	return rc;
}

static int do_all(struct dd_repair *repair, struct dd_change *change, struct dd_error *err)
{
	int rc = 0, rank = -1;

	dd_progress_begin(repair->ctx, "mending", repair->steps.count);
	for (size_t i = 0; i < repair->steps.count && rc == 0; i++) {
		struct dd_step *step = &repair->steps.items[i];

		dd_progress_add(repair->ctx, 1);
		if (!step->ready)
			continue;
		if (rank >= 0 && dd_repair_rank(step) != rank)
			rc = dd_change_sync(change, err);
		rank = dd_repair_rank(step);
		if (rc == 0)
			rc = dd_context_check(repair->ctx, err);
		if (rc == 0)
			rc = fail_step(repair, step, do_step(repair, change, step, err), err);
	}
	dd_progress_end(repair->ctx);
	/* Also after an error: what was done until then stays. */
	if (rc < 0)
		dd_change_sync(change, NULL);
	else
		rc = dd_change_sync(change, err);
	return rc;
}

static bool has_work(const struct dd_repair *repair)
{
	for (size_t i = 0; i < repair->steps.count; i++)
		if (repair->steps.items[i].mend.mending != DD_MEND_LEAVE)
			return true;
	return false;
}

int dd_repair_carry_out(struct dd_repair *repair, struct dd_error *err)
{
	const struct dd_change_options options = { .command = repair->options.command,
						   .lock_wait_ns = repair->options.lock_wait_ns };
	DD_CLEANUP(dd_change_closep) struct dd_change *change = NULL;
	int rc;

	repair->plan.applied = true;
	/* Nothing is made in a volume that is whole. */
	if (!has_work(repair)) {
		dd_repair_count(repair);
		return 0;
	}
	rc = dd_change_begin(repair->ctx, repair->store, &options, &change, err);
	if (rc < 0)
		return rc;
	rc = make_ready(repair, change, err);
	if (rc == 0)
		rc = dd_change_seal(change, err);
	if (rc == 0)
		rc = do_all(repair, change, err);
	if (rc == 0)
		rc = dd_change_finish(change, false, err);
	dd_repair_count(repair);
	if (repair->plan.steps)
		repair->plan.run = dd_repair_keep(repair, dd_change_get_run(change));
	return rc;
}
