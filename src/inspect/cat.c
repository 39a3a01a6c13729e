/*
 * The stored bytes, hashed on their way.
 */
#include <stdlib.h>

#include <drydock/show.h>

#include "base/cleanup.h"
#include "graph/stored.h"
#include "inspect/named.h"
#include "store/resolve.h"

#define CHUNK ((size_t)256 << 10)

static int pump(struct dd_context *ctx, struct dd_reader *reader, struct dd_hasher *hasher,
		dd_cat_fn *fn, void *arg, struct dd_error *err)
{
	DD_AUTOFREE char *bytes = malloc(CHUNK);

	if (!bytes)
		return dd_fail(err, DD_ENOMEM, 0, "read a blob");
	for (;;) {
		int64_t len = dd_reader_read(reader, bytes, CHUNK, err);
		int rc = len < 0 ? (int)len : dd_context_check(ctx, err), sys;

		if (rc < 0 || !len)
			return rc;
		rc = dd_hasher_add(hasher, bytes, (size_t)len, err);
		if (rc < 0)
			return rc;
		sys = fn(arg, bytes, (size_t)len);
		if (sys)
			return dd_fail(err, DD_ECANCELLED, sys, "hand on a blob");
	}
}

int dd_cat(struct dd_context *ctx, struct dd_store *store, const struct dd_reference *reference,
	   dd_cat_fn *fn, void *arg, struct dd_error *err)
{
	DD_CLEANUP(dd_reader_closep) struct dd_reader *reader = NULL;
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	struct dd_digest named, digest;
	struct dd_place place;
	struct dd_info info;
	int rc = dd_resolve(store, reference, &named, err);

	if (rc < 0)
		return rc;
	rc = dd_stored_stat(store, reference->repository, &named, &place, &info, err);
	if (rc == 0)
		rc = dd_store_open_reader(store, &place, &reader, NULL, err);
	if (rc < 0)
		return dd_named_failed(reference, &named, rc, err);
	rc = dd_hasher_open(&hasher, (enum dd_algorithm)named.alg, err);
	if (rc < 0)
		return rc;
	dd_reader_pass_through(reader);
	rc = pump(ctx, reader, hasher, fn, arg, err);
	if (rc == 0)
		rc = dd_hasher_final(hasher, &digest, err);
	if (rc == 0 && !dd_digest_equal(&digest, &named)) {
		rc = dd_fail(err, DD_ECORRUPT, 0, "the bytes of %s are those of %s",
			     dd_digest_text(&named), dd_digest_text(&digest));
		dd_hint(err, "'drydock verify %s' says what suffers", dd_digest_text(&named));
	}
	return rc;
}
