/*
 * Finding: an expression in the manner of find(1), over the objects of a volume instead of paths.
 *
 * Rules and words: drydock-find(1). What an expression needs is told before anything is read: names
 * come from listings, sizes and times from looks at files, the rest from a survey of the manifests
 * (of the repositories that can match alone, where that is enough).
 */
#ifndef DRYDOCK_FIND_H
#define DRYDOCK_FIND_H

#include <drydock/index.h>
#include <drydock/json.h>
#include <drydock/store.h>

/* X(constant, name, what it is) */
#define DD_FIND_TYPES(X)                                                    \
	X(DD_FIND_REPOSITORY, "repository", "a repository")                 \
	X(DD_FIND_TAG, "tag", "a tag")                                      \
	X(DD_FIND_MANIFEST, "manifest", "a manifest, in each repository")   \
	X(DD_FIND_INDEX, "index", "a manifest that lists manifests")        \
	X(DD_FIND_REFERRER, "referrer", "a manifest about another one")     \
	X(DD_FIND_CONFIG, "config", "a blob that a manifest has as config") \
	X(DD_FIND_LAYER, "layer", "a blob that a manifest has as layer")    \
	X(DD_FIND_BLOB, "blob", "what is stored under a digest")            \
	X(DD_FIND_UPLOAD, "upload", "an upload that was begun")             \
	X(DD_FIND_LINK, "link", "a file that names a digest, in a repository")

enum dd_find_type {
#define X(constant, name, text) constant,
	DD_FIND_TYPES(X)
#undef X
	DD_FIND_TYPE_COUNT
};

const char *dd_find_type_name(enum dd_find_type type);

enum dd_find_state { DD_FIND_UNVERIFIED, DD_FIND_GOOD, DD_FIND_CORRUPT };

/*
 * What was found; it lives until the visit returns. Of the facts only those are set that an action of
 * the expression asks for; NULL, 0 and false are "none" and "not known".
 */
struct dd_find_object {
	enum dd_find_type type; /* the narrowest that is known */
	const char *name; /* REPO, REPO:TAG, REPO@DIGEST, DIGEST, or the path below repositories/ */
	const char *base; /* the end of it, as -name sees it */
	const char *repository, *tag, *upload;
	bool has_digest;
	struct dd_digest digest;
	struct dd_place place;
	bool has_size, stored; /* stored: the bytes of its digest are there */
	uint64_t size;	       /* bytes; of a repository, tag or manifest what a pull transfers */
	int64_t mtime_ns, created_ns;
	const char *media_type, *artifact_type, *platform;
	bool counted;		  /* a manifest or blob; of others nobody asks … */
	uint64_t refs, repos;	  /* … how many manifests name it, and repositories link it */
	enum dd_find_state state; /* by the last verification */
	const char *problem;	  /* why some of it is not known */
};

/* X(constant, name): what is done with an object */
#define DD_FIND_ACTIONS(X)           \
	X(DD_FIND_PRINT, "-print")   \
	X(DD_FIND_PRINT0, "-print0") \
	X(DD_FIND_PRINTF, "-printf") \
	X(DD_FIND_LS, "-ls")         \
	X(DD_FIND_JSON, "-json")     \
	X(DD_FIND_EXEC, "-exec")     \
	X(DD_FIND_DELETE, "-delete") \
	X(DD_FIND_QUIT, "-quit")

enum dd_find_action_kind {
#define X(constant, name) constant,
	DD_FIND_ACTIONS(X)
#undef X
	DD_FIND_ACTION_COUNT
};

struct dd_find_format;

struct dd_find_action {
	enum dd_find_action_kind kind;
	unsigned number;		     /* of its kind, from 0 on */
	const struct dd_find_format *format; /* -printf */
	const char *const *words;	     /* -exec: the command; "{}" stands for the name */
	size_t word_count;
	bool many; /* -exec … {} + */
};

struct dd_find;

/* How many words the test, operator or action takes that begins there, its own among them; 0: none does. */
size_t dd_find_word_length(const char *const *words, size_t count);

/*
 * Parse an expression; the words must outlive it. Without an action it gets otherwise, one that
 * takes no argument. DD_EUSAGE: *wrong is the word that is to blame (count: what should come after
 * the last one).
 */
int dd_find_open(const char *const *words, size_t count, enum dd_find_action_kind otherwise,
		 struct dd_find **find, size_t *wrong, struct dd_error *err);
void dd_find_close(struct dd_find *find);
void dd_find_closep(struct dd_find **find);

bool dd_find_has_action(const struct dd_find *find, enum dd_find_action_kind kind);
/* Whether it asks what was verified, and whether it takes a survey of the volume: which index is of use. */
bool dd_find_needs_verified(const struct dd_find *find);
bool dd_find_needs_surveyed(const struct dd_find *find);

/* Called by one thread, in the order in which objects are found: 1 true, 0 false, or an error. */
typedef int dd_find_visit_fn(void *arg, const struct dd_find_action *action,
			     const struct dd_find_object *object, struct dd_error *err);

struct dd_find_options {
	struct dd_index *verified; /* what was verified, and … */
	struct dd_index *surveyed; /* … what surveys found out; NULL: none */
	dd_find_visit_fn *visit;
	void *arg;
};

struct dd_find_summary {
	uint64_t looked_at; /* objects that tests were made on */
	uint64_t problems;  /* places and objects that could not be looked at; each was logged */
};

/*
 * Repositories by name, in each its tags by name, manifests, links and uploads; then what is stored,
 * by digest. DD_ENOENT: a reference in the expression names nothing.
 */
int dd_find_run(struct dd_context *ctx, struct dd_store *store, struct dd_find *find,
		const struct dd_find_options *options, struct dd_find_summary *summary,
		struct dd_error *err);

/* What -printf says of an object. */
int dd_find_printf(const struct dd_find_format *format, const struct dd_find_object *object,
		   dd_json_sink_fn *sink, void *arg, struct dd_error *err);

/* One line of schema/find.json. */
void dd_find_json(const struct dd_find_object *object, struct dd_json_out *out);

#endif
