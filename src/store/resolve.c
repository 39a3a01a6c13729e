/*
 * From what a person wrote to one digest.
 */
#include <string.h>

#include "base/cleanup.h"
#include "store/resolve.h"

#define LINK_MAX 1024

static int resolve_tag(struct dd_store *store, const struct dd_reference *reference,
		       struct dd_digest *digest, struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_AT_TAG,
					.repository = reference->repository,
					.tag = reference->tag };
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	int rc = dd_store_read(store, &place, LINK_MAX, &buffer, NULL, err);

	if (rc == DD_ENOENT) {
		dd_fail(err, rc, 0, "%s has no tag %s", reference->repository, reference->tag);
		dd_hint(err, "'drydock ls %s' lists its tags", reference->repository);
		return rc;
	}
	if (rc == 0 && dd_digest_parse(digest, (const char *)buffer.bytes, buffer.len) < 0)
		rc = dd_fail(err, DD_EFORMAT, 0, "the tag's link holds no digest");
	return rc < 0 ? dd_wrap(err, rc, "%s:%s", reference->repository, reference->tag) : 0;
}

struct search {
	enum dd_algorithm alg;
	const char *hex; /* the beginning that is looked for */
	struct dd_digest *digest;
	unsigned found;
};

static int compare_name(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct search *search = arg;
	struct dd_digest digest;

	if (strncmp(entry->name, search->hex, strlen(search->hex)) ||
	    dd_digest_parse_hex(&digest, search->alg, entry->name, strlen(entry->name)) < 0)
		return 0;
	if (search->found && !dd_digest_equal(&digest, search->digest))
		return dd_fail(err, DD_EAMBIGUOUS, 0, "it could be %s or %s",
			       dd_digest_text(search->digest), dd_digest_text(&digest));
	*search->digest = digest;
	search->found++;
	return 0;
}

static int search_in(struct dd_store *store, const struct dd_place *directory,
		     struct search *search, struct dd_error *err)
{
	int rc = dd_store_list(store, directory, compare_name, search, err);

	return rc == DD_ENOENT ? 0 : rc;
}

static int search_blobs(struct dd_store *store, struct search *search, struct dd_error *err)
{
	struct dd_place shard = { .kind = DD_IN_SHARD };
	struct dd_digest whole;
	char hex[DD_DIGEST_HEX];

	/* The first byte says where to look; the rest of the digest does not matter yet. */
	memset(hex, '0', sizeof(hex));
	memcpy(hex, search->hex, 2);
	if (dd_digest_parse_hex(&whole, search->alg, hex, 2 * dd_algorithm_size(search->alg)) < 0)
		return dd_fail(err, DD_EUSAGE, 0, "'%s' is no digest", search->hex);
	shard.digest = whole;
	return search_in(store, &shard, search, err);
}

static int search_repository(struct dd_store *store, const char *repository, struct search *search,
			     struct dd_error *err)
{
	struct dd_place place = { .kind = DD_IN_REVISIONS_OF, .repository = repository };
	int rc;

	place.digest.alg = (uint8_t)search->alg;
	rc = search_in(store, &place, search, err);
	place.kind = DD_IN_LAYERS_OF;
	return rc < 0 ? rc : search_in(store, &place, search, err);
}

int dd_resolve(struct dd_store *store, const struct dd_reference *reference,
	       struct dd_digest *digest, struct dd_error *err)
{
	const char *colon = strchr(reference->digest, ':');
	struct search search = { .digest = digest };
	int rc;

	if (reference->tag[0])
		return resolve_tag(store, reference, digest, err);
	search.alg = (enum dd_algorithm)dd_algorithm_parse(reference->digest,
							   (size_t)(colon - reference->digest));
	search.hex = colon + 1;
	rc = reference->repository[0] ?
		     search_repository(store, reference->repository, &search, err) :
		     search_blobs(store, &search, err);
	if (rc == 0 && !search.found)
		rc = dd_fail(err, DD_ENOENT, 0,
			     reference->repository[0] ? "the repository has none" :
							"the volume has no such blob");
	return rc < 0 ? dd_wrap(err, rc, "%s%s%s", reference->repository,
				reference->repository[0] ? "@" : "", reference->digest) :
			0;
}
