/*
 * Coming by what an expression asks of an object: by a look, a link, or what the survey knows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/stored.h"
#include "inspect/find.h"

/* ---- looks ---- */

/* 0, DD_ENOENT, or DD_EIO: it was said. */
static int look_at(struct dd_find_worker *worker, struct dd_find_subject *subject,
		   const struct dd_place *place, struct dd_info *info)
{
	struct dd_error err = { 0 };
	int rc = dd_store_stat_near(worker->run->store, &worker->held, place, info, &err);

	if (rc == 0 && info->type != DD_ENTRY_FILE && place->kind != DD_IN_UPLOAD)
		rc = DD_EIRREGULAR;
	if (rc == 0 || rc == DD_ENOENT)
		return rc;
	if (rc == DD_ENOMEM)
		dd_find_stop(worker->run, rc, &err);
	else
		dd_find_trouble(worker, subject, place, dd_code_text(rc));
	return DD_EIO;
}

static int any_entry(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	(void)arg;
	(void)entry;
	(void)err;
	return 1;
}

/* A tag without its current link is one as long as it has a history; else a deletion left it. */
static bool has_history(struct dd_find_worker *worker, const struct dd_find_subject *subject)
{
	struct dd_place place = { .kind = DD_IN_HISTORY_OF,
				  .repository = subject->repository,
				  .tag = subject->tag };

	for (unsigned alg = 0; alg < DD_ALGORITHM_COUNT; alg++) {
		place.digest.alg = (uint8_t)alg;
		if (dd_store_list(worker->run->store, &place, any_entry, NULL, NULL) == 1)
			return true;
	}
	return false;
}

static void look_at_upload(struct dd_find_worker *worker, struct dd_find_subject *subject)
{
	static const enum dd_place_kind kinds[] = { DD_AT_UPLOAD, DD_AT_STARTEDAT, DD_IN_UPLOAD };
	struct dd_place place;
	struct dd_info info;

	dd_find_place(worker->run, subject, &place);
	for (size_t i = 0; i < DD_COUNT(kinds); i++) {
		int rc;

		place.kind = kinds[i];
		rc = look_at(worker, subject, &place, &info);
		if (rc == DD_ENOENT)
			continue;
		if (rc < 0)
			return;
		subject->there = true;
		if (info.mtime_ns > subject->mtime_ns)
			subject->mtime_ns = info.mtime_ns;
		if (kinds[i] == DD_AT_UPLOAD)
			subject->size = info.size;
		if (kinds[i] == DD_AT_STARTEDAT)
			break; /* the directory's time says nothing more */
	}
	subject->has_size = subject->there;
}

static void look(struct dd_find_worker *worker, struct dd_find_subject *subject)
{
	struct dd_place place;
	struct dd_info info;
	int rc;

	if (subject->class == DD_CLASS_REPOSITORY ||
	    (subject->class == DD_CLASS_TAG && worker->run->surveyed)) {
		subject->there = true; /* told when it was listed */
		return;
	}
	if (subject->class == DD_CLASS_UPLOAD) {
		look_at_upload(worker, subject);
		return;
	}
	dd_find_place(worker->run, subject, &place);
	rc = look_at(worker, subject, &place, &info);
	subject->there = rc == 0;
	if (rc == DD_ENOENT && subject->class == DD_CLASS_BLOB)
		subject->stored = dd_stored_stat_id(worker->run->store, worker->run->graph,
						    subject->id, &place, &info, NULL) == 0;
	if (rc == DD_ENOENT && subject->class == DD_CLASS_TAG) {
		subject->there = has_history(worker, subject);
		subject->state = DD_LINK_ABSENT;
	}
	if (rc < 0)
		return;
	subject->mtime_ns = info.mtime_ns;
	if (subject->class & (DD_CLASS_BLOB | DD_CLASS_LINK)) {
		subject->size = info.size;
		subject->has_size = true;
		subject->stamp = info.stamp;
	}
}

/* ---- links ---- */

static void follow_link(struct dd_find_worker *worker, struct dd_find_subject *subject)
{
	struct dd_place place;
	struct dd_error err = { 0 };
	const char *why;
	bool has = false;
	int rc;

	if (subject->has_digest || subject->state == DD_LINK_ABSENT)
		return;
	dd_find_place(worker->run, subject, &place);
	rc = dd_store_read(worker->run->store, &place, DD_LINK_MAX, &worker->buffer, NULL, &err);
	if (rc == DD_ENOENT) {
		subject->state = DD_LINK_ABSENT;
		return;
	}
	if (rc == DD_ENOMEM)
		dd_find_stop(worker->run, rc, &err);
	if (rc < 0) {
		dd_find_trouble(worker, subject, &place, dd_code_text(rc));
		return;
	}
	dd_link_parse(worker->buffer.bytes, worker->buffer.len, &subject->digest, &has, &why);
	subject->has_digest = has;
	if (!has)
		dd_find_trouble(worker, subject, &place, "it holds no digest");
	/* Only to ask what is known of it: nothing is added while many are looking. */
	if (has)
		subject->id = dd_ids_find(&worker->run->graph->ids, &subject->digest);
}

/* A link may say that its digest stands for another one. */
static bool other_stored(struct dd_find_worker *worker, struct dd_find_subject *subject)
{
	struct dd_place place, blob = { .kind = DD_AT_BLOB };
	struct dd_info info;
	const char *why;
	bool has = false;

	if (subject->class == DD_CLASS_TAG || subject->link == DD_AT_TAG)
		return false;
	dd_find_place(worker->run, subject, &place);
	if (dd_store_read(worker->run->store, &place, DD_LINK_MAX, &worker->buffer, NULL, NULL) < 0)
		return false;
	dd_link_parse(worker->buffer.bytes, worker->buffer.len, &blob.digest, &has, &why);
	return has && !dd_digest_equal(&blob.digest, &subject->digest) &&
	       look_at(worker, subject, &blob, &info) == 0;
}

static void look_for_bytes(struct dd_find_worker *worker, struct dd_find_subject *subject)
{
	struct dd_place place = { .kind = DD_AT_BLOB, .digest = subject->digest };
	struct dd_info info;
	int rc;

	if (!subject->has_digest)
		return;
	rc = look_at(worker, subject, &place, &info);
	subject->stored = rc == 0;
	if (rc == 0)
		subject->stamp = info.stamp;
	else if (rc == DD_ENOENT)
		subject->stored = other_stored(worker, subject);
}

/* ---- what the survey knows ---- */

/* Once for each digest, however many point to it. */
static void tell_doubt(struct dd_find_worker *worker, struct dd_find_subject *subject)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	struct dd_find_run_state *run = worker->run;
	const struct dd_node *node;

	if (subject->id >= run->graph->nodes.count || subject->problem)
		return;
	node = &run->graph->nodes.items[subject->id];
	if (node->flags & DD_NODE_DOUBT)
		subject->problem = dd_doubt_text(dd_graph_doubt(run->graph, subject->id)->doubt);
	else if (node->flags & DD_NODE_MISSING)
		subject->problem = "its manifest is not there";
	if (!subject->problem || !dd_find_is_first(run, subject->id))
		return;
	dd_text_printf(&text, "%s%s%s", subject->repository, subject->tag ? ":" : "@",
		       subject->tag ? subject->tag : dd_digest_text(&subject->digest));
	dd_find_problem(run, text.bytes ? text.bytes : "", subject->problem);
}

static int add_up(struct dd_find_worker *worker, struct dd_find_subject *subject,
		  struct dd_error *err)
{
	const struct dd_find_run_state *run = worker->run;
	const struct dd_repository *repo = run->survey->repositories.items[subject->repo];
	struct dd_sizer *sizer = &worker->sizer;
	int rc = sizer->stamps ? 0 : dd_sizer_init(sizer, run->graph, err);

	if (rc < 0)
		return rc;
	dd_sizer_begin(sizer);
	if (subject->class != DD_CLASS_REPOSITORY) {
		subject->has_size = dd_find_manifest_of(run, subject) != DD_NO_ID;
		rc = subject->id == DD_NO_ID ? 0 : dd_sizer_add(sizer, subject->id);
	} else {
		subject->has_size = true;
		for (size_t i = 0; i < repo->tags.count && rc == 0; i++)
			if (repo->tags.items[i].current != DD_NO_ID)
				rc = dd_sizer_add(sizer, repo->tags.items[i].current);
		for (size_t i = 0; i < repo->revisions.count && rc == 0; i++)
			if (repo->revisions.items[i].state != DD_LINK_ABSENT)
				rc = dd_sizer_add(sizer, repo->revisions.items[i].id);
	}
	subject->size = sizer->bytes;
	return rc < 0 ? dd_fail(err, rc, 0, "add up sizes") : 0;
}

#define OF_MANIFEST                                                                       \
	(DD_FACT_KIND | DD_FACT_READ | DD_FACT_PULL | DD_FACT_CONFIG | DD_FACT_PLATFORM | \
	 DD_FACT_SIGNS)

void dd_find_fetch(struct dd_find_worker *worker, struct dd_find_subject *subject, uint32_t facts)
{
	uint32_t todo = facts & ~subject->fetched;
	struct dd_error err = { 0 };
	int rc = 0;

	/* Whether its bytes are there is asked of a digest. */
	if (todo & (DD_FACT_STORED | DD_FACT_STATE))
		todo |= DD_FACT_DIGEST & ~subject->fetched;
	if (todo & DD_FACT_CONFIG && subject->class == DD_CLASS_BLOB)
		todo |= DD_FACT_LOOK & ~subject->fetched;
	subject->fetched |= todo;
	if (todo & DD_FACT_LOOK)
		look(worker, subject);
	if (todo & DD_FACT_DIGEST && subject->class & (DD_CLASS_TAG | DD_CLASS_LINK))
		follow_link(worker, subject);
	if (todo & DD_FACT_STORED && subject->class != DD_CLASS_BLOB)
		look_for_bytes(worker, subject);
	if (todo & OF_MANIFEST && subject->class & (DD_CLASS_TAG | DD_CLASS_REVISION))
		tell_doubt(worker, subject);
	if (todo & DD_FACT_PULL)
		rc = add_up(worker, subject, &err);
	if (rc == 0 && todo & (DD_FACT_CONFIG | DD_FACT_PLATFORM))
		rc = dd_find_fetch_config(worker, subject, &err);
	if (rc < 0)
		dd_find_stop(worker->run, rc, &err);
}
