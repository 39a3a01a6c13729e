/*
 * What all of the index stands on: which kinds there are, an LMDB environment opened, and what its trouble
 * means.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "index/index.h"
#include "index/survey.h"

/* clang-format off */
#define SURVEYED { [DD_DATABASE_LISTINGS] = "listings", [DD_DATABASE_LINKS] = "links", \
		   [DD_DATABASE_MANIFESTS] = "manifests" }
/* clang-format on */

const struct dd_index_kind_of dd_index_kinds[] = {
	[DD_INDEX_VERIFIED] = { .file = DD_INDEX_FILE,
				.fresh = DD_INDEX_NEW,
				.work = DD_INDEX_WORK,
				.lock = DD_INDEX_LOCK,
				.count = 1,
				.databases = { "blobs" } },
	[DD_INDEX_SURVEYED] = { .file = "survey",
				.fresh = "survey.new",
				.work = "survey.work",
				.lock = "survey.lock",
				.learns = true,
				.count = 3,
				.databases = SURVEYED },
	[DD_INDEX_AUDITED] = { .file = "audit",
			       .fresh = "audit.new",
			       .work = "audit.work",
			       .lock = "audit.lock",
			       .learns = true,
			       .count = 3,
			       .databases = SURVEYED },
	[DD_INDEX_MEASURED] = { .file = "measure",
				.fresh = "measure.new",
				.work = "measure.work",
				.lock = "measure.lock",
				.learns = true,
				.count = 1,
				.databases = { "words" } },
};

int dd_index_trouble(struct dd_context *ctx, int rc, const char *what, const struct dd_error *err)
{
	if (rc == 0 || rc == DD_ENOMEM || rc == DD_ECANCELLED)
		return rc;
	dd_log(ctx, DD_LOG_WARNING, "%s: %s%s%s", what, err->text, err->hint[0] ? "; " : "",
	       err->hint);
	return 0;
}

int dd_index_fail(struct dd_error *err, int mdb, const char *what)
{
	int rc = mdb < 0 ? DD_EFORMAT : dd_code_of_errno(mdb);

	/* That LMDB got no map, or no memory, is no end of ours. */
	if (rc == DD_ENOMEM)
		rc = DD_EIO;
	dd_fail(err, rc, 0, "%s: %s", what, mdb_strerror(mdb));
	if (rc == DD_ENOSPC)
		dd_hint(err, "make room, or name a directory on another disk with --cache-dir");
	return rc;
}

/* LMDB opens by name; that it is the file which we have looked at is seen afterwards. */
static int same_file(MDB_env *env, int fd, const char *path, struct dd_error *err)
{
	struct stat ours, theirs;
	int opened;

	if (mdb_env_get_fd(env, &opened) || fstat(opened, &theirs) < 0 || fstat(fd, &ours) < 0)
		return dd_fail(err, DD_EIO, 0, "look at %s", path);
	if (ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino)
		return dd_fail(err, DD_ECHANGED, 0, "%s is another file now", path);
	/* Commands that are run afterwards have no use for it. */
	fcntl(opened, F_SETFD, FD_CLOEXEC);
	return 0;
}

int dd_index_open_env(const struct dd_index_place *place, const char *name, int fd, unsigned flags,
		      size_t map, MDB_env **out, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text path = { 0 };
	MDB_env *env = NULL;
	int mdb, rc;

	if (dd_text_printf(&path, "%s/%s", place->path, name) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "open the index");
	mdb = mdb_env_create(&env);
	if (!mdb)
		mdb = mdb_env_set_maxdbs(env, DD_INDEX_DATABASES);
	if (!mdb)
		mdb = mdb_env_set_mapsize(env, map);
	if (!mdb)
		mdb = mdb_env_open(env, path.bytes, flags | MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS,
				   0600);
	rc = mdb ? dd_index_fail(err, mdb, path.bytes) : same_file(env, fd, path.bytes, err);
	if (rc < 0) {
		if (env)
			mdb_env_close(env);
		return rc;
	}
	*out = env;
	return 0;
}

bool dd_index_is_writable(const struct dd_index *index)
{
	return index && index->lock >= 0;
}

/* ---- memory ---- */

int dd_buffer_reserve(struct dd_buffer *buffer, size_t more)
{
	size_t room = buffer->room ? buffer->room : 4096;
	unsigned char *grown;

	while (room - buffer->len < more)
		room += room / 2;
	if (room == buffer->room)
		return 0;
	grown = realloc(buffer->bytes, room);
	if (!grown)
		return DD_ENOMEM;
	buffer->bytes = grown;
	buffer->room = room;
	return 0;
}
