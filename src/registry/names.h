/*
 * Names in the order of their bytes, a page at a time.
 */
#ifndef REGISTRY_NAMES_H
#define REGISTRY_NAMES_H

#include <drydock/registry.h>

#include "base/list.h"

/* Names of a directory's entries that are directories themselves. */
struct dd_children {
	DD_LIST(char *) list;
};
/* Sorted. DD_ENOENT: there is no such directory. */
int dd_children_list(struct dd_children *children, struct dd_store *store,
		     const struct dd_place *directory, struct dd_error *err);
void dd_children_release(struct dd_children *children);

/*
 * One more name for a page of at most max. 1: the page is full, and there is at least this one
 * more; 0; DD_ENOMEM.
 */
int dd_names_add(struct dd_names *names, size_t max, const char *name, struct dd_error *err);

#endif
