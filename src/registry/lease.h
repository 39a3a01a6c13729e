/*
 * Leases and the barrier: what keeps a collector from taking what a client was told is there, or what
 * was pushed after it had begun to mark.
 *
 * A lease is on a digest in a repository, and taken *before* one looks. The collector asks for a
 * digest before it withdraws anything of it, and gives it back afterwards. Both sides meet at one lock
 * of that digest: so whoever took its lease first sees it stay, and whoever comes while it goes waits
 * until it has gone, and then looks: at the trash as well (registry/revive.h).
 *
 * The barrier: marks are counted. What a manifest or a tag that is being written reaches is pinned, which
 * never runs out, until it is written; and from then on it holds as long as the mark that was under way
 * at that moment, and may not have seen it, is not done with. Otherwise: marked, then pushed, then the
 * lease runs out, then withdrawn. A mark that begins later sees it.
 *
 * A tag and an upload have a name in place of a digest: dd_lease_name() makes one of it. Who writes a
 * tag pins that too, for it may be moved to another manifest while its old one goes.
 *
 * What clients were told before the process began is not known: all is leased for one length from then.
 *
 * A repository is known by a hash of its name. Two of one hash protect each other's, nothing more.
 * Locking: all functions from any thread. Those that may wait say so.
 */
#ifndef REGISTRY_LEASE_H
#define REGISTRY_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drydock/digest.h>
#include <drydock/error.h>

struct dd_leases;

int dd_leases_open(int64_t lease_ns, struct dd_leases **leases, struct dd_error *err);
void dd_leases_closep(struct dd_leases **leases);
void dd_leases_set_length(struct dd_leases *leases, int64_t lease_ns);

enum dd_lease_kind { DD_LEASE_TAG, DD_LEASE_UPLOAD };
/* What stands for a tag or an upload of a repository where a digest is wanted. */
void dd_lease_name(enum dd_lease_kind kind, const char *name, struct dd_digest *digest);

/* ---- whoever serves ---- */

/*
 * From now until a lease's length has passed. Waits as long as a collector holds the digest. Without
 * memory the digest's whole shard is leased instead: never a failure.
 */
void dd_lease_take(struct dd_leases *leases, const char *repository,
		   const struct dd_digest *digest);
/* The same, and it does not run out before it is unpinned: as often as it was pinned. */
void dd_lease_pin(struct dd_leases *leases, const char *repository, const struct dd_digest *digest);
/* What was pinned is written, or will not be: a lease's length from now, and the barrier. */
void dd_lease_unpin(struct dd_leases *leases, const char *repository,
		    const struct dd_digest *digest);
/*
 * An upload in the repository is at work: whoever sends it looked at what else it needs, perhaps long
 * ago. What is leased there lasts a length from now, though no longer than DD_LEASE_RENEWALS lengths
 * after it was last asked for. Never waits; cheap enough for every piece of an upload.
 */
void dd_lease_renew(struct dd_leases *leases, const char *repository);
#define DD_LEASE_RENEWALS 24

/* ---- the collector, of which there is one at a time ---- */

/*
 * A mark begins: what is written from here on is not expected to be seen by it. Returns its number.
 * It ends when nothing will be asked for on its behalf any more.
 */
uint64_t dd_leases_begin_mark(struct dd_leases *leases);
void dd_leases_end_mark(struct dd_leases *leases, uint64_t mark);

/*
 * Ask for a digest on behalf of the mark of that number. repository NULL: for the blob itself, which
 * any repository's lease keeps. named: somebody wants just that gone, so that it is kept only by who is
 * writing it, or has since the mark began. False: it is leased, or the mark has not seen it, and it
 * stays. True: it is the collector's until given back, and whoever wants a lease on it waits.
 */
bool dd_leases_hold(struct dd_leases *leases, uint64_t mark, const char *repository,
		    const struct dd_digest *digest, bool named);
void dd_leases_give_back(struct dd_leases *leases, const struct dd_digest *digest);
/* All that was not given back, when the collector has died. */
void dd_leases_give_all_back(struct dd_leases *leases);

/* For people and metrics: leases that hold now, roughly. */
uint64_t dd_leases_count(struct dd_leases *leases);
/* Threads that wait for a digest to be given back. */
unsigned dd_leases_waiting(struct dd_leases *leases);
/* How long from now all is leased, because of what may have been said before the start; 0: no more. */
int64_t dd_leases_quiet(struct dd_leases *leases);

/* For tests, before anything else is called: what tells the time, as CLOCK_MONOTONIC does. */
void dd_leases_set_clock(struct dd_leases *leases, int64_t (*now_ns)(void));

#endif
