/*
 * Writing: into a copy without a name, and from there into the next file that has one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "index/index.h"
#include "index/seal.h"

/* Publishing may take this part of the time. */
#define PUBLISH_SHARE 20

static int64_t monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * DD_SECOND + now.tv_nsec;
}

void dd_index_stop_writing(struct dd_index *index)
{
	if (index->work)
		mdb_env_close(index->work);
	index->work = NULL;
	/* A child of ours may have the descriptor too, and live longer. */
	if (index->lock >= 0)
		flock(index->lock, LOCK_UN);
	dd_fd_closep(&index->lock);
	index->lock = -1;
}

/* A new, empty file of that name; what a killed run has left there goes. */
static int create(const struct dd_index_place *place, const char *name, struct dd_error *err)
{
	unlinkat(place->fd, name, 0);
	return dd_index_open_file(place, name, O_RDWR | O_CREAT | O_EXCL, err);
}

static int open_work_databases(struct dd_index *index, struct dd_error *err)
{
	const struct dd_index_kind_of *kind = index->kind;
	MDB_txn *txn;
	int mdb = mdb_txn_begin(index->work, NULL, 0, &txn);

	if (mdb)
		return dd_index_fail(err, mdb, "open the copy of the index");
	for (unsigned i = 0; i < kind->count && !mdb; i++)
		mdb = mdb_dbi_open(txn, kind->databases[i], MDB_CREATE, &index->work_databases[i]);
	if (mdb)
		mdb_txn_abort(txn);
	else
		mdb = mdb_txn_commit(txn);
	return mdb ? dd_index_fail(err, mdb, "open the copy of the index") : 0;
}

static int begin_work(struct dd_index *index, struct dd_error *err)
{
	DD_AUTOCLOSE int fd = create(&index->place, index->kind->work, err);
	struct stat st;
	int mdb, rc;

	if (fd < 0)
		return fd;
	mdb = index->env ? mdb_env_copyfd2(index->env, fd, MDB_CP_COMPACT) : 0;
	if (mdb || fstat(fd, &st) < 0)
		return dd_index_fail(err, mdb ? mdb : errno, "copy the index");
	while (index->map < 2 * (size_t)st.st_size && index->map < index->map_max)
		index->map *= 2;
	rc = dd_index_open_env(&index->place, index->kind->work, fd, MDB_NOSYNC | MDB_NOMETASYNC,
			       index->map, &index->work, err);
	unlinkat(index->place.fd, index->kind->work, 0);
	index->published_ns = monotonic();
	return rc < 0 ? rc : open_work_databases(index, err);
}

/* What is being filled. A transaction keeps all that it wrote in memory: so there is one every few MiB. */
struct filling {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi database;
	size_t written; /* bytes, in this transaction */
};
#define STEP ((size_t)4 << 20)

static int step(struct filling *filling)
{
	int mdb = mdb_txn_commit(filling->txn);

	filling->txn = NULL;
	filling->written = 0;
	return mdb ? mdb : mdb_txn_begin(filling->env, NULL, 0, &filling->txn);
}

/* In the order of their keys pages become full; what grew in any order has them half empty. */
static int refill(MDB_txn *from, MDB_dbi source, struct filling *filling)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int mdb = mdb_cursor_open(from, source, &cursor);

	if (mdb)
		return mdb;
	while (!(mdb = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) {
		mdb = mdb_put(filling->txn, filling->database, &key, &value, MDB_APPEND);
		filling->written += key.mv_size + value.mv_size;
		if (!mdb && filling->written >= STEP)
			mdb = step(filling);
		if (mdb)
			break;
	}
	mdb_cursor_close(cursor);
	return mdb == MDB_NOTFOUND ? 0 : mdb;
}

static int copy_all(const struct dd_index *index, MDB_env *fresh)
{
	struct filling filling = { .env = fresh };
	MDB_txn *from;
	int mdb = mdb_txn_begin(index->work, NULL, MDB_RDONLY, &from);

	if (mdb)
		return mdb;
	mdb = mdb_txn_begin(fresh, NULL, 0, &filling.txn);
	for (unsigned i = 0; i < index->kind->count && !mdb; i++) {
		mdb = mdb_dbi_open(filling.txn, index->kind->databases[i], MDB_CREATE,
				   &filling.database);
		if (!mdb)
			mdb = refill(from, index->work_databases[i], &filling);
	}
	mdb_txn_abort(from);
	if (!mdb)
		return mdb_txn_commit(filling.txn);
	if (filling.txn)
		mdb_txn_abort(filling.txn);
	return mdb;
}

static int write_new(struct dd_index *index, struct dd_error *err)
{
	DD_AUTOCLOSE int fd = create(&index->place, index->kind->fresh, err);
	MDB_env *fresh;
	int mdb, rc;

	if (fd < 0)
		return fd;
	rc = dd_index_open_env(&index->place, index->kind->fresh, fd, MDB_NOSYNC | MDB_NOMETASYNC,
			       index->map, &fresh, err);
	if (rc < 0)
		return rc;
	mdb = copy_all(index, fresh);
	mdb_env_close(fresh);
	if (mdb)
		return dd_index_fail(err, mdb, "write the index");
	rc = dd_seal_write(fd, index->place.volume, err);
	if (rc == 0 && fdatasync(fd) < 0)
		rc = dd_fail(err, dd_code_of_errno(errno), errno, "write the index");
	return rc;
}

int dd_index_publish(struct dd_index *index, struct dd_error *err)
{
	int64_t begun = monotonic(), took;
	int directory = index->place.fd, rc = write_new(index, err);

	if (rc == 0 && renameat(directory, index->kind->fresh, directory, index->kind->file) < 0)
		rc = dd_fail(err, dd_code_of_errno(errno), errno, "give the index its name");
	if (rc < 0) {
		unlinkat(directory, index->kind->fresh, 0);
		return rc;
	}
	fsync(directory);
	index->published_ns = monotonic();
	took = index->published_ns - begun;
	if (took > index->publish_every_ns / PUBLISH_SHARE)
		index->publish_every_ns = took * PUBLISH_SHARE;
	return 0;
}

static int change_all(struct dd_index *index, dd_index_change_fn *change, const void *arg,
		      size_t count)
{
	MDB_txn *txn;
	int mdb = mdb_txn_begin(index->work, NULL, 0, &txn);

	if (mdb)
		return mdb;
	for (size_t i = 0; i < count && !mdb; i++)
		mdb = change(index, txn, arg, i);
	if (!mdb)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return mdb;
}

static int grow(struct dd_index *index, struct dd_error *err)
{
	char size[DD_UNIT_TEXT];
	int mdb, rc;

	if (index->map > index->map_max / 2) {
		rc = dd_fail(err, DD_ETOOBIG, 0, "the index would be larger than %s",
			     dd_size_format(index->map_max, size));
		dd_hint(err, "remove %s: it is made anew", index->place.path);
		return rc;
	}
	index->map *= 2;
	mdb = mdb_env_set_mapsize(index->work, index->map);
	return mdb ? dd_index_fail(err, mdb, "make the index larger") : 0;
}

static int write_all(struct dd_index *index, dd_index_change_fn *change, const void *arg,
		     size_t count, struct dd_error *err)
{
	int mdb, rc = index->work ? 0 : begin_work(index, err);

	if (rc < 0)
		return rc;
	while ((mdb = change_all(index, change, arg, count)) == MDB_MAP_FULL) {
		rc = grow(index, err);
		if (rc < 0)
			return rc;
	}
	if (mdb)
		return dd_index_fail(err, mdb, "write the index");
	if (monotonic() - index->published_ns < index->publish_every_ns)
		return 0;
	return dd_index_publish(index, err);
}

int dd_index_remember(struct dd_index *index, dd_index_change_fn *change, const void *arg,
		      size_t count, struct dd_error *err)
{
	struct dd_error trouble = { 0 };
	int rc;

	if (!dd_index_is_writable(index) || count == 0)
		return 0;
	rc = write_all(index, change, arg, count, &trouble);
	if (rc == 0)
		return 0;
	dd_index_stop_writing(index);
	rc = dd_index_trouble(index->ctx, rc, "what is found out is not remembered", &trouble);
	if (rc < 0 && err)
		*err = trouble;
	return rc;
}

static int put_verified(struct dd_index *index, MDB_txn *txn, const void *arg, size_t at)
{
	const struct dd_verified_blob *blob = (const struct dd_verified_blob *)arg + at;
	struct dd_record record;
	struct dd_key key;
	MDB_val name, value = { sizeof(record), &record };

	dd_key_of(&key, &blob->digest);
	dd_record_of(&record, &key, &blob->verified);
	name = (MDB_val){ key.len, key.bytes };
	return mdb_put(txn, index->work_databases[DD_DATABASE_BLOBS], &name, &value, 0);
}

static int forget(struct dd_index *index, MDB_txn *txn, const void *arg, size_t at)
{
	struct dd_key key;
	MDB_val name;
	int mdb;

	dd_key_of(&key, (const struct dd_digest *)arg + at);
	name = (MDB_val){ key.len, key.bytes };
	mdb = mdb_del(txn, index->work_databases[DD_DATABASE_BLOBS], &name, NULL);
	return mdb == MDB_NOTFOUND ? 0 : mdb;
}

int dd_index_put_verified(struct dd_index *index, const struct dd_verified_blob *blobs,
			  size_t count, struct dd_error *err)
{
	return dd_index_remember(index, put_verified, blobs, count, err);
}

int dd_index_forget(struct dd_index *index, const struct dd_digest *digests, size_t count,
		    struct dd_error *err)
{
	return dd_index_remember(index, forget, digests, count, err);
}
