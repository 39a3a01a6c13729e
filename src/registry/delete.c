/*
 * Deleting tags and manifests: all that goes is announced, then withdrawn, references before what they
 * refer to: the tags' histories, the tags, the revision.
 *
 * A tag's history goes with it: where a tag has no current link, what it pointed to once keeps images.
 */
#include <string.h>

#include "base/list.h"
#include "base/text.h"
#include "registry/manifest.h"
#include "registry/registry.h"
#include "registry/remove.h"

/* Items whose directories are synced at once: one wait for the disk is not to be one for all of them. */
#define TOGETHER 64

struct deletion {
	struct dd_registry *registry;
	const char *repository;
	const struct dd_digest *digest;	 /* NULL: only a tag goes */
	DD_LIST(struct dd_item) items;	 /* histories, tags, the revision */
	DD_LIST(char *) tags;		 /* that go; items borrow them */
	DD_LIST(char *) names;		 /* of other tags */
	DD_LIST(struct dd_digest) found; /* while a history is listed */
	enum dd_algorithm alg;
};

static void deletion_release(struct deletion *deletion)
{
	for (size_t i = 0; i < deletion->tags.count; i++)
		free(deletion->tags.items[i]);
	for (size_t i = 0; i < deletion->names.count; i++)
		free(deletion->names.items[i]);
	dd_list_release(&deletion->tags);
	dd_list_release(&deletion->names);
	dd_list_release(&deletion->items);
	dd_list_release(&deletion->found);
}

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "list what is to go");
}

/* What is not there, or has no file, need not go. */
static int add(struct deletion *deletion, const struct dd_place *place, struct dd_error *err)
{
	struct dd_item *item;
	struct dd_info info;
	int rc = dd_store_stat(deletion->registry->store, place, &info, err);

	if (rc == DD_ENOENT)
		dd_error_clear(err);
	if (rc < 0)
		return rc == DD_ENOENT ? 0 : rc;
	item = dd_list_add(&deletion->items);
	if (!item)
		return no_memory(err);
	*item = (struct dd_item){ .place = *place,
				  .reason = DD_REASON_REMOVED,
				  .bytes = info.size,
				  .links = info.links,
				  .stamp = info.stamp };
	return 0;
}

static int add_history(struct deletion *deletion, const char *tag, const struct dd_digest *digest,
		       struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_AT_HISTORY,
					.repository = deletion->repository,
					.tag = tag,
					.digest = *digest };

	return add(deletion, &place, err);
}

static int find_history(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct deletion *deletion = arg;
	struct dd_digest digest, *slot;

	if (dd_digest_parse_hex(&digest, deletion->alg, entry->name, strlen(entry->name)) < 0)
		return 0;
	slot = dd_list_add(&deletion->found);
	if (!slot)
		return no_memory(err);
	*slot = digest;
	return 0;
}

static int add_histories(struct deletion *deletion, const char *tag, struct dd_error *err)
{
	struct dd_place place = { .kind = DD_IN_HISTORY_OF,
				  .repository = deletion->repository,
				  .tag = tag };
	int rc = 0;

	deletion->found.count = 0;
	for (int alg = 0; alg < DD_ALGORITHM_COUNT && rc == 0; alg++) {
		place.digest.alg = (uint8_t)alg;
		deletion->alg = (enum dd_algorithm)alg;
		rc = dd_store_list(deletion->registry->store, &place, find_history, deletion, err);
		if (rc == DD_ENOENT) {
			dd_error_clear(err);
			rc = 0;
		}
	}
	for (size_t i = 0; i < deletion->found.count && rc == 0; i++)
		rc = add_history(deletion, tag, &deletion->found.items[i], err);
	return rc;
}

static int find_tag(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct deletion *deletion = arg;
	char **slot;

	if (entry->type != DD_ENTRY_DIRECTORY)
		return 0;
	slot = dd_list_add(&deletion->names);
	if (slot)
		*slot = strdup(entry->name);
	return slot && *slot ? 0 : no_memory(err);
}

/* A tag that points to it goes; one that once did forgets it. */
static int judge_tag(struct deletion *deletion, char **name, struct dd_error *err)
{
	struct dd_digest digest;
	char **slot;
	int rc = dd_registry_resolve_tag(deletion->registry, deletion->repository, *name, &digest,
					 err);

	if (rc < 0 && rc != DD_ENOENT)
		return rc;
	if (rc == DD_ENOENT || !dd_digest_equal(&digest, deletion->digest)) {
		dd_error_clear(err);
		return add_history(deletion, *name, deletion->digest, err);
	}
	slot = dd_list_add(&deletion->tags);
	if (!slot)
		return no_memory(err);
	*slot = *name;
	*name = NULL;
	return add_histories(deletion, *slot, err);
}

static int find_tags(struct deletion *deletion, struct dd_error *err)
{
	const struct dd_place tags = { .kind = DD_IN_TAGS, .repository = deletion->repository };
	int rc = dd_store_list(deletion->registry->store, &tags, find_tag, deletion, err);

	if (rc == DD_ENOENT) {
		dd_error_clear(err);
		return 0;
	}
	for (size_t i = 0; i < deletion->names.count && rc == 0; i++) {
		rc = judge_tag(deletion, &deletion->names.items[i], err);
		dd_registry_note_step(deletion->registry);
	}
	return rc;
}

static int gather(struct deletion *deletion, struct dd_error *err)
{
	struct dd_place place = { .kind = DD_AT_TAG, .repository = deletion->repository };
	int rc = 0;

	if (deletion->digest)
		rc = find_tags(deletion, err);
	else
		rc = add_histories(deletion, deletion->tags.items[0], err);
	for (size_t i = 0; i < deletion->tags.count && rc == 0; i++) {
		place.tag = deletion->tags.items[i];
		rc = add(deletion, &place, err);
	}
	if (rc < 0 || !deletion->digest)
		return rc;
	place = dd_link_place(DD_AT_REVISION, deletion->repository, deletion->digest);
	return add(deletion, &place, err);
}

static int announce(struct deletion *deletion, struct dd_change *change, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < deletion->items.count && rc == 0; i++) {
		if (i % TOGETHER == TOGETHER - 1)
			rc = dd_change_sync(change, err);
		if (rc == 0)
			rc = dd_change_announce(change, &deletion->items.items[i], err);
		dd_registry_note_step(deletion->registry);
	}
	return rc < 0 ? rc : dd_change_seal(change, err);
}

/* Histories may have changed or gone by another's hand, for what that is worth. */
static int withdraw(struct deletion *deletion, struct dd_change *change, struct dd_error *err)
{
	int rc = announce(deletion, change, err);

	for (size_t i = 0; i < deletion->items.count && rc == 0; i++) {
		const struct dd_item *item = &deletion->items.items[i];

		if (i && (item->place.kind != item[-1].place.kind || i % TOGETHER == 0))
			rc = dd_change_sync(change, err);
		if (rc == 0)
			rc = dd_change_withdraw(change, item, err);
		if (rc == DD_ENOENT || (rc == DD_ECHANGED && item->place.kind == DD_AT_HISTORY)) {
			dd_error_clear(err);
			rc = 0;
		}
		dd_registry_note_step(deletion->registry);
	}
	for (size_t i = 0; i < deletion->tags.count && rc == 0; i++)
		dd_store_remove_tag(deletion->registry->store, deletion->repository,
				    deletion->tags.items[i]);
	return rc;
}

static int carry_out(struct deletion *deletion, const char *command, struct dd_error *err)
{
	struct dd_registry *registry = deletion->registry;
	struct dd_change *change;
	int rc = dd_registry_begin_change(registry, command, &change, err);

	if (rc < 0)
		return rc;
	dd_registry_begin_deleting(registry, deletion->repository);
	rc = gather(deletion, err);
	/* Somebody else was quicker. */
	if (rc == 0 && !deletion->items.count)
		rc = dd_fail(err, DD_ENOENT, 0, "there is none any more");
	if (rc == 0)
		rc = withdraw(deletion, change, err);
	dd_registry_end_deleting(registry, deletion->repository);
	rc = dd_registry_end_change(registry, &change, rc, err);
	dd_registry_changed(registry, deletion->repository);
	return rc;
}

static int name_command(struct dd_text *command, const char *what, const char *who,
			struct dd_error *err)
{
	int rc = who && *who ? dd_text_printf(command, "delete %s (%s)", what, who) :
			       dd_text_printf(command, "delete %s", what);

	return rc < 0 ? dd_fail(err, rc, 0, "delete %s", what) : 0;
}

int dd_registry_delete_tag(struct dd_registry *registry, const char *repository, const char *tag,
			   const char *who, struct dd_error *err)
{
	DD_CLEANUP(deletion_release)
	struct deletion deletion = { .registry = registry, .repository = repository };
	DD_CLEANUP(dd_text_release) struct dd_text what = { 0 }, command = { 0 };
	const struct dd_place place = { .kind = DD_AT_TAG, .repository = repository, .tag = tag };
	struct dd_info info;
	char **slot;
	int rc = dd_registry_check_name(repository, err);

	if (rc == 0)
		rc = dd_registry_check_tag(tag, err);
	if (rc == 0)
		rc = dd_store_stat(registry->store, &place, &info, err);
	if (rc < 0)
		return rc;
	slot = dd_list_add(&deletion.tags);
	if (slot)
		*slot = strdup(tag);
	if (!slot || !*slot || dd_text_printf(&what, "%s:%s", repository, tag) < 0)
		return no_memory(err);
	rc = name_command(&command, what.bytes, who, err);
	if (rc == 0)
		rc = carry_out(&deletion, command.bytes, err);
	return rc < 0 ? dd_wrap(err, rc, "delete %s", what.bytes) : 0;
}

int dd_registry_delete_manifest(struct dd_registry *registry, const char *repository,
				const struct dd_digest *digest, const char *who,
				struct dd_error *err)
{
	DD_CLEANUP(deletion_release)
	struct deletion deletion = { .registry = registry,
				     .repository = repository,
				     .digest = digest };
	DD_CLEANUP(dd_text_release) struct dd_text what = { 0 }, command = { 0 };
	struct dd_info info;
	struct dd_place place;
	int rc = dd_registry_check_name(repository, err);

	if (rc < 0)
		return rc;
	place = dd_link_place(DD_AT_REVISION, repository, digest);
	rc = dd_store_stat(registry->store, &place, &info, err);
	if (rc < 0)
		return rc;
	if (dd_text_printf(&what, "%s@%s", repository, dd_digest_text(digest)) < 0)
		return no_memory(err);
	rc = name_command(&command, what.bytes, who, err);
	if (rc == 0)
		rc = carry_out(&deletion, command.bytes, err);
	return rc < 0 ? dd_wrap(err, rc, "delete %s", what.bytes) : 0;
}
