/*
 * What a client deletes goes into the trash: a run a request.
 */
#ifndef REGISTRY_REMOVE_H
#define REGISTRY_REMOVE_H

#include <drydock/change.h>
#include <drydock/registry.h>

/*
 * Begin a change, as soon as no other of ours is under way: beside a worker's, or with the volume's
 * lock. DD_ELOCKED if somebody else has that for ten seconds, and at once if many wait already. The
 * command is what the trash shows of it. Ended by the other, whatever came of it: on success the run is
 * finished.
 */
int dd_registry_begin_change(struct dd_registry *registry, const char *command,
			     struct dd_change **change, struct dd_error *err);
int dd_registry_end_change(struct dd_registry *registry, struct dd_change **change, int rc,
			   struct dd_error *err);

/* One more thing of many was looked at, announced or taken: who waits for the end waits on. */
void dd_registry_note_step(struct dd_registry *registry);

/*
 * The turn alone, for a change that is begun otherwise: none of ours is under way until the other.
 * until_ns: dd_time_steady(). DD_ELOCKED as above.
 */
int dd_registry_take_turn(struct dd_registry *registry, int64_t until_ns, struct dd_error *err);
void dd_registry_end_turn(struct dd_registry *registry);

#endif
