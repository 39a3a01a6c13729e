/*
 * What was named, and is not as it should be.
 */
#include <stdio.h>

#include "inspect/named.h"

static const char *name_of(const struct dd_reference *reference, char *text, size_t room)
{
	snprintf(text, room, "%s%s%s", reference->repository,
		 reference->tag[0]	  ? ":" :
		 reference->repository[0] ? "@" :
					    "",
		 reference->tag[0] ? reference->tag : reference->digest);
	return text;
}

int dd_named_failed(const struct dd_reference *reference, const struct dd_digest *digest, int rc,
		    struct dd_error *err)
{
	char name[sizeof(*reference)];

	name_of(reference, name, sizeof(name));
	if (rc == DD_ENOENT && !reference->repository[0])
		return dd_fail(err, rc, 0, "%s: the volume has no such blob", name);
	if (!reference->repository[0] || (rc != DD_ENOENT && rc != DD_EIRREGULAR))
		return dd_wrap(err, rc, "%s", name);
	return dd_fail(err, DD_ECORRUPT, 0, "%s leads to %s, %s", name, dd_digest_text(digest),
		       rc == DD_ENOENT ? "whose bytes are not here" : "which is no regular file");
}
