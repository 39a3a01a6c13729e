/*
 * The gate: what whoever changes a volume asks of whoever serves it meanwhile.
 *
 * A daemon has told its clients of things, and is being pushed to. So a change that takes something
 * tells it when it begins, before it looks at the volume; asks for each object before it withdraws it;
 * and gives back what it was given once the withdrawal is on the disk. What is refused stays. By that
 * a collection needs no grace period, and clients see nothing of it (registry/lease.h has the rules).
 *
 * A gate is set for a store (dd_store_set_gate()): by a worker of the daemon's, whose gate asks by a
 * socket (dd_gate_connect()); by the daemon for itself, with a gate that has no functions, for it knows
 * what it does; by nobody else. A change on a volume that is served and without a gate is refused.
 *
 * Members may be NULL: that is not asked then. One change at a time, one thread.
 */
#ifndef DRYDOCK_GATE_H
#define DRYDOCK_GATE_H

#include <drydock/store.h>

/* What a change must know before it looks at the volume. */
struct dd_gate_terms {
	/*
	 * Until then (since the epoch) nothing is collected, for what was said to clients before the
	 * daemon began is not known. 0: it is.
	 */
	int64_t quiet_until_ns;
	/* What is younger stays whatever the options say: somebody else writes, too. 0: nobody does. */
	int64_t least_grace_ns;
	/* What was written since then may be another's: to be shown. */
	int64_t since_ns;
};

/* X(constant): what is asked for */
#define DD_GATE_KEYS(X)                                                                       \
	X(DD_KEY_BLOB)	 /* the bytes of a digest, whoever links to them */                   \
	X(DD_KEY_DIGEST) /* what a repository has by that digest: a layer link, a revision */ \
	X(DD_KEY_TAG)                                                                         \
	X(DD_KEY_UPLOAD)

enum dd_gate_key_kind {
#define X(constant) constant,
	DD_GATE_KEYS(X)
#undef X
	DD_KEY_COUNT
};

/* Strings are borrowed; those that the kind does not need are not looked at. */
struct dd_gate_key {
	enum dd_gate_key_kind kind;
	bool named; /* it is taken for its own sake: only who is writing it may refuse */
	const char *repository;
	const char *name; /* of a tag or upload */
	struct dd_digest digest;
};

/* Something in the volume, as it was written: dd_stamp_sum() and dd_stamp_time() of its file. */
struct dd_trace {
	uint64_t sum;
	int64_t written_ns;
};

#define DD_GATE_MAX 64 /* keys or traces at once */

/* What is younger stays where others write, too: as beside any registry that is not ours. */
#define DD_GATE_FOREIGN_GRACE (24 * INT64_C(3600) * 1000000000)

struct dd_gate {
	void *arg;
	/* The volume's lock is held. */
	int (*begin)(void *arg, struct dd_gate_terms *terms, struct dd_error *err);
	/*
	 * From here on whoever serves the volume may begin changes of its own beside this one, or may
	 * no more, and none is under way: as dd_change_let_in() has it. Until the end.
	 */
	int (*let_in)(void *arg, bool open, struct dd_error *err);
	/* granted[i]: it is the change's, until it gives all back. At most DD_GATE_MAX. */
	int (*hold)(void *arg, const struct dd_gate_key *keys, size_t count, bool *granted,
		    struct dd_error *err);
	int (*give_back)(void *arg, struct dd_error *err);
	/*
	 * Things that were written since terms.since_ns. *least_grace_ns: as in the terms, for some of
	 * them were written by somebody else; or 0.
	 */
	int (*show)(void *arg, const struct dd_trace *traces, size_t count, int64_t *least_grace_ns,
		    struct dd_error *err);
	/* Things that the change itself has written, or renames: before anybody can see them there. */
	int (*wrote)(void *arg, const struct dd_trace *traces, size_t count, struct dd_error *err);
	/* The change is over; what was not given back is. Never a failure. */
	void (*end)(void *arg);
};

/*
 * The worker's end of a socket (SOCK_SEQPACKET) that a daemon, its parent, has handed down to it; it is the
 * gate's from here on. DD_EREFUSED: there is no such daemon at the other end, or it serves another
 * volume than the store's. Closed after the store, or before it when nothing changes it any more.
 */
struct dd_gate_socket;
int dd_gate_connect(int fd, struct dd_store *store, struct dd_gate_socket **socket,
		    struct dd_error *err);
const struct dd_gate *dd_gate_socket_get(const struct dd_gate_socket *socket);
void dd_gate_socket_closep(struct dd_gate_socket **socket);

#endif
