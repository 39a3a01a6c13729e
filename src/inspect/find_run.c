/*
 * A run: what is needed, listing or survey, then in portions: tests by many threads, actions by one.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "base/jobs.h"
#include "inspect/find.h"

#define PORTION 8192 /* objects that are looked at before any is told */
#define BATCH 128

/* ---- what is needed ---- */

#define OF_REPOSITORY                                                                         \
	(DD_FACT_KIND | DD_FACT_READ | DD_FACT_PULL | DD_FACT_CONFIG | DD_FACT_PLATFORM |     \
	 DD_FACT_SIGNS | DD_FACT_TAGGED | DD_FACT_CONTENT | DD_FACT_TAGS | DD_FACT_CONTAINS | \
	 DD_FACT_STATE)
#define OF_ALL (DD_FACT_COUNT | DD_FACT_REACH | DD_FACT_UNTAGGED | DD_FACT_REPOS)
#define OF_SAID                                                                            \
	(DD_FACT_KIND | DD_FACT_NAMED | DD_FACT_READ | DD_FACT_CONFIG | DD_FACT_PLATFORM | \
	 DD_FACT_SIGNS)
#define WITHOUT_MANIFESTS \
	(DD_FACT_LOOK | DD_FACT_DIGEST | DD_FACT_STORED | DD_FACT_LAYER_OF | DD_FACT_STATE)

enum reach { NAMES, OF_REPOSITORIES, OF_VOLUME };

static enum reach reach_of(unsigned class, uint32_t facts)
{
	if (facts & OF_ALL || (class == DD_CLASS_BLOB && facts & ~WITHOUT_MANIFESTS))
		return OF_VOLUME;
	if (class == DD_CLASS_BLOB)
		return NAMES;
	if (facts & OF_REPOSITORY || (class == DD_CLASS_REPOSITORY && facts & DD_FACT_LOOK))
		return OF_REPOSITORIES;
	return NAMES;
}

static enum reach learn_needs(struct dd_find_run_state *run)
{
	enum reach reach = NAMES;

	for (unsigned class = 1; class & DD_CLASS_ALL; class <<= 1) {
		struct dd_find_subject subject = { .level = DD_KNOWN_CLASS, .class = class };
		enum reach own;

		dd_find_evaluate(run->find->root, &subject, run, NULL);
		if (!subject.acts)
			continue;
		run->classes |= class;
		run->class_facts[dd_find_class_index(class)] = subject.wanted;
		run->facts |= subject.wanted;
		own = reach_of(class, subject.wanted);
		reach = own > reach ? own : reach;
	}
	return reach;
}

bool dd_find_needs_verified(const struct dd_find *find)
{
	struct dd_find_run_state run = { .find = (struct dd_find *)find };

	learn_needs(&run);
	return run.facts & DD_FACT_STATE;
}

/* Opening it takes longer than to look at a few repositories. */
static bool needs_surveyed(const struct dd_find_run_state *run, enum reach reach)
{
	for (size_t i = 0; i < run->find->tests.count && reach == OF_REPOSITORIES; i++)
		if (!strcmp(run->find->tests.items[i]->kind->name, "-repo"))
			return false;
	return reach != NAMES;
}

bool dd_find_needs_surveyed(const struct dd_find *find)
{
	struct dd_find_run_state run = { .find = (struct dd_find *)find };
	enum reach reach = learn_needs(&run);

	return needs_surveyed(&run, reach);
}

static void log_needs(const struct dd_find_run_state *run, enum reach reach)
{
	static const char *const words[] = { "names",
					     "manifests of the repositories that can match",
					     "all manifests" };
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };

	if (dd_find_describe(run->find, &text) == 0)
		dd_log(run->ctx, DD_LOG_DEBUG, "%s; needs %s", text.bytes, words[reach]);
}

/* ---- looking ---- */

static bool wants(void *arg, const char *repository)
{
	const struct dd_find_run_state *run = arg;

	return dd_find_wants_repository(run, run->classes, repository);
}

/* Where manifests are read, what could not be read is worth a word, and a bad exit status. */
static void tell_trouble(struct dd_find_run_state *run)
{
	bool held = run->whole; /* then doubts are told as what they hold */
	const struct dd_survey *survey = run->survey;

	for (size_t i = 0; i < survey->unread.count; i++)
		dd_log(run->ctx, DD_LOG_WARNING, "%s", survey->unread.items[i]);
	run->summary->problems += survey->unreadable;
	for (size_t i = 0; i < survey->notes.count && run->classes & DD_CLASS_UPLOAD; i++)
		if (strstr(survey->notes.items[i], "/_uploads/"))
			dd_log(run->ctx, DD_LOG_WARNING, "%s", survey->notes.items[i]);
	for (size_t i = 0; i < survey->doubts.count && !held; i++)
		dd_find_problem(run, survey->doubts.items[i].detail,
				dd_doubt_text(survey->doubts.items[i].doubt));
	for (size_t i = 0; i < survey->repositories.count; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];

		for (size_t k = 0; k < repo->doubts.count && !held; k++)
			dd_find_problem(run, repo->name,
					dd_doubt_text(repo->doubts.items[k].doubt));
	}
}

static int survey(struct dd_find_run_state *run, enum reach reach, struct dd_error *err)
{
	const struct dd_onlooker onlooker = { .arg = &run->said, .manifest = dd_find_hear };
	const struct dd_survey_options options = {
		.no_blobs = !(run->classes & DD_CLASS_BLOB || run->facts & DD_FACT_REACH),
		.wants = reach == OF_REPOSITORIES ? wants : NULL,
		.wants_arg = run,
		.index = needs_surveyed(run, reach) ? run->options->surveyed : NULL,
		.onlooker = run->facts & OF_SAID ? &onlooker : NULL,
	};
	int rc = dd_survey_open(run->ctx, run->store, run->graph, &options, &run->survey, err);

	run->surveyed = true;
	run->whole = reach == OF_VOLUME;
	if (rc == 0)
		tell_trouble(run);
	return rc;
}

/* ---- testing ---- */

static struct dd_find_worker *take_worker(struct dd_find_run_state *run)
{
	struct dd_find_worker *worker;

	pthread_mutex_lock(&run->lock);
	worker = run->idle;
	if (worker)
		run->idle = worker->next;
	pthread_mutex_unlock(&run->lock);
	if (worker)
		return worker;
	worker = calloc(1, sizeof(*worker));
	if (worker)
		worker->run = run;
	return worker;
}

static void give_worker(struct dd_find_run_state *run, struct dd_find_worker *worker)
{
	pthread_mutex_lock(&run->lock);
	worker->next = run->idle;
	run->idle = worker;
	pthread_mutex_unlock(&run->lock);
}

static void close_workers(struct dd_find_run_state *run)
{
	while (run->idle) {
		struct dd_find_worker *worker = run->idle;

		run->idle = worker->next;
		dd_directory_closep(&worker->held);
		dd_json_reader_closep(&worker->json);
		dd_buffer_release(&worker->buffer);
		dd_sizer_release(&worker->sizer);
		free(worker->stamps);
		dd_list_release(&worker->stack);
		dd_text_release(&worker->name);
		free(worker);
	}
}

/* A directory without its file is what a deletion leaves; a named part that is missing is an object. */
static bool exists(const struct dd_find_run_state *run, const struct dd_find_subject *subject)
{
	if (subject->there || subject->problem)
		return true;
	return subject->class == DD_CLASS_BLOB &&
	       run->class_facts[dd_find_class_index(DD_CLASS_BLOB)] &
		       (DD_FACT_KIND | DD_FACT_NAMED) &&
	       dd_find_flags(&run->said, subject->id) &
		       (DD_SAID_LAYER | DD_SAID_CONFIG | DD_SAID_PART);
}

static void examine(struct dd_find_worker *worker, struct dd_find_subject *subject)
{
	struct dd_find_run_state *run = worker->run;

	dd_find_evaluate(run->find->root, subject, run, worker);
	if (!subject->acts)
		return;
	/* In a survey a manifest's link was looked at. */
	if (subject->class != DD_CLASS_REVISION || !run->surveyed)
		subject->wanted |= DD_FACT_LOOK;
	else
		subject->there = true;
	dd_find_fetch(worker, subject, subject->wanted);
	subject->acts = exists(run, subject);
}

struct batch {
	struct dd_find_run_state *run;
	struct dd_find_subject *subjects;
	size_t count;
};

static void examine_batch(void *arg)
{
	struct batch *batch = arg;
	struct dd_find_run_state *run = batch->run;
	struct dd_find_worker *worker = take_worker(run);

	if (!worker)
		dd_find_stop(run, DD_ENOMEM, NULL);
	for (size_t i = 0; worker && i < batch->count && !dd_context_cancelled(run->ctx); i++)
		examine(worker, &batch->subjects[i]);
	dd_progress_add(run->ctx, batch->count);
	if (worker)
		give_worker(run, worker);
	free(batch);
}

/* ---- portions ---- */

struct portion {
	struct dd_find_run_state *run;
	struct dd_jobs *jobs;
	struct dd_find_worker *teller;
	struct dd_find_subject *subjects;
	size_t count, begun;
};

static void begin_batch(struct portion *portion)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch) {
		dd_find_stop(portion->run, DD_ENOMEM, NULL);
		return;
	}
	*batch = (struct batch){ portion->run, portion->subjects + portion->begun,
				 portion->count - portion->begun };
	portion->begun = portion->count;
	dd_jobs_add(portion->jobs, examine_batch, batch);
}

static int finish_portion(struct portion *portion, struct dd_error *err)
{
	struct dd_find_run_state *run = portion->run;
	int rc;

	if (portion->begun < portion->count)
		begin_batch(portion);
	dd_jobs_wait(portion->jobs);
	rc = dd_context_check(run->ctx, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < portion->count && run->rc == 0 && !run->ended; i++) {
		portion->subjects[i].level = DD_KNOWN_OBJECT;
		if (portion->subjects[i].acts)
			dd_find_evaluate(run->find->root, &portion->subjects[i], run,
					 portion->teller);
	}
	run->summary->looked_at += portion->count;
	portion->count = portion->begun = 0;
	if (run->rc < 0) {
		if (err)
			*err = run->error;
		return run->error.text[0] ? run->rc :
					    dd_fail(err, run->rc, 0, "look at what may match");
	}
	return run->ended; /* 1 ends the listing */
}

static int add_member(void *arg, const struct dd_find_subject *subject, struct dd_error *err)
{
	struct portion *portion = arg;

	portion->subjects[portion->count++] = *subject;
	if (portion->count - portion->begun == BATCH)
		begin_batch(portion);
	return portion->count == PORTION ? finish_portion(portion, err) : 0;
}

static int tell(struct dd_find_run_state *run, struct dd_error *err)
{
	DD_CLEANUP(dd_jobs_closep) struct dd_jobs *jobs = NULL;
	DD_AUTOFREE struct dd_find_subject *subjects = calloc(PORTION, sizeof(*subjects));
	struct portion portion = { .run = run, .subjects = subjects };
	int rc = dd_jobs_open(run->ctx, &jobs, err);

	if (rc < 0)
		return rc;
	portion.jobs = jobs;
	portion.teller = take_worker(run);
	if (!subjects || !portion.teller)
		return dd_fail(err, DD_ENOMEM, 0, "look at what may match");
	portion.teller->acting = true;
	dd_progress_begin(run->ctx, "finding", 0);
	dd_store_begin_looks(run->store);
	rc = dd_find_members(run, add_member, &portion, err);
	if (rc == 0)
		rc = finish_portion(&portion, err);
	dd_jobs_wait(jobs);
	dd_store_end_looks(run->store);
	dd_progress_end(run->ctx);
	give_worker(run, portion.teller);
	return rc < 0 ? rc : 0;
}

static int prepare(struct dd_find_run_state *run, struct dd_error *err)
{
	enum reach reach = learn_needs(run);
	int rc = dd_graph_open(&run->graph, err);

	log_needs(run, reach);
	run->said = (struct dd_find_said){ .find = run->find,
					   .graph = run->graph,
					   .facts = run->facts };
	if (rc == 0)
		rc = dd_find_resolve(run, err);
	if (rc == 0)
		rc = reach == NAMES ? dd_find_list(run, err) : survey(run, reach, err);
	if (rc == 0)
		rc = dd_find_said_settle(&run->said, err);
	if (rc == 0)
		rc = dd_find_resolve_contained(run, err);
	return rc < 0 ? rc : dd_find_weigh(run, err);
}

int dd_find_run(struct dd_context *ctx, struct dd_store *store, struct dd_find *find,
		const struct dd_find_options *options, struct dd_find_summary *summary,
		struct dd_error *err)
{
	struct dd_find_run_state run = { .ctx = ctx,
					 .store = store,
					 .find = find,
					 .options = options,
					 .summary = summary,
					 .now_ns = dd_time_now() };
	int rc;

	*summary = (struct dd_find_summary){ 0 };
	pthread_mutex_init(&run.lock, NULL);
	rc = prepare(&run, err);
	if (rc == 0 && run.classes)
		rc = tell(&run, err);
	close_workers(&run);
	pthread_mutex_destroy(&run.lock);
	dd_mark_closep(&run.mark);
	dd_find_said_release(&run.said);
	dd_survey_closep(&run.survey);
	dd_graph_closep(&run.graph);
	free(run.refs);
	free(run.repos);
	free(run.tagged);
	free(run.untagged);
	free(run.configs);
	free(run.told);
	return rc;
}
