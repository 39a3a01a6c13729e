/*
 * Changes of our own beside that of a worker, which has the volume's lock for as long as it looks and
 * takes: nobody who deletes an image is to wait for a collection.
 *
 * None begins before the worker has ended what earlier runs left half done, or it would take ours for
 * one of them; nor while it brings something back, or that would be what is being deleted. And it is
 * granted nothing before those are on the disk that it may have seen: else what only a deleted tag led
 * to could be taken for good, and the power bring the tag back.
 *
 * Locking: all functions from any thread.
 */
#ifndef REGISTRY_BESIDE_H
#define REGISTRY_BESIDE_H

#include <stdbool.h>

#include <drydock/error.h>

struct dd_beside;

int dd_beside_open(struct dd_beside **beside, struct dd_error *err);
void dd_beside_closep(struct dd_beside **beside);

/* False: no worker is at work that lets anybody in. True: until left; one at a time. */
bool dd_beside_enter(struct dd_beside *beside);
void dd_beside_leave(struct dd_beside *beside);

/* From now on, or no more; whoever is in stays in. */
void dd_beside_let_in(struct dd_beside *beside, bool open);
/* Until whoever is in now has left. False: that takes longer than it should. */
bool dd_beside_wait(struct dd_beside *beside);

#endif
