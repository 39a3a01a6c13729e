/*
 * What crashes and clients left behind: uploads that nobody will end, temporary files, directories
 * without anything in them.
 */
#include "repair/repair.h"

/* Beside a registry that is at work: a directory is there for a moment before its file is. */
#define YOUNG (60 * DD_SECOND)
/* A client may rest for a while before it sends the next part: as long as a collection waits. */
#define RESTING (24 * 3600 * DD_SECOND)

struct remains {
	struct dd_repair *repair;
	const struct dd_place *place;
	int64_t newest_ns;
};

static int see_remains(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct remains *remains = arg;
	struct dd_place beside = *remains->place;
	struct dd_info info;

	(void)err;
	beside.beside = entry->name;
	if (entry->type == DD_ENTRY_FILE &&
	    dd_store_stat(remains->repair->store, &beside, &info, NULL) == 0 &&
	    info.mtime_ns > remains->newest_ns)
		remains->newest_ns = info.mtime_ns;
	return 0;
}

bool dd_repair_is_left_behind(struct dd_repair *repair, const struct dd_place *place,
			      struct dd_info *info)
{
	struct remains remains = { repair, place, 0 };

	if (dd_store_look_at_owner(repair->store, place, info, NULL) < 0 ||
	    dd_store_list_owner(repair->store, place, see_remains, &remains, NULL) < 0)
		return false;
	info->size = 0; /* what a directory takes itself is nothing that anybody put there */
	if (info->mtime_ns > remains.newest_ns)
		remains.newest_ns = info->mtime_ns;
	return dd_time_now() - remains.newest_ns >= YOUNG;
}

int dd_repair_leftover(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err)
{
	bool upload = found->finding != DD_FOUND_TEMP_LEFT;
	/* One that does not say when it began cannot be gone on with. */
	int64_t young_ns = found->finding == DD_FOUND_UPLOAD_STALE ? RESTING : YOUNG;
	struct dd_place place;
	struct dd_step *step;
	struct dd_info info;
	bool is_new = false;
	int rc = found->path ? dd_repair_place(repair, found->path, &place, err) : DD_EFORMAT;

	if (rc == 0)
		rc = dd_repair_step(repair, &place, found, &step, &is_new, err);
	if (rc < 0 || !is_new)
		return rc == DD_EFORMAT ? 0 : rc;
	step->mend.mending = DD_MEND_LEAVE;
	step->harmless = true;
	rc = dd_store_stat(repair->store, &place, &info, NULL);
	if (rc < 0 && rc != DD_ENOENT)
		dd_repair_cannot_tell(step);
	if (rc == 0 && dd_time_now() - info.mtime_ns >= young_ns) {
		step->harmless = false;
		dd_repair_withdraw(step, upload ? DD_REASON_UPLOAD_STALE : DD_REASON_TEMP_STALE,
				   &info);
	}
	/* An upload that has no file any more is a directory. */
	if (rc == DD_ENOENT && upload && dd_repair_is_left_behind(repair, &place, &info)) {
		step->harmless = false;
		dd_repair_withdraw(step, DD_REASON_EMPTY, &info);
	}
	return 0;
}

/* ---- what lies in a directory that goes ---- */

static struct dd_step *step_of_owner(struct dd_repair *repair, const struct dd_place *beside)
{
	const enum dd_place_kind kinds[] = { beside->kind, beside->kind == DD_AT_STARTEDAT ?
								   DD_AT_UPLOAD :
								   beside->kind };
	struct dd_place place = *beside;
	struct dd_step *step;
	bool is_new;

	place.beside = NULL;
	for (size_t i = 0; i < DD_COUNT(kinds); i++) {
		place.kind = kinds[i];
		if (dd_repair_step(repair, &place, NULL, &step, &is_new, NULL) == 0 &&
		    step->mend.mending == DD_MEND_WITHDRAW)
			return step;
	}
	return NULL;
}

void dd_repair_take_along(struct dd_repair *repair)
{
	for (size_t i = 0; i < repair->steps.count; i++) {
		struct dd_step *step = &repair->steps.items[i], *owner = NULL;

		if (step->mend.mending == DD_MEND_WITHDRAW && step->mend.place.beside)
			owner = step_of_owner(repair, &step->mend.place);
		if (!owner || owner == step)
			continue;
		owner->mend.findings += step->mend.findings;
		owner->mend.bytes += step->mend.bytes;
		step->mend.mending = DD_MEND_LEAVE;
		step->harmless = true;
	}
}
