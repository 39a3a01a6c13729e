/*
 * The runs of a directory, by name.
 */
#ifndef CHANGE_NAMES_H
#define CHANGE_NAMES_H

#include <drydock/store.h>

#include "base/list.h"

#define DD_RUN_NAME 32

struct dd_run_name {
	char text[DD_RUN_NAME];
};

struct dd_run_names {
	DD_LIST(struct dd_run_name) list;
};

/* Add those of the trash or of what is condemned; what is no run's directory is passed over. */
int dd_run_names_list(struct dd_run_names *names, struct dd_store *store, enum dd_place_kind kind,
		      struct dd_error *err);
void dd_run_names_sort(struct dd_run_names *names); /* oldest first */
/* Of names that are sorted. */
bool dd_run_names_have(const struct dd_run_names *names, const char *run);
void dd_run_names_release(struct dd_run_names *names);

#endif
