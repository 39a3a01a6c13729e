/*
 * A run's trash as a whole: what lies in it, and its way out of sight.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "store/beneath.h"
#include "store/file.h"

struct listing {
	struct dd_store *store;
	dd_trashed_fn *fn;
	void *arg;
	struct dd_text path; /* below the run's directory */
	unsigned depth;
	int dir;
};

static int list_below(struct listing *listing, const char *name, struct dd_error *err);

static int list_one(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct listing *listing = arg;
	size_t len = listing->path.len;
	int rc = 0;

	/* Ours, and nothing that was withdrawn. */
	if (!len && (!strcmp(entry->name, "journal") || !strcmp(entry->name, "staged")))
		return 0;
	if (len)
		rc = dd_text_add(&listing->path, "/", 1);
	if (rc == 0)
		rc = dd_text_add(&listing->path, entry->name, strlen(entry->name));
	if (rc < 0)
		return dd_fail(err, rc, 0, "list the trash");
	rc = entry->type == DD_ENTRY_DIRECTORY ?
		     list_below(listing, entry->name, err) :
		     listing->fn(listing->arg, listing->path.bytes, entry->type, err);
	dd_text_cut(&listing->path, len);
	return rc;
}

static int list_below(struct listing *listing, const char *name, struct dd_error *err)
{
	DD_AUTOCLOSE int fd = dd_beneath_open(listing->dir, name, O_RDONLY | O_DIRECTORY, 0);
	int above = listing->dir, rc;

	if (fd < 0)
		return dd_file_fail(listing->store, err, -fd, "list", listing->path.bytes);
	if (listing->depth == DD_FILE_DEEPEST)
		return dd_fail(err, DD_EFORMAT, 0, "%s is deeper than any path of a volume",
			       listing->path.bytes);
	listing->dir = fd;
	listing->depth++;
	rc = dd_file_list(listing->store, fd, listing->path.bytes, list_one, listing, err);
	listing->depth--;
	listing->dir = above;
	return rc;
}

static int path_of(const char *base, const char *run, struct dd_text *path, struct dd_error *err)
{
	if (!dd_run_valid(run))
		return dd_fail(err, DD_EFORMAT, 0, "no run is called like that");
	if (dd_text_printf(path, "%s/%s", base, run) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "make a path");
	return 0;
}

int dd_store_list_run(struct dd_store *store, const char *run, dd_trashed_fn *fn, void *arg,
		      struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text top = { 0 };
	struct listing listing = { .store = store, .fn = fn, .arg = arg, .dir = -1 };
	int rc = path_of(DD_STATE_TRASH, run, &top, err);

	if (rc < 0)
		return rc;
	listing.dir = dd_beneath_open(store->fd, top.bytes, O_RDONLY | O_DIRECTORY, 0);
	if (listing.dir < 0)
		return dd_file_fail(store, err, -listing.dir, "list", top.bytes);
	rc = dd_file_list(store, listing.dir, top.bytes, list_one, &listing, err);
	close(listing.dir);
	dd_text_release(&listing.path);
	return rc < 0 ? dd_wrap(err, rc, "run %s", run) : rc;
}

int dd_store_condemn(struct dd_store *store, const char *run, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text from = { 0 }, to = { 0 };
	int rc = path_of(DD_STATE_TRASH, run, &from, err);

	if (rc == 0)
		rc = path_of(DD_STATE_PURGE, run, &to, err);
	if (rc == 0)
		rc = dd_file_rename(store, from.bytes, to.bytes, err);
	if (rc == 0)
		rc = dd_store_sync(store, err);
	/* What is remembered may be a directory of the run that is no longer in the trash. */
	dd_file_forget_recent(store);
	return rc < 0 ? dd_wrap(err, rc, "condemn run %s", run) : 0;
}
