/*
 * What is done with secrets: digests under a key, comparing without telling where they differ.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include <drydock/digest.h>

#define DD_SECRET_KEY 32 /* bytes of a key of ours */

/* Bytes that nobody can guess. */
int dd_secret_random(void *bytes, size_t len, struct dd_error *err);

/*
 * HMAC-SHA-256 (RFC 2104) of parts, each with its length in front, so that no two lists of parts
 * have the same bytes.
 */
struct dd_secret_part {
	const void *bytes;
	size_t len;
};
int dd_secret_digest(struct dd_digest *digest, const unsigned char key[static DD_SECRET_KEY],
		     const struct dd_secret_part *parts, size_t count, struct dd_error *err);

/* In a time that depends on len alone. */
bool dd_secret_equal(const void *a, const void *b, size_t len);

#endif
