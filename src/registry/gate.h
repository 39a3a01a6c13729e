/*
 * The gate as whoever serves the volume keeps it: leases on one side, what was written on the other.
 */
#ifndef REGISTRY_GATE_H
#define REGISTRY_GATE_H

#include <drydock/gate.h>

#include "registry/beside.h"
#include "registry/lease.h"
#include "registry/written.h"

/* One for each process that serves; all borrowed, zero but for what is set. */
struct dd_watch {
	struct dd_leases *leases;
	struct dd_written *written;
	struct dd_beside *beside; /* changes of our own */
	/*
	 * Something of the repository goes: what is remembered of it is good no longer. Before that is
	 * granted; may be NULL.
	 */
	void (*taken)(void *arg, const char *repository);
	/* Called once, when somebody else is noticed to write; may be NULL. From any thread. */
	void (*noticed)(void *arg);
	void *arg;
	_Atomic bool foreign;	 /* somebody else writes */
	_Atomic bool collecting; /* a change has begun at one of its gates */
};

/* Of a registry that is open, and its. */
struct dd_registry;
struct dd_watch *dd_registry_get_watch(struct dd_registry *registry);

/*
 * A gate for one worker after the other, or one for each. Two changes at once: the second is told
 * DD_ELOCKED, though the volume's lock sees to it that there is none.
 */
struct dd_watch_gate;
int dd_watch_gate_open(struct dd_watch *watch, struct dd_watch_gate **gate, struct dd_error *err);
const struct dd_gate *dd_watch_gate_get(const struct dd_watch_gate *gate);
/* As if the change had ended: all it held is given back. */
void dd_watch_gate_closep(struct dd_watch_gate **gate);

#endif
