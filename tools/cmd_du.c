/*
 * drydock du: what takes the space.
 */
#include <stdlib.h>

#include <drydock/reference.h>

#include "cache.h"
#include "cleanup.h"
#include "du.h"
#include "textfile.h"

static struct {
	unsigned by, top, depth;
	bool apparent, bytes, exclusive;
	const char *metrics;
	struct cache_settings cache;
} settings;

/* In the order of enum dd_du_by, after "not given". */
static const char *const kinds[] = { "",	  "repository", "tag", "namespace",
				     "mediatype", "layer",	"age", NULL };

static const struct option table[] = {
	{ "by", 0, OPTION_CHOICE, &settings.by, "repository|tag|namespace|mediatype|layer|age",
	  "what a row is (default: repository, below its namespace; of one repository its tags)",
	  kinds },
	{ "top", 0, OPTION_NUMBER, &settings.top, "N", "only the N largest, at each level", NULL },
	{ "depth", 0, OPTION_NUMBER, &settings.depth, "N",
	  "components of names to show (default: all; with --by namespace 1)", NULL },
	{ "apparent-size", 0, OPTION_FLAG, &settings.apparent, NULL,
	  "sizes of files, instead of what the file system allocates for them", NULL },
	{ "exclusive", 0, OPTION_FLAG, &settings.exclusive, NULL,
	  "of one repository, too, what it alone needs: looks at the whole volume", NULL },
	{ "metrics", 0, OPTION_TEXT, &settings.metrics, "FILE",
	  "write gauges for Prometheus there: the volume's and every repository's", NULL },
	CACHE_OPTIONS(settings.cache, "neither use nor keep what was found out"),
	{ "bytes", 'b', OPTION_FLAG, &settings.bytes, NULL, "sizes in bytes", NULL },
	{ 0 },
};

static void write_json(const void *du, struct dd_json_out *out)
{
	dd_du_json(du, out);
}

static int write_metrics(const struct tool *tool, const struct dd_du *du, struct dd_error *err)
{
	AUTOFREE char *text = NULL;
	int rc = dd_du_metrics(du, dd_store_get_root(tool->store), &text, err);

	return rc < 0 ? rc : textfile_replace(settings.metrics, text, err);
}

static int measure(struct tool *tool, const struct dd_du_options *options, struct dd_error *err)
{
	CLEANUP(dd_du_release) struct dd_du du = { 0 };
	int rc = dd_du(tool->ctx, tool->store, options, &du, err);

	if (rc < 0)
		return tool_named(rc);
	tool_results(tool);
	/* For cron: the metrics are the result. */
	if (tool->json)
		rc = tool_print_json(write_json, &du, err);
	else if (!tool->quiet || !settings.metrics)
		rc = du_print(&du, err);
	if (rc == 0 && settings.metrics)
		rc = write_metrics(tool, &du, err);
	if (rc < 0)
		return rc;
	return tool_looked(tool, du.problems);
}

static int choose(const struct options *words, struct dd_reference *reference,
		  struct dd_du_options *options, struct dd_error *err)
{
	int rc = tool_check_words(words, 1, err);

	if (rc == 0 && words->word_count) {
		rc = dd_reference_parse(reference, words->words[0], err);
		options->repository = reference->repository;
	}
	if (rc == 0 && (reference->tag[0] || reference->digest[0])) {
		rc = dd_fail(err, DD_EUSAGE, 0, "\"%.400s\" is no repository", words->words[0]);
		dd_hint(err, "'drydock show --free REF' says what one image takes");
	}
	options->by = settings.by	  ? (enum dd_du_by)(settings.by - 1) :
		      options->repository ? DD_DU_TAG :
					    DD_DU_REPOSITORY;
	if (rc == 0 && settings.metrics &&
	    (options->repository ||
	     (options->by != DD_DU_REPOSITORY && options->by != DD_DU_NAMESPACE)))
		rc = dd_fail(err, DD_EUSAGE, 0,
			     "--metrics is about all repositories: name none, and nothing else "
			     "with --by");
	return rc;
}

static int run(struct tool *tool, const struct options *words, struct dd_error *err)
{
	CLEANUP(dd_index_closep) struct dd_index *index = NULL;
	CLEANUP(dd_index_closep) struct dd_index *measured = NULL;
	struct dd_reference reference = { 0 };
	struct dd_du_options options = {
		.apparent = settings.apparent,
		.exclusive = settings.exclusive,
		.top = settings.top,
		.depth = settings.depth,
	};
	int rc = choose(words, &reference, &options, err);

	if (rc < 0)
		return rc;
	tool->bytes = settings.bytes;
	rc = tool_open(tool, err);
	if (rc == 0)
		rc = textfile_check(tool->store, &settings.metrics, err);
	/* Of one repository there is nothing to be remembered that takes long to find out. */
	if (rc == 0 && !options.repository)
		rc = cache_open(tool, &settings.cache, DD_INDEX_SURVEYED, &index, err);
	if (rc == 0 && index)
		rc = cache_open(tool, &settings.cache, DD_INDEX_MEASURED, &measured, err);
	options.index = index;
	options.measured = measured;
	return rc < 0 ? rc : measure(tool, &options, err);
}

const struct command command_du = {
	.name = "du",
	.arguments = "[OPTION…] [REPO]",
	.summary = "what takes the space",
	.description =
		"By namespace and repository, or whatever --by says, the largest first. LOGICAL is\n"
		"what pulling every tag would transfer, PHYSICAL its blobs, each once, EXCLUSIVE what\n"
		"would go with it, SHARED the rest. The totals add up to what du(1) says.\n",
	.examples =
		"  drydock du                        who takes how much?\n"
		"  drydock du --top 5 --depth 1      the largest namespaces\n"
		"  drydock du library/app            its tags\n"
		"  drydock du --by layer --top 10    the largest layers, and how many need them\n"
		"  drydock du -q --metrics /var/lib/node_exporter/drydock-du.prom\n",
	.options = table,
	.run = run,
};
