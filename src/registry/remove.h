/*
 * What a client deletes goes into the trash: a run a request.
 */
#ifndef REGISTRY_REMOVE_H
#define REGISTRY_REMOVE_H

#include <drydock/change.h>
#include <drydock/registry.h>

/*
 * Begin a change, as soon as no other of ours is under way and nobody holds the volume's lock:
 * DD_ELOCKED after half a minute, and at once if many wait already. The command is what the trash shows of it. Ended by the other, whatever
 * came of it: on success the run is finished.
 */
int dd_registry_begin_change(struct dd_registry *registry, const char *command,
			     struct dd_change **change, struct dd_error *err);
int dd_registry_end_change(struct dd_registry *registry, struct dd_change **change, int rc,
			   struct dd_error *err);

#endif
