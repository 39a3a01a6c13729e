/*
 * The seal: the last 64 bytes of an index's file. It says whose the file is, how long, and what all
 * its bytes add up to; it is written when everything else is, and the file gets its name after that.
 * So a file without a good seal was torn, cut, flipped or never ours, and is not looked at further.
 */
#ifndef INDEX_SEAL_H
#define INDEX_SEAL_H

#include <stdint.h>

#include <drydock/context.h>

/* Of what is in the file: databases, keys and records. A change to any of them is a new version. */
#define DD_INDEX_VERSION 3

#define DD_SEAL_MAGIC "drydock's index" /* with its NUL, 16 bytes */

/* Its size, and where self, version and magic are, stay so in all versions. */
struct dd_seal {
	uint64_t volume[2]; /* the start of the identity's sha256 */
	uint64_t length;    /* of what is before the seal */
	uint64_t sum;	    /* of it */
	uint32_t version;   /* DD_INDEX_VERSION */
	uint32_t word;	    /* sizeof(size_t): LMDB's pages depend on it */
	uint64_t self;	    /* sum of all above */
	char magic[16];
};

/* X(constant, may be thrown away, what is the matter) */
#define DD_SEAL_STATES(X)                                                                   \
	X(DD_SEAL_GOOD, false, "good")                                                      \
	X(DD_SEAL_DAMAGED, true, "is damaged: it is not what was written")                  \
	X(DD_SEAL_OTHER, true, "belongs to another volume, or was made on another machine") \
	X(DD_SEAL_OLDER, true, "was made by an older version of drydock")                   \
	X(DD_SEAL_NEWER, false, "was made by a newer version of drydock")

enum dd_seal_state {
#define X(constant, away, text) constant,
	DD_SEAL_STATES(X)
#undef X
};

/* Put one behind what fd holds. 0 or an error. */
int dd_seal_write(int fd, const uint64_t volume[2], struct dd_error *err);
/* Reads the whole file. *length: without the seal. DD_EIO and the like, DD_ENOMEM, DD_ECANCELLED. */
int dd_seal_check(struct dd_context *ctx, int fd, const uint64_t volume[2],
		  enum dd_seal_state *state, uint64_t *length, struct dd_error *err);

#endif
