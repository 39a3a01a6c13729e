/*
 * What happened, for whoever wants to be told of it (events.h).
 */
#ifndef SERVE_EVENTS_NOTE_H
#define SERVE_EVENTS_NOTE_H

#include "serve/events.h"
#include "serve/server.h"

/* from: of a mount, or NULL. None of them waits. */
void dd_note_blob(struct dd_request *request, enum dd_event_action action,
		  const struct dd_digest *digest, uint64_t size, const char *from);
/* tag, media_type: NULL if there is none. */
void dd_note_manifest(struct dd_request *request, enum dd_event_action action,
		      const struct dd_digest *digest, uint64_t size, const char *media_type,
		      const char *tag);

/* A blob of the volume: in no request, and of no repository in particular. arg: the events. */
void dd_note_corrupt(void *arg, const struct dd_digest *digest);

#endif
