/*
 * What manifests say, kept as far as the expression asks for it: a survey's onlooker.
 */
#include <fnmatch.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/find.h"

/* ---- texts, each once ---- */

struct interned {
	const char *text;
	uint32_t index;
};

static int compare_texts(const void *left, const void *right)
{
	return strcmp(((const struct interned *)left)->text,
		      ((const struct interned *)right)->text);
}

int dd_find_intern(struct dd_find_said *said, const char *text, uint32_t *index)
{
	struct interned key = { .text = text }, *made, **found;
	const char **slot;

	found = said->texts ? tfind(&key, &said->texts, compare_texts) : NULL;
	if (found) {
		*index = (*found)->index + 1;
		return 0;
	}
	made = dd_arena_alloc(&said->arena, sizeof(*made));
	slot = made ? dd_list_add(&said->text) : NULL;
	if (slot)
		*slot = dd_arena_copy(&said->arena, text, strlen(text));
	if (!slot || !*slot)
		return DD_ENOMEM;
	*made = (struct interned){ *slot, (uint32_t)(said->text.count - 1) };
	if (!tsearch(made, &said->texts, compare_texts))
		return DD_ENOMEM;
	*index = made->index + 1;
	return 0;
}

static void keep_node(void *node)
{
	(void)node; /* the arena's */
}

void dd_find_said_release(struct dd_find_said *said)
{
	if (said->texts)
		tdestroy(said->texts, keep_node);
	dd_list_release(&said->flags);
	dd_list_release(&said->config);
	dd_list_release(&said->media);
	dd_list_release(&said->artifact);
	dd_list_release(&said->platform);
	dd_list_release(&said->attests);
	dd_list_release(&said->text);
	dd_arena_release(&said->arena);
}

const char *dd_find_text(const struct dd_find_said *said, const uint32_t *list, size_t count,
			 uint32_t id)
{
	return id < count && list[id] ? said->text.items[list[id] - 1] : NULL;
}

unsigned dd_find_flags(const struct dd_find_said *said, uint32_t id)
{
	return id < said->flags.count ? said->flags.items[id] : 0;
}

/* ---- lists by id ---- */

/* A zeroed place for each id that there is. */
#define COVER(list, wanted)                                           \
	({                                                            \
		int cover_rc = 0;                                     \
		while ((list)->count < (wanted) && cover_rc == 0)     \
			cover_rc = dd_list_add(list) ? 0 : DD_ENOMEM; \
		cover_rc;                                             \
	})

static int set_text(struct dd_find_said *said, uint32_t *list, uint32_t id, const char *text)
{
	return text ? dd_find_intern(said, text, &list[id]) : 0;
}

/* What several say of one thing is what sorts first of it, whoever was heard first. */
static int set_first(struct dd_find_said *said, uint32_t *list, uint32_t id, const char *text)
{
	if (text && list[id] && strcmp(said->text.items[list[id] - 1], text) <= 0)
		return 0;
	return set_text(said, list, id, text);
}

/* ---- signatures and SBOMs ---- */

static unsigned kind_of_type(const char *type)
{
	static const char *const signatures[] = {
		"application/vnd.dev.cosign.artifact.sig*",
		"application/vnd.dev.cosign.simplesigning*",
		"application/vnd.cncf.notary.signature*",
		"application/vnd.cncf.notary.v2.signature*",
	};
	static const char *const sboms[] = { "*spdx*", "*cyclonedx*", "*syft*", "*sbom*" };
	unsigned flags = 0;

	for (size_t i = 0; type && i < DD_COUNT(signatures); i++)
		if (fnmatch(signatures[i], type, 0) == 0)
			flags |= DD_SAID_SIGNATURE;
	for (size_t i = 0; type && i < DD_COUNT(sboms); i++)
		if (fnmatch(sboms[i], type, FNM_CASEFOLD) == 0)
			flags |= DD_SAID_SBOM;
	return flags;
}

/* A predicate of in-toto: what an attestation attests. */
static unsigned kind_of_predicate(const char *predicate)
{
	if (predicate && strstr(predicate, "cosign/sign"))
		return DD_SAID_SIGNATURE;
	return kind_of_type(predicate) & DD_SAID_SBOM;
}

static bool is_bundle(const char *type)
{
	return type && fnmatch("application/vnd.dev.sigstore.bundle*", type, 0) == 0;
}

/* Of an image, or of nothing. */
static bool is_plain_config(const char *type)
{
	return !strcmp(type, "application/vnd.oci.image.config.v1+json") ||
	       !strcmp(type, "application/vnd.docker.container.image.v1+json") ||
	       !strcmp(type, "application/vnd.oci.empty.v1+json");
}

/* OCI image-spec 1.1, manifest.md: without an artifactType the config's type stands for it. */
static const char *artifact_type_of(const struct dd_manifest *manifest)
{
	if (manifest->artifact_type)
		return manifest->artifact_type;
	for (size_t i = 0; i < manifest->count; i++) {
		const struct dd_descriptor *descriptor = &manifest->descriptors[i];

		if (descriptor->role == DD_ROLE_CONFIG && descriptor->media_type &&
		    !is_plain_config(descriptor->media_type))
			return descriptor->media_type;
	}
	return NULL;
}

static unsigned kind_of_manifest(const struct dd_manifest *manifest)
{
	const char *type = artifact_type_of(manifest);
	const char *predicate =
		dd_annotations_get(&manifest->annotations, "dev.sigstore.bundle.predicateType");
	unsigned flags = kind_of_type(type) | kind_of_predicate(predicate);

	/* A bundle that attests nothing else is a signature. */
	if (is_bundle(type) && !predicate)
		flags |= DD_SAID_SIGNATURE;
	for (size_t i = 0; i < manifest->count; i++) {
		const struct dd_descriptor *part = &manifest->descriptors[i];

		if (part->role != DD_ROLE_LAYER && part->role != DD_ROLE_BLOB)
			continue;
		flags |= kind_of_type(part->media_type);
		flags |= kind_of_predicate(dd_annotations_get(&part->annotations, "predicateType"));
		flags |= kind_of_predicate(
			dd_annotations_get(&part->annotations, "in-toto.io/predicate-type"));
	}
	return flags;
}

/* BuildKit: an index says which of its manifests attest which other. */
static int hear_attestation(struct dd_find_said *said, uint32_t id, uint32_t part,
			    const struct dd_descriptor *descriptor)
{
	const char *type =
		dd_annotations_get(&descriptor->annotations, "vnd.docker.reference.type");
	const char *about =
		dd_annotations_get(&descriptor->annotations, "vnd.docker.reference.digest");
	struct dd_find_attest *attest;
	struct dd_digest digest;

	if (!type || !about || strcmp(type, "attestation-manifest") != 0 ||
	    dd_digest_parse(&digest, about, strlen(about)) < 0)
		return 0;
	attest = dd_list_add(&said->attests);
	if (!attest)
		return DD_ENOMEM;
	*attest = (struct dd_find_attest){ id, dd_graph_intern(said->graph, &digest), part };
	return attest->subject == DD_NO_ID ? DD_ENOMEM : 0;
}

/* ---- tests that are told here ---- */

static bool matches_annotation(const struct dd_find_test *test,
			       const struct dd_annotations *annotations)
{
	for (size_t i = 0; i < annotations->count; i++)
		if (dd_find_annotation_matches(test, annotations->items[i].key,
					       annotations->items[i].value))
			return true;
	return false;
}

static bool matches_part(const struct dd_find_test *test, const struct dd_descriptor *part)
{
	const char *name = test->kind->name;

	if (!strcmp(name, "-mediatype"))
		return dd_find_glob(test->word, part->media_type);
	if (!strcmp(name, "-annotation"))
		return matches_annotation(test, &part->annotations);
	return !strcmp(name, "-platform") && (part->os || part->architecture) &&
	       dd_find_platform_matches(test->word, part->os, part->architecture, part->variant);
}

static bool matches_manifest(const struct dd_find_test *test, const struct dd_manifest *manifest,
			     const char *media_type)
{
	const char *name = test->kind->name;

	if (!strcmp(name, "-mediatype"))
		return dd_find_glob(test->word, media_type);
	if (!strcmp(name, "-annotation"))
		return matches_annotation(test, &manifest->annotations);
	return !strcmp(name, "-artifact-type") &&
	       dd_find_glob(test->word, artifact_type_of(manifest));
}

/* ---- hearing ---- */

static int hear_part(struct dd_find_said *said, uint32_t id, uint32_t part,
		     const struct dd_descriptor *descriptor)
{
	uint16_t *flags = &said->flags.items[part];
	char platform[256];
	int rc = 0;

	if (descriptor->role == DD_ROLE_LAYER)
		*flags |= DD_SAID_LAYER;
	else if (descriptor->role == DD_ROLE_CONFIG)
		*flags |= DD_SAID_CONFIG;
	else if (!descriptor->is_manifest)
		*flags |= DD_SAID_PART;
	if (descriptor->urls)
		*flags |= DD_SAID_EXTERNAL;
	if (descriptor->role == DD_ROLE_CONFIG)
		said->config.items[said->config.count - 1] = part;
	if (descriptor->os || descriptor->architecture) {
		dd_find_platform_text(platform, sizeof(platform), descriptor->os,
				      descriptor->architecture, descriptor->variant);
		if (said->facts & DD_FACT_PLATFORM)
			rc = set_first(said, said->platform.items, part, platform);
	}
	/* What was read says itself what it is. */
	if (rc == 0 && (said->facts & DD_FACT_READ) &&
	    said->graph->nodes.items[part].manifest == DD_NO_ID)
		rc = set_first(said, said->media.items, part, descriptor->media_type);
	for (size_t i = 0; i < said->find->tests.count && rc == 0; i++)
		if (matches_part(said->find->tests.items[i], descriptor))
			rc = dd_find_mark(said->find->tests.items[i], part);
	return rc < 0 || !(said->facts & DD_FACT_SIGNS) ?
		       rc :
		       hear_attestation(said, id, part, descriptor);
}

static int cover(struct dd_find_said *said)
{
	size_t count = said->graph->nodes.count, manifests = said->graph->manifests.count;
	int rc = COVER(&said->flags, count);

	if (rc == 0)
		rc = COVER(&said->config, manifests);
	if (rc == 0 && (said->facts & DD_FACT_READ))
		rc = COVER(&said->media, count);
	if (rc == 0 && (said->facts & DD_FACT_READ))
		rc = COVER(&said->artifact, count);
	if (rc == 0 && (said->facts & DD_FACT_PLATFORM))
		rc = COVER(&said->platform, count);
	return rc;
}

int dd_find_hear(void *arg, uint32_t id, const struct dd_manifest *manifest)
{
	struct dd_find_said *said = arg;
	const char *media_type = manifest->media_type ? manifest->media_type :
							dd_manifest_type_media_type(manifest->type);
	uint32_t at = said->graph->manifests.items[said->graph->nodes.items[id].manifest].first;
	int rc = cover(said);

	if (rc < 0)
		return rc;
	said->config.items[said->config.count - 1] = DD_NO_ID;
	for (size_t i = 0; i < manifest->count && rc == 0; i++) {
		const struct dd_descriptor *descriptor = &manifest->descriptors[i];

		/* The edges, in the same order. */
		if (descriptor->legacy || descriptor->role == DD_ROLE_SUBJECT)
			continue;
		rc = hear_part(said, id, DD_EDGE_ID(said->graph->edges.items[at++]), descriptor);
	}
	if (rc == 0 && (said->facts & DD_FACT_SIGNS))
		said->flags.items[id] |= (uint16_t)kind_of_manifest(manifest);
	if (rc == 0 && (said->facts & DD_FACT_READ))
		rc = set_text(said, said->media.items, id, media_type);
	if (rc == 0 && (said->facts & DD_FACT_READ))
		rc = set_text(said, said->artifact.items, id, artifact_type_of(manifest));
	for (size_t i = 0; i < said->find->tests.count && rc == 0; i++)
		if (matches_manifest(said->find->tests.items[i], manifest, media_type))
			rc = dd_find_mark(said->find->tests.items[i], id);
	return rc;
}

static int compare_attests(const void *left, const void *right)
{
	const struct dd_find_attest *a = left, *b = right;

	return a->index != b->index ? (a->index < b->index ? -1 : 1) : 0;
}

int dd_find_said_settle(struct dd_find_said *said, struct dd_error *err)
{
	if (cover(said) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "remember what manifests say");
	if (said->attests.count)
		qsort(said->attests.items, said->attests.count, sizeof(*said->attests.items),
		      compare_attests);
	return 0;
}
