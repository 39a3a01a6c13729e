/*
 * drydock tree: repositories, tags, manifests and layers, with what is about them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/tree.h>

#include "cache.h"
#include "cleanup.h"
#include "render.h"
#include "tool.h"

static struct {
	bool ascii, bytes;
	unsigned depth;
	struct cache_settings cache;
} settings;

static const struct option table[] = {
	{ "ascii", 0, OPTION_FLAG, &settings.ascii, NULL,
	  "branches of plain characters, whatever the locale has", NULL },
	{ "depth", 0, OPTION_NUMBER, &settings.depth, "N",
	  "levels to show (default: 2 of the whole volume, else all)", NULL },
	CACHE_OPTIONS(settings.cache, "neither use nor keep what was found out"),
	{ "bytes", 'b', OPTION_FLAG, &settings.bytes, NULL, "sizes in bytes", NULL },
	{ 0 },
};

enum { CELL_NAME, CELL_DIGEST, CELL_TYPE, CELL_SIZE, CELL_SHARED, CELL_PROBLEM, CELLS };

static const struct column columns[] = {
	[CELL_NAME] = { "NAME", COLUMN_TREE | COLUMN_NAME },
	[CELL_DIGEST] = { "DIGEST", 0 },
	[CELL_TYPE] = { "TYPE", COLUMN_SHRINK },
	[CELL_SIZE] = { "SIZE", COLUMN_RIGHT },
	[CELL_SHARED] = { "SHARED", 0 },
	[CELL_PROBLEM] = { "PROBLEM", COLUMN_SHRINK },
};

/* What a node is called: heap memory. */
static char *name_of(const struct dd_tree_node *node)
{
	const char *kind = dd_tree_kind_name(node->kind);
	char *text = NULL;
	int rc;

	if (node->kind == DD_TREE_REPOSITORY)
		rc = asprintf(&text, "%s", node->repository);
	else if (node->kind == DD_TREE_TAG)
		rc = asprintf(&text, "%s", node->tag);
	else if (node->kind == DD_TREE_REFERRER && node->tag)
		rc = asprintf(&text, "%s %s", kind, node->tag);
	else if (node->kind == DD_TREE_UNTAGGED)
		rc = asprintf(&text, "(untagged)");
	else
		rc = asprintf(&text, "%s", node->platform ? node->platform : kind);
	return rc < 0 ? NULL : text;
}

/* What it is, and why there is nothing below it. */
static char *type_of(const struct dd_tree_node *node)
{
	const char *type = node->artifact ? node->artifact : node->type;
	const char *more = node->repeated ? "parts are above" : NULL;
	char *text = NULL;

	if (node->kind == DD_TREE_REPOSITORY) {
		if (asprintf(&text, "%s, %s", render_count(node->tags, "tag", "tags"),
			     render_count(node->manifests, "manifest", "manifests")) < 0)
			return NULL;
		return text;
	}
	if (!node->present && !node->problem)
		more = "not here";
	if (asprintf(&text, "%s%s%s%s",
		     type ? type :
		     more ? "" :
			    "-",
		     more && type ? " (" : "", more ? more : "", more && type ? ")" : "") < 0)
		return NULL;
	return text;
}

static bool is_blob(const struct dd_tree_node *node)
{
	return node->kind == DD_TREE_CONFIG || node->kind == DD_TREE_LAYER ||
	       node->kind == DD_TREE_BLOB;
}

static enum render_style style_of(const struct dd_tree_node *node)
{
	return node->problem					 ? STYLE_BAD :
	       node->kind == DD_TREE_REPOSITORY			 ? STYLE_HEADING :
	       is_blob(node) || node->repeated || !node->present ? STYLE_FAINT :
								   STYLE_PLAIN;
}

/* What nobody says and is not here has none. */
static const char *size_of(const struct dd_tree_node *node)
{
	if (is_blob(node))
		return node->size || node->present ? render_size(node->size) : NULL;
	return render_size(node->total);
}

static int add_node(struct table *lines, const struct dd_tree_node *node, struct dd_error *err)
{
	AUTOFREE char *name = name_of(node), *type = type_of(node);
	const char *cells[CELLS] = { 0 };
	char shared[48];

	if (!name || !type)
		return dd_fail(err, DD_ENOMEM, 0, "print the tree");
	snprintf(shared, sizeof(shared), "by %llu", (unsigned long long)node->used_by);
	cells[CELL_NAME] = name;
	cells[CELL_DIGEST] = node->has_digest ? render_digest(&node->digest) : NULL;
	cells[CELL_TYPE] = type;
	cells[CELL_SIZE] = size_of(node);
	cells[CELL_SHARED] = node->used_by > 1 ? shared : NULL;
	cells[CELL_PROBLEM] = node->problem;
	table_add_below(lines, node->parent == DD_TREE_NONE ? TABLE_TOP : node->parent,
			style_of(node), cells);
	return 0;
}

static int print_tree(const struct dd_tree *tree, struct dd_error *err)
{
	CLEANUP(table_closep) struct table *lines = NULL;
	bool problems = false;
	int rc = 0;

	for (size_t i = 0; i < tree->count; i++)
		problems |= tree->nodes[i].problem != NULL;
	/* Last, and only where there is one, so that scripts find the others where they were. */
	lines = table_open(columns, problems ? CELLS : CELLS - 1);
	if (settings.ascii)
		table_use_ascii(lines);
	for (size_t i = 0; i < tree->count && rc == 0; i++)
		rc = add_node(lines, &tree->nodes[i], err);
	return rc < 0 ? rc : table_print(lines, err);
}

static void write_json(const void *tree, struct dd_json_out *out)
{
	dd_tree_json(tree, out);
}

static int show(struct tool *tool, const struct dd_reference *reference, struct dd_error *err)
{
	CLEANUP(dd_index_closep) struct dd_index *index = NULL;
	CLEANUP(dd_tree_release) struct dd_tree tree = { 0 };
	struct dd_tree_options how = { .depth = settings.depth ? settings.depth :
						reference      ? 0 :
								 2 };
	/* Opening it takes longer than to look at one repository. */
	int rc = reference ? 0 : cache_open(tool, &settings.cache, DD_INDEX_SURVEYED, &index, err);

	how.index = index;
	if (rc == 0)
		rc = dd_tree(tool->ctx, tool->store, reference, &how, &tree, err);

	if (rc < 0)
		return tool_named(rc);
	tool_results(tool);
	if (tool->json)
		rc = tool_print_json(write_json, &tree, err);
	else if (tree.count)
		rc = print_tree(&tree, err);
	else if (!tool->quiet)
		puts("(no repositories)");
	if (rc < 0)
		return rc;
	return tool_looked(tool, tree.problems);
}

static int run(struct tool *tool, const struct options *options, struct dd_error *err)
{
	struct dd_reference reference;
	int rc = tool_check_words(options, 1, err);

	if (rc == 0 && options->word_count)
		rc = dd_reference_parse(&reference, options->words[0], err);
	if (rc < 0)
		return rc;
	tool->bytes = settings.bytes;
	rc = tool_open(tool, err);
	return rc < 0 ? rc : show(tool, options->word_count ? &reference : NULL, err);
}

const struct command command_tree = {
	.name = "tree",
	.arguments = "[OPTION…] [REF]",
	.summary = "repositories, tags, platforms and layers as a tree",
	.description =
		"Without REF: every repository with its tags. REPO: its tags, the platforms of\n"
		"each, their layers, and what is about them: signatures, SBOMs, attestations.\n"
		"REPO:TAG, REPO@DIGEST or DIGEST: that one. Untagged manifests are shown as such.\n",
	.examples = "  drydock tree                      what is there\n"
		    "  drydock tree library/app          down to the layers\n"
		    "  drydock tree library/app --depth 3\n"
		    "                                    not so deep\n"
		    "  drydock tree library/app:v1       one image\n",
	.options = table,
	.run = run,
};
