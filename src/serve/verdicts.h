/*
 * Verdicts that were expensive to come to: a table of a fixed size from keyed digests of what was
 * shown (a password, a token) to who that is. No secret is in it, and who reads the memory still
 * has to try passwords one by one, under a key that dies with the process.
 *
 * What a verdict rests on (the stored hash, the keys) belongs into the digest: then nothing has to
 * be thrown away when that changes. Any thread.
 */
#ifndef SERVE_VERDICTS_H
#define SERVE_VERDICTS_H

#include <drydock/digest.h>

#include "serve/identity.h"

struct dd_verdicts;

/* For up to entries verdicts (rounded up); the least used go. */
int dd_verdicts_open(struct dd_verdicts **verdicts, size_t entries, struct dd_error *err);
void dd_verdicts_closep(struct dd_verdicts **verdicts);

/*
 * False: none is known. *identity: a reference of the caller's; NULL: that what was shown is wrong.
 * now_ns: any clock, as long as it is always the same.
 */
bool dd_verdicts_get(struct dd_verdicts *verdicts, const struct dd_digest *key, int64_t now_ns,
		     struct dd_identity **identity);
/* identity NULL: it is wrong. A reference is taken. */
void dd_verdicts_put(struct dd_verdicts *verdicts, const struct dd_digest *key, int64_t until_ns,
		     struct dd_identity *identity);

#endif
