/*
 * Removing a run for good: out of sight in one durable step, then file by file.
 */
#include "change/change.h"

int dd_change_remove_run(struct dd_change *change, struct dd_context *ctx, const char *run,
			 struct dd_error *err)
{
	int rc;

	do
		rc = dd_store_condemn(change->store, run, err);
	while (rc < 0 && dd_change_made_room(change, rc, err));
	if (rc < 0)
		return rc;
	do
		rc = dd_store_purge(ctx, change->store, run, err);
	while (rc < 0 && dd_change_made_room(change, rc, err));
	return rc;
}
