/*
 * Uploads that are open, by their id.
 *
 * An upload that nobody is at costs some names here, and no descriptor. Those that wait longest give up
 * their hash when there are too many of them: the bytes can be read again.
 */
#include <pthread.h>
#include <string.h>

#include <drydock/units.h>

#include "base/tally.h"
#include "registry/registry.h"
#include "registry/upload.h"

#define BUCKETS 4096
#define MOST 100000 /* where the options set no bound */
#define SWEEP_EVERY (30 * DD_SECOND)
#define HASHES 1024 /* kept for uploads that wait */

TAILQ_HEAD(waiting_list, dd_upload);

struct dd_upload_table {
	pthread_mutex_t lock;
	struct dd_upload *buckets[BUCKETS];
	struct dd_tally *clients; /* of how many uploads */
	uint32_t count;
	struct waiting_list waiting; /* the longest first */
	size_t waiting_count;
	int64_t swept_ns; /* since the epoch */
};

int dd_upload_table_open(struct dd_registry *registry, struct dd_error *err)
{
	struct dd_upload_table *table = calloc(1, sizeof(*table));

	if (table)
		table->clients = dd_tally_open();
	if (!table || !table->clients) {
		free(table);
		return dd_fail(err, DD_ENOMEM, 0, "receive uploads");
	}
	pthread_mutex_init(&table->lock, NULL);
	TAILQ_INIT(&table->waiting);
	registry->uploads = table;
	return 0;
}

struct dd_upload *dd_upload_new(struct dd_registry *registry, const char *repository,
				const char *id, const char *owner)
{
	struct dd_upload *upload = calloc(1, sizeof(*upload));

	if (!upload)
		return NULL;
	upload->registry = registry;
	upload->repository = strdup(repository);
	upload->owner = owner ? strdup(owner) : NULL;
	upload->alg = DD_SHA256;
	memcpy(upload->id, id, strlen(id) + 1);
	if (upload->repository && (upload->owner || !owner))
		return upload;
	dd_upload_free(upload);
	return NULL;
}

void dd_upload_free(struct dd_upload *upload)
{
	dd_writer_closep(&upload->writer);
	dd_hasher_closep(&upload->hasher);
	free(upload->repository);
	free(upload->owner);
	free(upload);
}

void dd_upload_table_close(struct dd_registry *registry)
{
	struct dd_upload_table *table = registry->uploads;

	if (!table)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (table->buckets[i]) {
			struct dd_upload *upload = table->buckets[i];

			table->buckets[i] = upload->next;
			dd_upload_free(upload);
		}
	dd_tally_closep(&table->clients);
	pthread_mutex_destroy(&table->lock);
	free(table);
	registry->uploads = NULL;
}

/* The ids are random; somebody else's that are not make a list longer, of at most as many as there are. */
static struct dd_upload **find(struct dd_upload_table *table, const char *id)
{
	uint32_t hash = 2166136261U;
	struct dd_upload **at;

	for (const char *c = id; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619U;
	at = &table->buckets[(hash ^ hash >> 16) % BUCKETS];
	while (*at && strcmp((*at)->id, id) != 0)
		at = &(*at)->next;
	return at;
}

static void stop_waiting(struct dd_upload_table *table, struct dd_upload *upload)
{
	if (!upload->waits)
		return;
	TAILQ_REMOVE(&table->waiting, upload, waiting);
	table->waiting_count--;
	upload->waits = false;
}

static void wait_with_hash(struct dd_upload_table *table, struct dd_upload *upload)
{
	struct dd_upload *longest;

	if (!upload->hasher)
		return;
	TAILQ_INSERT_TAIL(&table->waiting, upload, waiting);
	upload->waits = true;
	if (table->waiting_count++ < HASHES)
		return;
	longest = TAILQ_FIRST(&table->waiting);
	stop_waiting(table, longest);
	dd_hasher_closep(&longest->hasher);
	longest->hashed = 0;
}

static void count_off(struct dd_upload_table *table, struct dd_upload *upload)
{
	table->count--;
	if (upload->client)
		dd_tally_take_off(table->clients, upload->client);
	upload->client = NULL;
}

/* It is in no bucket any more, and in nobody's hands. The lock is held. */
static void drop(struct dd_upload_table *table, struct dd_upload *upload)
{
	stop_waiting(table, upload);
	count_off(table, upload);
	dd_upload_free(upload);
}

static bool is_gone(const struct dd_upload *upload)
{
	const struct dd_place place = { .kind = DD_IN_UPLOAD,
					.repository = upload->repository,
					.upload = upload->id };
	struct dd_info info;

	return dd_store_stat(upload->registry->store, &place, &info, NULL) == DD_ENOENT;
}

/* A bucket at a time, so that nobody waits for all of them. */
void dd_upload_table_sweep(struct dd_registry *registry)
{
	struct dd_upload_table *table = registry->uploads;

	for (size_t i = 0; i < BUCKETS; i++) {
		struct dd_upload **at = &table->buckets[i];

		pthread_mutex_lock(&table->lock);
		while (*at) {
			struct dd_upload *upload = *at;

			if (upload->busy || !is_gone(upload)) {
				at = &upload->next;
				continue;
			}
			*at = upload->next;
			drop(table, upload);
		}
		pthread_mutex_unlock(&table->lock);
	}
}

static bool has_most(struct dd_upload_table *table, const char *client, uint32_t most)
{
	return client && most && dd_tally_get(table->clients, client) >= most;
}

static bool is_full(struct dd_registry *registry, const char *client)
{
	struct dd_upload_table *table = registry->uploads;
	uint32_t most = registry->uploads_max;

	return table->count >= (most ? most : MOST) ||
	       has_most(table, client, registry->uploads_per_client);
}

/* If there are too many: some may be a collector's by now. Not at every such question. */
static void sweep_if_full(struct dd_registry *registry, const char *client)
{
	struct dd_upload_table *table = registry->uploads;
	int64_t now = dd_time_now();
	bool due;

	pthread_mutex_lock(&table->lock);
	due = is_full(registry, client) && now - table->swept_ns >= SWEEP_EVERY;
	if (due)
		table->swept_ns = now;
	pthread_mutex_unlock(&table->lock);
	if (due)
		dd_upload_table_sweep(registry);
}

static int check_most(struct dd_registry *registry, const char *client, struct dd_error *err)
{
	struct dd_upload_table *table = registry->uploads;
	uint32_t most = registry->uploads_max, each = registry->uploads_per_client;

	if (table->count >= (most ? most : MOST))
		return dd_fail(err, DD_ETOOBIG, 0, "%u uploads are open, and no more may be",
			       table->count);
	if (has_most(table, client, each))
		return dd_fail(err, DD_ETOOBIG, 0,
			       "%u uploads of this client are open, and no more of one may be",
			       each);
	return 0;
}

int dd_upload_table_add(struct dd_upload *upload, const char *client, struct dd_error *err)
{
	struct dd_upload_table *table = upload->registry->uploads;
	struct dd_upload **at;
	int rc = 0;

	sweep_if_full(upload->registry, client);
	pthread_mutex_lock(&table->lock);
	at = find(table, upload->id);
	if (*at)
		rc = dd_fail(err, DD_EEXIST, 0, "upload %s is open", upload->id);
	else
		rc = check_most(upload->registry, client, err);
	if (rc == 0 && client) {
		upload->client = dd_tally_add(table->clients, client);
		rc = upload->client ? 0 : dd_fail(err, DD_ENOMEM, 0, "begin an upload");
	}
	if (rc == 0) {
		upload->busy = true;
		*at = upload;
		table->count++;
	}
	pthread_mutex_unlock(&table->lock);
	return rc;
}

int dd_upload_table_take(struct dd_registry *registry, const char *repository, const char *id,
			 const char *owner, struct dd_upload **out, struct dd_error *err)
{
	struct dd_upload_table *table = registry->uploads;
	struct dd_upload *upload;
	int rc = 0;

	pthread_mutex_lock(&table->lock);
	upload = *find(table, id);
	if (!upload)
		rc = dd_fail(err, DD_ENOENT, 0, "no upload %s is open", id);
	else if (strcmp(upload->repository, repository) != 0 ||
		 (upload->owner && (!owner || strcmp(upload->owner, owner) != 0)))
		rc = dd_fail(err, DD_EACCES, 0, "upload %s is another's", id);
	else if (upload->busy)
		rc = dd_fail(err, DD_ELOCKED, 0, "another request is at upload %s", id);
	if (rc == 0) {
		upload->busy = true;
		stop_waiting(table, upload);
		*out = upload;
	}
	pthread_mutex_unlock(&table->lock);
	return rc;
}

void dd_upload_table_give(struct dd_upload *upload)
{
	struct dd_upload_table *table = upload->registry->uploads;

	pthread_mutex_lock(&table->lock);
	upload->busy = false;
	wait_with_hash(table, upload);
	pthread_mutex_unlock(&table->lock);
}

bool dd_upload_table_forget(struct dd_registry *registry, const char *id)
{
	struct dd_upload_table *table = registry->uploads;
	struct dd_upload **at, *upload;
	bool busy;

	pthread_mutex_lock(&table->lock);
	at = find(table, id);
	upload = *at;
	busy = upload && upload->busy;
	if (upload && !busy) {
		*at = upload->next;
		drop(table, upload);
	}
	pthread_mutex_unlock(&table->lock);
	return !busy;
}

void dd_upload_table_remove(struct dd_upload *upload)
{
	struct dd_upload_table *table = upload->registry->uploads;
	struct dd_upload **at;

	pthread_mutex_lock(&table->lock);
	at = find(table, upload->id);
	if (*at == upload) {
		*at = upload->next;
		count_off(table, upload);
	}
	pthread_mutex_unlock(&table->lock);
	dd_upload_free(upload);
}
