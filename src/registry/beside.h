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
#include <stdint.h>

#include <drydock/error.h>

struct dd_beside;

int dd_beside_open(struct dd_beside **beside, struct dd_error *err);
void dd_beside_closep(struct dd_beside **beside);

/* False: no worker is at work that lets anybody in. True: until left; one at a time. */
bool dd_beside_enter(struct dd_beside *beside);
void dd_beside_leave(struct dd_beside *beside);

/* From now on, or no more; whoever is in stays in. */
void dd_beside_let_in(struct dd_beside *beside, bool open);
/* Whoever is in gets on: after each of its steps. */
void dd_beside_step(struct dd_beside *beside);
uint64_t dd_beside_get_steps(const struct dd_beside *beside);
/* Until whoever is in now has left. False: one step of it takes longer than it should. */
bool dd_beside_wait(struct dd_beside *beside);

/* For tests: instead of dd_time_steady(). */
void dd_beside_set_clock(struct dd_beside *beside, int64_t (*now_ns)(void));

#endif
