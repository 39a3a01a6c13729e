/*
 * The journal of a run, as checksummed lines (record/line.h):
 *
 *	drydock 1 run <run> <time_ns> <command>
 *	item <reason> <bytes> <links> <word 0> … <word 4> <path below the root>	  for each object
 *	put <bytes> <word 0> … <word 4> <replaces> <word 0> … <word 4> <bytes> <made> <path> <origin>
 *	dress <owner> <group> <mode> <owner> <group> <mode> <path>	as it will be, as it is
 *	sealed <count of these lines>
 *	end <withdrawn> <skipped>, or: end interrupted
 *
 * The words are the stamp's. The path is that of the object's file; places are made anew from it by
 * dd_layout_parse(), so that no journal leads out of the layout.
 */
#ifndef CHANGE_JOURNAL_H
#define CHANGE_JOURNAL_H

#include "change/change.h"

/* Both need the run's directory, which dd_store_prepare() makes. */
int dd_journal_open(struct dd_change *change, struct dd_error *err);
int dd_journal_add(struct dd_change *change, const struct dd_item *item, struct dd_error *err);
/* Durable when it returns, and there is room for the end. */
int dd_journal_add_put(struct dd_change *change, const struct dd_put *put, struct dd_error *err);
int dd_journal_add_dress(struct dd_change *change, const struct dd_dress *dress,
			 struct dd_error *err);
int dd_journal_seal(struct dd_change *change, struct dd_error *err);
int dd_journal_end(struct dd_change *change, bool interrupted, struct dd_error *err);
void dd_journal_closep(struct dd_journal_writer **journal);

/* The last line of an earlier run that did not come to it. */
int dd_journal_end_other(struct dd_change *change, const char *run, struct dd_error *err);

/* What a journal says; { 0 } knows nothing. */
struct dd_journal {
	char *command;	    /* NULL: the first line cannot be read */
	uint64_t items;	    /* objects that go, replaced ones too */
	uint64_t announced; /* lines */
	uint64_t placed;    /* puts and dresses of these */
	bool whole;	    /* all of them are known */
	bool sealed;
	bool ended;
	bool interrupted;   /* ended by another run */
	uint64_t withdrawn; /* if it ended by itself */
};

/*
 * What is called for each line; a put that replaces something is an item too. Strings live until the
 * function returns. An error stops the reading. NULL: nobody asks.
 */
struct dd_journal_sink {
	int (*item)(void *arg, const struct dd_item *item, struct dd_error *err);
	int (*put)(void *arg, const struct dd_put *put, struct dd_error *err);
	int (*dress)(void *arg, const struct dd_dress *dress, struct dd_error *err);
	void *arg;
};
/*
 * Damage is no error: what can be read is handed on. Errors are those of reading the file, and
 * what was read until then is in *journal all the same.
 */
int dd_journal_read(struct dd_store *store, const char *run, const struct dd_journal_sink *sink,
		    struct dd_journal *journal, struct dd_error *err);
void dd_journal_release(struct dd_journal *journal);

/* Whether the last line says that the run has ended. */
int dd_journal_has_end(struct dd_store *store, const char *run, bool *ended, struct dd_error *err);

#endif
