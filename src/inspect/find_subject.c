/*
 * The object that is asked about: where it lies, how it is called, and what is the matter with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/find.h"

void dd_find_place(const struct dd_find_run_state *run, const struct dd_find_subject *subject,
		   struct dd_place *place)
{
	(void)run;
	*place = (struct dd_place){ .repository = subject->repository,
				    .tag = subject->tag,
				    .upload = subject->upload,
				    .digest = subject->digest };
	place->kind = subject->class == DD_CLASS_REPOSITORY ? DD_IN_REPOSITORY :
		      subject->class == DD_CLASS_TAG	    ? DD_AT_TAG :
		      subject->class == DD_CLASS_REVISION   ? DD_AT_REVISION :
		      subject->class == DD_CLASS_LINK	    ? subject->link :
		      subject->class == DD_CLASS_UPLOAD	    ? DD_IN_UPLOAD :
							      DD_AT_BLOB;
}

const char *dd_find_place_text(const struct dd_place *place)
{
	static _Thread_local char texts[2][1024];
	static _Thread_local unsigned next;
	char *text = texts[next++ % DD_COUNT(texts)];
	DD_AUTOFREE char *path = NULL;

	dd_layout_path(place, &path, NULL);
	snprintf(text, sizeof(texts[0]), "%s", path ? path : dd_place_kind_name(place->kind));
	return text;
}

uint32_t dd_find_manifest_of(const struct dd_find_run_state *run,
			     const struct dd_find_subject *subject)
{
	return subject->id < run->graph->nodes.count ?
		       run->graph->nodes.items[subject->id].manifest :
		       DD_NO_ID;
}

void dd_find_stop(struct dd_find_run_state *run, int rc, const struct dd_error *err)
{
	pthread_mutex_lock(&run->lock);
	if (run->rc == 0) {
		run->rc = rc;
		if (err)
			run->error = *err;
	}
	pthread_mutex_unlock(&run->lock);
}

void dd_find_problem(struct dd_find_run_state *run, const char *where, const char *what)
{
	pthread_mutex_lock(&run->lock);
	run->summary->problems++;
	pthread_mutex_unlock(&run->lock);
	dd_log(run->ctx, DD_LOG_WARNING, "%s: %s", where, what);
}

void dd_find_trouble(struct dd_find_worker *worker, struct dd_find_subject *subject,
		     const struct dd_place *place, const char *what)
{
	if (!subject->problem)
		dd_find_problem(worker->run, dd_find_place_text(place), what);
	subject->problem = what;
	subject->unsure = true;
}

bool dd_find_is_first(struct dd_find_run_state *run, uint32_t id)
{
	bool first;

	pthread_mutex_lock(&run->lock);
	if (!run->told)
		run->told = calloc(run->graph->nodes.count + 1, sizeof(*run->told));
	first = !run->told || !run->told[id];
	if (run->told)
		run->told[id] = true;
	pthread_mutex_unlock(&run->lock);
	return first;
}
