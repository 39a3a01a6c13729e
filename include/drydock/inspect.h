/*
 * Inspection: what a volume holds, as lists to show.
 */
#ifndef DRYDOCK_INSPECT_H
#define DRYDOCK_INSPECT_H

#include <drydock/index.h>
#include <drydock/json.h>
#include <drydock/manifest.h>
#include <drydock/reference.h>
#include <drydock/store.h>

enum dd_ls_sort { DD_LS_NAME, DD_LS_SIZE, DD_LS_PUSHED };
enum dd_ls_what { DD_LS_REPOSITORIES, DD_LS_TAGS, DD_LS_PARTS };

struct dd_ls_row {
	const char *repository;
	const char *tag;  /* tags */
	const char *name; /* parts: role ("config", "layer", "manifest", …) */
	struct dd_digest digest;
	bool has_digest;
	const char *type;     /* short manifest type, or a part's media type; NULL: unknown */
	const char *platform; /* "linux/arm64/v8", NULL if none */
	const char *problem;  /* why a row is incomplete, NULL if it is whole */
	uint64_t size;	      /* bytes that a pull transfers: manifest, config, layers, once each */
	uint64_t tags, manifests; /* repositories */
	int64_t pushed_ns;	  /* 0: not known */
	bool present;		  /* parts: the blob is there */
};

struct dd_ls {
	enum dd_ls_what what;
	struct dd_ls_row *rows;
	size_t count;
	uint64_t problems; /* rows with a problem, and places that could not be read */
	void *memory;	   /* owns the rows' strings */
};

struct dd_ls_options {
	enum dd_ls_sort sort;
	bool reverse;
	/* Of kind SURVEYED, for the repositories; NULL: every manifest is read. */
	struct dd_index *index;
};

/* reference NULL: the repositories. DD_ENOENT: no such repository, tag or digest. */
int dd_ls(struct dd_context *ctx, struct dd_store *store, const struct dd_reference *reference,
	  const struct dd_ls_options *options, struct dd_ls *ls, struct dd_error *err);
void dd_ls_release(struct dd_ls *ls);
/* One document, schema/ls.json. */
void dd_ls_json(const struct dd_ls *ls, struct dd_json_out *out);

#endif
