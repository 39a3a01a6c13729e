/*
 * A verification's life: survey, passes, order.
 */
#include <stdlib.h>
#include <string.h>

#include "verify/verify.h"

static const struct {
	const char *name;
	int (*run)(struct dd_verify *verify, struct dd_error *err);
} passes[] = {
	/* What is there comes first, for the others ask; what a link says before who needs it. */
	{ "blobs", dd_verify_blobs },
	{ "links", dd_verify_links },
	{ "manifests", dd_verify_manifests },
	{ "tags", dd_verify_tags },
	{ "repositories", dd_verify_repositories },
	{ "uploads", dd_verify_uploads },
	{ "names", dd_verify_names },
};

/* ---- the run ---- */

static int prepare(struct dd_verify *verify, struct dd_error *err)
{
	size_t nodes = verify->graph->nodes.count + 1,
	       repositories = verify->survey->repositories.count + 1;

	verify->sizes = calloc(nodes, sizeof(*verify->sizes));
	verify->verdicts = calloc(nodes, 1);
	verify->layers = calloc(repositories, sizeof(*verify->layers));
	if (!verify->sizes || !verify->verdicts || !verify->layers)
		return dd_fail(err, DD_ENOMEM, 0, "verify");
	return 0;
}

static void count_structure(struct dd_verify *verify)
{
	struct dd_verify_summary *summary = &verify->summary;

	summary->repositories = verify->survey->repositories.count;
	summary->manifests = verify->graph->manifests.count;
	for (size_t i = 0; i < verify->survey->repositories.count; i++)
		summary->tags += verify->survey->repositories.items[i]->tags.count;
}

static int run(struct dd_verify *verify, struct dd_error *err)
{
	int rc = dd_verify_survey(verify, err);

	if (rc == 0)
		rc = prepare(verify, err);
	if (rc < 0)
		return rc;
	count_structure(verify);
	dd_store_begin_looks(verify->store);
	for (size_t i = 0; i < DD_COUNT(passes) && rc == 0; i++) {
		rc = passes[i].run(verify, err);
		if (rc == 0)
			rc = dd_context_check(verify->ctx, err);
	}
	dd_store_end_looks(verify->store);
	return rc;
}

/* What was found until then is worth telling, however the run ended. */
static int finish(struct dd_verify *verify, int rc, struct dd_error *err)
{
	struct dd_error own = { 0 };

	if (dd_verify_remember(verify, &own) < 0 ||
	    dd_verify_settle_audit(verify, rc == 0, &own) < 0)
		dd_log(verify->ctx, DD_LOG_WARNING, "%s", own.text);
	if (verify->verdicts)
		dd_verify_find_oldest(verify);
	verify->summary.ended_ns = dd_time_now();
	dd_verify_settle(verify);
	verify->summary.complete = rc == 0 && !verify->summary.unseen &&
				   !(verify->survey && verify->survey->unreadable);
	if (rc == 0 && dd_verify_record_run(verify, &own) < 0)
		dd_log(verify->ctx, DD_LOG_WARNING, "%s", own.text);
	if (verify->verdicts && verify->layers && dd_verify_name_images(verify, &own) < 0 &&
	    rc == 0) {
		if (err)
			*err = own;
		return own.code;
	}
	return rc;
}

int dd_verify(struct dd_context *ctx, struct dd_store *store,
	      const struct dd_verify_options *options, struct dd_verify **out, struct dd_error *err)
{
	struct dd_verify *verify = calloc(1, sizeof(*verify));
	int rc;

	*out = verify;
	if (!verify)
		return dd_fail(err, DD_ENOMEM, 0, "verify");
	pthread_mutex_init(&verify->lock, NULL);
	pthread_mutex_init(&verify->memory_lock, NULL);
	verify->ctx = ctx;
	verify->store = store;
	verify->options = *options;
	/* Of what a reference reaches nothing can be told about the rest. */
	verify->audited = options->reference ? NULL : options->audited;
	verify->start = DD_NO_ID;
	verify->now_ns = verify->summary.began_ns = dd_time_now();
	verify->summary.quick = options->quick;
	dd_verify_look_on(verify);
	rc = dd_graph_open(&verify->graph, err);
	if (rc == 0)
		rc = run(verify, err);
	return finish(verify, rc, err);
}

void dd_verify_close(struct dd_verify *verify)
{
	if (!verify)
		return;
	for (size_t i = 0; verify->layers && i < verify->survey->repositories.count; i++)
		free(verify->layers[i]);
	free(verify->layers);
	free(verify->sizes);
	free(verify->places);
	free(verify->candidates);
	dd_list_release(&verify->aliases);
	dd_list_release(&verify->alias_sizes);
	free(verify->verdicts);
	free(verify->scope);
	free(verify->whens);
	dd_list_release(&verify->learnt);
	dd_list_release(&verify->collected);
	dd_trash_release(&verify->trash);
	dd_list_release(&verify->proofs);
	dd_list_release(&verify->facts);
	dd_list_release(&verify->inferred);
	dd_list_release(&verify->reports);
	for (size_t i = 0; i < verify->foreseen.count; i++)
		dd_list_release(&verify->foreseen.items[i]);
	dd_list_release(&verify->foreseen);
	dd_list_release(&verify->expected.unread);
	dd_list_release(&verify->expected.links);
	dd_arena_release(&verify->strings);
	dd_owners_release(&verify->owners);
	dd_owners_release(&verify->directories);
	dd_survey_closep(&verify->survey);
	dd_graph_closep(&verify->graph);
	pthread_mutex_destroy(&verify->memory_lock);
	pthread_mutex_destroy(&verify->lock);
	free(verify);
}

void dd_verify_closep(struct dd_verify **verify)
{
	dd_verify_close(*verify);
	*verify = NULL;
}

const struct dd_verify_summary *dd_verify_get_summary(const struct dd_verify *verify)
{
	return &verify->summary;
}

size_t dd_verify_get_count(const struct dd_verify *verify)
{
	return verify->reports.count;
}

const struct dd_found *dd_verify_get_found(const struct dd_verify *verify, size_t at)
{
	return &verify->reports.items[at].found;
}

enum dd_exit dd_verify_exit(const struct dd_verify_summary *summary)
{
	if (summary->errors)
		return DD_EXIT_ATTENTION;
	return summary->complete ? DD_EXIT_DONE : DD_EXIT_FAILED;
}
