/*
 * Histories: of one tag, of a repository's, of all tags that there are.
 */
#include <pthread.h>
#include <string.h>

#include <drydock/walk.h>

#include "base/cleanup.h"
#include "inspect/log.h"

static const char *const states[] = {
#define X(constant, name, text) [constant] = name,
	DD_HISTORY_STATES(X)
#undef X
};

const char *dd_history_state_name(enum dd_history_state state)
{
	return states[state];
}

/* ---- one repository ---- */

struct in_repository {
	struct dd_telling *telling;
	const char *name;
};

static int visit_tag(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct in_repository *in = arg;
	int rc = dd_context_check(in->telling->ctx, err);

	if (rc < 0)
		return rc;
	if (entry->type != DD_ENTRY_DIRECTORY) {
		in->telling->history->problems += entry->type == DD_ENTRY_SYMLINK;
		return 0;
	}
	return dd_tell_tag(in->telling, in->name, entry->name, err);
}

static int tell_repository(struct dd_telling *telling, const char *name, struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_IN_TAGS, .repository = name };
	struct in_repository in = { telling, name };
	int rc = dd_store_list(telling->store, &place, visit_tag, &in, err);

	if (rc == 0 || rc == DD_ENOMEM || rc == DD_ECANCELLED)
		return rc;
	telling->history->problems += rc != DD_ENOENT;
	dd_error_clear(err);
	return 0;
}

/* ---- all of them ---- */

struct names {
	pthread_mutex_t lock;
	struct dd_telling *telling;
	DD_LIST(const char *) items;
};

static int see_repository(void *arg, const char *name, bool has_layers, bool has_manifests,
			  bool has_uploads)
{
	struct names *names = arg;
	const char **slot, *copy;
	int rc = 0;

	(void)has_layers;
	(void)has_uploads;
	if (!has_manifests)
		return 0;
	pthread_mutex_lock(&names->lock);
	copy = dd_tell_copy(names->telling, name, NULL);
	slot = copy ? dd_list_add(&names->items) : NULL;
	if (slot)
		*slot = copy;
	else
		rc = DD_ENOMEM;
	pthread_mutex_unlock(&names->lock);
	return rc;
}

static int see_strange(void *arg, enum dd_strange what, const struct dd_place *directory,
		       const char *name, const struct dd_error *err)
{
	struct names *names = arg;

	(void)directory;
	(void)name;
	(void)err;
	pthread_mutex_lock(&names->lock);
	names->telling->history->problems +=
		what == DD_STRANGE_UNREADABLE || what == DD_STRANGE_SYMLINK;
	pthread_mutex_unlock(&names->lock);
	return 0;
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int tell_all(struct dd_telling *telling, struct dd_error *err)
{
	struct names names = { .lock = PTHREAD_MUTEX_INITIALIZER, .telling = telling };
	const struct dd_repository_visitor visitor = { .repository = see_repository,
						       .strange = see_strange,
						       .arg = &names };
	int rc = dd_walk_repositories(telling->ctx, telling->store, &visitor, err);

	if (rc == 0 && names.items.count)
		qsort(names.items.items, names.items.count, sizeof(*names.items.items),
		      compare_names);
	dd_store_begin_looks(telling->store);
	for (size_t i = 0; i < names.items.count && rc == 0; i++)
		rc = tell_repository(telling, names.items.items[i], err);
	dd_store_end_looks(telling->store);
	dd_list_release(&names.items);
	return rc;
}

/* ---- what was asked for ---- */

static int check_there(struct dd_telling *telling, const char *name, struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_IN_MANIFESTS, .repository = name };
	struct dd_info info;
	int rc = dd_store_stat(telling->store, &place, &info, err);

	if (rc == DD_ENOENT) {
		dd_fail(err, rc, 0, "there is no repository %s", name);
		dd_hint(err, "'drydock ls' lists the repositories");
	}
	return rc;
}

static int tell_one(struct dd_telling *telling, const struct dd_reference *reference,
		    struct dd_error *err)
{
	struct dd_history *history = telling->history;
	int rc;

	if (reference->digest[0])
		return dd_fail(err, DD_EUSAGE, 0,
			       "a digest never changes: name a repository, or REPO:TAG");
	history->repository = dd_tell_copy(telling, reference->repository, err);
	if (!history->repository)
		return DD_ENOMEM;
	rc = check_there(telling, history->repository, err);
	if (rc < 0 || !reference->tag[0])
		return rc < 0 ? rc : tell_repository(telling, history->repository, err);
	history->tag = dd_tell_copy(telling, reference->tag, err);
	if (!history->tag)
		return DD_ENOMEM;
	rc = dd_tell_tag(telling, history->repository, history->tag, err);
	if (rc == 0 && !telling->tags.count) {
		rc = dd_fail(err, DD_ENOENT, 0, "%s has no tag %s", history->repository,
			     history->tag);
		dd_hint(err, "'drydock log %s' lists its tags", history->repository);
	}
	return rc;
}

/* ---- together ---- */

static int compare_by_name(const struct dd_history_tag *a, const struct dd_history_tag *b)
{
	int result = strcmp(a->repository, b->repository);

	return result ? result : strcmp(a->tag, b->tag);
}

static int compare_by_digest(const struct dd_history_tag *a, const struct dd_history_tag *b)
{
	if (a->has_digest != b->has_digest)
		return a->has_digest ? -1 : 1;
	return a->has_digest ? dd_digest_compare(&a->digest, &b->digest) : 0;
}

static int compare_tags(const void *left, const void *right, void *arg)
{
	const struct dd_history_tag *a = left, *b = right;
	int result = 0;

	switch (*(const enum dd_history_sort *)arg) {
	case DD_HISTORY_MOVES:
		result = a->count < b->count ? 1 : a->count > b->count ? -1 : 0;
		break;
	case DD_HISTORY_TIME:
		result = a->moved_ns < b->moved_ns ? 1 : a->moved_ns > b->moved_ns ? -1 : 0;
		break;
	case DD_HISTORY_DIGEST:
		result = compare_by_digest(a, b);
		break;
	case DD_HISTORY_NAME:
		break;
	}
	return result ? result : compare_by_name(a, b);
}

static void sort_tags(struct dd_telling *telling, enum dd_history_sort sort)
{
	if (telling->tags.count)
		qsort_r(telling->tags.items, telling->tags.count, sizeof(*telling->tags.items),
			compare_tags, &sort);
}

/* Tags of one digest lie side by side. */
static void count_same(struct dd_telling *telling)
{
	struct dd_history_tag *tags = telling->tags.items;
	size_t count = telling->tags.count;

	for (size_t from = 0, to; from < count; from = to) {
		to = from + 1;
		while (to < count && tags[from].has_digest &&
		       compare_by_digest(&tags[from], &tags[to]) == 0)
			to++;
		for (size_t i = from; i < to; i++)
			tags[i].same = to - from - 1;
	}
}

static bool is_wanted(const struct dd_history_tag *tag, enum dd_history_only only)
{
	switch (only) {
	case DD_HISTORY_MOVED:
		return tag->count > 1;
	case DD_HISTORY_NEVER:
		return tag->count <= 1;
	case DD_HISTORY_SAME:
		return tag->same > 0;
	case DD_HISTORY_ALL:
		break;
	}
	return true;
}

static void choose(struct dd_telling *telling, const struct dd_history_options *options)
{
	struct dd_history *history = telling->history;
	size_t kept = 0;

	history->looked = telling->tags.count;
	for (size_t i = 0; i < telling->tags.count; i++) {
		const struct dd_history_tag *tag = &telling->tags.items[i];

		history->moved += tag->count > 1;
		history->never += tag->count <= 1;
		history->shared += tag->same > 0;
		history->problems += tag->problem != NULL;
		if (!is_wanted(tag, options->only))
			continue;
		if (options->top && kept == options->top)
			history->hidden++;
		else
			telling->tags.items[kept++] = *tag;
	}
	telling->tags.count = kept;
}

int dd_history(struct dd_context *ctx, struct dd_store *store, const struct dd_reference *reference,
	       const struct dd_history_options *options, struct dd_history *history,
	       struct dd_error *err)
{
	struct dd_telling telling = { .ctx = ctx, .store = store, .history = history };
	int rc;

	memset(history, 0, sizeof(*history));
	telling.memory = calloc(1, sizeof(*telling.memory));
	history->memory = telling.memory;
	if (!telling.memory)
		return dd_fail(err, DD_ENOMEM, 0, "tell histories");
	rc = reference ? tell_one(&telling, reference, err) : tell_all(&telling, err);
	if (rc == 0) {
		sort_tags(&telling, DD_HISTORY_DIGEST);
		count_same(&telling);
		sort_tags(&telling, options->sort);
		choose(&telling, options);
	}
	history->tags = telling.tags.items;
	history->count = telling.tags.count;
	return rc;
}

void dd_history_release(struct dd_history *history)
{
	free(history->tags);
	if (history->memory)
		dd_arena_release(history->memory);
	free(history->memory);
	memset(history, 0, sizeof(*history));
}
