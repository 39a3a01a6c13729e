/*
 * Histories of tags: where each has pointed, by the links that the layout keeps of it.
 *
 * Source: the distribution registry keeps tags/<tag>/index/<digest>/link for every manifest that a tag
 * has pointed to, and writes it again whenever the tag is set to that one again. So what can be known
 * is each digest once, and when the tag was last set to it; a tag that moved away and back says only
 * the latter.
 */
#ifndef DRYDOCK_HISTORY_H
#define DRYDOCK_HISTORY_H

#include <drydock/json.h>
#include <drydock/reference.h>
#include <drydock/store.h>

/* X(constant, name, what it means) */
#define DD_HISTORY_STATES(X)                                                                   \
	X(DD_HISTORY_CURRENT, "current", "the tag points to it")                               \
	X(DD_HISTORY_HERE, "here", "it can still be pulled by its digest")                     \
	X(DD_HISTORY_DELETED, "deleted", "its bytes are there, the repository has it no more") \
	X(DD_HISTORY_GONE, "gone", "its bytes are not there")

enum dd_history_state {
#define X(constant, name, text) constant,
	DD_HISTORY_STATES(X)
#undef X
	DD_HISTORY_STATE_COUNT
};
const char *dd_history_state_name(enum dd_history_state state);

struct dd_history_entry {
	struct dd_digest digest;
	int64_t set_ns; /* when the tag was last set to it; 0: not known */
	enum dd_history_state state;
};

struct dd_history_tag {
	const char *repository, *tag;
	bool has_digest;
	struct dd_digest digest; /* that it points to */
	int64_t moved_ns;	 /* when its current link was written; 0: not known */
	const struct dd_history_entry *entries; /* the latest first */
	size_t count;
	size_t here; /* of them, that can still be pulled */
	size_t same; /* other tags that were looked at and point to the same digest */
	/* Times contradict each other, as in a copy of a volume: the order is not known. */
	bool unclear;
	const char *problem; /* NULL: none */
};

enum dd_history_sort { DD_HISTORY_MOVES, DD_HISTORY_NAME, DD_HISTORY_TIME, DD_HISTORY_DIGEST };
enum dd_history_only { DD_HISTORY_ALL, DD_HISTORY_MOVED, DD_HISTORY_NEVER, DD_HISTORY_SAME };

struct dd_history_options {
	enum dd_history_sort sort;
	enum dd_history_only only; /* which tags are shown */
	size_t top;		   /* at most so many are shown; 0: all */
};

struct dd_history {
	const char *repository, *tag; /* that were asked for; NULL: all */
	struct dd_history_tag *tags;  /* those that are shown */
	size_t count;
	uint64_t hidden;		       /* tags that top leaves out */
	uint64_t looked, moved, never, shared; /* of all tags that were looked at */
	uint64_t problems; /* tags with one, and places that could not be read */
	void *memory;
};

/*
 * reference NULL: the whole volume. One repository or tag is told without a look at any other.
 * DD_ENOENT: no such repository or tag; DD_EUSAGE: a digest has no history.
 */
int dd_history(struct dd_context *ctx, struct dd_store *store, const struct dd_reference *reference,
	       const struct dd_history_options *options, struct dd_history *history,
	       struct dd_error *err);
void dd_history_release(struct dd_history *history);
/* One document, schema/history.json. */
void dd_history_json(const struct dd_history *history, struct dd_json_out *out);

#endif
