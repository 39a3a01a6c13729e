/*
 * What is done with secrets: digests under a key, comparing without telling where they differ.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include <drydock/digest.h>

/* Bytes that nobody can guess. */
int dd_secret_random(void *bytes, size_t len, struct dd_error *err);

/* A key that nobody knows, and that is gone with it. Any number of threads at once. */
struct dd_secret;
int dd_secret_open(struct dd_secret **secret, struct dd_error *err);
void dd_secret_closep(struct dd_secret **secret);

/*
 * HMAC-SHA-256 (RFC 2104) of parts, each with its length in front, so that no two lists of parts
 * have the same bytes.
 */
struct dd_secret_part {
	const void *bytes;
	size_t len;
};
int dd_secret_digest(const struct dd_secret *secret, const struct dd_secret_part *parts,
		     size_t count, struct dd_digest *digest, struct dd_error *err);

/* In a time that depends on len alone. */
bool dd_secret_equal(const void *a, const void *b, size_t len);

#endif
