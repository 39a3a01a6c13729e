/*
 * Progress: a thread that asks the context how far it is, ten times a second, and draws it on the
 * terminal's standard error: phase, count, rate, time left. It shows itself only after a moment, so
 * that short work shows nothing.
 */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <drydock/context.h>

struct progress;

/* NULL if no thread can be had: then there is no bar, and no harm. */
struct progress *progress_start(const struct dd_context *ctx);
/* Takes the bar away, and leaves NULL; nothing is drawn afterwards. Of NULL nothing at all. */
void progress_stop(struct progress **bar);

#endif
