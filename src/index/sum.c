/*
 * XXH64: four lanes of multiply and rotate, folded into one.
 */
#include <assert.h>
#include <string.h>

#include "index/sum.h"

#define P1 UINT64_C(0x9E3779B185EBCA87)
#define P2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define P3 UINT64_C(0x165667B19E3779F9)
#define P4 UINT64_C(0x85EBCA77C2B2AE63)
#define P5 UINT64_C(0x27D4EB2F165667C5)

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static uint64_t word_at(const unsigned char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static uint32_t half_at(const unsigned char *at)
{
	uint32_t half;

	memcpy(&half, at, sizeof(half));
	return half;
}

static uint64_t take(uint64_t lane, uint64_t word)
{
	return rotate(lane + word * P2, 31) * P1;
}

void dd_sum_init(struct dd_sum *sum)
{
	*sum = (struct dd_sum){ { P1 + P2, P2, 0, 0 - P1 }, 0 };
}

void dd_sum_add(struct dd_sum *sum, const void *stripes, size_t len)
{
	const unsigned char *at = stripes, *end = at + len;
	uint64_t a = sum->lane[0], b = sum->lane[1], c = sum->lane[2], d = sum->lane[3];

	assert(len % DD_SUM_STRIPE == 0);
	for (; at < end; at += DD_SUM_STRIPE) {
		a = take(a, word_at(at));
		b = take(b, word_at(at + 8));
		c = take(c, word_at(at + 16));
		d = take(d, word_at(at + 24));
	}
	*sum = (struct dd_sum){ { a, b, c, d }, sum->total + len };
}

static uint64_t fold_lanes(const struct dd_sum *sum)
{
	const uint64_t *lane = sum->lane;
	uint64_t h =
		rotate(lane[0], 1) + rotate(lane[1], 7) + rotate(lane[2], 12) + rotate(lane[3], 18);

	for (unsigned i = 0; i < 4; i++)
		h = (h ^ take(0, lane[i])) * P1 + P4;
	return h;
}

static uint64_t fold_rest(uint64_t h, const unsigned char *at, size_t len)
{
	for (; len >= 8; at += 8, len -= 8)
		h = rotate(h ^ take(0, word_at(at)), 27) * P1 + P4;
	if (len >= 4) {
		h = rotate(h ^ half_at(at) * P1, 23) * P2 + P3;
		at += 4;
		len -= 4;
	}
	for (; len; at++, len--)
		h = rotate(h ^ *at * P5, 11) * P1;
	return h;
}

uint64_t dd_sum_end(struct dd_sum *sum, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	size_t whole = len - len % DD_SUM_STRIPE;
	uint64_t h;

	dd_sum_add(sum, at, whole);
	h = sum->total ? fold_lanes(sum) : P5;
	h = fold_rest(h + sum->total + len - whole, at + whole, len - whole);
	h = (h ^ h >> 33) * P2;
	h = (h ^ h >> 29) * P3;
	return h ^ h >> 32;
}

uint64_t dd_sum_of(const void *bytes, size_t len)
{
	struct dd_sum sum;

	dd_sum_init(&sum);
	return dd_sum_end(&sum, bytes, len);
}
