/*
 * Where blobs are linked: a number for each repository, and for each link the beginning of its digest
 * with that number, in a table that is found by that beginning. Sixteen bytes a link, and nothing as long
 * as nobody asks. Another's beginning that is the same is one look in vain.
 */
#include <string.h>

#include <drydock/units.h>
#include <drydock/walk.h>

#include "base/list.h"
#include "registry/registry.h"
#include "registry/whereabouts.h"

#define WALK_EVERY (600 * DD_SECOND) /* at most, for what is not known */
#define MOST ((size_t)8 << 20)	     /* links; a volume with more has others to ask */
#define NONE UINT32_MAX

struct link {
	uint64_t start;
	uint32_t repository;
	uint32_t next; /* with the same hash */
};

struct named {
	uint64_t hash;
	char *name;
};

struct dd_whereabouts {
	pthread_mutex_t walk_lock; /* one walks */
	pthread_mutex_t lock;	   /* around all that follows */
	bool known;
	int64_t walked_ns;
	DD_LIST(struct named) names;
	DD_LIST(struct link) links;
	uint32_t *heads; /* room of them, a power of two */
	size_t room;
	uint32_t latest; /* repository that was named last */
};

int dd_whereabouts_open(struct dd_registry *registry, struct dd_error *err)
{
	registry->whereabouts = calloc(1, sizeof(*registry->whereabouts));
	if (!registry->whereabouts)
		return dd_fail(err, DD_ENOMEM, 0, "remember where blobs are");
	pthread_mutex_init(&registry->whereabouts->walk_lock, NULL);
	pthread_mutex_init(&registry->whereabouts->lock, NULL);
	return 0;
}

static void forget_all(struct dd_whereabouts *where)
{
	for (size_t i = 0; i < where->names.count; i++)
		free(where->names.items[i].name);
	dd_list_release(&where->names);
	dd_list_release(&where->links);
	free(where->heads);
	where->heads = NULL;
	where->room = 0;
	where->latest = 0;
}

void dd_whereabouts_close(struct dd_registry *registry)
{
	struct dd_whereabouts *where = registry->whereabouts;

	if (!where)
		return;
	forget_all(where);
	pthread_mutex_destroy(&where->walk_lock);
	pthread_mutex_destroy(&where->lock);
	free(where);
	registry->whereabouts = NULL;
}

/* ---- the table; its lock is held ---- */

static void enter_into(struct dd_whereabouts *where, uint32_t at)
{
	struct link *link = &where->links.items[at];
	uint32_t *head = &where->heads[link->start & (where->room - 1)];

	link->next = *head;
	*head = at;
}

static bool make_room(struct dd_whereabouts *where)
{
	size_t room = where->room ? 2 * where->room : 1024;
	uint32_t *heads;

	if (where->links.count < where->room)
		return true;
	heads = malloc(room * sizeof(*heads));
	if (!heads)
		return false;
	memset(heads, 0xff, room * sizeof(*heads)); /* NONE */
	free(where->heads);
	where->heads = heads;
	where->room = room;
	for (uint32_t i = 0; i < where->links.count; i++)
		enter_into(where, i);
	return true;
}

static uint64_t hash_of(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return hash;
}

/* NONE without memory. */
static uint32_t name_anew(struct dd_whereabouts *where, const char *repository)
{
	struct named *named = dd_list_add(&where->names);

	if (!named)
		return NONE;
	named->hash = hash_of(repository);
	named->name = strdup(repository);
	if (named->name)
		return where->latest = (uint32_t)where->names.count - 1;
	where->names.count--;
	return NONE;
}

/* The one that was named last is mostly named again. */
static uint32_t number_of(struct dd_whereabouts *where, const char *repository)
{
	uint64_t hash = hash_of(repository);
	const struct named *names = where->names.items;

	if (where->latest < where->names.count && names[where->latest].hash == hash &&
	    !strcmp(names[where->latest].name, repository))
		return where->latest;
	for (size_t i = 0; i < where->names.count; i++)
		if (names[i].hash == hash && !strcmp(names[i].name, repository))
			return where->latest = (uint32_t)i;
	return name_anew(where, repository);
}

static bool is_there(const struct dd_whereabouts *where, uint64_t start, uint32_t repository)
{
	uint32_t at = where->room ? where->heads[start & (where->room - 1)] : NONE;

	for (; at != NONE; at = where->links.items[at].next)
		if (where->links.items[at].start == start &&
		    where->links.items[at].repository == repository)
			return true;
	return false;
}

static void add(struct dd_whereabouts *where, uint32_t repository, uint64_t start)
{
	struct link *link;

	if (repository == NONE || where->links.count >= MOST || !make_room(where))
		return;
	link = dd_list_add(&where->links);
	if (!link)
		return;
	link->start = start;
	link->repository = repository;
	enter_into(where, (uint32_t)where->links.count - 1);
}

void dd_whereabouts_note(struct dd_registry *registry, const char *repository,
			 const struct dd_digest *digest)
{
	struct dd_whereabouts *where = registry->whereabouts;
	uint64_t start = dd_digest_start(digest);
	uint32_t number;

	pthread_mutex_lock(&where->lock);
	if (where->known) {
		number = number_of(where, repository);
		if (number != NONE && !is_there(where, start, number))
			add(where, number, start);
	}
	pthread_mutex_unlock(&where->lock);
}

/* ---- the walk ---- */

struct walk {
	struct dd_registry *registry;
	struct dd_whereabouts *where; /* the new one, which nobody else sees yet */
	pthread_mutex_t lock;
};

struct layers {
	struct walk *walk;
	enum dd_algorithm alg;
	DD_LIST(uint64_t) starts;
};

static int see_layer(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct layers *layers = arg;
	struct dd_digest digest;
	uint64_t *start;

	if (dd_digest_parse_hex(&digest, layers->alg, entry->name, strlen(entry->name)) < 0)
		return 0;
	start = dd_list_add(&layers->starts);
	if (!start)
		return dd_fail(err, DD_ENOMEM, 0, "remember where blobs are");
	*start = dd_digest_start(&digest);
	return 0;
}

static int see_repository(void *arg, const char *name, bool has_layers, bool has_manifests,
			  bool has_uploads)
{
	struct walk *walk = arg;
	struct layers layers = { .walk = walk };
	uint32_t number;

	(void)has_manifests;
	(void)has_uploads;
	if (!has_layers)
		return 0;
	for (int alg = 0; alg < DD_ALGORITHM_COUNT; alg++) {
		struct dd_place place = { .kind = DD_IN_LAYERS_OF, .repository = name };

		/* What cannot be listed is not offered. */
		place.digest.alg = (uint8_t)alg;
		layers.alg = (enum dd_algorithm)alg;
		dd_store_list(walk->registry->store, &place, see_layer, &layers, NULL);
	}
	pthread_mutex_lock(&walk->lock);
	number = name_anew(walk->where, name);
	for (size_t i = 0; i < layers.starts.count; i++)
		add(walk->where, number, layers.starts.items[i]);
	pthread_mutex_unlock(&walk->lock);
	dd_list_release(&layers.starts);
	return 0;
}

static int walk_volume(struct dd_registry *registry, struct dd_whereabouts *fresh,
		       struct dd_error *err)
{
	struct walk walk = { .registry = registry,
			     .where = fresh,
			     .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct dd_repository_visitor visitor = { .repository = see_repository, .arg = &walk };

	return dd_walk_repositories(registry->ctx, registry->store, &visitor, err);
}

/* What was noted while it walked is of the old table, and in the new one if the walk saw it: so both. */
static void take_over(struct dd_whereabouts *where, struct dd_whereabouts *fresh, size_t old_count)
{
	for (size_t i = old_count; i < where->links.count; i++) {
		const struct link *link = &where->links.items[i];
		uint32_t number = number_of(fresh, where->names.items[link->repository].name);

		if (number != NONE && !is_there(fresh, link->start, number))
			add(fresh, number, link->start);
	}
	forget_all(where);
	memcpy(&where->names, &fresh->names, sizeof(where->names));
	memcpy(&where->links, &fresh->links, sizeof(where->links));
	where->heads = fresh->heads;
	where->room = fresh->room;
}

/* Once, and again for what is not known, but not at every such question. */
static int walk_if_due(struct dd_registry *registry, struct dd_error *err)
{
	struct dd_whereabouts *where = registry->whereabouts, fresh = { 0 };
	size_t old_count;
	int rc = 0;
	bool due;

	pthread_mutex_lock(&where->walk_lock);
	pthread_mutex_lock(&where->lock);
	due = !where->known || dd_time_now() - where->walked_ns >= WALK_EVERY;
	where->known = true; /* what is noted from here on is kept */
	old_count = where->links.count;
	pthread_mutex_unlock(&where->lock);
	if (due) {
		rc = walk_volume(registry, &fresh, err);
		pthread_mutex_lock(&where->lock);
		if (rc == 0)
			take_over(where, &fresh, old_count);
		else
			forget_all(&fresh);
		where->walked_ns = rc == 0 ? dd_time_now() : 0;
		pthread_mutex_unlock(&where->lock);
	}
	pthread_mutex_unlock(&where->walk_lock);
	return rc;
}

/* ---- questions ---- */

struct candidates {
	DD_LIST(char *) names;
};

static void release_candidates(struct candidates *candidates)
{
	for (size_t i = 0; i < candidates->names.count; i++)
		free(candidates->names.items[i]);
	dd_list_release(&candidates->names);
}

/* Copies, so that nothing is locked while they are looked at. */
static int gather(struct dd_whereabouts *where, uint64_t start, struct candidates *candidates,
		  struct dd_error *err)
{
	int rc = 0;
	uint32_t at;

	pthread_mutex_lock(&where->lock);
	at = where->room ? where->heads[start & (where->room - 1)] : NONE;
	for (; at != NONE && rc == 0; at = where->links.items[at].next) {
		const struct link *link = &where->links.items[at];
		char **slot;

		if (link->start != start)
			continue;
		slot = dd_list_add(&candidates->names);
		if (slot)
			*slot = strdup(where->names.items[link->repository].name);
		if (!slot || !*slot)
			rc = dd_fail(err, DD_ENOMEM, 0, "look for a blob");
	}
	pthread_mutex_unlock(&where->lock);
	return rc;
}

int dd_whereabouts_visit(struct dd_registry *registry, const struct dd_digest *digest,
			 dd_whereabouts_fn *fn, void *arg, struct dd_error *err)
{
	DD_CLEANUP(release_candidates) struct candidates candidates = { 0 };
	uint64_t start = dd_digest_start(digest);
	int rc = gather(registry->whereabouts, start, &candidates, err);

	if (rc == 0 && !candidates.names.count) {
		rc = walk_if_due(registry, err);
		if (rc == 0)
			rc = gather(registry->whereabouts, start, &candidates, err);
	}
	for (size_t i = 0; i < candidates.names.count && rc == 0; i++)
		rc = fn(arg, candidates.names.items[i], err);
	return rc;
}
