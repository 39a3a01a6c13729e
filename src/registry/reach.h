/*
 * What manifests name, and from there all that they reach.
 *
 * The bytes of a digest never change, so what was read from them once, and proved, is good for ever: it
 * is kept, within bounds. Whether what they name is there is another question.
 *
 * Locking: all functions from any thread, but for what one caller has in its hands.
 */
#ifndef REGISTRY_REACH_H
#define REGISTRY_REACH_H

#include <drydock/registry.h>

#include "base/list.h"
#include "graph/ids.h"

struct dd_named {
	struct dd_digest digest;
	uint64_t size; /* if has_size */
	uint8_t role;  /* enum dd_role */
	bool is_manifest;
	bool has_size;
	bool elsewhere; /* it can be had by a URL */
};

/* Read-only, and shared: dd_reach_release() when done with. */
struct dd_reach {
	_Atomic uint32_t users;
	enum dd_manifest_type type;
	bool has_subject;
	struct dd_digest subject; /* it is one of the named, too */
	char *media_type;	  /* of the document, or what it must be */
	size_t count;
	struct dd_named named[];
};

int dd_reach_open(struct dd_registry *registry, struct dd_error *err);
void dd_reach_close(struct dd_registry *registry);

/*
 * Of a manifest by its digest: from memory, else by reading it. DD_ENOENT: it is not there, or has other
 * bytes; DD_EFORMAT and its like: it is no manifest.
 */
int dd_reach_get(struct dd_registry *registry, const struct dd_digest *digest,
		 struct dd_reach **reach, struct dd_error *err);
/* From memory alone. */
bool dd_reach_recall(struct dd_registry *registry, const struct dd_digest *digest,
		     struct dd_reach **reach);
/* Of bytes that are those of the digest; kept for who asks next. named_type: of dd_manifest_parse(). */
int dd_reach_parse(struct dd_registry *registry, const struct dd_digest *digest, const void *bytes,
		   size_t len, const char *named_type, struct dd_reach **reach,
		   struct dd_error *err);
void dd_reach_release(struct dd_reach **reach);

/* A lease on all that a manifest reaches, itself too: as far as it can be told. */
void dd_reach_lease(struct dd_registry *registry, const char *repository,
		    const struct dd_digest *digest);

/* What is pinned: each digest once, until it is released. */
struct dd_pins {
	struct dd_registry *registry;
	const char *repository;
	bool only_lease; /* leases are taken instead, and not given back */
	struct dd_ids ids;
	DD_LIST(bool) manifests; /* by id: to be gone into, or was */
	DD_LIST(uint32_t) todo;	 /* those that were not yet */
};
int dd_pins_add(struct dd_pins *pins, const struct dd_digest *digest, bool follow,
		struct dd_error *err);
/* All that those which are to be followed reach. */
int dd_pins_follow(struct dd_pins *pins, struct dd_error *err);
void dd_pins_release(struct dd_pins *pins);

/*
 * The bytes of a manifest, proved. DD_ENOENT: no bytes, or others (said to the log); DD_ETOOBIG: more
 * than any manifest has.
 */
int dd_registry_read_manifest(struct dd_registry *registry, const struct dd_digest *digest,
			      struct dd_buffer *bytes, struct dd_error *err);

#endif
