/*
 * A table of the directories that are being synced, or that something was made in: mostly a handful.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "store/durable.h"

#define BUCKETS 256

/* Something that was made in a directory, and which sync of it is the first that keeps it. */
struct made {
	char *name;
	uint64_t by; /* UINT64_MAX: it is being made */
};

struct slot {
	struct slot *next;
	uint64_t started, finished; /* syncs, counted */
	uint64_t failed;	    /* the last one that did */
	int sys;		    /* by what */
	bool running;
	unsigned waiting;
	DD_LIST(struct made) made;
	char path[];
};

struct dd_durable {
	pthread_mutex_t lock;
	pthread_cond_t over; /* a sync is */
	size_t count;
	size_t made; /* in all slots */
	struct slot *buckets[BUCKETS];
};

struct dd_durable *dd_durable_open(void)
{
	struct dd_durable *durable = calloc(1, sizeof(*durable));

	if (durable) {
		pthread_mutex_init(&durable->lock, NULL);
		pthread_cond_init(&durable->over, NULL);
	}
	return durable;
}

static void free_made(struct dd_durable *durable, struct slot *slot, uint64_t up_to)
{
	size_t kept = 0;

	for (size_t i = 0; i < slot->made.count; i++)
		if (slot->made.items[i].by > up_to)
			slot->made.items[kept++] = slot->made.items[i];
		else
			free(slot->made.items[i].name);
	durable->made -= slot->made.count - kept;
	slot->made.count = kept;
}

static void free_slot(struct dd_durable *durable, struct slot *slot)
{
	free_made(durable, slot, UINT64_MAX);
	dd_list_release(&slot->made);
	free(slot);
}

void dd_durable_close(struct dd_durable *durable)
{
	if (!durable)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (durable->buckets[i]) {
			struct slot *slot = durable->buckets[i];

			durable->buckets[i] = slot->next;
			free_slot(durable, slot);
		}
	pthread_cond_destroy(&durable->over);
	pthread_mutex_destroy(&durable->lock);
	free(durable);
}

/* Where the slot of a path hangs, or would. FNV-1a: nobody gains by collisions in so small a table. */
static struct slot **find(struct dd_durable *durable, const char *path, size_t len)
{
	uint32_t hash = 2166136261U;
	struct slot **at;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)path[i]) * 16777619U;
	at = &durable->buckets[(hash ^ hash >> 16) % BUCKETS];
	while (*at && (strncmp((*at)->path, path, len) != 0 || (*at)->path[len]))
		at = &(*at)->next;
	return at;
}

static struct slot *get(struct dd_durable *durable, const char *path)
{
	size_t len = strlen(path);
	struct slot **at = find(durable, path, len);

	if (!*at) {
		*at = calloc(1, sizeof(**at) + len + 1);
		if (*at) {
			memcpy((*at)->path, path, len);
			durable->count++;
		}
	}
	return *at;
}

static void drop_if_idle(struct dd_durable *durable, struct slot *slot)
{
	struct slot **at;

	if (slot->running || slot->waiting || slot->made.count)
		return;
	at = find(durable, slot->path, strlen(slot->path));
	*at = slot->next;
	durable->count--;
	free_slot(durable, slot);
}

static struct made *find_made(struct slot *slot, const char *name, size_t len)
{
	for (size_t i = 0; i < slot->made.count; i++)
		if (!strncmp(slot->made.items[i].name, name, len) && !slot->made.items[i].name[len])
			return &slot->made.items[i];
	return NULL;
}

int dd_durable_note(struct dd_durable *durable, const char *path, const char *name,
		    struct dd_error *err)
{
	struct slot *slot;
	struct made *made = NULL;
	char *copy;

	pthread_mutex_lock(&durable->lock);
	slot = get(durable, path);
	if (slot) {
		made = find_made(slot, name, strlen(name));
		copy = made ? NULL : strdup(name);
		if (copy)
			made = dd_list_add(&slot->made);
		if (copy && made) {
			made->name = copy;
			durable->made++;
		} else {
			free(copy);
		}
		if (made)
			made->by = UINT64_MAX;
		drop_if_idle(durable, slot);
	}
	pthread_mutex_unlock(&durable->lock);
	return made ? 0 : dd_fail(err, DD_ENOMEM, 0, "remember a directory to sync");
}

void dd_durable_made(struct dd_durable *durable, const char *path, const char *name)
{
	struct slot *slot;
	struct made *made;

	pthread_mutex_lock(&durable->lock);
	slot = *find(durable, path, strlen(path));
	made = slot ? find_made(slot, name, strlen(name)) : NULL;
	if (made)
		made->by = slot->started + 1;
	pthread_mutex_unlock(&durable->lock);
}

int dd_durable_gather(struct dd_durable *durable, const char *path, struct dd_unsynced *unsynced,
		      struct dd_error *err)
{
	int rc = 0;

	pthread_mutex_lock(&durable->lock);
	for (const char *slash = strchr(path, '/'); slash && durable->made && rc == 0;
	     slash = strchr(slash + 1, '/')) {
		struct slot *slot = *find(durable, path, (size_t)(slash - path));

		if (slot && find_made(slot, slash + 1, strcspn(slash + 1, "/")))
			rc = dd_unsynced_add(unsynced, slot->path, err);
	}
	pthread_mutex_unlock(&durable->lock);
	return rc;
}

/* The lock is held; it is given up meanwhile. */
static void run(struct dd_durable *durable, struct slot *slot, dd_durable_fn *sync, void *arg)
{
	uint64_t number = ++slot->started;
	int sys;

	slot->running = true;
	pthread_mutex_unlock(&durable->lock);
	sys = sync(arg, slot->path);
	pthread_mutex_lock(&durable->lock);
	slot->running = false;
	slot->finished = number;
	if (sys) {
		/* The kernel says it once; those who waited for it would be told that all is well. */
		slot->failed = number;
		slot->sys = sys;
	} else {
		free_made(durable, slot, number);
	}
	pthread_cond_broadcast(&durable->over);
}

int dd_durable_sync(struct dd_durable *durable, const char *path, dd_durable_fn *sync, void *arg)
{
	struct slot *slot;
	uint64_t wanted;
	int sys = 0;

	pthread_mutex_lock(&durable->lock);
	slot = get(durable, path);
	if (!slot) {
		pthread_mutex_unlock(&durable->lock);
		return sync(arg, path);
	}
	wanted = slot->started + 1;
	slot->waiting++;
	while (slot->finished < wanted) {
		if (slot->running)
			pthread_cond_wait(&durable->over, &durable->lock);
		else
			run(durable, slot, sync, arg);
	}
	if (slot->failed >= wanted)
		sys = slot->sys;
	slot->waiting--;
	drop_if_idle(durable, slot);
	pthread_mutex_unlock(&durable->lock);
	return sys;
}

size_t dd_durable_count(struct dd_durable *durable)
{
	size_t count;

	pthread_mutex_lock(&durable->lock);
	count = durable->count;
	pthread_mutex_unlock(&durable->lock);
	return count;
}

size_t dd_durable_waiting(struct dd_durable *durable)
{
	size_t waiting = 0;

	pthread_mutex_lock(&durable->lock);
	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct slot *slot = durable->buckets[i]; slot; slot = slot->next)
			waiting += slot->waiting;
	pthread_mutex_unlock(&durable->lock);
	return waiting;
}
