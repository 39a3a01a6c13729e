/*
 * The pass over tags: what each points to, and what it remembers.
 */
#include <string.h>

#include "verify/verify.h"

static int report(struct dd_verify *verify, uint32_t repository, const struct dd_tag *tag,
		  enum dd_finding finding, enum dd_place_kind kind, uint32_t id,
		  struct dd_error *err)
{
	struct dd_place place = { .kind = kind,
				  .repository =
					  verify->survey->repositories.items[repository]->name,
				  .tag = tag->name };
	struct dd_evidence evidence = {
		.finding = finding, .place = &place, .id = id, .repository = repository
	};

	if (id != DD_NO_ID)
		dd_ids_get(&verify->graph->ids, id, &place.digest);
	if (finding == DD_FOUND_TAG_DANGLING) {
		evidence.expected = "a manifest";
		evidence.found = "nothing";
	} else if (finding == DD_FOUND_REVISION_UNLINKED || finding == DD_FOUND_TAG_NO_CURRENT ||
		   finding == DD_FOUND_HISTORY_UNLINKED) {
		evidence.expected = "a link";
		evidence.found = "none";
	}
	return dd_verify_report(verify, &evidence, err);
}

/* It was seen without current; a registry may have written it since. */
static bool still_absent(struct dd_verify *verify, const struct dd_repository *repo,
			 const struct dd_tag *tag)
{
	const struct dd_place place = { .kind = DD_AT_TAG,
					.repository = repo->name,
					.tag = tag->name };
	struct dd_info info;

	return dd_store_stat(verify->store, &place, &info, NULL) == DD_ENOENT;
}

/* A push that died left directories, and no link in them. */
bool dd_verify_has_past(struct dd_verify *verify, const struct dd_repository *repo,
			const struct dd_tag *tag)
{
	struct dd_place place = { .kind = DD_AT_HISTORY,
				  .repository = repo->name,
				  .tag = tag->name };
	struct dd_info info;

	for (uint32_t k = 0; k < tag->history_count; k++) {
		dd_ids_get(&verify->graph->ids, repo->histories.items[tag->history + k],
			   &place.digest);
		if (dd_store_stat(verify->store, &place, &info, NULL) != DD_ENOENT)
			return true;
	}
	return false;
}

/* It may point elsewhere by now, or be gone: then what was seen of it says nothing. */
static bool still_points_to(struct dd_verify *verify, const struct dd_repository *repo,
			    const struct dd_tag *tag)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	const struct dd_place place = { .kind = DD_AT_TAG,
					.repository = repo->name,
					.tag = tag->name };
	struct dd_digest then, now;

	if (dd_verify_looks_ahead(verify))
		return true;
	dd_ids_get(&verify->graph->ids, tag->current, &then);
	return dd_store_read(verify->store, &place, DD_LINK_MAX, &buffer, NULL, NULL) == 0 &&
	       dd_digest_parse(&now, (const char *)buffer.bytes, buffer.len) == 0 &&
	       dd_digest_equal(&then, &now);
}

/* Told as such; a link would not make it one. */
static bool is_no_manifest(const struct dd_verify *verify, uint32_t id)
{
	return verify->graph->nodes.items[id].flags & DD_NODE_DOUBT &&
	       dd_graph_doubt(verify->graph, id)->doubt == DD_DOUBT_INVALID;
}

static int judge_current(struct dd_verify *verify, uint32_t index, const struct dd_tag *tag,
			 struct dd_error *err)
{
	const struct dd_repository *repo = verify->survey->repositories.items[index];
	const struct dd_revision *revision = dd_repository_revision(repo, tag->current);
	uint32_t blob;
	int there = dd_verify_there(verify, tag->current, &blob);

	if (there > 0) {
		/* Registry 2.1.0 linked manifests as layers, and its successors find them. */
		if (dd_verify_revision_linked(verify, index, tag->current) ||
		    dd_verify_layer_linked(verify, index, tag->current) ||
		    is_no_manifest(verify, tag->current) || !still_points_to(verify, repo, tag))
			return 0;
		return report(verify, index, tag, DD_FOUND_REVISION_UNLINKED, DD_AT_REVISION,
			      tag->current, err);
	}
	/* One that is linked is judged as a revision. */
	if (there < 0 || (revision && revision->state != DD_LINK_ABSENT) ||
	    !still_points_to(verify, repo, tag))
		return 0;
	return report(verify, index, tag,
		      verify->survey->cache_volume ? DD_FOUND_CACHE_EXPIRED :
		      revision			   ? DD_FOUND_TAG_LEFT :
						     DD_FOUND_TAG_DANGLING,
		      DD_AT_TAG, tag->current, err);
}

static int judge_tag(struct dd_verify *verify, uint32_t index, const struct dd_tag *tag,
		     struct dd_error *err)
{
	const struct dd_repository *repo = verify->survey->repositories.items[index];

	if (tag->state == DD_LINK_GOOD)
		return judge_current(verify, index, tag, err);
	if (tag->state != DD_LINK_ABSENT || !still_absent(verify, repo, tag))
		return 0;
	return report(verify, index, tag,
		      dd_verify_has_past(verify, repo, tag) ? DD_FOUND_TAG_NO_CURRENT :
							      DD_FOUND_TAG_EMPTY,
		      DD_AT_TAG, DD_NO_ID, err);
}

static int judge_history(struct dd_verify *verify, uint32_t index, const struct dd_tag *tag,
			 struct dd_error *err)
{
	const struct dd_repository *repo = verify->survey->repositories.items[index];
	int rc = 0;

	for (uint32_t k = 0; k < tag->history_count && rc == 0; k++) {
		uint32_t id = repo->histories.items[tag->history + k], blob;

		if (id != tag->current && dd_verify_there(verify, id, &blob) == 0)
			rc = report(verify, index, tag, DD_FOUND_LINK_DANGLING, DD_AT_HISTORY, id,
				    err);
	}
	return rc;
}

/* A registry that did not die meanwhile wrote what a tag points to into its history, too. */
static int judge_memory(struct dd_verify *verify, uint32_t index, const struct dd_tag *tag,
			struct dd_error *err)
{
	const struct dd_repository *repo = verify->survey->repositories.items[index];
	struct dd_place place = { .kind = DD_AT_HISTORY,
				  .repository = repo->name,
				  .tag = tag->name };
	struct dd_info info;

	if (tag->state != DD_LINK_GOOD)
		return 0;
	for (uint32_t k = 0; k < tag->history_count; k++)
		if (repo->histories.items[tag->history + k] == tag->current)
			return 0;
	dd_ids_get(&verify->graph->ids, tag->current, &place.digest);
	if (dd_store_stat(verify->store, &place, &info, NULL) != DD_ENOENT ||
	    !still_points_to(verify, repo, tag))
		return 0;
	return report(verify, index, tag, DD_FOUND_HISTORY_UNLINKED, DD_AT_HISTORY, tag->current,
		      err);
}

static int judge_repository(struct dd_verify *verify, uint32_t index, struct dd_error *err)
{
	const struct dd_repository *repo = verify->survey->repositories.items[index];
	const struct dd_reference *reference = verify->options.reference;
	int rc = 0;

	for (size_t i = 0; i < repo->tags.count && rc == 0; i++) {
		const struct dd_tag *tag = &repo->tags.items[i];

		if (reference && reference->tag[0] && strcmp(reference->tag, tag->name))
			continue;
		rc = judge_tag(verify, index, tag, err);
		if (rc == 0)
			rc = judge_history(verify, index, tag, err);
		if (rc == 0)
			rc = judge_memory(verify, index, tag, err);
	}
	return rc;
}

int dd_verify_tags(struct dd_verify *verify, struct dd_error *err)
{
	return dd_verify_each_repository(verify, "tags", judge_repository, err);
}
