/*
 * Room on a full disk. Withdrawing frees nothing by itself, but takes a little: the journal about
 * 300 bytes an object, each directory of the trash a block, a directory that grows another. So a
 * file of ours holds space until it is needed: 8 MiB, enough for about 20,000 objects and their
 * directories, and as volumes and their file systems grow together, a 256th of what is free more,
 * up to 256 MiB. It never takes more than an eighth of what is free: a disk that is nearly full
 * is not filled up by us.
 */
#include "change/change.h"

#define MIB (UINT64_C(1) << 20)
#define LEAST (UINT64_C(256) << 10) /* less is not worth a file */

static const struct dd_place reserve = { .kind = DD_AT_RESERVE };

bool dd_change_made_room(struct dd_change *change, int rc, struct dd_error *err)
{
	if (rc != DD_ENOSPC || change->spent)
		return false;
	change->spent = true;
	if (dd_store_remove(change->store, &reserve, NULL) < 0)
		return false;
	dd_log(change->ctx, DD_LOG_DEBUG, "the disk is full: the reserve was given up");
	dd_error_clear(err);
	return true;
}

void dd_change_look_for_room(struct dd_change *change)
{
	struct dd_space space;

	if (dd_store_space(change->store, &space, NULL) == 0 && space.free < LEAST)
		dd_change_made_room(change, DD_ENOSPC, NULL);
}

static uint64_t wanted(uint64_t available)
{
	uint64_t bytes = 8 * MIB + available / 256;

	if (bytes > 256 * MIB)
		bytes = 256 * MIB;
	return bytes > available / 8 ? available / 8 : bytes;
}

void dd_change_keep_room(struct dd_change *change)
{
	struct dd_error err = { 0 };
	struct dd_space space;
	struct dd_info info;
	uint64_t available;

	if (dd_store_space(change->store, &space, NULL) < 0)
		return;
	if (dd_store_stat(change->store, &reserve, &info, NULL) < 0)
		info.allocated = 0;
	available = space.free + info.allocated;
	if (wanted(available) < LEAST || info.allocated >= wanted(available) / 2)
		return;
	if (dd_store_set_aside(change->store, &reserve, wanted(available), &err) < 0)
		dd_log(change->ctx, DD_LOG_DEBUG, "no space was set aside: %s", err.text);
}
