/*
 * Back from the trash.
 *
 * What a collector took comes back; what a person removed, what a policy did not keep, and what was
 * damaged does not: the journal says which is which. It is read once for each run, for it is sealed
 * before anything goes; and a run that has nothing to give is passed over from then on. (Each deletion by
 * a client is such a run: there may be many.) The latest word counts: what was removed does not come
 * back because an older run has taken the same once.
 *
 * Another process may be at work in the trash. So there are only renames of single files, none of which
 * replaces anything, and what is not there any more is no error. The empty directory that stays behind
 * goes with its run.
 */
#include <string.h>

#include <drydock/change.h>
#include <drydock/manifest.h>
#include <drydock/units.h>

#include "base/list.h"
#include "change/journal.h"
#include "change/names.h"
#include "registry/registry.h"
#include "registry/revive.h"

#define DEEPEST 8   /* indexes in indexes */
#define MOST 100000 /* objects that one manifest brings back */
#define SMALL ((uint64_t)64 << 10)

/* What may come back from a run. */
struct giving {
	char run[DD_RUN_NAME];
	bool known, nothing, large;
	/* What stays there, by hashes of paths, sorted: because somebody wanted it gone, and otherwise. */
	DD_LIST(uint64_t) removed;
	DD_LIST(uint64_t) damaged;
};

struct dd_revivable {
	pthread_mutex_t lock;
	struct dd_stamp stamp; /* of the trash when it was listed */
	bool listed;
	DD_LIST(struct giving) runs; /* oldest first */
};

int dd_revivable_open(struct dd_registry *registry, struct dd_error *err)
{
	registry->trash = calloc(1, sizeof(*registry->trash));
	if (!registry->trash)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	pthread_mutex_init(&registry->trash->lock, NULL);
	return 0;
}

static void giving_release(struct giving *giving)
{
	dd_list_release(&giving->removed);
	dd_list_release(&giving->damaged);
}

static void forget_runs(struct dd_revivable *view)
{
	for (size_t i = 0; i < view->runs.count; i++)
		giving_release(&view->runs.items[i]);
	dd_list_release(&view->runs);
	view->listed = false;
}

void dd_revivable_close(struct dd_registry *registry)
{
	if (!registry->trash)
		return;
	forget_runs(registry->trash);
	pthread_mutex_destroy(&registry->trash->lock);
	free(registry->trash);
	registry->trash = NULL;
}

/* ---- what runs may give ---- */

static uint64_t hash_place(const struct dd_place *place)
{
	DD_AUTOFREE char *path = NULL;
	struct dd_place plain = *place;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	plain.run = NULL;
	if (dd_layout_path(&plain, &path, NULL) < 0)
		return 0;
	for (const char *at = path; *at; at++)
		hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
	return hash;
}

static int compare_hashes(const void *a, const void *b)
{
	const uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return (one > other) - (one < other);
}

static void sort_hashes(uint64_t *hashes, size_t count)
{
	if (count)
		qsort(hashes, count, sizeof(*hashes), compare_hashes);
}

static bool has(const uint64_t *hashes, size_t count, uint64_t hash)
{
	return count && bsearch(&hash, hashes, count, sizeof(hash), compare_hashes);
}

static bool is_removal(enum dd_reason reason)
{
	return reason == DD_REASON_REMOVED || reason == DD_REASON_POLICY;
}

struct sorting {
	struct giving *giving;
	bool something;
};

static int sort_item(void *arg, const struct dd_item *item, struct dd_error *err)
{
	struct sorting *sorting = arg;
	uint64_t *stays;

	if (is_removal(item->reason)) {
		stays = dd_list_add(&sorting->giving->removed);
	} else if (dd_reason_damage(item->reason) || item->reason == DD_REASON_EMPTY) {
		stays = dd_list_add(&sorting->giving->damaged);
	} else {
		sorting->something = true;
		return 0;
	}
	if (!stays)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	*stays = hash_place(&item->place);
	return 0;
}

/*
 * Of a journal that is damaged all that it does not name may come back, if it is not of a repair: what
 * that took was bad. One that is not sealed is being written, and nothing has gone yet.
 */
static int learn(struct dd_registry *registry, struct giving *giving, struct dd_error *err)
{
	struct sorting sorting = { .giving = giving };
	const struct dd_journal_sink sink = { .item = sort_item, .arg = &sorting };
	DD_CLEANUP(dd_journal_release) struct dd_journal journal = { 0 };
	int rc = dd_journal_read(registry->store, giving->run, &sink, &journal, err);

	if (rc < 0)
		return rc;
	giving->known = journal.sealed;
	giving->nothing = journal.whole ?
				  !sorting.something :
				  journal.placed || !journal.sealed ||
					  (journal.command &&
					   !strncmp(journal.command, "repair", strlen("repair")));
	if (!giving->known)
		giving_release(giving);
	sort_hashes(giving->removed.items, giving->removed.count);
	sort_hashes(giving->damaged.items, giving->damaged.count);
	return 0;
}

/*
 * A small journal is read at once, for looks into the run for all that is asked for would soon cost more;
 * a large one as soon as the run has something of that.
 */
static void learn_if_small(struct dd_registry *registry, struct giving *giving)
{
	const struct dd_place journal = { .kind = DD_AT_JOURNAL, .run = giving->run };
	struct dd_info info;

	if (giving->known || giving->large ||
	    dd_store_stat(registry->store, &journal, &info, NULL) < 0)
		return;
	giving->large = info.size > SMALL;
	if (!giving->large)
		learn(registry, giving, NULL);
}

/* What is known of a run that is still there is kept. */
static int list_anew(struct dd_registry *registry, struct dd_error *err)
{
	DD_CLEANUP(dd_run_names_release) struct dd_run_names names = { 0 };
	struct dd_revivable *view = registry->trash, old;
	int rc = dd_run_names_list(&names, registry->store, DD_IN_TRASH, err);

	if (rc < 0)
		return rc;
	dd_run_names_sort(&names);
	memcpy(&old.runs, &view->runs, sizeof(old.runs));
	memset(&view->runs, 0, sizeof(view->runs));
	for (size_t i = 0, at = 0; i < names.list.count && rc == 0; i++) {
		const char *name = names.list.items[i].text;
		struct giving *giving = dd_list_add(&view->runs);

		if (!giving) {
			rc = dd_fail(err, DD_ENOMEM, 0, "look into the trash");
			break;
		}
		while (at < old.runs.count && strcmp(old.runs.items[at].run, name) < 0)
			at++;
		if (at < old.runs.count && !strcmp(old.runs.items[at].run, name)) {
			*giving = old.runs.items[at];
			memset(&old.runs.items[at], 0, sizeof(*giving));
		}
		memcpy(giving->run, name, sizeof(giving->run));
	}
	forget_runs(&old);
	return rc;
}

/* The trash as it is now; the lock is held. DD_ENOENT: there is none. */
static int look_at_trash(struct dd_registry *registry, struct dd_error *err)
{
	const struct dd_place trash = { .kind = DD_IN_TRASH };
	struct dd_revivable *view = registry->trash;
	struct dd_info info;
	int rc = dd_store_stat(registry->store, &trash, &info, err);

	if (rc < 0 || (view->listed && dd_stamp_equal(&info.stamp, &view->stamp)))
		return rc;
	rc = list_anew(registry, err);
	view->stamp = info.stamp;
	/* What changed just now may do so again within the same tick. */
	view->listed = rc == 0 && dd_index_may_remember(&info, dd_time_now());
	return rc;
}

static bool was_removed(const struct giving *giving, uint64_t hash)
{
	return giving->known && has(giving->removed.items, giving->removed.count, hash);
}

static bool may_give(struct dd_registry *registry, struct giving *giving, uint64_t hash)
{
	if (!giving->known && learn(registry, giving, NULL) < 0)
		return false;
	return giving->known && !giving->nothing && !was_removed(giving, hash) &&
	       !has(giving->damaged.items, giving->damaged.count, hash);
}

static bool lies_in(struct dd_registry *registry, const struct dd_place *place, const char *run)
{
	struct dd_place trashed = *place;
	struct dd_info info;

	trashed.run = run;
	return dd_store_stat(registry->store, &trashed, &info, NULL) == 0 &&
	       info.type == DD_ENTRY_FILE;
}

/* The run that has it, the latest first; false: none, or it was removed since. */
static bool find_run(struct dd_registry *registry, const struct dd_place *place,
		     char run[static DD_RUN_NAME])
{
	struct dd_revivable *view = registry->trash;
	uint64_t hash = hash_place(place);
	bool found = false;

	pthread_mutex_lock(&view->lock);
	if (look_at_trash(registry, NULL) == 0)
		for (size_t i = view->runs.count; i > 0 && !found; i--) {
			struct giving *giving = &view->runs.items[i - 1];

			learn_if_small(registry, giving);
			if (giving->known && giving->nothing && !was_removed(giving, hash))
				continue;
			if (!lies_in(registry, place, giving->run))
				continue;
			found = may_give(registry, giving, hash);
			if (found)
				memcpy(run, giving->run, DD_RUN_NAME);
			else if (was_removed(giving, hash))
				break;
		}
	pthread_mutex_unlock(&view->lock);
	return found;
}

/* ---- one digest ---- */

struct revival {
	struct dd_registry *registry;
	const char *repository;
	struct dd_unsynced unsynced;
	unsigned depth, count;
	bool moved; /* something */
};

static bool is_in_place(const struct revival *revival, const struct dd_place *place)
{
	struct dd_info info;

	return dd_store_stat(revival->registry->store, place, &info, NULL) != DD_ENOENT;
}

/* What came meanwhile, from wherever, is as good. */
static int fetch(struct revival *revival, const struct dd_place *place, const char *run,
		 struct dd_error *err)
{
	struct dd_place trashed = *place;
	int rc;

	trashed.run = run;
	rc = dd_store_place(revival->registry->store, &trashed, place, DD_ONTO_NOTHING,
			    &revival->unsynced, err);
	if (rc == 0) {
		revival->moved = true;
		dd_registry_count(revival->registry, revived);
		dd_log(revival->registry->ctx, DD_LOG_NOTE,
		       "%s %s was asked for and is back from the trash of run %s",
		       dd_place_kind_name(place->kind), dd_digest_text(&place->digest), run);
	}
	if (rc == DD_EEXIST || rc == DD_ENOENT)
		dd_error_clear(err);
	return rc == DD_EEXIST || rc == DD_ENOENT ? 0 : rc;
}

static int sync_moved(struct revival *revival, struct dd_error *err)
{
	return revival->unsynced.count ?
		       dd_store_sync_these(revival->registry->store, &revival->unsynced, err) :
		       0;
}

static int fetch_bytes(struct revival *revival, const struct dd_digest *digest,
		       struct dd_error *err)
{
	struct dd_place place = dd_blob_place(digest);
	char run[DD_RUN_NAME];
	int rc = 0;

	if (!is_in_place(revival, &place) && find_run(revival->registry, &place, run))
		rc = fetch(revival, &place, run, err);
	return rc < 0 ? rc : sync_moved(revival, err);
}

/* Bytes before the link; a link without them would only be something in doubt. */
static int fetch_link(struct revival *revival, enum dd_place_kind kind,
		      const struct dd_digest *digest, struct dd_error *err)
{
	struct dd_place place = dd_link_place(kind, revival->repository, digest), trashed = place,
			bytes;
	struct dd_digest target = *digest;
	bool linked = is_in_place(revival, &place);
	char run[DD_RUN_NAME];
	int rc;

	if (linked)
		dd_registry_read_link(revival->registry, &place, &target, NULL, NULL);
	else if (!find_run(revival->registry, &place, run))
		return 0;
	if (!linked) {
		trashed.run = run;
		/* One that says nothing is no loss. */
		if (dd_registry_read_link(revival->registry, &trashed, &target, NULL, NULL) < 0)
			return 0;
	}
	rc = fetch_bytes(revival, &target, err);
	bytes = dd_blob_place(&target);
	if (rc < 0 || linked || !is_in_place(revival, &bytes))
		return rc;
	rc = fetch(revival, &place, run, err);
	return rc < 0 ? rc : sync_moved(revival, err);
}

static int fetch_digest(struct revival *revival, const struct dd_digest *digest,
			struct dd_error *err);

/* As the repository has it, a blob or a manifest. */
static bool is_here(const struct revival *revival, const struct dd_digest *digest)
{
	static const enum dd_place_kind links[] = { DD_AT_LAYER, DD_AT_REVISION };

	for (size_t i = 0; i < DD_COUNT(links); i++) {
		struct dd_place place = dd_link_place(links[i], revival->repository, digest);
		struct dd_digest target;

		if (dd_registry_read_link(revival->registry, &place, &target, NULL, NULL) == 0) {
			place = dd_blob_place(&target);
			return is_in_place(revival, &place);
		}
	}
	return false;
}

/* Of a manifest: all that it names, whatever the field is called. *whole: that is here now. */
static int fetch_reached(struct revival *revival, const struct dd_digest *digest, bool *whole,
			 struct dd_error *err)
{
	DD_CLEANUP(dd_manifest_parser_closep) struct dd_manifest_parser *parser = NULL;
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	struct dd_place place = dd_blob_place(digest);
	const struct dd_manifest *manifest;
	int rc = dd_manifest_parser_open(&parser, err);

	if (rc < 0)
		return rc;
	/* What cannot be read or understood names nothing: whoever asked for it is told so. */
	if (revival->depth >= DEEPEST ||
	    dd_store_read(revival->registry->store, &place, DD_MANIFEST_MAX, &buffer, NULL, NULL) <
		    0 ||
	    dd_manifest_verify_and_parse(parser, digest, buffer.bytes, buffer.len, NULL, &manifest,
					 NULL) < 0)
		return 0;
	revival->depth++;
	for (size_t i = 0; i < manifest->count && rc == 0; i++) {
		const struct dd_descriptor *descriptor = &manifest->descriptors[i];

		if (descriptor->legacy || descriptor->role == DD_ROLE_SUBJECT)
			continue;
		if (revival->count++ < MOST)
			rc = fetch_digest(revival, &descriptor->digest, err);
		if (!descriptor->urls && !dd_registry_may_lack(revival->registry, descriptor->role))
			*whole &= is_here(revival, &descriptor->digest);
	}
	revival->depth--;
	return rc;
}

static int fetch_linked(struct revival *revival, const struct dd_digest *digest,
			struct dd_error *err)
{
	const struct dd_place place = dd_link_place(DD_AT_REVISION, revival->repository, digest);
	bool whole = true;
	char run[DD_RUN_NAME];
	int rc = fetch_link(revival, DD_AT_LAYER, digest, err);

	if (rc == 0 && !is_in_place(revival, &place) && !find_run(revival->registry, &place, run))
		return 0;
	if (rc == 0)
		rc = fetch_bytes(revival, digest, err);
	if (rc == 0)
		rc = fetch_reached(revival, digest, &whole, err);
	/* What is left of an image is none: who is told so pushes all of it. */
	return rc < 0 || !whole ? rc : fetch_link(revival, DD_AT_REVISION, digest, err);
}

/* A lease may run out on the way, and bytes be taken again before their link is there. */
static int fetch_digest(struct revival *revival, const struct dd_digest *digest,
			struct dd_error *err)
{
	struct dd_leases *leases = revival->registry->leases;
	int rc;

	dd_lease_pin(leases, revival->repository, digest);
	rc = fetch_linked(revival, digest, err);
	dd_lease_unpin(leases, revival->repository, digest);
	return rc;
}

/* Whether there is a trash at all: what most questions end with. */
static bool is_trash(struct dd_registry *registry)
{
	bool some;

	pthread_mutex_lock(&registry->trash->lock);
	some = look_at_trash(registry, NULL) == 0 && registry->trash->runs.count;
	pthread_mutex_unlock(&registry->trash->lock);
	return some;
}

int dd_registry_bring_back(struct dd_registry *registry, const char *repository,
			   const struct dd_digest *digest, struct dd_error *err)
{
	struct revival revival = { .registry = registry, .repository = repository };
	int rc;

	if (!is_trash(registry))
		return 0;
	rc = fetch_digest(&revival, digest, err);
	if (rc == 0)
		rc = sync_moved(&revival, err);
	dd_unsynced_release(&revival.unsynced);
	if (revival.moved)
		dd_registry_changed(registry, repository);
	return rc < 0 ? dd_wrap(err, rc, "bring %s back from the trash", dd_digest_text(digest)) :
			0;
}
