/*
 * A survey's life, order and look-ups.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "graph/survey.h"

static void free_place(struct dd_place *place)
{
	free((char *)place->repository);
	free((char *)place->tag);
	free((char *)place->upload);
	free((char *)place->beside);
}

static void free_repository(struct dd_repository *repo)
{
	for (size_t i = 0; i < repo->tags.count; i++)
		free(repo->tags.items[i].name);
	for (size_t i = 0; i < repo->uploads.count; i++)
		free(repo->uploads.items[i].id);
	for (size_t i = 0; i < repo->doubts.count; i++)
		free(repo->doubts.items[i].detail);
	dd_list_release(&repo->layers);
	dd_list_release(&repo->tarsums);
	dd_list_release(&repo->unresolved);
	dd_list_release(&repo->revisions);
	dd_list_release(&repo->tags);
	dd_list_release(&repo->histories);
	dd_list_release(&repo->uploads);
	dd_list_release(&repo->doubts);
	free(repo->name);
	free(repo);
}

void dd_survey_closep(struct dd_survey **pointer)
{
	struct dd_survey *survey = *pointer;

	if (!survey)
		return;
	for (size_t i = 0; i < survey->repositories.count; i++)
		free_repository(survey->repositories.items[i]);
	for (size_t i = 0; i < survey->doubts.count; i++)
		free(survey->doubts.items[i].detail);
	for (size_t i = 0; i < survey->notes.count; i++)
		free(survey->notes.items[i]);
	for (size_t i = 0; i < survey->unread.count; i++)
		free(survey->unread.items[i]);
	for (size_t i = 0; i < survey->temps.count; i++)
		free_place(&survey->temps.items[i].place);
	dd_list_release(&survey->repositories);
	dd_list_release(&survey->temps);
	dd_list_release(&survey->doubts);
	dd_list_release(&survey->notes);
	dd_list_release(&survey->unread);
	free(survey);
	*pointer = NULL;
}

static int compare_revisions(const void *left, const void *right)
{
	const struct dd_revision *a = left, *b = right;

	return a->id != b->id ? (a->id < b->id ? -1 : 1) : 0;
}

static int compare_tags(const void *left, const void *right)
{
	const struct dd_tag *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static int compare_repositories(const void *left, const void *right)
{
	struct dd_repository *const *a = left, *const *b = right;

	return strcmp((*a)->name, (*b)->name);
}

static int compare_notes(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static int compare_uploads(const void *left, const void *right)
{
	const struct dd_upload *a = left, *b = right;

	return strcmp(a->id, b->id);
}

/* Most lists are filled in order. */
static void sort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	const char *first = items;

	for (size_t i = 1; i < count; i++) {
		if (compare(first + (i - 1) * size, first + i * size) <= 0)
			continue;
		qsort(items, count, size, compare);
		return;
	}
}

#define SORT(list, compare) sort((list)->items, (list)->count, sizeof(*(list)->items), compare)

static void sort_repository(void *arg)
{
	struct dd_repository *repo = arg;

	SORT(&repo->layers, dd_ids_compare);
	SORT(&repo->revisions, compare_revisions);
	SORT(&repo->tags, compare_tags);
	SORT(&repo->uploads, compare_uploads);
}

void dd_survey_sort(struct dd_survey *survey, struct dd_jobs *jobs)
{
	SORT(&survey->repositories, compare_repositories);
	SORT(&survey->notes, compare_notes);
	SORT(&survey->unread, compare_notes);
	for (size_t i = 0; i < survey->repositories.count; i++)
		dd_jobs_add(jobs, sort_repository, survey->repositories.items[i]);
	dd_jobs_wait(jobs);
}

bool dd_survey_is_whole(const struct dd_survey *survey)
{
	for (size_t i = 0; i < survey->repositories.count; i++)
		if (survey->repositories.items[i]->doubts.count)
			return false;
	return !survey->unreadable && !survey->doubts.count;
}

bool dd_survey_lacks_repositories(const struct dd_survey *survey)
{
	const struct dd_graph *graph = survey->graph;

	for (size_t i = 0; !survey->repositories.count && i < graph->nodes.count; i++)
		if (graph->nodes.items[i].flags & DD_NODE_PRESENT)
			return true;
	return false;
}

const struct dd_revision *dd_repository_revision(const struct dd_repository *repo, uint32_t id)
{
	const struct dd_revision key = { .id = id };

	if (!repo->revisions.count)
		return NULL;
	return bsearch(&key, repo->revisions.items, repo->revisions.count, sizeof(key),
		       compare_revisions);
}

bool dd_repository_has_layer(const struct dd_repository *repo, uint32_t id)
{
	return repo->layers.count &&
	       bsearch(&id, repo->layers.items, repo->layers.count, sizeof(id), dd_ids_compare);
}

const struct dd_tag *dd_repository_tag(const struct dd_repository *repo, const char *name)
{
	const struct dd_tag key = { .name = (char *)name };

	return repo->tags.count ? bsearch(&key, repo->tags.items, repo->tags.count, sizeof(key),
					  compare_tags) :
				  NULL;
}

uint32_t dd_survey_repository_index(const struct dd_survey *survey, const char *name)
{
	struct dd_repository key = { .name = (char *)name }, *pointer = &key, **found;

	if (!survey->repositories.count)
		return DD_NO_ID;
	found = bsearch(&pointer, survey->repositories.items, survey->repositories.count,
			sizeof(*found), compare_repositories);
	return found ? (uint32_t)(found - survey->repositories.items) : DD_NO_ID;
}

struct dd_repository *dd_survey_repository(const struct dd_survey *survey, const char *name)
{
	uint32_t index = dd_survey_repository_index(survey, name);

	return index == DD_NO_ID ? NULL : survey->repositories.items[index];
}

static char *copy(const char *text, bool *failed)
{
	char *made = text ? strdup(text) : NULL;

	*failed |= text && !made;
	return made;
}

/* It stays, and that is said. */
static int note_unreadable(struct dd_survey *survey, const struct dd_place *place,
			   const struct dd_error *why, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	DD_AUTOFREE char *path = NULL;
	char **note = NULL;
	int rc = dd_layout_path(place, &path, err);

	if (rc < 0)
		return rc;
	if (dd_text_printf(&text, "%s: %s", path, strerror(why->sys_errno)) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "remember a file");
	pthread_mutex_lock(&survey->graph->lock);
	survey->unreadable++;
	if (survey->unread.count < DD_SURVEY_NOTES)
		note = dd_list_add(&survey->unread);
	if (note)
		*note = dd_text_take(&text);
	pthread_mutex_unlock(&survey->graph->lock);
	return 0;
}

int dd_survey_add_temp(struct dd_survey *survey, struct dd_store *store,
		       const struct dd_place *place, const char *name, struct dd_error *err)
{
	struct dd_temp temp = { .place = *place }, *added = NULL;
	struct dd_error why = { 0 };
	bool failed = false;
	int rc;

	if (!dd_temp_beside(place, name) || dd_store_is_apart(store, place))
		return 0;
	temp.place.beside = name;
	rc = dd_store_stat(store, &temp.place, &temp.info, &why);
	if (rc == DD_EIO || rc == DD_EACCES)
		return note_unreadable(survey, &temp.place, &why, err);
	if (rc < 0 || temp.info.type != DD_ENTRY_FILE) /* gone, or not ours to judge */
		return rc == DD_ENOMEM ? dd_fail(err, rc, 0, "remember a file") : 0;
	temp.place.repository = copy(place->repository, &failed);
	temp.place.tag = copy(place->tag, &failed);
	temp.place.upload = copy(place->upload, &failed);
	temp.place.beside = copy(name, &failed);
	pthread_mutex_lock(&survey->graph->lock);
	if (!failed)
		added = dd_list_add(&survey->temps);
	if (added)
		*added = temp;
	pthread_mutex_unlock(&survey->graph->lock);
	if (added)
		return 0;
	free_place(&temp.place);
	return dd_fail(err, DD_ENOMEM, 0, "remember a file");
}
