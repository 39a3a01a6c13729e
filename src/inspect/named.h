/*
 * When what a person named cannot be read.
 */
#ifndef INSPECT_NAMED_H
#define INSPECT_NAMED_H

#include <drydock/reference.h>

/*
 * The reference was resolved to a digest, whose bytes could not be read or understood. A name that
 * leads to nothing is damage (DD_ECORRUPT), and no wrong usage; a digest alone that is not there is
 * DD_ENOENT. All else is what it was, with that name in front.
 */
int dd_named_failed(const struct dd_reference *reference, const struct dd_digest *digest, int rc,
		    struct dd_error *err);

#endif
