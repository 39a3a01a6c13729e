/*
 * What crashes and clients left behind: uploads that nobody will end, temporary files.
 */
#include "repair/repair.h"

int dd_repair_leftover(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err)
{
	bool upload = found->finding != DD_FOUND_TEMP_LEFT;
	struct dd_place place;
	struct dd_step *step;
	struct dd_info info;
	bool is_new = false;
	int rc = found->path ? dd_repair_place(repair, found->path, &place, err) : DD_EFORMAT;

	if (rc == 0)
		rc = dd_repair_step(repair, &place, found, &step, &is_new, err);
	if (rc < 0 || !is_new)
		return rc == DD_EFORMAT ? 0 : rc;
	rc = dd_store_stat(repair->store, &place, &info, err);
	if (rc == 0) {
		dd_repair_withdraw(step, upload ? DD_REASON_UPLOAD_STALE : DD_REASON_TEMP_STALE,
				   &info);
		return 0;
	}
	dd_error_clear(err);
	step->mend.mending = DD_MEND_LEAVE;
	step->harmless = true;
	/* An upload that has no file any more is a directory. */
	if (upload && rc == DD_ENOENT) {
		step->harmless = false;
		dd_repair_withdraw(step, DD_REASON_EMPTY, &(struct dd_info){ 0 });
	}
	return 0;
}
