/*
 * What takes up space: everything below the root that has a name, as du(1) counts it, told apart by
 * what it is for. More than a volume's own: what is strange takes up space as well.
 */
#ifndef STORE_USAGE_H
#define STORE_USAGE_H

#include "store/shape.h"

enum dd_used_area {
	DD_USED_BLOB,	    /* a blob's data; digest says which */
	DD_USED_BLOBS,	    /* the directories that blobs lie in, and what else is in them */
	DD_USED_REPOSITORY, /* links and directories of a repository */
	DD_USED_UPLOAD,	    /* an upload's files and directories */
	DD_USED_TRASH,	    /* withdrawn, and being removed for good */
	DD_USED_STATE,	    /* else of ours */
	DD_USED_OTHER,	    /* the volume's own directories, and what is strange */
	DD_USED_COUNT
};

struct dd_used {
	enum dd_used_area area;
	const char *repository; /* of the links and of uploads; NULL: above any repository */
	struct dd_digest digest;
	struct dd_info info;
};

/*
 * Each name once, from several threads at once; of a file that has several names the first in the order
 * of areas and paths, at the end. Not 0 stops it. unreadable: places that could not be looked at.
 * repository NULL: all of the volume; else only what lies below this one's own directories.
 */
typedef int dd_used_fn(void *arg, const struct dd_used *used);
struct dd_measuring {
	const char *repository;
	const struct dd_shapes *shapes; /* NULL: every directory is listed */
	dd_used_fn *fn;
	void *arg;
};
int dd_store_measure(struct dd_context *ctx, struct dd_store *store, const struct dd_measuring *how,
		     uint64_t *unreadable, struct dd_error *err);

#endif
