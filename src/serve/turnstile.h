/*
 * How much is computed at once: a few at a time, some more waiting, the rest turned away; and what
 * is being computed already is waited for, not computed again.
 */
#ifndef SERVE_TURNSTILE_H
#define SERVE_TURNSTILE_H

#include <drydock/digest.h>
#include <drydock/error.h>

struct dd_turnstile;

int dd_turnstile_open(struct dd_turnstile **turnstile, unsigned at_once, unsigned waiting,
		      struct dd_error *err);
void dd_turnstile_closep(struct dd_turnstile **turnstile); /* nobody is in it */

/*
 * 0: the caller may compute what the key stands for, and leaves afterwards; it looks for a result
 * once more first, for it may have waited. DD_EEXIST: somebody else has just been at it: look for
 * the result, and enter again if there is none. DD_ETOOBIG: too many wait.
 */
int dd_turnstile_enter(struct dd_turnstile *turnstile, const struct dd_digest *key,
		       struct dd_error *err);
void dd_turnstile_leave(struct dd_turnstile *turnstile, const struct dd_digest *key);

#endif
