/*
 * Deleting a blob: the repository's link to it, into the trash. The bytes are the collector's matter.
 */
#include <errno.h>
#include <time.h>

#include <drydock/units.h>

#include "base/text.h"
#include "registry/registry.h"
#include "registry/remove.h"

#define PATIENCE (30 * DD_SECOND)
/* Who comes while so many wait is sent away at once: their threads are needed for pushes, too. */
#define WAITING_MAX 8

/* By the clock on the wall: should it be set meanwhile, somebody waits for less, or for longer. */
static int wait_for_turn(struct dd_registry *registry, int64_t until_ns, struct dd_error *err)
{
	const struct timespec until = { until_ns / DD_SECOND, until_ns % DD_SECOND };
	int sys = EBUSY;

	if (registry->changes_waiting++ < WAITING_MAX)
		sys = pthread_mutex_timedlock(&registry->change_lock, &until);
	registry->changes_waiting--;
	return sys ? dd_fail(err, DD_ELOCKED, 0, "other deletions are waiting already") : 0;
}

int dd_registry_begin_change(struct dd_registry *registry, const char *command,
			     struct dd_change **change, struct dd_error *err)
{
	int64_t until_ns = dd_time_now() + PATIENCE, left_ns;
	struct dd_change_options options = { .command = command };
	int rc = wait_for_turn(registry, until_ns, err);

	if (rc < 0)
		return rc;
	left_ns = until_ns - dd_time_now();
	options.lock_wait_ns = left_ns < 0 ? 0 : left_ns > PATIENCE ? PATIENCE : left_ns;
	rc = dd_change_begin(registry->ctx, registry->store, &options, change, err);
	if (rc < 0)
		pthread_mutex_unlock(&registry->change_lock);
	return rc;
}

int dd_registry_end_change(struct dd_registry *registry, struct dd_change **change, int rc,
			   struct dd_error *err)
{
	if (rc == 0)
		rc = dd_change_sync(*change, err);
	if (rc == 0)
		rc = dd_change_finish(*change, false, err);
	dd_change_closep(change);
	pthread_mutex_unlock(&registry->change_lock);
	return rc;
}

static int look_at(struct dd_registry *registry, struct dd_item *item, struct dd_error *err)
{
	struct dd_info info;
	int rc = dd_store_stat(registry->store, &item->place, &info, err);

	if (rc < 0)
		return rc;
	item->bytes = info.size;
	item->links = info.links;
	item->stamp = info.stamp;
	return 0;
}

static int withdraw(struct dd_registry *registry, struct dd_change *change, struct dd_item *item,
		    struct dd_error *err)
{
	int rc = look_at(registry, item, err);

	if (rc == 0)
		rc = dd_change_announce(change, item, err);
	if (rc == 0)
		rc = dd_change_seal(change, err);
	return rc < 0 ? rc : dd_change_withdraw(change, item, err);
}

int dd_registry_delete_blob(struct dd_registry *registry, const char *repository,
			    const struct dd_digest *digest, struct dd_error *err)
{
	struct dd_item item = { .place = dd_link_place(DD_AT_LAYER, repository, digest),
				.reason = DD_REASON_REMOVED };
	DD_CLEANUP(dd_text_release) struct dd_text command = { 0 };
	struct dd_change *change;
	int rc = dd_registry_check_name(repository, err);

	if (rc == 0)
		rc = look_at(registry, &item, err);
	if (rc == 0 &&
	    dd_text_printf(&command, "delete %s@%s", repository, dd_digest_text(digest)) < 0)
		rc = dd_fail(err, DD_ENOMEM, 0, "delete a blob");
	if (rc == 0)
		rc = dd_registry_begin_change(registry, command.bytes, &change, err);
	if (rc < 0)
		return rc;
	rc = withdraw(registry, change, &item, err);
	rc = dd_registry_end_change(registry, &change, rc, err);
	dd_registry_changed(registry, repository);
	return rc < 0 ? dd_wrap(err, rc, "delete %s", dd_digest_text(digest)) : 0;
}
