/*
 * Looking ahead: what was planned is told to the verification, which says what will be wrong when it is
 * done. So it goes on until nothing is: a second repair has nothing to do.
 */
#include <stdlib.h>

#include "repair/repair.h"

/* ---- what a manifest will hold that is only now put in place ---- */

/* The whole of it: what was hashed is small enough, or no manifest. */
static int read_source(const struct dd_copy *copy, struct dd_buffer *buffer, struct dd_error *err)
{
	DD_CLEANUP(dd_stream_closep) struct dd_stream *stream = NULL;
	uint64_t size;
	int64_t got;
	int rc = dd_source_open_blob(copy->source, &copy->called, &stream, &size, err);

	if (rc == 0 && size > DD_MANIFEST_MAX)
		rc = dd_fail(err, DD_ETOOBIG, 0, "%s has %llu bytes", dd_digest_text(&copy->called),
			     (unsigned long long)size);
	if (rc < 0)
		return rc;
	buffer->room = (size_t)size + 1;
	buffer->bytes = malloc(buffer->room);
	if (!buffer->bytes)
		return dd_fail(err, DD_ENOMEM, 0, "read a manifest");
	while (buffer->len < buffer->room &&
	       (got = dd_stream_read(stream, buffer->bytes + buffer->len,
				     buffer->room - buffer->len, err)) != 0) {
		if (got < 0)
			return (int)got;
		buffer->len += (size_t)got;
	}
	return 0;
}

static int read_copy(void *arg, const struct dd_digest *digest, struct dd_buffer *buffer,
		     struct dd_error *err)
{
	struct dd_repair *repair = arg;
	const struct dd_copy *copy = dd_repair_copy_of(repair, digest);

	if (!copy)
		return DD_ENOENT;
	return copy->kind == DD_COPY_SOURCE ? read_source(copy, buffer, err) :
					      dd_store_read(repair->store, &copy->place,
							    DD_MANIFEST_MAX, buffer, NULL, err);
}

/* ---- telling ---- */

static int tell(struct dd_repair *repair, const struct dd_step *step, bool *any,
		struct dd_error *err)
{
	const struct dd_mend *mend = &step->mend;
	enum dd_place_kind kind = mend->place.kind;

	if (mend->place.beside)
		return 0;
	switch (mend->mending) {
	case DD_MEND_PUT_BLOB:
	case DD_MEND_MOVE_BLOB:
		*any = true;
		return dd_verify_expect_blob(repair->verify, &mend->place.digest, mend->bytes, err);
	case DD_MEND_WRITE_LINK:
	case DD_MEND_REWRITE_LINK:
		if (kind != DD_AT_LAYER && kind != DD_AT_REVISION)
			return 0;
		*any = true;
		return dd_verify_expect_link(repair->verify, &mend->place, &mend->digest, err);
	case DD_MEND_POINT_TAG:
		*any = true;
		return dd_verify_expect_tag(repair->verify, &mend->place, &mend->digest, err);
	case DD_MEND_WITHDRAW:
		if (kind != DD_AT_BLOB || mend->reason == DD_REASON_EMPTY)
			return 0;
		*any = true;
		return dd_verify_expect_loss(repair->verify, &mend->place.digest, err);
	default:
		return 0;
	}
}

/* A blob for which no good bytes were found. */
static bool is_wanting(const struct dd_step *step)
{
	const struct dd_mend *mend = &step->mend;

	if (mend->place.kind != DD_AT_BLOB || mend->place.beside || step->harmless ||
	    mend->outcome != DD_MENDED_NOT)
		return false;
	return mend->mending == DD_MEND_LEAVE ?
		       step->read < 0 :
		       mend->mending == DD_MEND_WITHDRAW && mend->reason == DD_REASON_DAMAGED;
}

/* What was left for want of good bytes may have a copy in those that come. */
static int try_again(struct dd_repair *repair, struct dd_error *err)
{
	bool any = false;
	int rc = dd_repair_renew_copies(repair, err);

	for (size_t i = 0; i < repair->steps.count && rc == 0; i++) {
		if (!is_wanting(&repair->steps.items[i]))
			continue;
		rc = dd_repair_try_again(repair, i, err);
		if (rc == 0)
			rc = tell(repair, &repair->steps.items[i], &any, err);
	}
	return rc;
}

static int tell_new(struct dd_repair *repair, bool *any, struct dd_error *err)
{
	int rc = 0;

	for (; repair->told < repair->steps.count && rc == 0; repair->told++)
		rc = tell(repair, &repair->steps.items[repair->told], any, err);
	return rc;
}

int dd_repair_look_ahead(struct dd_repair *repair, const struct dd_reports **reports,
			 struct dd_error *err)
{
	bool any = false;
	int rc = tell_new(repair, &any, err);

	*reports = NULL;
	if (rc < 0 || !any)
		return rc;
	repair->verify->expected.read = read_copy;
	repair->verify->expected.arg = repair;
	repair->asked = false;
	rc = try_again(repair, err);
	if (rc == 0)
		rc = tell_new(repair, &any, err);
	if (rc == 0)
		rc = dd_verify_foresee(repair->verify, reports, err);
	/* What comes up now may tell of sizes that nobody knew. */
	repair->twins_sought = false;
	return rc;
}
