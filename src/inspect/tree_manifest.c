/*
 * Growing a tree: a manifest, what it names, and what is about it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/stored.h"
#include "inspect/problem.h"
#include "inspect/tree.h"

struct dd_tree_node *dd_grow_add(struct dd_growing *growing, enum dd_tree_kind kind, size_t parent,
				 struct dd_error *err)
{
	struct dd_tree_node *node = dd_list_add(&growing->nodes);

	if (!node) {
		dd_fail(err, DD_ENOMEM, 0, "grow the tree");
		return NULL;
	}
	node->kind = kind;
	node->parent = parent;
	node->depth = parent == DD_TREE_NONE ? 1 : growing->nodes.items[parent].depth + 1;
	return node;
}

const char *dd_grow_copy(struct dd_growing *growing, const char *text, struct dd_error *err)
{
	const char *copy = text ? dd_arena_copy(growing->memory, text, strlen(text)) : NULL;

	if (text && !copy)
		dd_fail(err, DD_ENOMEM, 0, "grow the tree");
	return copy;
}

static bool too_deep(const struct dd_growing *growing, unsigned depth)
{
	return depth >= DD_TREE_DEEPEST || (growing->depth && depth >= growing->depth);
}

/* ---- blobs ---- */

static int look_at(struct dd_growing *growing, const struct dd_part *part, struct dd_error *err)
{
	struct dd_seen *seen = &growing->seen[part->id];
	struct dd_error own = { 0 };
	struct dd_place place;
	struct dd_info info;
	int rc;

	if (seen->looked)
		return 0;
	rc = dd_stored_stat_id(growing->store, growing->graph, part->id, &place, &info, &own);
	if (rc == DD_ENOMEM)
		return dd_fail(err, rc, 0, "look at a blob");
	seen->looked = true;
	seen->present = rc == 0;
	seen->size = rc == 0 ? info.size : 0;
	if (rc < 0 && rc != DD_ENOENT)
		seen->problem = dd_code_text(rc);
	return 0;
}

static enum dd_tree_kind kind_of(const struct dd_part *part)
{
	return part->role == DD_ROLE_CONFIG ? DD_TREE_CONFIG :
	       part->role == DD_ROLE_LAYER  ? DD_TREE_LAYER :
					      DD_TREE_BLOB;
}

static int grow_blob(struct dd_growing *growing, const struct dd_part *part, size_t parent,
		     struct dd_error *err)
{
	struct dd_tree_node *node;
	const struct dd_seen *seen;
	int rc = look_at(growing, part, err);

	if (rc < 0)
		return rc;
	node = dd_grow_add(growing, kind_of(part), parent, err);
	if (!node)
		return DD_ENOMEM;
	seen = &growing->seen[part->id];
	node->has_digest = true;
	dd_ids_get(&growing->graph->ids, part->id, &node->digest);
	node->size = node->total = part->sized ? part->size : seen->size;
	node->present = seen->present;
	node->used_by = growing->uses[part->id];
	node->problem = seen->problem;
	if (!node->problem && !seen->present && !part->elsewhere)
		node->problem = "it is not there";
	else if (!node->problem && seen->present && part->sized && seen->size != part->size)
		node->problem = "its file is of another size";
	if (!part->type)
		return 0;
	node->type = dd_grow_copy(growing, part->type, err);
	return node->type ? 0 : DD_ENOMEM;
}

/* ---- what is about a manifest ---- */

static size_t first_about(const struct dd_growing *growing, uint32_t subject)
{
	return dd_first_from(growing->about.items, growing->about.count, subject, subject);
}

static bool has_about(const struct dd_growing *growing, uint32_t subject)
{
	size_t at = first_about(growing, subject);

	return at < growing->about.count && growing->about.items[at].subject == subject;
}

static int grow_about(struct dd_growing *growing, uint32_t subject, size_t parent,
		      struct dd_error *err)
{
	int rc = 0;

	for (size_t i = first_about(growing, subject);
	     i < growing->about.count && growing->about.items[i].subject == subject && rc == 0;
	     i++) {
		const struct dd_about *about = &growing->about.items[i];
		size_t made;

		rc = dd_grow_manifest(growing, DD_TREE_REFERRER, about->id, NULL, parent, &made,
				      err);
		if (rc < 0 || !about->tag)
			continue;
		growing->nodes.items[made].tag = dd_grow_copy(growing, about->tag, err);
		rc = growing->nodes.items[made].tag ? 0 : DD_ENOMEM;
	}
	return rc;
}

/* ---- manifests ---- */

static bool is_manifest(const struct dd_growing *growing, const struct dd_part *part)
{
	return part->role == DD_ROLE_CHILD &&
	       (part->is_manifest || growing->graph->nodes.items[part->id].manifest != DD_NO_ID);
}

/* BuildKit's attestations stand in the index, beside what they are about. */
struct attested {
	uint32_t subject; /* id */
	uint32_t part;
};

struct attestations {
	DD_LIST(struct attested) list; /* sorted by subject, then part */
	bool *moved;		       /* by part: stands under its subject */
};

static int compare_attested(const void *left, const void *right)
{
	const struct attested *a = left, *b = right;

	if (a->subject != b->subject)
		return a->subject < b->subject ? -1 : 1;
	return a->part < b->part ? -1 : 1;
}

static int find_attestations(struct dd_growing *growing, const struct dd_part *parts, size_t count,
			     struct attestations *found, struct dd_error *err)
{
	uint32_t stamp = ++growing->siblings;

	found->moved = calloc(count + 1, sizeof(*found->moved));
	if (!found->moved)
		return dd_fail(err, DD_ENOMEM, 0, "grow the tree");
	for (size_t i = 0; i < count; i++)
		if (!parts[i].about && is_manifest(growing, &parts[i]))
			growing->sibling[parts[i].id] = stamp;
	for (size_t i = 0; i < count; i++) {
		uint32_t subject = parts[i].about && is_manifest(growing, &parts[i]) ?
					   dd_ids_find(&growing->graph->ids, parts[i].about) :
					   DD_NO_ID;
		struct attested *slot;

		if (subject == DD_NO_ID || growing->sibling[subject] != stamp)
			continue;
		slot = dd_list_add(&found->list);
		if (!slot)
			return dd_fail(err, DD_ENOMEM, 0, "grow the tree");
		*slot = (struct attested){ subject, (uint32_t)i };
		found->moved[i] = true;
	}
	if (found->list.count)
		qsort(found->list.items, found->list.count, sizeof(*found->list.items),
		      compare_attested);
	return 0;
}

static void release_attestations(struct attestations *found)
{
	dd_list_release(&found->list);
	free(found->moved);
}

static int grow_attestations(struct dd_growing *growing, const struct dd_part *parts,
			     const struct attestations *found, uint32_t subject, size_t parent,
			     struct dd_error *err)
{
	size_t low = dd_first_from(found->list.items, found->list.count, subject, subject), made;
	int rc = 0;

	for (; low < found->list.count && found->list.items[low].subject == subject && rc == 0;
	     low++) {
		const struct dd_part *part = &parts[found->list.items[low].part];

		if (too_deep(growing, growing->nodes.items[parent].depth)) {
			growing->nodes.items[parent].cut = true;
			return 0;
		}
		rc = dd_grow_manifest(growing, DD_TREE_ATTESTATION, part->id, part, parent, &made,
				      err);
	}
	return rc;
}

static int grow_parts(struct dd_growing *growing, uint32_t id, size_t parent, struct dd_error *err)
{
	size_t count, made;
	const struct dd_part *parts = dd_parts_get(&growing->parts, id, &count);
	DD_CLEANUP(release_attestations) struct attestations found = { 0 };
	int rc = dd_context_check(growing->ctx, err);

	if (rc == 0)
		rc = find_attestations(growing, parts, count, &found, err);
	for (size_t i = 0; i < count && rc == 0; i++) {
		const struct dd_part *part = &parts[i];

		if (part->role == DD_ROLE_SUBJECT || found.moved[i])
			continue;
		if (!is_manifest(growing, part)) {
			rc = grow_blob(growing, part, parent, err);
			continue;
		}
		rc = dd_grow_manifest(growing, DD_TREE_MANIFEST, part->id, part, parent, &made,
				      err);
		if (rc == 0)
			rc = grow_attestations(growing, parts, &found, part->id, made, err);
	}
	return rc;
}

static int fill(struct dd_growing *growing, uint32_t id, const struct dd_part *part, size_t index,
		struct dd_error *err)
{
	const struct dd_node *known = &growing->graph->nodes.items[id];
	const char *artifact = dd_parts_artifact(&growing->parts, id);
	struct dd_tree_node *node = &growing->nodes.items[index];

	node->has_digest = true;
	dd_ids_get(&growing->graph->ids, id, &node->digest);
	node->size = known->size;
	node->present = known->manifest != DD_NO_ID;
	node->problem = dd_problem_of(growing->graph, id);
	/* A platform that was never pushed is nothing to worry about: the index is sparse. */
	if (part && known->flags & DD_NODE_MISSING &&
	    !(growing->repo && dd_repository_revision(growing->repo, id)))
		node->problem = NULL;
	if (node->present)
		node->type = dd_manifest_type_name(
			growing->graph->manifests.items[known->manifest].type);
	if (artifact && !(node->artifact = dd_grow_copy(growing, artifact, err)))
		return DD_ENOMEM;
	if (part && part->platform &&
	    !(node->platform = dd_grow_copy(growing, part->platform, err)))
		return DD_ENOMEM;
	dd_sizer_begin(&growing->sizer);
	if (dd_sizer_add(&growing->sizer, id) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "grow the tree");
	node->total = growing->sizer.bytes;
	return 0;
}

int dd_grow_manifest(struct dd_growing *growing, enum dd_tree_kind kind, uint32_t id,
		     const struct dd_part *part, size_t parent, size_t *made, struct dd_error *err)
{
	struct dd_tree_node *node = dd_grow_add(growing, kind, parent, err);
	size_t index = growing->nodes.count - 1, count;
	int rc;

	if (!node)
		return DD_ENOMEM;
	*made = index;
	rc = fill(growing, id, part, index, err);
	if (rc < 0)
		return rc;
	node = &growing->nodes.items[index];
	dd_parts_get(&growing->parts, id, &count);
	if (!count && !has_about(growing, id))
		return 0;
	node->cut = too_deep(growing, node->depth);
	node->repeated = !node->cut && growing->shown[id] == growing->root;
	if (node->cut || node->repeated)
		return 0;
	growing->shown[id] = growing->root;
	rc = grow_parts(growing, id, index, err);
	return rc < 0 ? rc : grow_about(growing, id, index, err);
}
