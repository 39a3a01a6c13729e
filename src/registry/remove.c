/*
 * Deleting a blob: the repository's link to it, into the trash. The bytes are the collector's matter.
 */
#include <errno.h>
#include <time.h>

#include <drydock/units.h>

#include "base/text.h"
#include "registry/registry.h"
#include "registry/remove.h"

#define PATIENCE (10 * DD_SECOND)
#define TRIES 5
#define MOMENT (DD_SECOND / 20) /* for the lock, before it is asked anew who has it */
/* Who comes while so many wait is sent away at once: their threads are needed for pushes, too. */
#define WAITING_MAX 8

int dd_registry_take_turn(struct dd_registry *registry, int64_t until_ns, struct dd_error *err)
{
	const struct timespec until = { until_ns / DD_SECOND, until_ns % DD_SECOND };
	bool taken;

	pthread_mutex_lock(&registry->change_lock);
	if (registry->changing && registry->changes_waiting < WAITING_MAX) {
		registry->changes_waiting++;
		while (registry->changing &&
		       pthread_cond_timedwait(&registry->change_ended, &registry->change_lock,
					      &until) != ETIMEDOUT)
			;
		registry->changes_waiting--;
	}
	taken = !registry->changing;
	registry->changing = true;
	pthread_mutex_unlock(&registry->change_lock);
	return taken ? 0 : dd_fail(err, DD_ELOCKED, 0, "other deletions are waiting already");
}

void dd_registry_end_turn(struct dd_registry *registry)
{
	pthread_mutex_lock(&registry->change_lock);
	registry->changing = false;
	pthread_cond_signal(&registry->change_ended);
	pthread_mutex_unlock(&registry->change_lock);
}

/* Beside a worker's change, or with the lock: of which a worker may get hold first. */
static int begin(struct dd_registry *registry, const char *command, struct dd_change **change,
		 struct dd_error *err)
{
	struct dd_change_options options = { .command = command, .lock_wait_ns = MOMENT };
	int rc;

	registry->is_beside = options.beside = dd_beside_enter(registry->watch.beside);
	rc = dd_change_begin(registry->ctx, registry->store, &options, change, err);
	if (rc < 0 && options.beside)
		dd_beside_leave(registry->watch.beside);
	return rc;
}

/* By whom is for whoever runs the server to know. */
static int say_locked(struct dd_registry *registry, struct dd_error *err)
{
	if (err)
		dd_log(registry->ctx, DD_LOG_WARNING, "a deletion was put off: %s", err->text);
	dd_error_clear(err);
	return dd_fail(err, DD_ELOCKED, 0, "the volume is being changed otherwise");
}

int dd_registry_begin_change(struct dd_registry *registry, const char *command,
			     struct dd_change **change, struct dd_error *err)
{
	int64_t until_ns = dd_time_steady() + PATIENCE;
	int rc = dd_registry_take_turn(registry, until_ns, err);

	if (rc < 0)
		return rc;
	do {
		dd_error_clear(err);
		rc = begin(registry, command, change, err);
	} while (rc == DD_ELOCKED && dd_time_steady() < until_ns);
	if (rc < 0)
		dd_registry_end_turn(registry);
	return rc == DD_ELOCKED ? say_locked(registry, err) : rc;
}

int dd_registry_end_change(struct dd_registry *registry, struct dd_change **change, int rc,
			   struct dd_error *err)
{
	if (rc == 0)
		rc = dd_change_sync(*change, err);
	if (rc == 0)
		rc = dd_change_finish(*change, false, err);
	dd_change_closep(change);
	if (registry->is_beside)
		dd_beside_leave(registry->watch.beside);
	dd_registry_end_turn(registry);
	return rc;
}

void dd_registry_note_step(struct dd_registry *registry)
{
	if (registry->is_beside)
		dd_beside_step(registry->watch.beside);
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

static int delete_link(struct dd_registry *registry, struct dd_item *item, const char *command,
		       struct dd_error *err)
{
	struct dd_change *change;
	int rc = dd_registry_begin_change(registry, command, &change, err);

	if (rc < 0)
		return rc;
	rc = withdraw(registry, change, item, err);
	rc = dd_registry_end_change(registry, &change, rc, err);
	dd_registry_changed(registry, item->place.repository);
	return rc;
}

int dd_registry_delete_blob(struct dd_registry *registry, const char *repository,
			    const struct dd_digest *digest, struct dd_error *err)
{
	struct dd_item item = { .place = dd_link_place(DD_AT_LAYER, repository, digest),
				.reason = DD_REASON_REMOVED };
	DD_CLEANUP(dd_text_release) struct dd_text command = { 0 };
	int rc = dd_registry_check_name(repository, err);

	if (rc == 0)
		rc = look_at(registry, &item, err);
	if (rc == 0 &&
	    dd_text_printf(&command, "delete %s@%s", repository, dd_digest_text(digest)) < 0)
		rc = dd_fail(err, DD_ENOMEM, 0, "delete a blob");
	if (rc < 0)
		return rc;
	/* Whoever pushes it at this moment writes its link anew. */
	rc = DD_ECHANGED;
	for (int i = 0; rc == DD_ECHANGED && i < TRIES; i++) {
		dd_error_clear(err);
		rc = delete_link(registry, &item, command.bytes, err);
	}
	if (rc == DD_ECHANGED) {
		dd_error_clear(err);
		rc = dd_fail(err, DD_EAGAIN, 0, "it is being pushed");
	}
	return rc < 0 ? dd_wrap(err, rc, "delete %s", dd_digest_text(digest)) : 0;
}
