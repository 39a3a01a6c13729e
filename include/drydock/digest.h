/*
 * Digests: bytes in memory, text at the edges.
 *
 * Source: OCI image-spec 1.1, descriptor.md, "Digests": algorithm ":" encoded, where sha256 and
 * sha512 are registered and encoded in lower case hexadecimal.
 */
#ifndef DRYDOCK_DIGEST_H
#define DRYDOCK_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drydock/error.h>

/* X(constant, name, bytes). A new algorithm is one line here. */
#define DD_ALGORITHMS(X)           \
	X(DD_SHA256, "sha256", 32) \
	X(DD_SHA512, "sha512", 64)

enum dd_algorithm {
#define X(constant, name, bytes) constant,
	DD_ALGORITHMS(X)
#undef X
	DD_ALGORITHM_COUNT
};

#define DD_DIGEST_BYTES 64 /* of the longest algorithm */
#define DD_DIGEST_HEX (2 * DD_DIGEST_BYTES + 1)
#define DD_DIGEST_TEXT (16 + DD_DIGEST_HEX) /* "sha512:" … NUL */

struct dd_digest {
	uint8_t alg;			/* enum dd_algorithm */
	uint8_t bytes[DD_DIGEST_BYTES]; /* dd_digest_size() of them count */
};

const char *dd_algorithm_name(enum dd_algorithm alg);
size_t dd_algorithm_size(enum dd_algorithm alg);
/* By name of len bytes; -1 if there is none. */
int dd_algorithm_parse(const char *name, size_t len);

static inline size_t dd_digest_size(const struct dd_digest *digest)
{
	return dd_algorithm_size((enum dd_algorithm)digest->alg);
}

/* "alg:hex", lower case, nothing around it. 0, or DD_EFORMAT or DD_EUNKNOWN (no such algorithm). */
int dd_digest_parse(struct dd_digest *digest, const char *text, size_t len);
/* The hex part alone, as directory names have it. */
int dd_digest_parse_hex(struct dd_digest *digest, enum dd_algorithm alg, const char *hex,
			size_t len);

/* NUL-terminated; buf is returned. */
char *dd_digest_format(const struct dd_digest *digest, char buf[static DD_DIGEST_TEXT]);
char *dd_digest_format_hex(const struct dd_digest *digest, char buf[static DD_DIGEST_HEX]);
/* For messages: one of a few buffers of this thread, overwritten some calls later. */
const char *dd_digest_text(const struct dd_digest *digest);

bool dd_digest_equal(const struct dd_digest *a, const struct dd_digest *b);
/* By algorithm, then bytes; for sorting. */
int dd_digest_compare(const struct dd_digest *a, const struct dd_digest *b);
/* The first eight bytes as a number that sorts as they do: many are compared by it in no time. */
uint64_t dd_digest_start(const struct dd_digest *digest);

/* Of bytes in memory. */
int dd_digest_of(struct dd_digest *digest, enum dd_algorithm alg, const void *data, size_t len,
		 struct dd_error *err);

/* Of a stream. A hasher may be used again after dd_hasher_final(). */
struct dd_hasher;
int dd_hasher_open(struct dd_hasher **hasher, enum dd_algorithm alg, struct dd_error *err);
void dd_hasher_closep(struct dd_hasher **hasher);
int dd_hasher_add(struct dd_hasher *hasher, const void *data, size_t len, struct dd_error *err);
int dd_hasher_final(struct dd_hasher *hasher, struct dd_digest *digest, struct dd_error *err);

#endif
