/*
 * Blobs: good bytes for what is damaged or missing; what lies where no registry finds it.
 */
#include <stdio.h>

#include "repair/repair.h"

static const char *name_copy(struct dd_repair *repair, const struct dd_copy *copy)
{
	char text[DD_DIGEST_TEXT + 64];

	switch (copy->kind) {
	case DD_COPY_STRAY:
		return "where it was misplaced";
	case DD_COPY_TRASH:
		snprintf(text, sizeof(text), "the trash, run %s", copy->place.run);
		return dd_repair_keep(repair, text);
	case DD_COPY_TWIN:
		snprintf(text, sizeof(text), "the same bytes under %s",
			 dd_digest_text(&copy->place.digest));
		return dd_repair_keep(repair, text);
	case DD_COPY_SOURCE:
		return dd_source_get_name(copy->source);
	default:
		return NULL;
	}
}

/* Nobody had wanted what is misplaced, so it was to go: now somebody takes it from there. */
static void keep_stray(struct dd_repair *repair, struct dd_step *user, const struct dd_stray *stray)
{
	struct dd_step *step;
	bool is_new;

	if (dd_repair_step(repair, &stray->place, NULL, &step, &is_new, NULL) < 0)
		return;
	user->mend.findings += step->mend.findings;
	step->mend.mending = DD_MEND_LEAVE;
	step->harmless = true;
}

static void put_copy(struct dd_repair *repair, struct dd_step *step, const struct dd_copy *copy)
{
	step->copy = *copy;
	if (copy->stray) {
		copy->stray->user = (size_t)(step - repair->steps.items) + 1;
		keep_stray(repair, step, copy->stray);
	}
	step->mend.mending = copy->kind == DD_COPY_STRAY ? DD_MEND_MOVE_BLOB : DD_MEND_PUT_BLOB;
	step->mend.bytes = copy->bytes;
	step->mend.from = name_copy(repair, copy);
}

/* There is no good copy anywhere. rc: what reading the bad one came to. */
static void do_without(struct dd_step *step, int rc)
{
	step->mend.mending = DD_MEND_LEAVE;
	if (rc == DD_ENOENT)
		step->mend.why = "there is no copy in the trash, under another digest, or in what "
				 "--from names: push it again";
	else if (rc < 0)
		step->mend.why = "it cannot be read, and there is no good copy: look at the disk "
				 "first; --from DIR names where another copy is";
	else
		dd_repair_withdraw(step, DD_REASON_DAMAGED, &step->there);
}

/* How it is by now: good, bad, not there, or not to be read. */
static int look(struct dd_repair *repair, struct dd_step *step, bool *good, struct dd_error *err)
{
	const struct dd_digest *want = &step->mend.digest;
	struct dd_digest got;
	int rc = dd_repair_hash(repair, &step->mend.place, (enum dd_algorithm)want->alg, &got,
				&step->there, err);

	*good = rc == 0 && dd_digest_equal(&got, want);
	if (rc < 0 && rc != DD_ENOENT && rc != DD_ENOMEM && rc != DD_ECANCELLED) {
		step->replaces =
			dd_store_stat(repair->store, &step->mend.place, &step->there, NULL) == 0 &&
			step->there.type == DD_ENTRY_FILE;
		return rc;
	}
	step->replaces = rc == 0;
	return rc;
}

/* Nothing is wrong with it any more. Where it was, that is worth knowing. */
static void is_good(struct dd_step *step, const struct dd_found *found)
{
	step->mend.mending = DD_MEND_LEAVE;
	step->harmless = found->finding != DD_FOUND_BLOB_CORRUPT;
	step->mend.why = "it reads well at a second look: memory, cable or disk are not to be "
			 "trusted";
}

/* Good bytes for it, if there are any. */
static int choose(struct dd_repair *repair, size_t index, struct dd_error *err)
{
	struct dd_step *step = &repair->steps.items[index];
	struct dd_copy copy = { 0 };
	int read = step->read;
	int rc = dd_repair_find_copy(repair, &step->mend.digest, &copy, err);

	if (rc < 0)
		return rc;
	/* What stands there and is no file is nothing that a rename may take the place of. */
	if (copy.kind == DD_COPY_NONE || (read < 0 && read != DD_ENOENT && !step->replaces)) {
		do_without(step, read);
		return 0;
	}
	put_copy(repair, step, &copy);
	return 0;
}

static bool is_layer(const struct dd_found *found)
{
	return found->finding == DD_FOUND_LAYER_MISSING && found->repository;
}

/* A layer whose bytes are there under another name misses nothing but the link that says so. */
static int write_alias(struct dd_repair *repair, const struct dd_found *found,
		       const struct dd_digest *stored, struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_AT_LAYER,
					.repository = found->repository,
					.digest = found->digest };
	struct dd_step *step;
	struct dd_info info;
	bool is_new = false;
	int rc;

	if (dd_store_stat(repair->store, &place, &info, NULL) != DD_ENOENT)
		return 0;
	rc = dd_repair_step(repair, &place, found, &step, &is_new, err);
	if (rc < 0 || !is_new)
		return rc;
	step->mend.findings = 0;
	step->mend.mending = DD_MEND_WRITE_LINK;
	step->mend.has_digest = true;
	step->mend.digest = *stored;
	return 0;
}

int dd_repair_blob(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err)
{
	struct dd_place place = { .kind = DD_AT_BLOB };
	struct dd_error own = { 0 };
	struct dd_step *step;
	bool is_new = false, good;
	int rc, read;

	if (!found->has_digest)
		return dd_repair_leave(repair, found, NULL, err);
	rc = dd_repair_learn_names(repair, &found->digest, err);
	if (rc < 0)
		return rc;
	dd_repair_stored_as(repair, &found->digest, &place.digest);
	if (is_layer(found) && !dd_digest_equal(&place.digest, &found->digest) &&
	    dd_repair_will_be_there(repair, &place.digest))
		rc = write_alias(repair, found, &place.digest, err);
	if (rc == 0)
		rc = dd_repair_step(repair, &place, found, &step, &is_new, err);
	if (rc < 0 || !is_new)
		return rc;
	step->mend.has_digest = true;
	step->mend.digest = place.digest;
	read = look(repair, step, &good, &own);
	if (read == DD_ENOMEM || read == DD_ECANCELLED) {
		*err = own;
		return read;
	}
	if (good) {
		is_good(step, found);
		return 0;
	}
	step->read = read;
	return choose(repair, (size_t)(step - repair->steps.items), err);
}

int dd_repair_try_again(struct dd_repair *repair, size_t index, struct dd_error *err)
{
	struct dd_step *step = &repair->steps.items[index];
	struct dd_digest stored;

	dd_repair_stored_as(repair, &step->mend.digest, &stored);
	if (step->read != DD_ENOENT || !is_layer(step->mend.found) ||
	    dd_digest_equal(&stored, &step->mend.digest) ||
	    !dd_repair_will_be_there(repair, &stored))
		return choose(repair, index, err);
	step->harmless = true;
	return write_alias(repair, step->mend.found, &stored, err);
}

/* ---- misplaced ---- */

static struct dd_stray *stray_of(const struct dd_repair *repair, const struct dd_found *found)
{
	for (size_t i = 0; i < repair->strays.count; i++)
		if (repair->strays.items[i].place.kind == DD_AT_STRAY &&
		    repair->strays.items[i].found == found)
			return &repair->strays.items[i];
	return NULL;
}

static int withdraw_stray(struct dd_repair *repair, const struct dd_found *found,
			  const struct dd_stray *stray, enum dd_reason reason, struct dd_error *err)
{
	struct dd_step *step;
	bool is_new = false;
	int rc = dd_repair_step(repair, &stray->place, found, &step, &is_new, err);

	if (rc == 0 && is_new)
		dd_repair_withdraw(step, reason, &stray->info);
	return rc;
}

static int withdraw_empty_stray(struct dd_repair *repair, const struct dd_found *found,
				const struct dd_stray *stray, struct dd_error *err)
{
	struct dd_stray empty = *stray;

	if (!dd_repair_is_left_behind(repair, &stray->place, &empty.info))
		return 0;
	return withdraw_stray(repair, found, &empty, DD_REASON_EMPTY, err);
}

int dd_repair_stray(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err)
{
	struct dd_stray *stray = stray_of(repair, found);
	const struct dd_place place = { .kind = DD_AT_BLOB, .digest = found->digest };
	struct dd_step *step;
	bool is_new = false, good;
	int rc;

	if (!stray)
		return dd_repair_leave(repair, found, "what is in it cannot be told", err);
	if (stray->rc == DD_ENOENT)
		return withdraw_empty_stray(repair, found, stray, err);
	if (stray->rc < 0)
		return dd_repair_leave(repair, found, "it cannot be read", err);
	/* Somebody needs it, and takes it from here. */
	if (stray->user) {
		repair->steps.items[stray->user - 1].mend.findings++;
		return 0;
	}
	if (!dd_digest_equal(&stray->holds, &found->digest))
		return withdraw_stray(repair, found, stray, DD_REASON_DAMAGED, err);
	rc = dd_repair_step(repair, &place, found, &step, &is_new, err);
	if (rc < 0)
		return rc;
	if (!is_new) { /* it is there, or comes from elsewhere */
		step->mend.findings--;
		return withdraw_stray(repair, found, stray, DD_REASON_DUPLICATE, err);
	}
	step->mend.has_digest = true;
	step->mend.digest = found->digest;
	rc = look(repair, step, &good, err);
	if (rc == DD_ENOMEM || rc == DD_ECANCELLED)
		return rc;
	dd_error_clear(err);
	if (!good) {
		put_copy(repair, step,
			 &(struct dd_copy){ .kind = DD_COPY_STRAY,
					    .stray = stray,
					    .place = stray->place,
					    .bytes = stray->info.size,
					    .stamp = stray->info.stamp });
		return 0;
	}
	step->harmless = true;
	step->mend.mending = DD_MEND_LEAVE;
	return withdraw_stray(repair, found, stray, DD_REASON_DUPLICATE, err);
}

/* ---- a directory without its blob ---- */

int dd_repair_empty(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_AT_BLOB, .digest = found->digest };
	struct dd_step *step;
	struct dd_mend left;
	struct dd_info info;
	bool is_new = false;
	int rc = dd_repair_step(repair, &place, found, &step, &is_new, err);

	if (rc < 0)
		return rc;
	/* An earlier finding is that the blob is missing: its bytes go there, or the directory goes. */
	if (!is_new && step->mend.mending != DD_MEND_LEAVE)
		return 0;
	if (dd_store_stat(repair->store, &place, &info, NULL) != DD_ENOENT ||
	    !dd_repair_is_left_behind(repair, &place, &info)) {
		step->harmless = is_new;
		step->mend.findings -= !is_new;
		step->mend.mending = DD_MEND_LEAVE;
		return 0;
	}
	rc = dd_repair_settle_images(repair, step, err);
	if (rc < 0)
		return rc;
	left = step->mend;
	left.findings -= !is_new;
	dd_repair_withdraw(step, DD_REASON_EMPTY, &info);
	dd_repair_set_found(&step->mend, found);
	step->mend.why = NULL;
	return is_new ? 0 : dd_repair_leave_as(repair, &left, err);
}
