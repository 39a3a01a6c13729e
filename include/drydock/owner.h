/*
 * Who serves a volume, and what it does for others.
 *
 * A daemon owns the volume that it serves for as long as it lives: nobody else serves it, and whatever
 * changes it is carried out by the daemon, which knows what its clients were told. A command that is
 * to change the volume is handed over to it by a socket in the volume, with its words, its directory and
 * its standard streams, so that whoever typed it sees no difference.
 *
 * Who may call: root, and the user whom the daemon runs as. It is carried out as that user.
 */
#ifndef DRYDOCK_OWNER_H
#define DRYDOCK_OWNER_H

#include <drydock/store.h>

/*
 * Own the volume, as "about" (a line for people: "drydockd, process 12 on host"). A run that changes it
 * at this moment is waited for, as long as lock_wait_ns: DD_ELOCKED then, and if another serves it.
 * *since_ns: when this began, as the volume's file system tells the time. Ends with the store, or by
 * dd_store_disown(). Whoever owns it sets a gate (drydock/gate.h) before it changes anything.
 * *died_ns: since when whoever did before us had owned it, if it was killed; else 0. That is told to those
 * who come later, too, until dd_store_owe() says that what it left is mended.
 */
int dd_owner_take(struct dd_context *ctx, struct dd_store *store, const char *about,
		  int64_t lock_wait_ns, int64_t *since_ns, int64_t *died_ns, struct dd_error *err);

/* ---- handing over ---- */

/* What is to be carried out. Borrowed. */
struct dd_errand {
	const char *const *words; /* of the command line, the program's name among them */
	size_t word_count;
	const char *const
		*environment; /* "NAME=value"; what its result depends on is taken of it */
	size_t environment_count;
	int directory;	/* descriptors: where it runs */
	int streams[3]; /* … and its standard input, output and error */
};
#define DD_ERRAND_BYTES (128 << 10) /* of all words and names, each with its NUL */

/*
 * Whether a process serves the volume; who: what it wrote about itself. DD_EACCES: that cannot be told.
 */
int dd_owner_look(struct dd_store *store, bool *owned, char who[static DD_HOLDER_TEXT],
		  struct dd_error *err);
/*
 * Have it done by who serves the volume, and wait until it is: *status as of waitpid(2). Signals that
 * ask to end (INT, TERM, HUP, as far as signal_fd, a signalfd(2), tells of them; -1: none is) are passed
 * on. DD_EREFUSED: nobody answers, or whoever does will not do it: why, and what to do.
 */
int dd_owner_hand_over(struct dd_store *store, const struct dd_errand *errand, int signal_fd,
		       int *status, struct dd_error *err);

#endif
