/*
 * Learning what a survey finds out. It is kept in memory until there is much of it, and is only
 * written if it is worth that: writing copies the index, so a night on which little has changed
 * reads that little again, and leaves the file alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/text.h"
#include "index/survey.h"

#define KEEP ((size_t)4 << 20)	/* bytes; what is more is on its way to the file */
#define FLUSH ((size_t)1 << 20) /* then, at a time */
#define WORTH 16		/* a sixteenth of all has changed */

/* In memory: this, the key, a struct dd_fact and what follows it. */
struct learnt {
	uint32_t database;
	uint32_t key_len, value_len;
};

void dd_learner_open(struct dd_index *index)
{
	pthread_mutex_init(&index->learner.lock, NULL);
	atomic_store(&index->learner.active, dd_index_is_writable(index));
}

static void forget_facts(struct dd_learner *learner)
{
	dd_buffer_release(&learner->facts);
	learner->count = 0;
}

void dd_learner_close(struct dd_index *index)
{
	struct dd_learner *learner = &index->learner;

	forget_facts(learner);
	for (unsigned i = 0; i < DD_INDEX_DATABASES; i++)
		dd_list_release(&learner->seen[i]);
	pthread_mutex_destroy(&learner->lock);
}

static void add(struct dd_buffer *buffer, const void *bytes, size_t len)
{
	if (len)
		memcpy(buffer->bytes + buffer->len, bytes, len);
	buffer->len += len;
}

/* ---- to the file ---- */

struct facts {
	const unsigned char *at, *end;
};

/* All at once: what they are is told by walking along them. */
static int put_facts(struct dd_index *index, MDB_txn *txn, const void *arg, size_t unused)
{
	const struct facts *facts = arg;
	int mdb = 0;

	(void)unused;
	for (const unsigned char *at = facts->at; at < facts->end && !mdb;) {
		struct learnt head;
		MDB_val key, value;

		memcpy(&head, at, sizeof(head));
		at += sizeof(head);
		key = (MDB_val){ head.key_len, (void *)at };
		value = (MDB_val){ head.value_len, (void *)(at + head.key_len) };
		at += head.key_len + head.value_len;
		mdb = mdb_put(txn, index->work_databases[head.database], &key, &value, 0);
	}
	return mdb;
}

/* With the lock held. */
static int flush(struct dd_index *index, struct dd_error *err)
{
	struct dd_learner *learner = &index->learner;
	const struct facts facts = { learner->facts.bytes,
				     learner->facts.bytes + learner->facts.len };
	int rc = dd_index_remember(index, put_facts, &facts, learner->facts.len > 0, err);

	learner->writing = true;
	forget_facts(learner);
	if (rc < 0 || !dd_index_is_writable(index))
		atomic_store(&learner->active, false);
	return rc;
}

void dd_index_learn(struct dd_index *index, unsigned database, const MDB_val *key,
		    struct dd_fact *fact, const struct dd_buffer *rest)
{
	struct dd_learner *learner = &index->learner;
	size_t size = sizeof(*fact) + rest->len;
	struct learnt head = { database, (uint32_t)key->mv_size, (uint32_t)size };

	fact->version = DD_FACT_VERSION;
	pthread_mutex_lock(&learner->lock);
	if (!atomic_load(&learner->active) ||
	    dd_buffer_reserve(&learner->facts, sizeof(head) + key->mv_size + size) < 0 ||
	    dd_seen_add(&learner->seen[database], key) < 0) {
		learner->lost = true;
	} else {
		add(&learner->facts, &head, sizeof(head));
		add(&learner->facts, key->mv_data, key->mv_size);
		add(&learner->facts, fact, sizeof(*fact));
		add(&learner->facts, rest->bytes, rest->len);
		dd_fact_seal(learner->facts.bytes + learner->facts.len - size, size, key);
		learner->count++;
		if (learner->facts.len >= (learner->writing ? FLUSH : KEEP))
			flush(index, NULL);
	}
	pthread_mutex_unlock(&learner->lock);
}

static bool may_learn(struct dd_index *index, const struct dd_info *now, int64_t began_ns,
		      size_t len)
{
	return index && now->type != DD_ENTRY_UNKNOWN && index->kind->learns &&
	       atomic_load_explicit(&index->learner.active, memory_order_relaxed) &&
	       len <= DD_FACT_MAX && dd_index_may_remember(now, began_ns);
}

static struct dd_fact fact_of(const struct dd_info *now, int code)
{
	struct dd_fact fact = { .code = code };

	memcpy(fact.stamp, now->stamp.word, sizeof(fact.stamp));
	return fact;
}

static void learn_file(struct dd_index *index, unsigned database, const struct dd_info *now,
		       int code, const struct dd_buffer *rest)
{
	struct dd_object_key key;
	struct dd_fact fact = fact_of(now, code);
	const MDB_val name = { sizeof(key.bytes), key.bytes };

	dd_object_key_of(&key, &now->stamp);
	dd_index_learn(index, database, &name, &fact, rest);
}

void dd_index_learn_listing(struct dd_index *index, const struct dd_info *now, int64_t began_ns,
			    const void *packed, size_t len)
{
	struct dd_buffer rest = { .bytes = (unsigned char *)packed, .len = len };

	if (may_learn(index, now, began_ns, len))
		learn_file(index, DD_DATABASE_LISTINGS, now, 0, &rest);
}

static void pack_digest(struct dd_buffer *rest, const struct dd_digest *digest)
{
	add(rest, digest->bytes, dd_digest_size(digest));
}

void dd_index_learn_link(struct dd_index *index, const struct dd_info *now, int64_t began_ns,
			 const struct dd_digest *digest)
{
	unsigned char bytes[sizeof(began_ns) + 1 + DD_DIGEST_BYTES];
	struct dd_buffer rest = { .bytes = bytes };

	if (!may_learn(index, now, began_ns, sizeof(bytes)))
		return;
	add(&rest, &began_ns, sizeof(began_ns));
	add(&rest, &digest->alg, 1);
	pack_digest(&rest, digest);
	learn_file(index, DD_DATABASE_LINKS, now, 0, &rest);
}

static bool can_be_known(int code)
{
	return code == 0 || code == DD_ECORRUPT || code == DD_EFORMAT || code == DD_EUNKNOWN ||
	       code == DD_ETOOBIG;
}

void dd_index_learn_manifest(struct dd_index *index, const struct dd_digest *digest,
			     const struct dd_info *now, int64_t began_ns,
			     const struct dd_surveyed *surveyed)
{
	struct dd_buffer rest = { 0 };
	int rc;

	if (!can_be_known(surveyed->code) || !may_learn(index, now, began_ns, 0))
		return;
	rc = dd_buffer_reserve(&rest, 1 + DD_DIGEST_BYTES);
	if (rc == 0) {
		add(&rest, &digest->alg, 1);
		pack_digest(&rest, digest);
	}
	if (rc == 0 && !surveyed->code) {
		rc = dd_fact_pack_manifest(&rest, surveyed);
	} else if (rc == 0) {
		rc = dd_buffer_reserve(&rest, strlen(surveyed->detail) + 1);
		if (rc == 0)
			add(&rest, surveyed->detail, strlen(surveyed->detail) + 1);
	}
	if (rc == 0)
		learn_file(index, DD_DATABASE_MANIFESTS, now, surveyed->code, &rest);
	dd_buffer_release(&rest);
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hash_of(const char *name, size_t len, unsigned char hash[static DD_LISTED_HASH])
{
	if (len != 2 * DD_LISTED_HASH)
		return false;
	for (size_t i = 0; i < DD_LISTED_HASH; i++) {
		int high = nibble(name[2 * i]), low = nibble(name[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		hash[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

int dd_listing_pack(struct dd_buffer *packed, const struct dd_entry *entry)
{
	unsigned char hash[DD_LISTED_HASH], type = (unsigned char)entry->type;
	size_t len = strlen(entry->name);

	if (dd_buffer_reserve(packed, len + 2) < 0)
		return DD_ENOMEM;
	if (!hash_of(entry->name, len, hash)) {
		add(packed, &type, 1);
		add(packed, entry->name, len + 1);
		return 0;
	}
	type |= DD_LISTED_AS_HASH;
	add(packed, &type, 1);
	add(packed, hash, sizeof(hash));
	return 0;
}

/* ---- the end of a survey ---- */

static int compare_hints(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a != *b ? (*a < *b ? -1 : 1) : 0;
}

/* All that was asked for or learnt, in order, each once. */
static int merge_seen(struct dd_index *index, unsigned database, struct dd_seen *all)
{
	size_t count = index->learner.seen[database].count, kept = 0;

	for (unsigned i = 0; i < DD_INDEX_READERS; i++)
		count += index->readers[i].seen[database].count;
	all->items = calloc(count + 1, sizeof(*all->items));
	if (!all->items)
		return DD_ENOMEM;
	for (unsigned i = 0; i <= DD_INDEX_READERS; i++) {
		const struct dd_seen *from = i < DD_INDEX_READERS ?
						     &index->readers[i].seen[database] :
						     &index->learner.seen[database];

		if (from->count)
			memcpy(all->items + all->count, from->items,
			       from->count * sizeof(*from->items));
		all->count += from->count;
	}
	qsort(all->items, all->count, sizeof(*all->items), compare_hints);
	for (size_t i = 0; i < all->count; i++)
		if (i == 0 || all->items[i] != all->items[i - 1])
			all->items[kept++] = all->items[i];
	all->count = kept;
	return 0;
}

struct sweep {
	const struct dd_seen *seen;
};

static int sweep_one(struct dd_index *index, MDB_txn *txn, const void *arg, size_t database)
{
	const struct dd_seen *seen = &((const struct sweep *)arg)->seen[database];
	MDB_cursor *cursor;
	MDB_val key, value;
	int mdb = mdb_cursor_open(txn, index->work_databases[database], &cursor);

	if (mdb)
		return mdb;
	while (!mdb && !(mdb = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) {
		uint64_t hint = dd_hint_of(&key);

		if (!seen->count ||
		    !bsearch(&hint, seen->items, seen->count, sizeof(hint), compare_hints))
			mdb = mdb_cursor_del(cursor, 0);
	}
	mdb_cursor_close(cursor);
	return mdb == MDB_NOTFOUND ? 0 : mdb;
}

/* What was seen, and of what is held what was not. */
static uint64_t count_seen(const struct dd_index *index, uint64_t *dead)
{
	uint64_t held = 0, asked = 0, learnt = 0;

	for (unsigned i = 0; i < DD_INDEX_DATABASES; i++) {
		held += index->counts[i];
		learnt += index->learner.seen[i].count;
		for (unsigned k = 0; k < DD_INDEX_READERS; k++)
			asked += index->readers[k].seen[i].count;
	}
	*dead = held > asked ? held - asked : 0;
	return asked + learnt;
}

static int sweep(struct dd_index *index, struct dd_error *err)
{
	struct dd_seen seen[DD_INDEX_DATABASES] = { 0 };
	int rc = 0;

	for (unsigned i = 0; i < DD_INDEX_DATABASES && rc == 0; i++)
		if (merge_seen(index, i, &seen[i]) < 0)
			rc = dd_fail(err, DD_ENOMEM, 0, "settle the index");
	if (rc == 0)
		rc = dd_index_remember(index, sweep_one, &(struct sweep){ seen },
				       DD_INDEX_DATABASES, err);
	for (unsigned i = 0; i < DD_INDEX_DATABASES; i++)
		dd_list_release(&seen[i]);
	return rc;
}

static uint64_t count_held(const struct dd_index *index)
{
	uint64_t held = 0;

	for (unsigned i = 0; i < DD_INDEX_DATABASES; i++)
		held += index->counts[i];
	return held;
}

static int settle(struct dd_index *index, bool whole, struct dd_error *err)
{
	struct dd_learner *learner = &index->learner;
	uint64_t dead, all = count_seen(index, &dead);
	uint64_t changed = whole && dead > learner->count ? dead : learner->count;
	int rc;

	/* Of what only a look at more would have asked for nothing is known. */
	if (!whole)
		all = count_held(index) + learner->count;

	if (!learner->writing && (!changed || changed < all / WORTH))
		return 0;
	rc = flush(index, err);
	return rc < 0 || !whole || learner->lost || !atomic_load(&learner->active) ?
		       rc :
		       sweep(index, err);
}

int dd_index_settle(struct dd_index *index, bool whole, struct dd_error *err)
{
	struct dd_learner *learner;
	int rc = 0;

	if (!index || !index->kind->learns)
		return 0;
	learner = &index->learner;
	pthread_mutex_lock(&learner->lock);
	if (atomic_load(&learner->active))
		rc = settle(index, whole, err);
	atomic_store(&learner->active, false);
	forget_facts(learner);
	pthread_mutex_unlock(&learner->lock);
	return rc;
}
