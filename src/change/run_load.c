/*
 * A run while it is loaded: its items and their strings.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/run_load.h"

static const char *keep(struct dd_run_load *load, const char *text, const char **last)
{
	if (!text)
		return NULL;
	if (!*last || strcmp(*last, text))
		*last = dd_arena_copy(load->run->memory, text, strlen(text));
	return *last;
}

int dd_run_load_keep(struct dd_run_load *load, const struct dd_item *item, struct dd_error *err)
{
	struct dd_item *kept = dd_list_add(&load->items);
	const char **texts[5], *given[5];

	if (!kept)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	*kept = *item;
	kept->place.run = load->run->name;
	texts[0] = &kept->place.repository;
	texts[1] = &kept->place.tag;
	texts[2] = &kept->place.upload;
	texts[3] = &kept->place.name;
	texts[4] = &kept->place.beside;
	for (size_t i = 0; i < DD_COUNT(texts); i++) {
		given[i] = *texts[i];
		*texts[i] = keep(load, given[i], &load->last[i]);
		if (given[i] && !*texts[i])
			return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	}
	return 0;
}

void dd_run_release(struct dd_run *run)
{
	if (run->memory)
		dd_arena_release(run->memory);
	free(run->memory);
	free(run->command);
	free(run->items);
	free(run->changed);
	memset(run, 0, sizeof(*run));
}
