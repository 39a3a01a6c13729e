/*
 * Signals that ask us to stop: the work ends between two of its steps, as cancelled.
 */
#ifndef TOOLS_INTERRUPT_H
#define TOOLS_INTERRUPT_H

#include <drydock/context.h>

/*
 * From here on a signal cancels ctx, which has to live as long as signals can come; a closed pipe and a
 * limit on the size of files are errors of the write.
 */
void interrupt_begin(struct dd_context *ctx);
/* The last signal that came, or 0. */
int interrupted_by(void);

#endif
