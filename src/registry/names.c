/*
 * Names: tags of a repository, and what lists have in common.
 */
#include <string.h>

#include "registry/manifest.h"
#include "registry/names.h"
#include "registry/registry.h"

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "list names");
}

static int add_child(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct dd_children *children = arg;
	char **slot;

	if (entry->type != DD_ENTRY_DIRECTORY)
		return 0;
	slot = dd_list_add(&children->list);
	if (slot)
		*slot = strdup(entry->name);
	return slot && *slot ? 0 : no_memory(err);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int dd_children_list(struct dd_children *children, struct dd_store *store,
		     const struct dd_place *directory, struct dd_error *err)
{
	int rc = dd_store_list(store, directory, add_child, children, err);

	if (rc == 0 && children->list.count)
		qsort(children->list.items, children->list.count, sizeof(char *), compare);
	return rc;
}

void dd_children_release(struct dd_children *children)
{
	for (size_t i = 0; i < children->list.count; i++)
		free(children->list.items[i]);
	dd_list_release(&children->list);
}

int dd_names_add(struct dd_names *names, size_t max, const char *name, struct dd_error *err)
{
	if (names->count == max) {
		names->more = true;
		return 1;
	}
	/* A power of two is full. */
	if (!(names->count & (names->count - 1))) {
		size_t room = names->count ? 2 * names->count : 1;
		char **grown = reallocarray(names->items, room, sizeof(*grown));

		if (!grown)
			return no_memory(err);
		names->items = grown;
	}
	names->items[names->count] = strdup(name);
	if (!names->items[names->count])
		return no_memory(err);
	names->count++;
	return 0;
}

void dd_names_release(struct dd_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct dd_names){ 0 };
}

/* ---- tags ---- */

/* A tag whose current link went, or was never written, leaves its directory behind. */
static int look_at_tag(struct dd_directory *tags, const char *repository, const char *tag,
		       struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_AT_TAG, .repository = repository, .tag = tag };
	struct dd_info info;
	int rc;

	if (!dd_tag_valid(tag))
		return 0;
	rc = dd_directory_stat(tags, &place, &info, err);
	/* What cannot be looked at can still be asked for by its name. */
	if (rc == DD_ENOENT || rc == DD_ESYMLINK || rc == DD_EIRREGULAR) {
		dd_error_clear(err);
		return 0;
	}
	return rc < 0 ? rc : info.type == DD_ENTRY_FILE && info.size > 0;
}

/* It has no tags: is there such a repository? */
static int look_at_repository(struct dd_registry *registry, const char *repository,
			      struct dd_error *err)
{
	bool is_one = false;
	int rc = dd_registry_look_at_repository(registry, repository, &is_one, err);

	return rc < 0 || is_one ?
		       rc :
		       dd_fail(err, DD_ENOENT, 0, "there is no repository %s", repository);
}

int dd_registry_list_tags(struct dd_registry *registry, const char *repository, const char *last,
			  size_t max, struct dd_names *names, struct dd_error *err)
{
	DD_CLEANUP(dd_children_release) struct dd_children tags = { 0 };
	DD_CLEANUP(dd_directory_closep) struct dd_directory *directory = NULL;
	const struct dd_place place = { .kind = DD_IN_TAGS, .repository = repository };
	int rc = dd_registry_check_name(repository, err);

	*names = (struct dd_names){ 0 };
	if (rc < 0)
		return rc;
	rc = dd_store_open_directory(registry->store, &place, &directory, err);
	if (rc == 0)
		rc = dd_children_list(&tags, registry->store, &place, err);
	if (rc == DD_ENOENT) {
		dd_error_clear(err);
		return look_at_repository(registry, repository, err);
	}
	for (size_t i = 0; i < tags.list.count && rc == 0; i++) {
		const char *tag = tags.list.items[i];

		if (last && strcmp(tag, last) <= 0)
			continue;
		rc = look_at_tag(directory, repository, tag, err);
		if (rc > 0)
			rc = dd_names_add(names, max, tag, err);
	}
	if (rc < 0)
		dd_names_release(names);
	return rc < 0 ? rc : 0;
}
