/*
 * What a survey sees and does not keep: what descriptors say, and what was passed over.
 */
#include <string.h>

#include "verify/verify.h"

/* A fact for each edge that the graph made of this manifest: see dd_graph_add_manifest(). */
static int see_manifest(void *arg, uint32_t id, const struct dd_manifest *manifest)
{
	struct dd_verify *verify = arg;

	for (size_t i = 0; i < manifest->count; i++) {
		const struct dd_descriptor *from = &manifest->descriptors[i];
		/* All others would be looked up for nothing, and with the survey's lock held. */
		const char *type = from->is_manifest ? from->media_type : NULL;
		struct dd_fact *fact;

		if (from->legacy || from->role == DD_ROLE_SUBJECT)
			continue;
		fact = dd_list_add(&verify->facts);
		if (!fact)
			return DD_ENOMEM;
		*fact = (struct dd_fact){ .size = from->size,
					  .role = (uint8_t)from->role,
					  .type = (uint8_t)dd_manifest_type_of(type),
					  .has_size = from->has_size,
					  .foreign = from->urls > 0 };
	}
	if (manifest->inferred) {
		uint32_t *slot = dd_list_add(&verify->inferred);

		if (!slot)
			return DD_ENOMEM;
		*slot = id;
	}
	return 0;
}

static int see_proved(void *arg, uint32_t id, const struct dd_info *info, int64_t read_ns)
{
	struct dd_verify *verify = arg;
	struct dd_proof *proof = dd_list_add(&verify->proofs);

	if (!proof)
		return DD_ENOMEM;
	*proof = (struct dd_proof){ .id = id,
				    .remembered = read_ns < verify->now_ns,
				    .read_ns = read_ns,
				    .size = info->size,
				    .stamp = info->stamp };
	return 0;
}

static int64_t when_proved(void *arg, const struct dd_digest *digest, const struct dd_info *info)
{
	return dd_verify_when_proved(arg, digest, info);
}

/* A blob's directory where another's belongs. In its own place it is strange for being a file. */
static bool is_misplaced(const struct dd_place *directory, const char *name,
			 struct dd_digest *digest)
{
	return directory->kind == DD_IN_SHARD && name &&
	       dd_digest_parse_hex(digest, (enum dd_algorithm)directory->digest.alg, name,
				   strlen(name)) == 0 &&
	       digest->bytes[0] != directory->digest.bytes[0];
}

/* A link that is none is the links' own matter; here the place is a directory. */
static bool is_link(const struct dd_place *place)
{
	return place->kind < DD_IN_VOLUME;
}

static int see_strange(void *arg, enum dd_strange what, const struct dd_place *directory,
		       const char *name, const struct dd_error *why)
{
	struct dd_verify *verify = arg;
	struct dd_place beside = *directory;
	struct dd_evidence evidence = { .finding = DD_FOUND_ALIEN,
					.place = directory,
					.name = name,
					.id = DD_NO_ID,
					.repository = DD_NO_ID };
	struct dd_digest digest;
	struct dd_error err = { 0 };

	if (is_link(directory)) {
		if (!name)
			return 0;
		/* What lies beside a file is named from the directory that both are in. */
		beside.beside = name;
		evidence.place = &beside;
		evidence.name = NULL;
	}
	switch (what) {
	case DD_STRANGE_NAME:
		evidence.finding = DD_FOUND_REPOSITORY_NAME;
		break;
	case DD_STRANGE_SYMLINK:
		evidence.finding = DD_FOUND_SYMLINK;
		break;
	case DD_STRANGE_UNREADABLE:
		evidence.finding = DD_FOUND_DIRECTORY_UNREADABLE;
		return dd_verify_report_failure(verify, &evidence, why ? why->code : DD_EIO, why,
						&err);
	case DD_STRANGE_ALIEN:
		if (is_misplaced(directory, name, &digest)) {
			evidence.finding = DD_FOUND_BLOB_MISPLACED;
			evidence.digest = &digest;
		}
		break;
	}
	return dd_verify_report(verify, &evidence, &err);
}

static int see_link(void *arg, const struct dd_place *place, const struct dd_info *info)
{
	struct dd_verify *verify = arg;
	int rc;

	pthread_mutex_lock(&verify->lock);
	rc = dd_verify_saw(verify, &verify->owners, info, place);
	pthread_mutex_unlock(&verify->lock);
	return rc;
}

static int see_directory(void *arg, const struct dd_place *place, const struct dd_info *info)
{
	struct dd_verify *verify = arg;
	int rc;

	pthread_mutex_lock(&verify->lock);
	rc = dd_owners_add(&verify->directories, info, place);
	pthread_mutex_unlock(&verify->lock);
	return rc;
}

void dd_verify_look_on(struct dd_verify *verify)
{
	verify->onlooker = (struct dd_onlooker){ .arg = verify,
						 .manifest = see_manifest,
						 .proved = see_proved,
						 .when_proved = when_proved,
						 .strange = see_strange,
						 .link = see_link,
						 .directory = see_directory };
}
