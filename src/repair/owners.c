/*
 * Owners and modes: where files differ from the rest, each is set as most are, if that is asked for.
 */
#include "repair/repair.h"

int dd_repair_owner(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err)
{
	(void)repair, (void)found, (void)err;
	return 0; /* all of them at once: dd_repair_owners() */
}

/* Any thread. */
static void see_file(void *arg, const struct dd_place *place, const struct dd_info *info)
{
	struct dd_repair *repair = arg;
	const struct dd_owner *usual = dd_owners_usual(&repair->verify->owners);
	struct dd_dress dress = {
		.place = *place,
		.owner = repair->options.owner ? usual->owner : info->owner,
		.group = repair->options.owner ? usual->group : info->group,
		.mode = repair->options.mode ? usual->mode : info->mode,
		.old_owner = info->owner,
		.old_group = info->group,
		.old_mode = info->mode,
	};
	struct dd_dress *slot;
	char *path;

	if (dress.owner == info->owner && dress.group == info->group && dress.mode == info->mode)
		return;
	pthread_mutex_lock(&repair->lock);
	slot = dd_layout_path(place, &path, NULL) == 0 ? dd_list_add(&repair->differing) : NULL;
	if (slot) {
		*slot = dress;
		/* The strings of the place are the caller's. */
		repair->differing_rc |= dd_repair_place(repair, path, &slot->place, NULL);
	} else {
		repair->differing_rc = DD_ENOMEM;
	}
	free(path);
	pthread_mutex_unlock(&repair->lock);
}

static const struct dd_found *finding_of(const struct dd_repair *repair)
{
	for (size_t i = 0; i < dd_verify_get_count(repair->verify); i++) {
		const struct dd_found *found = dd_verify_get_found(repair->verify, i);

		if (found->finding == DD_FOUND_OWNER_DIFFERS)
			return found;
	}
	return NULL;
}

/* The structure is looked at once more, to name each file. */
static int name_files(struct dd_repair *repair, struct dd_error *err)
{
	DD_CLEANUP(dd_verify_closep) struct dd_verify *verify = NULL;
	const struct dd_verify_options options = { .reference = repair->options.verify.reference,
						   .quick = true,
						   .see_file = see_file,
						   .arg = repair };
	int rc = dd_verify(repair->ctx, repair->store, &options, &verify, err);

	if (rc == 0 && repair->differing_rc)
		rc = dd_fail(err, DD_ENOMEM, 0, "list files of other owners");
	return rc;
}

int dd_repair_owners(struct dd_repair *repair, struct dd_error *err)
{
	const struct dd_found *found = finding_of(repair);
	int rc = 0;

	if (!found || (!repair->options.owner && !repair->options.mode))
		return 0;
	rc = name_files(repair, err);
	for (size_t i = 0; i < repair->differing.count && rc == 0; i++) {
		const struct dd_dress *dress = &repair->differing.items[i];
		struct dd_step *step;
		bool is_new = false;

		rc = dd_repair_step(repair, &dress->place, found, &step, &is_new, err);
		if (rc < 0 || !is_new) /* it goes, or another takes its place */
			continue;
		step->mend.mending = DD_MEND_SET_OWNER;
		step->mend.findings = i == 0;
		step->dress = *dress;
		step->dress.place = step->mend.place;
	}
	return rc;
}
