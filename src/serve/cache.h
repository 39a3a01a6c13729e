/*
 * Prepared replies for what is asked for again and again: manifests, and what HEAD tells of blobs.
 *
 * One is given again only while nothing was changed in its repository by ourselves (the generation), and
 * for less than a second since somebody last looked at the volume, whose leases so cover it. A little
 * before that one of those who ask is sent to look again, so that the others never wait for it.
 *
 * Locking: all functions from any thread; none waits.
 */
#ifndef SERVE_CACHE_H
#define SERVE_CACHE_H

#include <stdatomic.h>

#include <drydock/digest.h>

#include "serve/http.h"

struct dd_cache;

struct dd_cached {
	atomic_uint refs;
	_Atomic int64_t looked_ns; /* CLOCK_MONOTONIC, before the look */
	_Atomic int64_t noted_ns;  /* when a pull was last noted */
	atomic_bool refreshing;
	uint64_t generation;
	size_t bytes;		/* of memory */
	struct dd_reply *reply; /* for GET and for HEAD */
	struct dd_reply *same;	/* 304 */
	char etag[DD_DIGEST_TEXT + 2];
	struct dd_digest digest;
	uint64_t size;
	char *media_type;
	size_t key_len;
	char key[];
};

int dd_cache_open(size_t bytes_max, struct dd_cache **cache, struct dd_error *err);
void dd_cache_closep(struct dd_cache **cache);

/*
 * kind: 'm' for manifests, 'b' for blobs. NULL: somebody has to look. What is found is the caller's
 * reference.
 */
struct dd_cached *dd_cache_find(struct dd_cache *cache, char kind, const char *repository,
				const char *reference, uint64_t generation);
void dd_cached_unref(struct dd_cached *cached);

/* A new one, to be filled and put. NULL without memory. */
struct dd_cached *dd_cached_new(char kind, const char *repository, const char *reference);
/* In the place of what was there; the reference stays the caller's. */
void dd_cache_put(struct dd_cache *cache, struct dd_cached *cached);

#endif
