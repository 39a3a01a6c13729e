/*
 * The walk: all blobs, all repositories, by many threads. Visitors are called from several threads
 * at once and lock what they share.
 */
#ifndef DRYDOCK_WALK_H
#define DRYDOCK_WALK_H

#include <drydock/store.h>

/* What a walk passes over, and what it could not look at. */
enum dd_strange {
	DD_STRANGE_ALIEN,      /* a name that the layout does not have; passed over */
	DD_STRANGE_SYMLINK,    /* a link where a directory could be; not followed */
	DD_STRANGE_UNREADABLE, /* may hide anything */
	DD_STRANGE_NAME	       /* a repository whose name is not valid; looked at all the same */
};

/*
 * directory is where it happened, name the entry in it (NULL: the directory itself), err why (NULL
 * if there is nothing to say). Return other than 0 stops the walk.
 */
typedef int dd_strange_fn(void *arg, enum dd_strange what, const struct dd_place *directory,
			  const char *name, const struct dd_error *err);

/* A shorter way to the entries of a directory than dd_store_list(), which is what NULL stands for. */
typedef int dd_list_fn(void *arg, const struct dd_place *directory, dd_entry_fn *fn, void *fn_arg,
		       struct dd_error *err);

struct dd_blob_visitor {
	/* The blobs of one shard: directories of this name are there, data in them perhaps. */
	int (*blobs)(void *arg, const struct dd_digest *digests, size_t count);
	/*
	 * A shorter way to them, if there is one and nothing else is in the shard: true, and digests
	 * in heap memory of the walk's. NULL: there is none.
	 */
	bool (*recall)(void *arg, const struct dd_place *shard, struct dd_digest **digests,
		       size_t *count);
	dd_strange_fn *strange;
	dd_list_fn *list;
	void *arg;
};
int dd_walk_blobs(struct dd_context *ctx, struct dd_store *store,
		  const struct dd_blob_visitor *visitor, struct dd_error *err);

struct dd_repository_visitor {
	/* has_…: a directory of that name is there. */
	int (*repository)(void *arg, const char *name, bool has_layers, bool has_manifests,
			  bool has_uploads);
	dd_strange_fn *strange;
	dd_list_fn *list;
	void *arg;
};
int dd_walk_repositories(struct dd_context *ctx, struct dd_store *store,
			 const struct dd_repository_visitor *visitor, struct dd_error *err);

#endif
