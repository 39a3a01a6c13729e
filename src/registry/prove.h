/*
 * What is known of blobs' bytes: whether they are those of the digest, by a file's stamp. Known by the
 * index, which lasts, and by a table of what was read since, which is put there from time to time.
 *
 * Locking: all functions from any thread.
 */
#ifndef REGISTRY_PROVE_H
#define REGISTRY_PROVE_H

#include <drydock/index.h>
#include <drydock/store.h>

struct dd_registry;
struct dd_proofs;

int dd_proofs_open(struct dd_registry *registry, struct dd_error *err);
/* What was not put into the index yet is. */
void dd_proofs_close(struct dd_registry *registry);

/* What is known of a file with this stamp, without a look at it. False: nothing is. */
bool dd_proof_get(struct dd_registry *registry, const struct dd_digest *digest,
		  const struct dd_stamp *stamp, enum dd_verdict *verdict);

/*
 * Bytes were read whole, from read_ns (CLOCK_REALTIME) on, and hashed; before and after is what was
 * seen of their file. Not remembered if they could have been written to meanwhile, or since. A
 * verdict that is bad is said to the log, once for each stamp.
 */
void dd_proof_put(struct dd_registry *registry, const struct dd_digest *digest,
		  const struct dd_info *before, const struct dd_info *after, int64_t read_ns,
		  enum dd_verdict verdict);

/*
 * Bytes that we hashed while we wrote them, all of them by us: info is of the file in its place.
 * Good for as long as this process lives, however fresh it is, and then to be read like any other.
 */
void dd_proof_put_own(struct dd_registry *registry, const struct dd_digest *digest,
		      const struct dd_info *info);

/*
 * Read a file and find out whether its bytes have the digest, if that is not known; who comes while
 * somebody reads waits for him. stored: the blob that the bytes lie under, mostly the digest itself.
 * 0: they have. DD_ECORRUPT; DD_ENOENT, and whatever else keeps it from being read. *info (may be
 * NULL) is of the file that the verdict is about.
 */
int dd_prove(struct dd_registry *registry, const struct dd_digest *digest,
	     const struct dd_digest *stored, struct dd_info *info, struct dd_error *err);

#endif
