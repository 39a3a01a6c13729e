/*
 * What will be: a plan is told as if it were carried out, and the passes that ask about manifests and
 * tags look again. So they say what will be wrong then, which could not be seen before: what a manifest
 * names whose bytes are only now put there, or which a repository only now has.
 */
#include <stdlib.h>
#include <string.h>

#include "verify/verify.h"

/* ---- by id: what is known of digests that came later, too ---- */

static int widen(void **items, size_t from, size_t to, size_t size)
{
	char *wide = *items ? reallocarray(*items, to + 1, size) : NULL;

	if (!*items)
		return 0;
	if (!wide)
		return DD_ENOMEM;
	memset(wide + from * size, 0, (to + 1 - from) * size);
	*items = wide;
	return 0;
}

/* Digests that nobody had named are the graph's last ones. */
static int make_room(struct dd_verify *verify, size_t before, struct dd_error *err)
{
	size_t now = verify->graph->nodes.count;
	int rc = 0;

	if (now == before)
		return 0;
	rc |= widen((void **)&verify->sizes, before, now, sizeof(*verify->sizes));
	rc |= widen((void **)&verify->verdicts, before, now, 1);
	rc |= widen((void **)&verify->scope, before, now, 1);
	rc |= widen((void **)&verify->candidates, before, now, 1);
	rc |= widen((void **)&verify->whens, before, now, sizeof(*verify->whens));
	rc |= widen((void **)&verify->places, before, now, sizeof(*verify->places));
	return rc ? dd_fail(err, DD_ENOMEM, 0, "look ahead") : 0;
}

/* DD_NO_ID without memory. */
static uint32_t intern(struct dd_verify *verify, const struct dd_digest *digest,
		       struct dd_error *err)
{
	size_t before = verify->graph->nodes.count;
	uint32_t id = dd_graph_intern(verify->graph, digest);

	if (id == DD_NO_ID)
		dd_fail(err, DD_ENOMEM, 0, "look ahead");
	return id == DD_NO_ID || make_room(verify, before, err) < 0 ? DD_NO_ID : id;
}

/* ---- what is expected ---- */

static bool is_to_be_read(const struct dd_verify *verify, uint32_t id)
{
	uint16_t flags = verify->graph->nodes.items[id].flags;

	return flags & (DD_NODE_LINKED | DD_NODE_WANTED) &&
	       !(flags & (DD_NODE_READ | DD_NODE_DOUBT));
}

static int want(struct dd_verify *verify, uint32_t id, struct dd_error *err)
{
	uint32_t *slot = is_to_be_read(verify, id) ? dd_list_add(&verify->expected.unread) : NULL;

	if (slot)
		*slot = id;
	return slot || !is_to_be_read(verify, id) ? 0 : dd_fail(err, DD_ENOMEM, 0, "look ahead");
}

int dd_verify_expect_blob(struct dd_verify *verify, const struct dd_digest *digest, uint64_t size,
			  struct dd_error *err)
{
	uint32_t id = intern(verify, digest, err);
	struct dd_node *node;

	if (id == DD_NO_ID)
		return DD_ENOMEM;
	node = &verify->graph->nodes.items[id];
	node->flags |= DD_NODE_PRESENT;
	node->flags &= (uint16_t)~DD_NODE_MISSING;
	dd_graph_forget_doubt(verify->graph, id);
	verify->verdicts[id] = DD_BLOB_GOOD;
	verify->sizes[id] = size;
	return want(verify, id, err);
}

int dd_verify_expect_loss(struct dd_verify *verify, const struct dd_digest *digest,
			  struct dd_error *err)
{
	uint32_t id = intern(verify, digest, err);

	if (id == DD_NO_ID)
		return DD_ENOMEM;
	dd_graph_forget_doubt(verify->graph, id);
	verify->graph->nodes.items[id].flags &= (uint16_t)~DD_NODE_PRESENT;
	verify->graph->nodes.items[id].flags |= DD_NODE_MISSING;
	verify->verdicts[id] = DD_BLOB_LOST;
	return 0;
}

static int expect_alias(struct dd_verify *verify, struct dd_repository *repo, uint32_t id,
			const struct dd_digest *says, struct dd_error *err)
{
	uint32_t blob = intern(verify, says, err);
	size_t kept = 0;

	for (size_t i = 0; i < repo->doubts.count; i++) {
		if (repo->doubts.items[i].id == id)
			free(repo->doubts.items[i].detail);
		else
			repo->doubts.items[kept++] = repo->doubts.items[i];
	}
	repo->doubts.count = kept;
	if (blob == DD_NO_ID || blob == id)
		return blob == id ? 0 : DD_ENOMEM;
	return dd_graph_add_tie(verify->graph, id, blob, err);
}

int dd_verify_expect_link(struct dd_verify *verify, const struct dd_place *place,
			  const struct dd_digest *says, struct dd_error *err)
{
	uint32_t index = dd_survey_repository_index(verify->survey, place->repository),
		 id = intern(verify, &place->digest, err);
	struct dd_expected_link *link;

	if (id == DD_NO_ID)
		return DD_ENOMEM;
	if (index == DD_NO_ID)
		return 0;
	link = dd_list_add(&verify->expected.links);
	if (!link)
		return dd_fail(err, DD_ENOMEM, 0, "look ahead");
	*link = (struct dd_expected_link){ index, id, place->kind == DD_AT_REVISION };
	if (!link->revision)
		return expect_alias(verify, verify->survey->repositories.items[index], id, says,
				    err);
	verify->graph->nodes.items[id].flags |= DD_NODE_LINKED;
	return want(verify, id, err);
}

int dd_verify_expect_tag(struct dd_verify *verify, const struct dd_place *place,
			 const struct dd_digest *says, struct dd_error *err)
{
	struct dd_repository *repo = dd_survey_repository(verify->survey, place->repository);
	const struct dd_tag *found = repo ? dd_repository_tag(repo, place->tag) : NULL;
	uint32_t id = intern(verify, says, err);
	struct dd_tag *tag;

	if (id == DD_NO_ID)
		return DD_ENOMEM;
	if (!found)
		return 0;
	tag = &repo->tags.items[found - repo->tags.items];
	tag->state = DD_LINK_GOOD;
	tag->current = id;
	verify->graph->nodes.items[id].flags |= DD_NODE_WANTED;
	return want(verify, id, err);
}

/* ---- manifests that nobody has read yet ---- */

/* What the onlooker is told of is seen as at the survey. */
static int enter(struct dd_verify *verify, uint32_t id, const struct dd_manifest *manifest,
		 size_t stored, struct dd_error *err)
{
	struct dd_graph *graph = verify->graph;
	size_t before = graph->nodes.count;
	const struct dd_manifest_node *node;
	int rc = dd_graph_add_manifest(graph, id, manifest, NULL, stored, false, err);

	if (rc == 0)
		rc = verify->onlooker.manifest(verify, id, manifest);
	if (rc == 0)
		rc = make_room(verify, before, err);
	if (rc < 0)
		return rc;
	node = &graph->manifests.items[graph->nodes.items[id].manifest];
	for (uint32_t i = node->first; i < node->first + node->count && rc == 0; i++) {
		uint32_t to = DD_EDGE_ID(graph->edges.items[i]);

		if (verify->scope)
			verify->scope[to] |= (uint8_t)dd_verify_scope_by(graph->edges.items[i]);
		if (!(graph->edges.items[i] & DD_EDGE_MANIFEST))
			continue;
		graph->nodes.items[to].flags |= DD_NODE_WANTED;
		rc = want(verify, to, err);
	}
	return rc;
}

static int read_bytes(struct dd_verify *verify, const struct dd_digest *digest,
		      struct dd_buffer *buffer, struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_AT_BLOB, .digest = *digest };
	int rc = verify->expected.read(verify->expected.arg, digest, buffer, err);

	return rc == DD_ENOENT ?
		       dd_store_read(verify->store, &place, DD_MANIFEST_MAX, buffer, NULL, err) :
		       rc;
}

static int read_one(struct dd_verify *verify, uint32_t id, struct dd_manifest_parser *parser,
		    struct dd_error *err)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	const struct dd_manifest *manifest;
	struct dd_error why = { 0 };
	struct dd_digest digest;
	int rc;

	if (!is_to_be_read(verify, id) || verify->verdicts[id] == DD_BLOB_LOST)
		return 0;
	dd_ids_get(&verify->graph->ids, id, &digest);
	rc = read_bytes(verify, &digest, &buffer, &why);
	if (rc == 0)
		rc = dd_manifest_verify_and_parse(parser, &digest, buffer.bytes, buffer.len, NULL,
						  &manifest, &why);
	if (rc == 0)
		return enter(verify, id, manifest, buffer.len, err);
	if (rc == DD_ENOMEM)
		return dd_fail(err, rc, 0, "look ahead");
	/* What is missing or bad the passes over blobs have told. */
	if (rc != DD_EFORMAT && rc != DD_EUNKNOWN && rc != DD_ETOOBIG)
		return 0;
	return dd_graph_add_doubt(verify->graph, id,
				  rc == DD_EFORMAT  ? DD_DOUBT_INVALID :
				  rc == DD_EUNKNOWN ? DD_DOUBT_UNKNOWN :
						      DD_DOUBT_TOO_BIG,
				  why.text, err);
}

static int read_all(struct dd_verify *verify, struct dd_error *err)
{
	DD_CLEANUP(dd_manifest_parser_closep) struct dd_manifest_parser *parser = NULL;
	int rc = dd_manifest_parser_open(&parser, err);

	for (size_t i = 0; i < verify->expected.unread.count && rc == 0; i++)
		rc = read_one(verify, verify->expected.unread.items[i], parser, err);
	verify->expected.unread.count = 0;
	dd_graph_end_scan(verify->graph);
	return rc;
}

/* ---- links ---- */

static int compare_links(const void *left, const void *right)
{
	const struct dd_expected_link *a = left, *b = right;

	if (a->repository != b->repository)
		return a->repository < b->repository ? -1 : 1;
	if (a->revision != b->revision)
		return a->revision ? 1 : -1;
	return dd_ids_compare(&a->id, &b->id);
}

static int compare_revisions(const void *left, const void *right)
{
	return dd_ids_compare(&((const struct dd_revision *)left)->id,
			      &((const struct dd_revision *)right)->id);
}

/* Of one repository, sorted and each but once. */
static int add_revisions(struct dd_repository *repo, const struct dd_expected_link *links,
			 size_t count)
{
	size_t before = repo->revisions.count;

	for (size_t i = 0; i < count; i++) {
		size_t at = dd_first_from(repo->revisions.items, before, id, links[i].id);
		struct dd_revision *revision =
			at < before && repo->revisions.items[at].id == links[i].id ?
				&repo->revisions.items[at] :
				dd_list_add(&repo->revisions);

		if (!revision)
			return DD_ENOMEM;
		*revision = (struct dd_revision){ links[i].id, DD_LINK_GOOD };
	}
	if (repo->revisions.count > before)
		qsort(repo->revisions.items, repo->revisions.count, sizeof(*repo->revisions.items),
		      compare_revisions);
	return 0;
}

/* The same with what is known of each, which lies beside the ids: both are merged from their ends. */
static int add_layers(struct dd_verify *verify, struct dd_repository *repo,
		      const struct dd_expected_link *links, size_t count)
{
	uint8_t **states = &verify->layers[links->repository], *wide;
	size_t at = repo->layers.count, to;

	wide = dd_list_reserve(&repo->layers, count) == 0 ? realloc(*states, at + count + 1) : NULL;
	if (!wide)
		return DD_ENOMEM;
	*states = wide;
	to = at + count;
	for (size_t i = count; i > 0; i--) {
		for (; at > 0 && repo->layers.items[at - 1] > links[i - 1].id; at--) {
			repo->layers.items[--to] = repo->layers.items[at - 1];
			wide[to] = wide[at - 1];
		}
		if (at > 0 && repo->layers.items[at - 1] == links[i - 1].id) {
			wide[--to] = (uint8_t)((wide[--at] & ~DD_LAYER_STATE) | DD_LINK_GOOD);
			repo->layers.items[to] = links[i - 1].id;
			continue;
		}
		repo->layers.items[--to] = links[i - 1].id;
		wide[to] = DD_LINK_GOOD;
	}
	/* Some were there: between what was not moved and what was is nothing. */
	repo->layers.count += count - (to - at);
	memmove(repo->layers.items + at, repo->layers.items + to,
		(repo->layers.count - at) * sizeof(*repo->layers.items));
	memmove(wide + at, wide + to, repo->layers.count - at);
	return 0;
}

static int add_links(struct dd_verify *verify, struct dd_error *err)
{
	struct dd_expected_link *links = verify->expected.links.items;
	size_t count = verify->expected.links.count, unique = 0, next;
	int rc = 0;

	if (count)
		qsort(links, count, sizeof(*links), compare_links);
	for (size_t i = 0; i < count; i++)
		if (!i || compare_links(&links[i], &links[unique - 1]) != 0)
			links[unique++] = links[i];
	for (size_t i = 0; i < unique && rc == 0; i = next) {
		struct dd_repository *repo =
			verify->survey->repositories.items[links[i].repository];

		for (next = i; next < unique && links[next].repository == links[i].repository &&
			       links[next].revision == links[i].revision;)
			next++;
		rc = links[i].revision ? add_revisions(repo, links + i, next - i) :
					 add_layers(verify, repo, links + i, next - i);
	}
	verify->expected.links.count = 0;
	return rc < 0 ? dd_fail(err, rc, 0, "look ahead") : 0;
}

/* ---- looking again ---- */

/* Of what a reference reaches only that was read which it had reached before. */
static int read_rest(struct dd_verify *verify, struct dd_error *err)
{
	struct dd_work work = { 0 };
	int rc = 0;

	if (!verify->scope || verify->options.quick)
		return 0;
	for (uint32_t id = 0; id < verify->graph->nodes.count && rc == 0; id++) {
		uint32_t *slot = NULL;

		if (!verify->scope[id] || verify->verdicts[id] != DD_BLOB_NONE)
			continue;
		slot = dd_list_add(&work.ids);
		if (slot)
			*slot = id;
		rc = slot ? 0 : dd_fail(err, DD_ENOMEM, 0, "look ahead");
	}
	work.large = work.ids.count;
	if (rc == 0 && work.ids.count)
		rc = dd_verify_read_blobs(verify, &work, err);
	dd_list_release(&work.ids);
	return rc;
}

static bool is_known(const struct dd_verify *verify, const struct dd_reports *told,
		     const struct dd_report *report)
{
	if (dd_verify_has_report(told, report))
		return true;
	for (size_t i = 0; i < verify->foreseen.count; i++)
		if (dd_verify_has_report(&verify->foreseen.items[i], report))
			return true;
	return false;
}

/* What no look has told before; the images that will suffer are named by what will be. */
static int settle(struct dd_verify *verify, const struct dd_reports *told, struct dd_error *err)
{
	size_t kept = 0;

	dd_verify_settle(verify);
	for (size_t i = 0; i < verify->reports.count; i++) {
		if (is_known(verify, told, &verify->reports.items[i]))
			continue;
		verify->reports.items[kept] = verify->reports.items[i];
		verify->reports.items[kept++].found.foreseen = true;
	}
	verify->reports.count = kept;
	return dd_verify_name_images(verify, err);
}

int dd_verify_foresee(struct dd_verify *verify, const struct dd_reports **reports,
		      struct dd_error *err)
{
	const struct dd_verify_summary summary = verify->summary;
	struct dd_reports told = verify->reports, *slot = NULL;
	int rc = read_all(verify, err);

	*reports = NULL;
	if (rc == 0)
		rc = add_links(verify, err);
	if (rc < 0)
		return rc;
	memset(&verify->reports, 0, sizeof(verify->reports));
	rc = read_rest(verify, err);
	if (rc == 0)
		rc = dd_verify_manifests(verify, err);
	if (rc == 0)
		rc = dd_verify_tags(verify, err);
	if (rc == 0)
		rc = settle(verify, &told, err);
	if (rc == 0)
		slot = dd_list_add(&verify->foreseen);
	if (slot) {
		*slot = verify->reports;
		*reports = slot;
	} else {
		dd_list_release(&verify->reports);
		rc = rc < 0 ? rc : dd_fail(err, DD_ENOMEM, 0, "look ahead");
	}
	verify->reports = told;
	verify->summary = summary;
	return rc;
}
