/*
 * drydock find: an expression over the objects of a volume.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/escape.h>
#include <drydock/find.h>
#include <drydock/gc.h>

#include "cache.h"
#include "cleanup.h"
#include "find.h"
#include "render.h"
#include "talk.h"
#include "tool.h"

static struct {
	bool apply, bytes;
	int64_t grace_ns, lock_wait_ns;
	struct cache_settings cache;
} settings = { .grace_ns = DD_GC_GRACE };

static const struct option table[] = {
	{ "apply", 0, OPTION_FLAG, &settings.apply, NULL,
	  "carry -delete out; without it nothing is changed", NULL },
	{ "grace", 0, OPTION_DURATION, &settings.grace_ns, "DURATION",
	  "-delete: blobs, layer links and uploads that are younger stay (default: 24h)", NULL },
	{ "lock-wait", 0, OPTION_DURATION, &settings.lock_wait_ns, "DURATION",
	  "-delete: wait so long for another run to end (default: 0)", NULL },
	CACHE_OPTIONS(settings.cache, "neither use nor keep what was found out"),
	{ "bytes", 'b', OPTION_FLAG, &settings.bytes, NULL, "-ls: sizes in bytes", NULL },
	{ 0 },
};

struct finding {
	struct tool *tool;
	struct dd_json_out *json;
	struct find_commands *commands;
	struct find_deletions *deletions;
};

/* ---- actions ---- */

static int to_stdout(void *arg, const char *bytes, size_t len)
{
	(void)arg;
	return fwrite(bytes, 1, len, stdout) == len ? 0 : errno;
}

/* As it is, or fit for a terminal: never a line more than there are names. */
static int print_name(const char *name, bool raw)
{
	size_t len = strlen(name), need = dd_escape(NULL, 0, name, len);
	AUTOFREE char *escaped = NULL;

	if (raw) {
		fwrite(name, 1, len + 1, stdout);
		return 0;
	}
	if (need == len) {
		fwrite(name, 1, len, stdout);
	} else {
		escaped = malloc(need + 1);
		if (!escaped)
			return DD_ENOMEM;
		dd_escape(escaped, need + 1, name, len);
		fwrite(escaped, 1, need, stdout);
	}
	putchar('\n');
	return 0;
}

static int print_row(const struct dd_find_object *object)
{
	printf("%-10s  %10s  %-16s  ", dd_find_type_name(object->type),
	       object->has_size ? render_size(object->size) : "-",
	       object->mtime_ns ? render_time(object->mtime_ns) : "-");
	if (!object->problem)
		return print_name(object->name, false);
	printf("%s%s  (%s)%s\n", style_on(STYLE_BAD), dd_escaped(object->name), object->problem,
	       style_off());
	return 0;
}

static int act(struct finding *finding, const struct dd_find_action *action,
	       const struct dd_find_object *object, struct dd_error *err)
{
	int rc = 0;

	switch (action->kind) {
	case DD_FIND_PRINT:
	case DD_FIND_PRINT0:
		rc = print_name(object->name, action->kind == DD_FIND_PRINT0);
		break;
	case DD_FIND_LS:
		rc = print_row(object);
		break;
	case DD_FIND_PRINTF:
		rc = dd_find_printf(action->format, object, to_stdout, NULL, err);
		break;
	case DD_FIND_JSON:
		dd_find_json(object, finding->json);
		break;
	case DD_FIND_EXEC:
		return find_command(finding->commands, action, object->name, err);
	case DD_FIND_DELETE:
		rc = find_delete(finding->deletions, object, err);
		break;
	default:
		break;
	}
	if (rc == DD_ENOMEM)
		dd_fail(err, rc, 0, "print what was found");
	return rc < 0 ? rc : 1;
}

static int visit(void *arg, const struct dd_find_action *action,
		 const struct dd_find_object *object, struct dd_error *err)
{
	struct finding *finding = arg;
	int rc;

	tool_results(finding->tool);
	rc = act(finding, action, object, err);
	/* Nobody reads on: what becomes of that is said at the end of the program. */
	return ferror(stdout) ? DD_ECANCELLED : rc;
}

/* ---- the expression ---- */

/* What is an option is told by the tables; a word that is no part of an expression stays to be blamed. */
static size_t own_words(const char *const *words, size_t count)
{
	return dd_find_word_length(words, count);
}

/* The command line with its wrong word underlined. */
static void point(const struct options *options, size_t wrong)
{
	size_t begin = 0, len = 0;
	char *line = NULL;
	size_t size;
	FILE *out = open_memstream(&line, &size);

	if (!out)
		return;
	fputs("drydock find", out);
	for (size_t i = 0; i < options->own_count; i++) {
		const char *word = options->own[i];
		AUTOFREE char *quoted = tool_quote(&word, 1);

		fputc(' ', out);
		fflush(out);
		if (i == wrong)
			begin = size;
		fputs(quoted ? quoted : "?", out);
		fflush(out);
		if (i == wrong)
			len = size - begin;
	}
	if (fclose(out) == 0)
		talk_point(line, begin, len);
	free(line);
}

static int parse(const struct tool *tool, const struct options *options, struct dd_find **find,
		 struct dd_error *err)
{
	size_t wrong;
	int rc;

	rc = dd_find_open(options->own, options->own_count,
			  tool->json ? DD_FIND_JSON : DD_FIND_PRINT, find, &wrong, err);
	if (rc == DD_EUSAGE && !tool->quiet)
		point(options, wrong);
	return rc;
}

/* ---- the run ---- */

static int open_indexes(struct tool *tool, const struct dd_find *find, struct dd_index **verified,
			struct dd_index **surveyed, struct dd_error *err)
{
	int rc = 0;

	if (dd_find_needs_verified(find))
		rc = cache_open(tool, &settings.cache, DD_INDEX_VERIFIED, verified, err);
	if (rc == 0 && dd_find_needs_surveyed(find))
		rc = cache_open(tool, &settings.cache, DD_INDEX_SURVEYED, surveyed, err);
	return rc;
}

static int search(struct finding *finding, struct dd_find *find, struct dd_find_summary *summary,
		  struct dd_error *err)
{
	CLEANUP(dd_index_closep) struct dd_index *verified = NULL;
	CLEANUP(dd_index_closep) struct dd_index *surveyed = NULL;
	struct dd_find_options options = { .visit = visit, .arg = finding };
	int rc = open_indexes(finding->tool, find, &verified, &surveyed, err);

	options.verified = verified;
	options.surveyed = surveyed;
	if (rc == 0)
		rc = dd_find_run(finding->tool->ctx, finding->tool->store, find, &options, summary,
				 err);
	return rc;
}

static int conclude(struct finding *finding, const struct dd_find_summary *summary,
		    struct dd_error *err)
{
	const struct find_deletion_rules rules = { .apply = settings.apply,
						   .grace_ns = settings.grace_ns,
						   .lock_wait_ns = settings.lock_wait_ns,
						   .cache = &settings.cache };
	int status = summary->problems ? DD_EXIT_ATTENTION : DD_EXIT_DONE, rc;

	tool_results(finding->tool);
	if (find_commands_finish(finding->commands, err) > 0)
		status = DD_EXIT_ATTENTION;
	else if (err->code)
		return err->code;
	dd_json_finish(finding->json, NULL);
	rc = find_deletions_apply(finding->deletions, finding->tool, &rules, err);
	return rc ? rc : status;
}

static int run(struct tool *tool, const struct options *options, struct dd_error *err)
{
	CLEANUP(dd_find_closep) struct dd_find *find = NULL;
	CLEANUP(dd_json_closep) struct dd_json_out *json = NULL;
	CLEANUP(find_commands_closep) struct find_commands *commands = NULL;
	CLEANUP(find_deletions_closep) struct find_deletions *deletions = NULL;
	struct finding finding = { .tool = tool };
	struct dd_find_summary summary = { 0 };
	int rc = parse(tool, options, &find, err);

	if (rc == 0 && settings.apply && !dd_find_has_action(find, DD_FIND_DELETE))
		rc = dd_fail(err, DD_EUSAGE, 0,
			     "--apply without -delete: there is nothing to apply");
	if (rc < 0)
		return rc;
	tool->bytes = settings.bytes;
	tool->changes = settings.apply && !tool->dry_run;
	rc = tool_open(tool, err);
	if (rc == 0)
		rc = dd_json_open(&json, to_stdout, NULL, DD_JSON_LINES, err);
	if (rc == 0)
		rc = find_commands_open(&commands, err);
	if (rc == 0 && dd_find_has_action(find, DD_FIND_DELETE))
		rc = find_deletions_open(&deletions, err);
	if (rc < 0)
		return rc;
	finding.json = json;
	finding.commands = commands;
	finding.deletions = deletions;
	rc = search(&finding, find, &summary, err);
	if (rc < 0 && ferror(stdout))
		return DD_EXIT_DONE; /* or what becomes of it at the end of the program */
	return rc < 0 ? tool_named(rc) : conclude(&finding, &summary, err);
}

const struct command command_find = {
	.name = "find",
	.arguments = "[OPTION…] [EXPRESSION]",
	.summary = "find repositories, tags, manifests, layers, blobs, uploads and links",
	.description =
		"What the expression is true for is printed, or done to it what it says, in the manner\n"
		"of find(1). Tests may be joined by -a (or nothing), -o, \"!\" and parentheses.\n\n"
		"Tests:\n"
		"  -type TYPE[,TYPE…]           repository, tag, manifest, index, referrer, config,\n"
		"                               layer, blob, upload, link\n"
		"  -repo GLOB  -tag GLOB  -name GLOB  -digest PREFIX\n"
		"  -mediatype GLOB  -artifact-type GLOB  -platform OS/ARCH[/VARIANT]\n"
		"  -annotation KEY[=GLOB]  -label KEY[=GLOB]\n"
		"  -size [+-]SIZE  -refs [+-]N  -repos [+-]N  -shared  -empty\n"
		"  -mtime [+-]AGE  -created [+-]AGE  -newer TIME|REF\n"
		"  -tagged  -untagged  -unreferenced  -dangling  -corrupt  -signed  -has-sbom\n"
		"  -layer-of REF  -contains DIGEST  -true  -false\n"
		"Actions:\n"
		"  -print  -print0  -printf FORMAT  -ls  -json  -quit\n"
		"  -exec COMMAND {} \\;          -exec COMMAND {} +\n"
		"  -delete                      what would go; with --apply it goes\n",
	.examples = "  drydock find -type tag -name 'v1*'\n"
		    "  drydock find -type layer -size +500M -refs 1 -ls\n"
		    "  drydock find -type blob -unreferenced -printf '%s %p\\n'\n"
		    "  drydock find -type tag -repo 'ci/*' -mtime +30d -delete --apply\n"
		    "  drydock find -contains sha256:3b6ab2dc     who has this layer?\n",
	.options = table,
	.own = own_words,
	.run = run,
};
