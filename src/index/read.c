/*
 * Reading what was published.
 */
#include <stdatomic.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "index/index.h"

#define GRAIN_NS (2 * DD_SECOND)   /* of the coarsest time stamps, FAT's */
#define CHECK_EVERY ((size_t)4096) /* records of a visit between two looks for an interruption */

bool dd_index_may_remember(const struct dd_info *info, int64_t read_ns)
{
	int64_t latest;

	if (__builtin_sub_overflow(read_ns, GRAIN_NS, &latest))
		return false;
	return info->mtime_ns <= latest && info->changed_ns <= latest;
}

static void unload_readers(struct dd_index *index)
{
	for (size_t i = 0; i < DD_INDEX_READERS; i++) {
		struct dd_index_reader *reader = &index->readers[i];

		if (!reader->txn)
			continue;
		for (unsigned k = 0; k < index->kind->count; k++)
			if (reader->cursors[k])
				mdb_cursor_close(reader->cursors[k]);
		memset(reader->cursors, 0, sizeof(reader->cursors));
		mdb_txn_abort(reader->txn);
		pthread_mutex_destroy(&reader->lock);
		for (unsigned k = 0; k < DD_INDEX_DATABASES; k++)
			dd_list_release(&reader->seen[k]);
		reader->low = reader->high = NULL;
		reader->txn = NULL;
	}
}

void dd_index_unload(struct dd_index *index)
{
	unload_readers(index);
	if (index->env)
		mdb_env_close(index->env);
	index->env = NULL;
	memset(index->counts, 0, sizeof(index->counts));
	memset(index->bytes, 0, sizeof(index->bytes));
}

/* A handle is good for later transactions once the one that opened it has ended well. */
static int open_databases(struct dd_index *index)
{
	const struct dd_index_kind_of *kind = index->kind;
	MDB_txn *txn;
	int mdb = mdb_txn_begin(index->env, NULL, MDB_RDONLY, &txn);

	if (mdb)
		return mdb;
	for (unsigned i = 0; i < kind->count && !mdb; i++) {
		MDB_stat stat = { 0 };

		mdb = mdb_dbi_open(txn, kind->databases[i], 0, &index->databases[i]);
		if (!mdb)
			mdb = mdb_stat(txn, index->databases[i], &stat);
		index->counts[i] = stat.ms_entries;
		index->bytes[i] =
			(stat.ms_leaf_pages + stat.ms_overflow_pages) * (uint64_t)stat.ms_psize;
	}
	if (mdb) {
		mdb_txn_abort(txn);
		return mdb;
	}
	return mdb_txn_commit(txn);
}

static int open_reader(struct dd_index *index, struct dd_index_reader *reader)
{
	int mdb = mdb_txn_begin(index->env, NULL, MDB_RDONLY, &reader->txn);

	if (mdb)
		return mdb;
	pthread_mutex_init(&reader->lock, NULL);
	for (unsigned i = 0; i < index->kind->count && !mdb; i++)
		mdb = mdb_cursor_open(reader->txn, index->databases[i], &reader->cursors[i]);
	return mdb;
}

int dd_index_load(struct dd_index *index, int fd, uint64_t length, struct dd_error *err)
{
	int rc = dd_index_open_env(&index->place, index->kind->file, fd, MDB_RDONLY, (size_t)length,
				   &index->env, err);
	int mdb;

	if (rc < 0)
		return rc;
	mdb = open_databases(index);
	for (size_t i = 0; i < DD_INDEX_READERS && !mdb; i++)
		mdb = open_reader(index, &index->readers[i]);
	if (!mdb)
		return 0;
	dd_index_unload(index);
	return dd_index_fail(err, mdb, "open the index");
}

/* Threads in turn, each always the same one. */
struct dd_index_reader *dd_index_reader_of_thread(struct dd_index *index)
{
	static atomic_uint threads;
	static _Thread_local unsigned mine;

	if (!mine)
		mine = 1 + atomic_fetch_add(&threads, 1) % DD_INDEX_READERS;
	return &index->readers[mine - 1];
}

bool dd_index_get_verified(struct dd_index *index, const struct dd_digest *digest,
			   const struct dd_stamp *now, struct dd_verified *verified)
{
	struct dd_index_reader *reader;
	struct dd_verified_blob blob;
	struct dd_key key;
	MDB_val name, value;
	bool found;

	if (!index || !index->env || index->kind != &dd_index_kinds[DD_INDEX_VERIFIED])
		return false;
	dd_key_of(&key, digest);
	name = (MDB_val){ key.len, key.bytes };
	reader = dd_index_reader_of_thread(index);
	pthread_mutex_lock(&reader->lock);
	found = mdb_cursor_get(reader->cursors[DD_DATABASE_BLOBS], &name, &value, MDB_SET) == 0 &&
		dd_record_read(&name, &value, &blob);
	pthread_mutex_unlock(&reader->lock);
	if (!found || !dd_stamp_equal(&blob.verified.stamp, now))
		return false;
	*verified = blob.verified;
	return true;
}

static int visit(struct dd_index *index, MDB_cursor *cursor, dd_verified_fn *fn, void *arg,
		 struct dd_error *err)
{
	struct dd_verified_blob blob;
	MDB_val key, value;
	int rc = 0;

	for (size_t i = 0; rc == 0 && mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0; i++) {
		if (i % CHECK_EVERY == 0)
			rc = dd_context_check(index->ctx, err);
		if (rc == 0 && dd_record_read(&key, &value, &blob))
			rc = fn(arg, &blob, err);
	}
	return rc;
}

int dd_index_visit_verified(struct dd_index *index, dd_verified_fn *fn, void *arg,
			    struct dd_error *err)
{
	MDB_cursor *cursor;
	MDB_txn *txn;
	int rc = 0;

	if (!index || !index->env || index->kind != &dd_index_kinds[DD_INDEX_VERIFIED])
		return 0;
	if (mdb_txn_begin(index->env, NULL, MDB_RDONLY, &txn))
		return dd_fail(err, DD_ENOMEM, 0, "visit the index");
	if (mdb_cursor_open(txn, index->databases[DD_DATABASE_BLOBS], &cursor)) {
		rc = dd_fail(err, DD_ENOMEM, 0, "visit the index");
	} else {
		rc = visit(index, cursor, fn, arg, err);
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return rc;
}

uint64_t dd_index_count_verified(struct dd_index *index)
{
	return index ? index->counts[DD_DATABASE_BLOBS] : 0;
}
