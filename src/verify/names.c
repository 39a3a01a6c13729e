/*
 * The pass over names that do not belong, in directories that nobody else lists: what a registry makes
 * in each of them is known. Only with --full, for it opens every directory.
 */
#include <string.h>

#include "verify/verify.h"

/* What belongs in a kind of directory. */
static const struct known {
	enum dd_place_kind kind;
	const char *names[4];
} directories[] = {
	{ DD_IN_VOLUME, { "blobs", "repositories" } },
	{ DD_IN_MANIFESTS, { "revisions", "tags" } },
	{ DD_IN_TAG, { "current", "index" } },
	{ DD_IN_UPLOAD, { "data", "startedat", "hashstates" } },
};

struct listing {
	struct dd_verify *verify;
	const struct dd_place *place;
	uint32_t repository; /* index; DD_NO_ID */
	const struct known *known;
};

static bool belongs(const struct known *known, const char *name)
{
	for (size_t i = 0; i < DD_COUNT(known->names) && known->names[i]; i++)
		if (!strcmp(known->names[i], name))
			return true;
	return dd_temp_valid(name); /* a crash's: the uploads' pass tells */
}

static int see_name(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	const struct listing *listing = arg;

	if (belongs(listing->known, entry->name))
		return 0;
	return dd_verify_report(listing->verify,
				&(struct dd_evidence){ .finding = DD_FOUND_ALIEN,
						       .place = listing->place,
						       .name = entry->name,
						       .id = DD_NO_ID,
						       .repository = listing->repository },
				err);
}

/* What cannot be listed the survey has told, and what is gone by now is nobody's. */
static int list(struct dd_verify *verify, const struct dd_place *place, uint32_t repository,
		struct dd_error *err)
{
	struct listing listing = { verify, place, repository, directories };
	struct dd_error own = { 0 };
	int rc;

	while (listing.known->kind != place->kind)
		listing.known++;
	rc = dd_store_list(verify->store, place, see_name, &listing, &own);
	if (rc == DD_ENOMEM && err)
		*err = own;
	return rc == DD_ENOMEM ? rc : 0;
}

static int list_repository(struct dd_verify *verify, uint32_t index, struct dd_error *err)
{
	const struct dd_repository *repo = verify->survey->repositories.items[index];
	struct dd_place place = { .kind = DD_IN_MANIFESTS, .repository = repo->name };
	int rc = list(verify, &place, index, err);

	place.kind = DD_IN_TAG;
	for (size_t i = 0; i < repo->tags.count && rc == 0; i++) {
		place.tag = repo->tags.items[i].name;
		rc = list(verify, &place, index, err);
	}
	place.tag = NULL;
	place.kind = DD_IN_UPLOAD;
	for (size_t i = 0; i < repo->uploads.count && rc == 0; i++) {
		place.upload = repo->uploads.items[i].id;
		rc = list(verify, &place, index, err);
	}
	return rc;
}

int dd_verify_names(struct dd_verify *verify, struct dd_error *err)
{
	const struct dd_place volume = { .kind = DD_IN_VOLUME };
	int rc;

	if (!verify->options.full)
		return 0;
	rc = verify->options.reference ? 0 : list(verify, &volume, DD_NO_ID, err);
	return rc < 0 ? rc : dd_verify_each_repository(verify, "names", list_repository, err);
}
