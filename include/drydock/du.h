/*
 * What takes the space: by repository, tag, namespace, media type, layer or age, with totals that add
 * up to what the file system says.
 *
 * Sizes of rows are those of blobs alone. logical: what pulling each of its tags would transfer, one
 * by one. physical: its blobs, each once, with those of what refers to it. exclusive: of these, what
 * nothing else needs, which is what would go with it (as drydock why --free says, youth aside).
 * shared: the rest of physical.
 */
#ifndef DRYDOCK_DU_H
#define DRYDOCK_DU_H

#include <drydock/index.h>
#include <drydock/json.h>
#include <drydock/store.h>

/* X(constant, name): what a row is */
#define DD_DU_BYS(X)                      \
	X(DD_DU_REPOSITORY, "repository") \
	X(DD_DU_TAG, "tag")               \
	X(DD_DU_NAMESPACE, "namespace")   \
	X(DD_DU_MEDIATYPE, "mediatype")   \
	X(DD_DU_LAYER, "layer")           \
	X(DD_DU_AGE, "age")

enum dd_du_by {
#define X(constant, name) constant,
	DD_DU_BYS(X)
#undef X
	DD_DU_BY_COUNT
};

const char *dd_du_by_name(enum dd_du_by by);

#define DD_DU_NONE SIZE_MAX

struct dd_du_row {
	const char *name; /* repository, "namespace/", media type, age; of a layer its media type */
	const char *tag;  /* by tag; else NULL */
	size_t parent;	  /* index of a row before it; DD_DU_NONE */
	unsigned depth;	  /* 1: at the top */
	bool is_repository; /* else, by repository, a namespace */
	bool has_digest;    /* by layer */
	struct dd_digest digest;
	uint64_t blobs; /* in physical */
	uint64_t logical, physical, exclusive;
	uint64_t repositories, tags; /* in it; of a layer: that have it */
	uint64_t manifests;	     /* of a layer: that name it */
	bool held; /* by doubt, or some of its repositories are: what doubt holds is nobody's own */
	bool shown;	 /* neither top nor depth leave it out */
	uint64_t hidden; /* rows right below it that top leaves out */
};

/* X(name, member, what it is): the parts of all that is allocated */
#define DD_DU_TOTALS(X)                                                          \
	X("referenced", referenced, "blobs that something reaches")              \
	X("unreferenced", unreferenced, "blobs that nothing reaches")            \
	X("blob_directories", blob_directories, "directories that blobs lie in") \
	X("links", links, "links and directories of repositories")               \
	X("uploads", uploads, "unfinished uploads")                              \
	X("trash", trash, "what collections took, until the trash expires")      \
	X("state", state, "journals, records and space set aside by drydock")    \
	X("other", other, "its own directories, and what no registry made")

struct dd_du_totals {
#define X(name, member, text) uint64_t member;
	DD_DU_TOTALS(X)
#undef X
	uint64_t all;		     /* the sum: what du(1) says */
	uint64_t logical;	     /* of all tags */
	uint64_t repositories, tags; /* as many as there are */
	uint64_t unreferenced_blobs;
};

struct dd_du {
	enum dd_du_by by;
	bool apparent;		/* sizes of files, not what is allocated for them */
	const char *repository; /* the only one that was looked at; NULL: all */
	bool exclusive;		/* exclusive sizes are known */
	const struct dd_du_row *rows;
	size_t count;
	uint64_t hidden; /* rows at the top that top leaves out */
	struct dd_du_totals totals;
	uint64_t problems; /* places that could not be looked at, manifests in doubt */
	void *memory;
};

struct dd_du_options {
	enum dd_du_by by;
	const char *repository; /* NULL: the whole volume */
	bool exclusive; /* of one repository: look at all others, too, to tell what it owns alone */
	bool apparent;
	size_t top;	/* rows below each row, the largest; 0: all */
	unsigned depth; /* components of names; 0: all (of namespaces one) */
	/* Of kind SURVEYED, for the volume as a whole; NULL: everything is looked at anew. */
	struct dd_index *index;
	/* Likewise of kind MEASURED: directories that have not changed are not listed again. */
	struct dd_index *measured;
};

/*
 * One survey of the volume and one look at each of its files; of one repository, without exclusive, no
 * more than what it names. Its totals are then those of its own blobs and links. DD_ENOENT: no such
 * repository.
 */
int dd_du(struct dd_context *ctx, struct dd_store *store, const struct dd_du_options *options,
	  struct dd_du *du, struct dd_error *err);
void dd_du_release(struct dd_du *du);
/* One document, schema/du.json. */
void dd_du_json(const struct dd_du *du, struct dd_json_out *out);
/* Prometheus' text format, in heap memory: of rows that are repositories, and of the totals. */
int dd_du_metrics(const struct dd_du *du, const char *volume, char **text, struct dd_error *err);

#endif
