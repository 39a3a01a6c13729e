/*
 * Running a collection, and what comes after it.
 */
#include <stdlib.h>

#include <drydock/units.h>

#include "cleanup.h"
#include "collection.h"
#include "post_exec.h"
#include "talk.h"
#include "textfile.h"

static void write_json(const void *gc, struct dd_json_out *out)
{
	dd_gc_json(gc, out);
}

/* The run is what the result is about; what failed beside it is told, and is the result if all else went well. */
static int also(int rc, int beside, const struct dd_error *why, struct dd_error *err)
{
	if (beside == 0)
		return rc;
	if (rc < 0) {
		talk_error(why);
		return rc;
	}
	*err = *why;
	return beside;
}

static int collect(struct tool *tool, const struct collection *how, struct dd_gc_options *options,
		   const char **metrics, struct dd_gc **gc, struct dd_error *err)
{
	int rc;

	tool->changes = how->apply;
	rc = tool_open(tool, err);

	if (how->opened)
		how->opened(tool);
	if (rc == 0)
		rc = textfile_check(tool->store, metrics, err);
	if (rc == 0 && how->check)
		rc = how->check(tool, options, err);
	if (rc == 0 && how->files) {
		rc = policy_open(how->files, how->policy, how->keep_from, err);
		options->policy = how->files->policy;
		options->keep = how->files->keep;
	}
	if (rc < 0)
		return rc;
	rc = cache_open(tool, how->cache, DD_INDEX_SURVEYED, &options->index, err);
	if (rc < 0)
		return rc;
	options->estimate = *metrics;
	dd_context_set_time_limit(tool->ctx, how->time_limit_ns);
	rc = (how->apply ? dd_gc_apply : dd_gc_plan)(tool->ctx, tool->store, options, gc, err);
	if (rc == DD_ECANCELLED && dd_context_time_is_up(tool->ctx) &&
	    (!*gc || !dd_gc_get_plan(*gc)->applied))
		dd_hint(err, "nothing was taken: the look at the volume alone takes longer");
	if (rc == 0 && how->planned)
		rc = how->planned(tool, *gc, err);
	if (options->remove_count && (!*gc || !dd_gc_get_plan(*gc)->applied))
		rc = tool_named(rc);
	/* What a run that failed did until then is worth knowing; what it only thought of is not. */
	if (rc < 0 && *gc && !dd_gc_get_plan(*gc)->applied) {
		dd_gc_close(*gc);
		*gc = NULL;
	}
	return rc;
}

static int write_metrics(struct tool *tool, const char *path, const struct dd_gc *gc,
			 int64_t began_ns, int rc, struct dd_error *err)
{
	AUTOFREE char *before = textfile_read(path);
	AUTOFREE char *text = NULL;
	struct dd_trash trash = { 0 };
	struct dd_gc_outcome outcome = { .began_ns = began_ns,
					 .ended_ns = dd_time_now(),
					 .status = tool_status(tool, rc) };

	if (tool->store) {
		outcome.volume = dd_store_get_root(tool->store);
		dd_context_ignore_time_limit(tool->ctx, true);
		if (dd_trash_load(tool->ctx, tool->store, &trash, NULL) == 0)
			outcome.trash = &trash;
	}
	rc = dd_gc_metrics(gc, &outcome, before, &text, err);
	dd_trash_release(&trash);
	return rc < 0 ? rc : textfile_replace(path, text, err);
}

int collection_run(struct tool *tool, const struct collection *how, struct dd_gc_options *options,
		   struct dd_error *err)
{
	CLEANUP(dd_gc_closep) struct dd_gc *gc = NULL;
	struct dd_error why = { 0 };
	int64_t began_ns = dd_time_now();
	const char *metrics = how->metrics;
	int rc = collect(tool, how, options, &metrics, &gc, err), beside = 0;
	bool failed = rc < 0;

	tool_results(tool);
	if (gc && rc == 0)
		rc = (int)dd_gc_plan_exit(dd_gc_get_plan(gc));
	/* At once: until then a registry may hand out what it only remembers. */
	if (gc && how->post_exec)
		beside = post_exec(tool, how->post_exec, dd_gc_get_plan(gc), tool_status(tool, rc),
				   &why);
	rc = also(rc, beside, &why, err);
	why = (struct dd_error){ 0 };
	beside = !gc	    ? 0 :
		 tool->json ? tool_print_json(write_json, gc, &why) :
			      how->print(tool, options, gc, failed, &why);
	rc = also(rc, beside, &why, err);
	if (!metrics)
		return rc;
	why = (struct dd_error){ 0 };
	beside = write_metrics(tool, metrics, gc, began_ns, rc, &why);
	return also(rc, beside, &why, err);
}
