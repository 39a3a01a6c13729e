/*
 * Directories that somebody has still to sync, each named once.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/store_write.h>

#include "base/list.h"

int dd_unsynced_add(struct dd_unsynced *unsynced, const char *path, struct dd_error *err)
{
	/* The latest ones are asked for again. */
	for (size_t i = unsynced->count; i-- > 0;)
		if (!strcmp(unsynced->paths[i], path))
			return 0;
	if (unsynced->count == unsynced->room &&
	    dd_list_grow((void **)&unsynced->paths, &unsynced->room, sizeof(char *)) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "remember a directory to sync");
	unsynced->paths[unsynced->count] = strdup(path);
	if (!unsynced->paths[unsynced->count])
		return dd_fail(err, DD_ENOMEM, 0, "remember a directory to sync");
	unsynced->count++;
	return 0;
}

void dd_unsynced_release(struct dd_unsynced *unsynced)
{
	for (size_t i = 0; i < unsynced->count; i++)
		free(unsynced->paths[i]);
	free(unsynced->paths);
	*unsynced = (struct dd_unsynced){ 0 };
}
