/*
 * Looking at each object of a run: is it there, and as it went?
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/jobs.h"
#include "change/run_load.h"

#define SLICE 512 /* objects of a job: enough to be worth one, few enough to share out */

/* ALIEN: something that nobody withdrew is in its place. */
enum state { THERE, CHANGED, GONE, ALIEN, UNSEEN };

struct slice {
	struct dd_run_load *load;
	size_t from, to;
	unsigned char *states; /* enum state of each item of the run */
};

static enum state look(struct dd_run_load *load, const struct dd_item *item,
		       struct dd_directory **held)
{
	static const struct dd_stamp none;
	struct dd_info info;
	int rc = dd_store_stat_near(load->store, held, &item->place, &info, NULL);

	if (rc == DD_ENOENT && item->reason == DD_REASON_EMPTY)
		return dd_store_look_at_owner(load->store, &item->place, NULL, NULL) == 0 ? THERE :
											    GONE;
	if (rc == DD_ENOENT)
		return GONE;
	if (rc == DD_ESYMLINK || (rc == 0 && info.type != DD_ENTRY_FILE))
		return ALIEN;
	if (rc < 0)
		return UNSEEN;
	if (dd_stamp_equal(&item->stamp, &none))
		return THERE; /* What another took the place of was renamed itself. */
	return dd_stamp_written(&item->stamp, &info.stamp,
				!dd_place_has_directory(&item->place) ||
					item->reason == DD_REASON_REPLACED) ?
		       CHANGED :
		       THERE;
}

static void look_at_slice(void *arg)
{
	DD_CLEANUP(dd_directory_closep) struct dd_directory *held = NULL;
	struct slice *slice = arg;

	for (size_t i = slice->from; i < slice->to && !dd_context_cancelled(slice->load->ctx); i++)
		slice->states[i] =
			(unsigned char)look(slice->load, &slice->load->items.items[i], &held);
}

static int look_at_all(struct dd_run_load *load, unsigned char *states, struct dd_error *err)
{
	DD_CLEANUP(dd_jobs_closep) struct dd_jobs *jobs = NULL;
	DD_AUTOFREE struct slice *slices = NULL;
	size_t count = load->items.count, slice_count = (count + SLICE - 1) / SLICE;
	int rc = 0;

	slices = calloc(slice_count + 1, sizeof(*slices));
	if (!slices)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	if (slice_count > 1)
		rc = dd_jobs_open(load->ctx, &jobs, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < slice_count; i++) {
		size_t to = (i + 1) * SLICE;

		slices[i] = (struct slice){ load, i * SLICE, to < count ? to : count, states };
		if (jobs)
			dd_jobs_add(jobs, look_at_slice, &slices[i]);
		else
			look_at_slice(&slices[i]);
	}
	if (jobs)
		dd_jobs_wait(jobs);
	return dd_context_check(load->ctx, err);
}

int dd_run_load_look(struct dd_run_load *load, struct dd_error *err)
{
	DD_AUTOFREE unsigned char *states = calloc(load->items.count + 1, 1);
	struct dd_item *items = load->items.items;
	size_t kept = 0;
	int rc;

	load->run->changed = calloc(load->items.count + 1, sizeof(*load->run->changed));
	if (!states || !load->run->changed)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	rc = look_at_all(load, states, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < load->items.count; i++) {
		load->run->unseen |= states[i] == UNSEEN || states[i] == ALIEN;
		/* What cannot be looked at is there as far as we know. */
		if (states[i] == GONE || states[i] == ALIEN)
			continue;
		load->run->changed[kept] = states[i] == CHANGED;
		items[kept++] = items[i];
	}
	load->items.count = kept;
	return 0;
}
