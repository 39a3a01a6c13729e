/*
 * The pass over manifests: in each repository, whether all that its manifests name is there, of the
 * size and type that they say, and linked, so that a pull finds it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/verify.h"

/* A manifest of a repository, and one of its edges. */
struct part {
	struct dd_verify *verify;
	uint32_t repository;
	const struct dd_repository *repo; /* NULL: a digest was asked for by itself */
	uint32_t parent;		  /* id */
	uint32_t id;
	const struct dd_fact *fact;
};

/* It was linked when it was seen. Since then somebody took it, and what it names may go, too. */
static bool is_gone(const struct part *part)
{
	struct dd_place place = { .kind = DD_AT_REVISION };
	const struct dd_revision *revision;
	struct dd_info info;

	revision = part->repo ? dd_repository_revision(part->repo, part->parent) : NULL;
	if (!revision || revision->state == DD_LINK_ABSENT || dd_verify_looks_ahead(part->verify))
		return false;
	place.repository = part->repo->name;
	dd_ids_get(&part->verify->graph->ids, part->parent, &place.digest);
	return dd_store_stat(part->verify->store, &place, &info, NULL) == DD_ENOENT;
}

static int report(const struct part *part, enum dd_finding finding, enum dd_place_kind kind,
		  const char *expected, const char *found, struct dd_error *err)
{
	struct dd_place place = { .kind = kind,
				  .repository = part->repo ? part->repo->name : NULL };
	struct dd_digest parent;
	char detail[DD_DIGEST_TEXT + 32];

	if (is_gone(part))
		return 0;
	dd_ids_get(&part->verify->graph->ids, part->id, &place.digest);
	dd_ids_get(&part->verify->graph->ids, part->parent, &parent);
	snprintf(detail, sizeof(detail), "named by %s", dd_digest_text(&parent));
	return dd_verify_report(
		part->verify,
		&(struct dd_evidence){ .finding = finding,
				       .place = &place,
				       .id = part->id,
				       .repository = part->repository,
				       .expected = expected,
				       .found = found,
				       .detail = part->parent == part->id ? NULL : detail },
		err);
}

/* What cannot be told is no damage; why it cannot is said where it was noticed. */
static bool is_there(const struct part *part, uint32_t *blob)
{
	return dd_verify_there(part->verify, part->id, blob) != 0;
}

/* ---- what an index names ---- */

static bool says_its_type(const struct dd_verify *verify, uint32_t id)
{
	size_t low = 0, high = verify->inferred.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (verify->inferred.items[middle] == id)
			return false;
		if (verify->inferred.items[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return true;
}

static int judge_type(const struct part *part, struct dd_error *err)
{
	const struct dd_graph *graph = part->verify->graph;
	uint32_t manifest = graph->nodes.items[part->id].manifest;
	enum dd_manifest_type type, named = (enum dd_manifest_type)part->fact->type;

	if (manifest == DD_NO_ID || named == DD_MANIFEST_NONE ||
	    !says_its_type(part->verify, part->id))
		return 0;
	type = (enum dd_manifest_type)graph->manifests.items[manifest].type;
	if (type == named)
		return 0;
	return report(part, DD_FOUND_TYPE_DIFFERS, DD_AT_BLOB, dd_manifest_type_media_type(named),
		      dd_manifest_type_media_type(type), err);
}

/*
 * A child without a link was never pushed here, and another repository brought its bytes; or it was,
 * and the link was lost: then all that it names is linked here.
 */
static bool was_pushed_here(const struct part *part)
{
	const struct dd_graph *graph = part->verify->graph;
	uint32_t manifest = graph->nodes.items[part->id].manifest;
	const struct dd_manifest_node *node;

	if (manifest == DD_NO_ID)
		return false;
	node = &graph->manifests.items[manifest];
	for (uint32_t i = 0; i < node->count; i++) {
		uint32_t id = DD_EDGE_ID(graph->edges.items[node->first + i]);

		if (!dd_repository_has_layer(part->repo, id) &&
		    !dd_repository_revision(part->repo, id))
			return false;
	}
	return node->count > 0;
}

static int judge_child(const struct part *part, struct dd_error *err)
{
	bool linked = dd_verify_revision_linked(part->verify, part->repository, part->id);
	bool collected;
	uint32_t blob;
	int rc;

	/* One that is linked and not there is judged as a revision. */
	if (linked)
		return is_there(part, &blob) ? judge_type(part, err) : 0;
	if (is_there(part, &blob) && was_pushed_here(part))
		return report(part, DD_FOUND_REVISION_UNLINKED, DD_AT_REVISION, "a link", "none",
			      err);
	rc = dd_verify_collected(part->verify, part->repo->name, part->id, &collected, err);
	if (rc < 0)
		return rc;
	if (collected)
		return report(part, DD_FOUND_CHILD_COLLECTED, DD_AT_REVISION, "a link",
			      "one in the trash", err);
	return report(part, DD_FOUND_CHILD_SPARSE, DD_AT_REVISION, NULL, NULL, err);
}

/* ---- what else a manifest names ---- */

static int report_missing(const struct part *part, struct dd_error *err)
{
	enum dd_finding finding = DD_FOUND_LAYER_MISSING;

	if (part->fact->foreign)
		finding = DD_FOUND_LAYER_FOREIGN;
	else if (part->verify->survey->cache_volume)
		finding = DD_FOUND_CACHE_EXPIRED;
	else if (part->fact->role == DD_ROLE_CONFIG)
		finding = DD_FOUND_CONFIG_MISSING;
	else if (part->fact->role == DD_ROLE_CHILD)
		finding = DD_FOUND_CHILD_MISSING;
	return report(part, finding, DD_AT_BLOB, "a blob", "nothing", err);
}

static int judge_size(const struct part *part, uint32_t blob, struct dd_error *err)
{
	uint64_t size = part->verify->sizes[blob];
	char expected[32], found[32];

	if (!part->fact->has_size || part->verify->verdicts[blob] != DD_BLOB_GOOD ||
	    size == part->fact->size)
		return 0;
	snprintf(expected, sizeof(expected), "%llu bytes", (unsigned long long)part->fact->size);
	snprintf(found, sizeof(found), "%llu bytes", (unsigned long long)size);
	return report(part, DD_FOUND_SIZE_DIFFERS, DD_AT_BLOB, expected, found, err);
}

static int judge_blob(const struct part *part, struct dd_error *err)
{
	bool linked = dd_verify_layer_linked(part->verify, part->repository, part->id);
	uint32_t blob;
	int rc = 0;

	if (!is_there(part, &blob))
		return report_missing(part, err);
	/* A manifest may be named as a layer is; then its revision's link will do. */
	if (!linked && !part->fact->foreign &&
	    !dd_verify_revision_linked(part->verify, part->repository, part->id))
		rc = report(part, DD_FOUND_LAYER_UNLINKED, DD_AT_LAYER, "a link", "none", err);
	return rc < 0 ? rc : judge_size(part, blob, err);
}

/*
 * It could not be read as a manifest, and as a blob it is good: because nobody has read it as one, or
 * because it reads well now. What it names is not known all the same.
 */
static int report_unread(const struct part *part, const struct dd_node_doubt *doubt,
			 struct dd_error *err)
{
	const struct dd_verify *verify = part->verify;
	struct dd_place place = { .kind = DD_AT_BLOB };

	if (verify->verdicts[part->id] != DD_BLOB_GOOD)
		return 0;
	dd_ids_get(&verify->graph->ids, part->id, &place.digest);
	return dd_verify_report(
		part->verify,
		&(struct dd_evidence){ .finding = verify->options.quick &&
								  doubt->doubt == DD_DOUBT_CORRUPT ?
							  DD_FOUND_BLOB_CORRUPT :
							  DD_FOUND_UNSEEN,
				       .place = &place,
				       .id = part->id,
				       .repository = DD_NO_ID,
				       .expected = "a manifest",
				       .found = doubt->detail },
		err);
}

static int report_doubt(const struct part *part, struct dd_error *err)
{
	const struct dd_node_doubt *doubt = dd_graph_doubt(part->verify->graph, part->id);
	enum dd_finding finding;

	switch (doubt->doubt) {
	case DD_DOUBT_INVALID:
		finding = DD_FOUND_MANIFEST_INVALID;
		break;
	case DD_DOUBT_UNKNOWN:
		finding = DD_FOUND_MANIFEST_UNKNOWN;
		break;
	case DD_DOUBT_TOO_BIG:
		finding = DD_FOUND_MANIFEST_TOO_BIG;
		break;
	default: /* mostly the blobs' pass has told */
		return report_unread(part, doubt, err);
	}
	return report(part, finding, DD_AT_BLOB, "a manifest", doubt->detail, err);
}

/*
 * No repository says what is linked, nor which of an index's manifests it has, nor what is stored for a
 * digest of another algorithm.
 */
static int judge_by_itself(const struct part *part, bool is_manifest, struct dd_error *err)
{
	const struct dd_graph *graph = part->verify->graph;
	uint32_t blob;
	int rc = 0;

	if (is_there(part, &blob)) {
		if (is_manifest && graph->nodes.items[part->id].flags & DD_NODE_DOUBT)
			rc = report_doubt(part, err);
		else if (is_manifest)
			rc = judge_type(part, err);
		return rc < 0 ? rc : judge_size(part, blob, err);
	}
	if (is_manifest)
		return report(part, DD_FOUND_CHILD_SPARSE, DD_AT_BLOB, NULL, NULL, err);
	return dd_ids_algorithm(&graph->ids, part->id) == DD_SHA256 ? report_missing(part, err) : 0;
}

static int judge_subject(struct part *part, uint32_t subject, struct dd_error *err)
{
	uint32_t blob;

	part->id = subject;
	if (subject == DD_NO_ID || is_there(part, &blob))
		return 0;
	return report(part, DD_FOUND_SUBJECT_MISSING, DD_AT_BLOB, NULL, NULL, err);
}

/* What is known of all that it names comes from memory at once, not one after the other. */
static void expect_parts(const struct dd_verify *verify, const struct dd_manifest_node *node)
{
	for (uint32_t i = node->first; i < node->first + node->count; i++) {
		uint32_t id = DD_EDGE_ID(verify->graph->edges.items[i]);

		__builtin_prefetch(&verify->graph->nodes.items[id]);
		__builtin_prefetch(&verify->sizes[id]);
		__builtin_prefetch(&verify->verdicts[id]);
	}
}

static int judge_parts(struct part *part, struct dd_error *err)
{
	const struct dd_verify *verify = part->verify;
	const struct dd_graph *graph = verify->graph;
	const struct dd_manifest_node *node =
		&graph->manifests.items[graph->nodes.items[part->parent].manifest];
	int rc = 0;

	expect_parts(verify, node);
	for (uint32_t i = node->first; i < node->first + node->count && rc == 0; i++) {
		part->id = DD_EDGE_ID(graph->edges.items[i]);
		part->fact = &verify->facts.items[i];
		if (!part->repo) {
			rc = judge_by_itself(part, graph->edges.items[i] & DD_EDGE_MANIFEST, err);
			continue;
		}
		rc = graph->edges.items[i] & DD_EDGE_MANIFEST ? judge_child(part, err) :
								judge_blob(part, err);
		/* The size of a child is its own affair, but for what the index says of it. */
		if (rc == 0 && graph->edges.items[i] & DD_EDGE_MANIFEST)
			rc = judge_size(part, part->id, err);
	}
	return rc < 0 ? rc : judge_subject(part, node->subject, err);
}

/* ---- the manifest itself ---- */

static int judge_manifest(struct dd_verify *verify, uint32_t repository, uint32_t id,
			  struct dd_error *err)
{
	const struct dd_node *node = &verify->graph->nodes.items[id];
	struct part part = { .verify = verify,
			     .repository = repository,
			     .repo = verify->survey->repositories.items[repository],
			     .parent = id,
			     .id = id };
	uint32_t blob;

	if (!dd_verify_concerns(verify, id))
		return 0;
	if (node->manifest != DD_NO_ID)
		return judge_parts(&part, err);
	if (node->flags & DD_NODE_DOUBT)
		return report_doubt(&part, err);
	if (is_there(&part, &blob))
		return 0;
	return report(&part,
		      verify->survey->cache_volume ? DD_FOUND_CACHE_EXPIRED :
						     DD_FOUND_MANIFEST_MISSING,
		      DD_AT_BLOB, "a manifest", "nothing", err);
}

/* ---- links that nothing needs ---- */

static int judge_layer(struct part *part, uint8_t state, struct dd_error *err)
{
	uint32_t blob;

	if ((state & DD_LAYER_STATE) != DD_LINK_GOOD || state & DD_LAYER_NEEDED ||
	    is_there(part, &blob))
		return 0;
	return report(part, DD_FOUND_LINK_DANGLING, DD_AT_LAYER, NULL, NULL, err);
}

static bool was_read(const struct dd_node *node)
{
	return node->manifest != DD_NO_ID || node->flags & DD_NODE_DOUBT;
}

static int judge_repository(struct dd_verify *verify, uint32_t index, struct dd_error *err)
{
	const struct dd_repository *repo = verify->survey->repositories.items[index];
	int rc = 0;

	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++)
		if (repo->revisions.items[i].state != DD_LINK_ABSENT)
			rc = judge_manifest(verify, index, repo->revisions.items[i].id, err);
	/* A tag's manifest may have lost its link, and is to be pulled all the same. */
	for (size_t i = 0; i < repo->tags.count && rc == 0; i++) {
		uint32_t id = repo->tags.items[i].current;

		if (id != DD_NO_ID && was_read(&verify->graph->nodes.items[id]) &&
		    !dd_repository_revision(repo, id))
			rc = judge_manifest(verify, index, id, err);
	}
	for (size_t i = 0; i < repo->layers.count && rc == 0; i++) {
		struct part part = { .verify = verify,
				     .repository = index,
				     .repo = repo,
				     .parent = repo->layers.items[i],
				     .id = repo->layers.items[i] };

		rc = judge_layer(&part, verify->layers[index][i], err);
	}
	return rc;
}

/* What a digest that was asked for by itself leads to. */
static int judge_all_by_itself(struct dd_verify *verify, struct dd_error *err)
{
	const struct dd_graph *graph = verify->graph;
	int rc = 0;

	for (size_t i = 0; i < graph->manifests.count && rc == 0; i++) {
		struct part part = { .verify = verify,
				     .repository = DD_NO_ID,
				     .parent = graph->manifests.items[i].id };

		if (dd_verify_concerns(verify, part.parent))
			rc = judge_parts(&part, err);
	}
	return rc;
}

int dd_verify_manifests(struct dd_verify *verify, struct dd_error *err)
{
	const struct dd_reference *reference = verify->options.reference;

	if (verify->inferred.count)
		qsort(verify->inferred.items, verify->inferred.count,
		      sizeof(*verify->inferred.items), dd_ids_compare);
	if (reference && !reference->repository[0])
		return judge_all_by_itself(verify, err);
	return dd_verify_each_repository(verify, "manifests", judge_repository, err);
}
