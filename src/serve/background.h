/*
 * What is done beside serving, by a thread of its own: slow clients are cut off, pulls written down,
 * uploads that nobody goes on with purged, the volume looked at whether it can be written to; and, if
 * that is wanted, all blobs read through at a rate.
 */
#ifndef SERVE_BACKGROUND_H
#define SERVE_BACKGROUND_H

#include <drydock/error.h>

struct dd_serve;
struct dd_background;

/* Looks whether the volume can be written to, before anybody asks. */
int dd_background_open(struct dd_serve *serve, struct dd_background **background,
		       struct dd_error *err);
/* Once there is a server to look after. */
int dd_background_start(struct dd_background *background, struct dd_error *err);
/* It changes nothing any more; NULL is fine. */
void dd_background_stop(struct dd_background *background);
/* Before the server ends, and after whatever else may have the volume's lock: pulls are written down. */
void dd_background_closep(struct dd_background **background);

#endif
