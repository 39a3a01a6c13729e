/*
 * Where the index of a volume lies: a directory of its own below the cache directory, which only we
 * can write to, on a disk of this machine, outside of the volume.
 */
#ifndef INDEX_PLACE_H
#define INDEX_PLACE_H

#include <sys/stat.h>

#include <drydock/index.h>

#include "base/text.h"

struct dd_index_place {
	char *path; /* of the directory, for people and LMDB */
	int fd;
	struct dd_text identity; /* what the file "volume" says */
	uint64_t volume[2];	 /* the start of its sha256 */
};

/*
 * Found, and made unless options->read_only: then place->fd is -1 if there is none. What fails but
 * for DD_ENOMEM is trouble to be told of. To be released in any case.
 */
int dd_index_place_open(struct dd_store *store, const struct dd_index_options *options,
			struct dd_index_place *place, struct dd_error *err);
void dd_index_place_release(struct dd_index_place *place);

/* The parts of it. */
int dd_index_choose(const struct dd_index_options *options, char **cache, struct dd_error *err);
int dd_index_identify(struct dd_store *store, struct dd_index_place *place, uint64_t root[2],
		      struct dd_error *err);
/* The name of the volume's directory, to be freed. */
char *dd_index_name(const char *root, const uint64_t volume[2]);
/* A descriptor of the cache directory (O_PATH); -1 if it is not there and not to be made. */
int dd_index_open_cache(const char *cache, const uint64_t root[2], bool read_only, int *fd,
			struct dd_error *err);

/* Nobody but us may write there; root may own it as well if root_too. */
int dd_index_check_owner(const struct stat *st, const char *path, bool root_too,
			 struct dd_error *err);
/* Removes what was kept of other volumes at the same path and is long out of use; own is ours. */
void dd_index_remove_stale(int cache, const char *own, const struct dd_index_place *place);
/* A small file, whole or not there; one that is there stays as it is. */
int dd_index_put_file(int directory, const char *name, const char *text, struct dd_error *err);
int dd_index_tag(int directory, struct dd_error *err);
/* Open a regular file of ours, never through a link. A descriptor or an error. */
int dd_index_open_file(const struct dd_index_place *place, const char *name, int flags,
		       struct dd_error *err);

#endif
