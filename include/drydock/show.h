/*
 * Everything about one manifest or blob, and its bytes.
 */
#ifndef DRYDOCK_SHOW_H
#define DRYDOCK_SHOW_H

#include <drydock/index.h>
#include <drydock/json.h>
#include <drydock/manifest.h>
#include <drydock/reference.h>
#include <drydock/store.h>

#define DD_SHOW_NONE SIZE_MAX

struct dd_texts {
	const char *const *items;
	size_t count;
};

struct dd_label {
	const char *key, *value;
};

/* A configuration, layer, platform or other part, in the manifest's order. */
struct dd_show_part {
	enum dd_role role;
	bool has_digest;
	struct dd_digest digest;
	const char *type, *platform, *artifact; /* NULL if not said */
	uint64_t size;				/* of itself */
	uint64_t total;				/* platforms: of all that a pull of it transfers */
	bool present, linked;			/* linked: in the repository */
	const char *problem;			/* NULL if there is none */
	bool verified;		 /* its bytes were read, and have not changed since */
	struct dd_verified last; /* if verified */
};

/* A step of how an image was made. */
struct dd_show_step {
	const char *created_by, *comment; /* NULL if not said */
	int64_t created_ns;		  /* 0 if not said */
	bool empty;			  /* it made no layer */
	size_t part;			  /* the layer it made, in parts; DD_SHOW_NONE */
};

struct dd_show_config {
	bool known;	     /* there is one, and it could be read */
	const char *problem; /* why not; NULL */
	int64_t created_ns;  /* 0 if not said */
	const char *author, *platform, *user, *directory, *stop_signal; /* NULL if not said */
	struct dd_texts entrypoint, command, environment, ports, volumes;
	const struct dd_label *labels;
	size_t label_count;
	const struct dd_show_step *history;
	size_t history_count;
	bool matched; /* as many steps with a layer as there are layers */
};

struct dd_show_referrer {
	struct dd_digest digest;
	const char *type, *artifact, *tag; /* tag: known by its name, not by a subject field */
	uint64_t total;
};

struct dd_show {
	const char *repository, *tag; /* NULL: not given */
	struct dd_digest digest;
	bool manifest; /* else a blob: what follows of manifests is empty */
	const char *type, *media_type, *artifact;
	const char *problem; /* of its own bytes or link; NULL if it is whole */
	bool present;
	uint64_t size, total;	      /* stored bytes; what a pull transfers, each blob once */
	int64_t stored_ns, pushed_ns; /* its bytes; the tag. 0: not known */
	bool linked;		      /* a revision (of a blob: a layer) of the repository */
	bool verified;
	struct dd_verified last;
	struct dd_texts tags;	   /* of the repository, that point to it */
	struct dd_texts elsewhere; /* other repositories that have it */
	const struct dd_label *annotations;
	size_t annotation_count;
	const struct dd_show_part *parts;
	size_t part_count;
	bool has_subject;
	struct dd_digest subject;
	struct dd_show_config config;
	const struct dd_show_referrer *referrers;
	size_t referrer_count;
	bool weighed; /* what follows was asked for */
	uint64_t freed_blobs, freed_bytes, freed_linked_bytes;
	uint64_t problems; /* all of the above, and places that could not be read */
	void *memory;
};

struct dd_show_options {
	struct dd_index *index; /* what was verified; may be NULL */
	bool free; /* add up what would go with it: takes a survey of the whole volume */
};

/*
 * Of REPO:TAG, REPO@DIGEST or DIGEST. Of a repository no other is looked at, but for whether it has
 * the same digest. DD_ENOENT, DD_EAMBIGUOUS.
 */
int dd_show(struct dd_context *ctx, struct dd_store *store, const struct dd_reference *reference,
	    const struct dd_show_options *options, struct dd_show *show, struct dd_error *err);
void dd_show_release(struct dd_show *show);
/* One document, schema/show.json. */
void dd_show_json(const struct dd_show *show, struct dd_json_out *out);

/*
 * The stored bytes, as they are, to a sink, which takes all or returns an errno: then that ends it, and
 * DD_ECANCELLED is returned. They are hashed on the way: DD_ECORRUPT at the end if they are not
 * the digest's.
 */
typedef int dd_cat_fn(void *arg, const void *bytes, size_t len);
int dd_cat(struct dd_context *ctx, struct dd_store *store, const struct dd_reference *reference,
	   dd_cat_fn *fn, void *arg, struct dd_error *err);

#endif
