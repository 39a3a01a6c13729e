/*
 * Removing directories for good: condemned runs, and uploads that ended.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "store/beneath.h"
#include "store/file.h"

struct purge {
	struct dd_context *ctx; /* NULL: nothing interrupts it */
	const char *about;	/* for messages: what is removed */
	unsigned depth;
	char guess[16]; /* the file that went last: the next directory mostly has one like it */
};

static int remove_directory(struct purge *purge, int above, const char *name, struct dd_error *err);

/* Where in it is not kept track of: the name has to do. */
static int fail(const struct purge *purge, struct dd_error *err, int sys, const char *verb,
		const char *name)
{
	return dd_fail(err, dd_code_of_errno(sys), sys, "%s %s in %s", verb, name, purge->about);
}

static void note_removed(struct purge *purge, const char *name)
{
	if (purge->ctx)
		dd_progress_add(purge->ctx, 1);
	if (name != purge->guess && strlen(name) < sizeof(purge->guess))
		strcpy(purge->guess, name);
}

/* Most directories hold one file, and it is called as in the one before: no need to list them. */
static bool guess(struct purge *purge, int dir, int above, const char *name)
{
	if (!*purge->guess || unlinkat(dir, purge->guess, 0) < 0)
		return false;
	note_removed(purge, purge->guess);
	return unlinkat(above, name, AT_REMOVEDIR) == 0;
}

static int remove_entry(struct purge *purge, int dir, const struct dirent64 *entry,
			struct dd_error *err)
{
	if (entry->d_type == DT_DIR)
		return remove_directory(purge, dir, entry->d_name, err);
	if (unlinkat(dir, entry->d_name, 0) == 0) {
		note_removed(purge, entry->d_name);
		return 0;
	}
	if (errno == EISDIR) /* of an unknown type */
		return remove_directory(purge, dir, entry->d_name, err);
	return fail(purge, err, errno, "remove", entry->d_name);
}

/* Remove what the directory lists, once. *removed: whether that was anything. */
static int sweep(struct purge *purge, int dir, bool *removed, struct dd_error *err)
{
	_Alignas(struct dirent64) char block[4 << 10];

	*removed = false;
	for (;;) {
		ssize_t got = getdents64(dir, block, sizeof(block));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(purge, err, errno, "list", "a directory");
		if (got == 0)
			return 0;
		for (ssize_t at = 0; at < got;) {
			const struct dirent64 *entry = (const void *)(block + at);
			int rc;

			at += entry->d_reclen;
			if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
				continue;
			rc = remove_entry(purge, dir, entry, err);
			if (rc < 0)
				return rc;
			*removed = true;
		}
	}
}

static int remove_directory(struct purge *purge, int above, const char *name, struct dd_error *err)
{
	DD_AUTOCLOSE int fd = dd_beneath_open(above, name, O_RDONLY | O_DIRECTORY, 0);
	int rc = purge->ctx ? dd_context_check(purge->ctx, err) : 0;

	if (rc < 0)
		return rc;
	if (fd < 0)
		return fail(purge, err, -fd, "open", name);
	if (purge->depth == DD_FILE_DEEPEST)
		return dd_fail(err, DD_EFORMAT, 0, "deeper than any path of a volume");
	if (guess(purge, fd, above, name))
		return 0;
	for (;;) {
		bool removed;

		purge->depth++;
		rc = sweep(purge, fd, &removed, err);
		purge->depth--;
		if (rc < 0)
			return rc;
		if (unlinkat(above, name, AT_REMOVEDIR) == 0)
			return 0;
		if ((errno != ENOTEMPTY && errno != EEXIST) || !removed)
			return fail(purge, err, errno, "remove", name);
		/* Some file systems lose their place when entries go: begin again. */
		if (lseek(fd, 0, SEEK_SET) < 0)
			return fail(purge, err, errno, "list", "a directory");
	}
}

int dd_file_remove_tree(struct dd_context *ctx, int above, const char *name, const char *about,
			struct dd_error *err)
{
	return remove_directory(&(struct purge){ .ctx = ctx, .about = about }, above, name, err);
}

int dd_store_purge(struct dd_context *ctx, struct dd_store *store, const char *run,
		   struct dd_error *err)
{
	DD_AUTOCLOSE int above =
		dd_beneath_open(store->fd, DD_STATE_PURGE, O_PATH | O_DIRECTORY, 0);
	struct stat st;
	int rc;

	if (!dd_run_valid(run))
		return dd_fail(err, DD_EFORMAT, 0, "no run is called like that");
	if (above < 0)
		return dd_file_fail(store, err, -above, "open", DD_STATE_PURGE);
	if (fstatat(above, run, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	rc = dd_file_remove_tree(ctx, above, run, "the trash", err);
	if (rc == 0)
		rc = dd_file_mark_dirty(store, DD_STATE_PURGE, true, err);
	if (rc == 0)
		rc = dd_store_sync(store, err);
	return rc < 0 ? dd_wrap(err, rc, "purge run %s", run) : 0;
}
