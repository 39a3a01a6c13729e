/*
 * Names of directories, sorted, and pages of names: what lists have in common.
 */
#include <string.h>

#include "registry/names.h"

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
