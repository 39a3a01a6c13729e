/*
 * Between the files that find: expression, facts, and what a run knows.
 *
 * An expression is evaluated at several levels of knowledge, by the same code: with nothing but the
 * class of an object (is that class to be listed at all, and what does it need?), with its
 * repository, with its name (is it worth a look?), and with the object itself. What cannot be told
 * yet is unknown, and unknown is never false.
 */
#ifndef INSPECT_FIND_H
#define INSPECT_FIND_H

#include <drydock/find.h>
#include <drydock/manifest.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/text.h"
#include "graph/link.h"
#include "graph/mark.h"
#include "inspect/size.h"
#include "text/json.h"

enum dd_truth { DD_FALSE, DD_TRUE, DD_UNKNOWN };

/* What is listed in one way. */
enum {
	DD_CLASS_REPOSITORY = 1 << 0,
	DD_CLASS_TAG = 1 << 1,
	DD_CLASS_REVISION = 1 << 2, /* manifest, index, referrer */
	DD_CLASS_LINK = 1 << 3,
	DD_CLASS_UPLOAD = 1 << 4,
	DD_CLASS_BLOB = 1 << 5, /* config, layer, blob */
	DD_CLASS_ALL = (1 << 6) - 1,
	DD_CLASS_COUNT = 6,
	DD_CLASS_NAMING = DD_CLASS_REPOSITORY | DD_CLASS_TAG | DD_CLASS_REVISION,
};

/* What can be known of an object, and has to be come by. */
enum {
	DD_FACT_LOOK = 1 << 0,	   /* size and times of its file */
	DD_FACT_DIGEST = 1 << 1,   /* what a tag points to */
	DD_FACT_STORED = 1 << 2,   /* whether the bytes of its digest are there */
	DD_FACT_KIND = 1 << 3,	   /* index, referrer, layer, config */
	DD_FACT_READ = 1 << 4,	   /* what manifests say of it */
	DD_FACT_PULL = 1 << 5,	   /* bytes that a pull transfers */
	DD_FACT_CONFIG = 1 << 6,   /* what its config says */
	DD_FACT_PLATFORM = 1 << 7, /* of manifests, else of the config */
	DD_FACT_COUNT = 1 << 8,	   /* manifests and repositories that name it */
	DD_FACT_REACH = 1 << 9,	   /* whether anything needs it */
	DD_FACT_TAGGED = 1 << 10,  /* whether a tag leads to it */
	DD_FACT_STATE = 1 << 11,   /* what was verified */
	DD_FACT_SIGNS = 1 << 12,   /* signatures and SBOMs */
	DD_FACT_CONTENT = 1 << 13, /* whether a repository has anything */
	DD_FACT_TAGS = 1 << 14,	   /* the tags that point to it */
	DD_FACT_REPOS = 1 << 15,   /* the repositories that link it */
	DD_FACT_CONTAINS = 1 << 16,
	DD_FACT_LAYER_OF = 1 << 17,
	DD_FACT_NAMED = 1 << 18,    /* whether a manifest names it, though it is not here */
	DD_FACT_SIZE = 1 << 19,	    /* stands for LOOK or PULL, whichever tells it */
	DD_FACT_UNTAGGED = 1 << 20, /* whether neither a tag leads to it nor a doubt holds it */
};

/* Of manifests and of what they name, by id. */
enum {
	DD_SAID_LAYER = 1 << 0,
	DD_SAID_CONFIG = 1 << 1,
	DD_SAID_PART = 1 << 2,	    /* a blob in another role */
	DD_SAID_EXTERNAL = 1 << 3,  /* can be had elsewhere: need not be here */
	DD_SAID_SIGNATURE = 1 << 5, /* a manifest that is a signature */
	DD_SAID_SBOM = 1 << 6,
	DD_SAID_REACHED = 1 << 7,
	DD_SAID_TAGGED = 1 << 8,
	DD_SAID_CORRUPT = 1 << 9, /* itself */
	DD_SAID_SPOILT = 1 << 10, /* it, or something that it names */
};

enum dd_find_level {
	DD_KNOWN_CLASS,
	DD_KNOWN_REPOSITORY,
	DD_KNOWN_NAME,
	DD_KNOWN_WEIGHED, /* and all that a survey tells, without a look */
	DD_KNOWN_OBJECT
};

#define DD_FACTS_WEIGHED                                                                        \
	(DD_FACT_KIND | DD_FACT_NAMED | DD_FACT_READ | DD_FACT_COUNT | DD_FACT_REACH |          \
	 DD_FACT_TAGGED | DD_FACT_UNTAGGED | DD_FACT_STATE | DD_FACT_REPOS | DD_FACT_CONTAINS | \
	 DD_FACT_LAYER_OF)

enum { DD_SIGN_SIGNED = 1 << 0, DD_SIGN_SBOM = 1 << 1 };

/* One object, or less of it: the level says how much counts. */
struct dd_find_subject {
	uint8_t level, state; /* state: enum dd_link_state of a tag */
	unsigned class;
	enum dd_place_kind link; /* DD_CLASS_LINK */
	uint32_t repo, item, id; /* DD_NO_ID: none, or not known */
	const char *repository, *tag, *upload;
	bool has_digest;
	struct dd_digest digest;
	/* told when it was listed */
	uint64_t tag_bits; /* of the -tag tests */
	uint8_t signs;
	bool tagged, untagged, unneeded;
	/* facts */
	uint32_t fetched, wanted;
	bool there, stored, acts, has_size;
	bool unsure; /* a look failed: what is not seen may be there */
	uint64_t size;
	int64_t mtime_ns;
	struct dd_stamp stamp;
	const struct dd_find_config *config;
	const char *problem;
};

struct dd_find_run_state;
struct dd_find_test;

/* ---- tests ---- */

struct dd_find_number {
	char sign;	      /* '+', '-' or 0 */
	uint64_t value, span; /* without a sign: value to value + span */
};

typedef enum dd_truth dd_find_match_fn(const struct dd_find_test *test,
				       const struct dd_find_subject *subject,
				       const struct dd_find_run_state *run);

struct dd_find_kind {
	const char *name;     /* "-name" */
	const char *argument; /* NULL: none */
	unsigned classes;     /* of others it is false */
	uint32_t facts;
	uint8_t level; /* where it needs no facts */
	uint8_t cost;  /* cheap ones first */
	int (*parse)(struct dd_find_test *test, struct dd_error *err);
	dd_find_match_fn *match;
};

struct dd_find_test {
	const struct dd_find_kind *kind;
	const char *word; /* its argument */
	size_t at;	  /* which word of the expression that is */
	unsigned number;  /* among the tests of its kind */
	struct dd_find_number amount;
	char *key, *value; /* -annotation, -label: value may be NULL; own memory */
	enum dd_find_type type;
	bool timed; /* -newer: by a time, not by a reference */
	int64_t time_ns;
	bool *marked; /* by id: those that it is true for; marked_count of them */
	size_t marked_count;
};

/* What an argument has to be: DD_EUSAGE, DD_ENOMEM. find_arguments.c */
int dd_find_parse_size(struct dd_find_test *test, struct dd_error *err);
int dd_find_parse_count(struct dd_find_test *test, struct dd_error *err);
int dd_find_parse_age(struct dd_find_test *test, struct dd_error *err);
int dd_find_parse_glob(struct dd_find_test *test, struct dd_error *err);
int dd_find_parse_digest(struct dd_find_test *test, struct dd_error *err);
int dd_find_parse_pair(struct dd_find_test *test, struct dd_error *err);
int dd_find_parse_platform(struct dd_find_test *test, struct dd_error *err);
int dd_find_parse_newer(struct dd_find_test *test, struct dd_error *err);
int dd_find_parse_reference(struct dd_find_test *test, struct dd_error *err);
int dd_find_parse_contained(struct dd_find_test *test, struct dd_error *err);

const struct dd_find_kind *dd_find_kind_of(const char *name);
/* -type of one type: false for all classes but its own. */
const struct dd_find_kind *dd_find_kind_of_type(enum dd_find_type type);
const struct dd_find_kind *dd_find_kind_at(size_t index); /* NULL behind the last */

/* What is wanted, and what there is: find_match.c */
bool dd_find_compare(const struct dd_find_number *number, uint64_t value);
bool dd_find_glob(const char *pattern, const char *text);
/* Names may be NULL. Without a variant in the pattern any will do. */
bool dd_find_platform_matches(const char *pattern, const char *os, const char *architecture,
			      const char *variant);
int dd_find_platform_text(char *text, size_t room, const char *os, const char *architecture,
			  const char *variant);
bool dd_find_annotation_matches(const struct dd_find_test *test, const char *key,
				const char *value);
/* Mark what a test is true for; the arrays grow. 0 or DD_ENOMEM. */
int dd_find_mark(struct dd_find_test *test, uint32_t id);
bool dd_find_is_marked(const struct dd_find_test *test, uint32_t id);

/* ---- the expression ---- */

enum dd_find_op { DD_OP_TEST, DD_OP_ACTION, DD_OP_NOT, DD_OP_AND, DD_OP_OR, DD_OP_CONST };

struct dd_find_node {
	enum dd_find_op op;
	struct dd_find_test *test;
	struct dd_find_action *action;
	bool value; /* DD_OP_CONST */
	struct dd_find_node **parts;
	size_t count;
};

struct dd_find {
	struct dd_find_node *root;
	DD_LIST(struct dd_find_node *) nodes; /* all of them, for their memory */
	DD_LIST(struct dd_find_test *) tests;
	DD_LIST(struct dd_find_action *) actions;
	size_t word_count;
};

#define DD_FIND_DEPTH 200 /* of parentheses and "!" */
#define DD_FIND_BITS 64	  /* tests of a kind that are told by bits */

int dd_find_action_of(const char *word); /* enum dd_find_action_kind; -1: none */
bool dd_find_is_operator(const char *word);
/* What was meant by a word that is none, as the error's hint. */
void dd_find_hint_word(const char *word, struct dd_error *err);
void dd_find_hint_type(const char *word, struct dd_error *err);

struct dd_find_node *dd_find_node_new(struct dd_find *find, enum dd_find_op op);
int dd_find_node_add(struct dd_find_node *node, struct dd_find_node *part);

/* Constants and double negations go, chains become flat, and in each the cheap tests come first. */
int dd_find_optimise(struct dd_find *find, struct dd_error *err);
/* As a list in the manner of Lisp, for people who want to see and for tests. */
int dd_find_describe(const struct dd_find *find, struct dd_text *text);

/* ---- -printf ---- */

int dd_find_format_parse(const char *text, struct dd_find_format **format, struct dd_error *err);
void dd_find_format_free(struct dd_find_format *format);
uint32_t dd_find_format_facts(const struct dd_find_format *format);

/* ---- what manifests say: find_said.c ---- */

#define DD_FIND_NO_TEXT UINT32_MAX

/* A BuildKit attestation: an index says that one of its manifests is about another. */
struct dd_find_attest {
	uint32_t index, subject, attestation;
};

struct dd_find_said {
	struct dd_find *find;
	struct dd_graph *graph;
	uint32_t facts;		  /* that anybody asks for */
	DD_LIST(uint16_t) flags;  /* by id: DD_SAID_… */
	DD_LIST(uint32_t) config; /* by manifest: its id; DD_NO_ID */
	/* Texts by id, where somebody prints them: index + 1 of a text, 0 none. */
	DD_LIST(uint32_t) media, artifact, platform;
	DD_LIST(struct dd_find_attest) attests; /* sorted by index after the scan */
	void *texts;				/* tsearch(3) */
	DD_LIST(const char *) text;
	struct dd_arena arena;
};
int dd_find_hear(void *said, uint32_t id, const struct dd_manifest *manifest);
void dd_find_said_release(struct dd_find_said *said);
int dd_find_said_settle(struct dd_find_said *said, struct dd_error *err);
unsigned dd_find_flags(const struct dd_find_said *said, uint32_t id);
const char *dd_find_text(const struct dd_find_said *said, const uint32_t *list, size_t count,
			 uint32_t id);
int dd_find_intern(struct dd_find_said *said, const char *text, uint32_t *index);

/* ---- a run ---- */

/* What a config says, or all those of an index together; read once, and then it stays. */
struct dd_find_config {
	int64_t created_ns;   /* 0: it does not say; the newest of an index */
	uint64_t labels;      /* a bit for each -label test */
	uint64_t platforms;   /* and for each -platform test */
	const char *platform; /* NULL: none; of an index several, divided by commas */
	const char *problem;
};

/* What one thread needs; a few of them. */
struct dd_find_worker {
	struct dd_find_worker *next;
	struct dd_find_run_state *run;
	struct dd_directory *held;
	struct dd_json_reader *json;
	struct dd_buffer buffer;
	struct dd_sizer sizer;
	uint32_t *stamps, pass; /* by id: what of an index was seen */
	DD_LIST(uint32_t) stack;
	bool acting; /* actions are carried out, not only reached */
	struct dd_text name;
};

struct dd_find_run_state {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_find *find;
	const struct dd_find_options *options;
	struct dd_find_summary *summary;
	struct dd_graph *graph;
	struct dd_survey *survey;
	struct dd_find_said said;
	bool surveyed; /* else only names were listed */
	bool whole;    /* the survey was of the whole volume */
	unsigned classes;
	uint32_t facts, class_facts[DD_CLASS_COUNT];
	int64_t now_ns;
	bool everything_held;
	uint32_t *refs, *repos;	 /* by id */
	bool *tagged, *untagged; /* all revisions of all repositories, one after the other */
	struct dd_mark *mark;	 /* of what is reachable; NULL: nobody asks */
	const struct dd_find_config **configs; /* by id, of configs and of manifests */
	pthread_mutex_t lock; /* of configs, workers, problems, told, the arena and the error */
	bool *told;	      /* by id: what is the matter with it was said; NULL: nothing yet */
	struct dd_find_worker *idle;
	struct dd_error error;
	int rc;
	bool ended; /* -quit, or an error */
};

/* Carry an action out, by the one thread that does. */
enum dd_truth dd_find_act(struct dd_find_worker *worker, const struct dd_find_action *action,
			  const struct dd_find_subject *subject);

int dd_find_class_index(unsigned class);
/* The facts that a class has, of those asked for; SIZE becomes what tells it. */
uint32_t dd_find_facts_of(unsigned class, uint32_t facts);

/* worker NULL: nothing is fetched. Whether an action may be reached is in subject->acts. */
enum dd_truth dd_find_evaluate(struct dd_find_node *node, struct dd_find_subject *subject,
			       const struct dd_find_run_state *run, struct dd_find_worker *worker);

/* Failures are the run's (rc), or the subject's problem. */
void dd_find_fetch(struct dd_find_worker *worker, struct dd_find_subject *subject, uint32_t facts);
int dd_find_fetch_config(struct dd_find_worker *worker, struct dd_find_subject *subject,
			 struct dd_error *err);

/* ---- the object that is asked about: find_subject.c ---- */

/* Of an object: it is said, and it is the object's. */
void dd_find_trouble(struct dd_find_worker *worker, struct dd_find_subject *subject,
		     const struct dd_place *place, const char *what);
uint32_t dd_find_manifest_of(const struct dd_find_run_state *run,
			     const struct dd_find_subject *subject);
void dd_find_stop(struct dd_find_run_state *run, int rc, const struct dd_error *err);
void dd_find_problem(struct dd_find_run_state *run, const char *where, const char *what);
/* Whether what is the matter with a digest was not said yet; from now on it was. */
bool dd_find_is_first(struct dd_find_run_state *run, uint32_t id);
/* A place as people read it; one of a few buffers of this thread. */
const char *dd_find_place_text(const struct dd_place *place);
void dd_find_place(const struct dd_find_run_state *run, const struct dd_find_subject *subject,
		   struct dd_place *place);

/* ---- what there is to be asked about ---- */

/* List names alone into run->survey. */
int dd_find_list(struct dd_find_run_state *run, struct dd_error *err);
/* Whether an object of the repository (and of the name) may be asked for. */
bool dd_find_wants_repository(const struct dd_find_run_state *run, unsigned classes,
			      const char *repository);
bool dd_find_wants_tag(const struct dd_find_run_state *run, const char *repository,
		       const char *tag);

/* After the survey: marks, counts, what a digest leads to. */
int dd_find_weigh(struct dd_find_run_state *run, struct dd_error *err);
/* Before anything: what -newer and -layer-of name; and after the survey, -contains. */
int dd_find_resolve(struct dd_find_run_state *run, struct dd_error *err);
int dd_find_resolve_contained(struct dd_find_run_state *run, struct dd_error *err);

/* ---- listing what may match, in order: find_members.c ---- */

typedef int dd_find_member_fn(void *arg, const struct dd_find_subject *subject,
			      struct dd_error *err);
int dd_find_members(struct dd_find_run_state *run, dd_find_member_fn *fn, void *arg,
		    struct dd_error *err);

#endif
