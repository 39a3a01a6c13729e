/*
 * A tree as JSON: schema/tree.json.
 */
#include <drydock/tree.h>

static const char *const kinds[] = {
#define X(constant, name) [constant] = name,
	DD_TREE_KINDS(X)
#undef X
};

const char *dd_tree_kind_name(enum dd_tree_kind kind)
{
	return kinds[kind];
}

static bool is_blob(const struct dd_tree_node *node)
{
	return node->kind == DD_TREE_CONFIG || node->kind == DD_TREE_LAYER ||
	       node->kind == DD_TREE_BLOB;
}

static void put_node(const struct dd_tree_node *node, struct dd_json_out *out)
{
	dd_json_text(out, "kind", dd_tree_kind_name(node->kind));
	if (node->repository)
		dd_json_text(out, "repository", node->repository);
	if (node->tag)
		dd_json_text(out, "tag", node->tag);
	if (node->kind == DD_TREE_REPOSITORY) {
		dd_json_uint(out, "tags", node->tags);
		dd_json_uint(out, "manifests", node->manifests);
	} else {
		dd_json_digest(out, "digest", node->has_digest ? &node->digest : NULL);
		dd_json_text(out, "type", node->type);
		dd_json_uint(out, "size", node->size);
		dd_json_bool(out, "present", node->present);
	}
	if (node->platform)
		dd_json_text(out, "platform", node->platform);
	if (node->artifact)
		dd_json_text(out, "artifact_type", node->artifact);
	if (is_blob(node))
		dd_json_uint(out, "used_by", node->used_by);
	else
		dd_json_uint(out, "total", node->total);
	if (node->pushed_ns)
		dd_json_time(out, "pushed", node->pushed_ns);
	dd_json_text(out, "problem", node->problem);
}

/* The nodes are in the order of a walk: what is deeper comes in between. */
void dd_tree_json(const struct dd_tree *tree, struct dd_json_out *out)
{
	unsigned open = 0;

	dd_json_object(out, NULL);
	dd_json_text(out, "command", "tree");
	dd_json_array(out, "tree");
	for (size_t i = 0; i < tree->count && !dd_json_failed(out); i++) {
		const struct dd_tree_node *node = &tree->nodes[i];

		for (; open >= node->depth; open--) {
			dd_json_end(out);
			dd_json_end(out);
		}
		dd_json_object(out, NULL);
		put_node(node, out);
		if (!is_blob(node)) {
			dd_json_bool(out, "repeated", node->repeated);
			dd_json_bool(out, "cut", node->cut);
		}
		dd_json_array(out, "children");
		open = node->depth;
	}
	for (; open > 0; open--) {
		dd_json_end(out);
		dd_json_end(out);
	}
	dd_json_end(out);
	dd_json_uint(out, "problems", tree->problems);
	dd_json_end(out);
}
