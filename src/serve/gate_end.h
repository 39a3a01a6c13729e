/*
 * The daemon's end of a worker's gate: messages in, what the watch says out.
 */
#ifndef SERVE_GATE_END_H
#define SERVE_GATE_END_H

#include "registry/gate.h"

struct dd_gate_end;
/* fd is borrowed; store is whose volume the worker must be at. */
int dd_gate_end_open(struct dd_watch *watch, struct dd_store *store, int fd,
		     struct dd_gate_end **end, struct dd_error *err);
/*
 * Answer one request, which poll(2) said is there. 1; 0: the worker is gone. An error: it makes no
 * sense, and is not to be listened to any more.
 */
int dd_gate_end_answer(struct dd_gate_end *end, struct dd_error *err);
/* What the worker held is given back. */
void dd_gate_end_closep(struct dd_gate_end **end);

#endif
