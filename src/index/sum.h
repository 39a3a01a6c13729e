/*
 * Checksums against damage, not against malice: what they guard only we can write. XXH64
 * (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md) at seed 0, many times as fast as a disk.
 * Words are read in the machine's order: on another machine a sum is another, and that is said.
 */
#ifndef INDEX_SUM_H
#define INDEX_SUM_H

#include <stddef.h>
#include <stdint.h>

#define DD_SUM_STRIPE 32

struct dd_sum {
	uint64_t lane[4];
	uint64_t total;
};

void dd_sum_init(struct dd_sum *sum);
/* Whole stripes only. */
void dd_sum_add(struct dd_sum *sum, const void *stripes, size_t len);
/* What is left, of any length. */
uint64_t dd_sum_end(struct dd_sum *sum, const void *bytes, size_t len);

uint64_t dd_sum_of(const void *bytes, size_t len);

#endif
