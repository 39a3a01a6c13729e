/*
 * The runs of a directory, by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change/names.h"

static int note(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct dd_run_names *names = arg;
	struct dd_run_name *name;

	if (entry->type != DD_ENTRY_DIRECTORY || !dd_run_valid(entry->name))
		return 0;
	name = dd_list_add(&names->list);
	if (!name)
		return dd_fail(err, DD_ENOMEM, 0, "list the runs");
	snprintf(name->text, sizeof(name->text), "%s", entry->name);
	return 0;
}

int dd_run_names_list(struct dd_run_names *names, struct dd_store *store, enum dd_place_kind kind,
		      struct dd_error *err)
{
	return dd_store_list(store, &(struct dd_place){ .kind = kind }, note, names, err);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct dd_run_name *)a)->text, ((const struct dd_run_name *)b)->text);
}

void dd_run_names_sort(struct dd_run_names *names)
{
	if (names->list.count)
		qsort(names->list.items, names->list.count, sizeof(*names->list.items), compare);
}

static int compare_text(const void *run, const void *name)
{
	return strcmp(run, ((const struct dd_run_name *)name)->text);
}

bool dd_run_names_have(const struct dd_run_names *names, const char *run)
{
	return names->list.count && bsearch(run, names->list.items, names->list.count,
					    sizeof(*names->list.items), compare_text);
}

void dd_run_names_release(struct dd_run_names *names)
{
	dd_list_release(&names->list);
}
