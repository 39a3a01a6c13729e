/*
 * A run while it is loaded: its items and their strings.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/run_load.h"

static const char *keep(struct dd_run_load *load, const char *text, const char **last)
{
	if (!text)
		return NULL;
	if (!*last || strcmp(*last, text))
		*last = dd_arena_copy(load->run->memory, text, strlen(text));
	return *last;
}

static int keep_place(struct dd_run_load *load, struct dd_place *place, struct dd_error *err)
{
	const char **texts[] = { &place->repository, &place->tag, &place->upload, &place->name,
				 &place->beside };

	for (size_t i = 0; i < DD_COUNT(texts); i++) {
		const char *given = *texts[i];

		*texts[i] = keep(load, given, &load->last[i]);
		if (given && !*texts[i])
			return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	}
	return 0;
}

int dd_run_load_keep(struct dd_run_load *load, const struct dd_item *item, struct dd_error *err)
{
	struct dd_item *kept = dd_list_add(&load->items);

	if (!kept)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	*kept = *item;
	kept->place.run = load->run->name;
	return keep_place(load, &kept->place, err);
}

/* It says what its path says, and nothing else: what a repair writes, and whoever pushes it again. */
static bool says_its_path(struct dd_run_load *load, const struct dd_place *place)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	char text[DD_DIGEST_TEXT];

	if (place->kind != DD_AT_LAYER && place->kind != DD_AT_REVISION &&
	    place->kind != DD_AT_HISTORY)
		return false;
	dd_digest_format(&place->digest, text);
	return dd_store_read(load->store, place, sizeof(text), &buffer, NULL, NULL) == 0 &&
	       buffer.len == strlen(text) && !memcmp(buffer.bytes, text, buffer.len);
}

int dd_run_load_put(struct dd_run_load *load, const struct dd_put *put, struct dd_error *err)
{
	struct dd_put *kept;
	struct dd_info info;
	int rc = dd_store_stat(load->store, &put->place, &info, NULL);
	bool written = rc == 0 && dd_stamp_written(&put->stamp, &info.stamp, true);
	bool older = written && (uint64_t)info.mtime_ns <= put->stamp.word[3];

	/* Of what was replaced the trash tells; what is older came back by undoing another run. */
	if (rc == DD_ENOENT || (written && (put->replaces || older)))
		return 0;
	load->run->unseen |= rc < 0;
	kept = written ? dd_list_add(&load->overwritten) : dd_list_add(&load->puts);
	if (!kept)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	*kept = *put;
	kept->again = written && says_its_path(load, &put->place);
	if (put->origin.run) {
		const char *run = put->origin.run;

		kept->origin.run = dd_arena_copy(load->run->memory, run, strlen(run));
		if (!kept->origin.run)
			return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	}
	rc = keep_place(load, &kept->place, err);
	return rc < 0 ? rc : keep_place(load, &kept->origin, err);
}

int dd_run_load_dress(struct dd_run_load *load, const struct dd_dress *dress, struct dd_error *err)
{
	struct dd_dress *kept;
	struct dd_info info;

	if (dd_store_stat(load->store, &dress->place, &info, NULL) < 0 ||
	    info.owner != dress->owner || info.group != dress->group || info.mode != dress->mode)
		return 0;
	kept = dd_list_add(&load->dresses);
	if (!kept)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	*kept = *dress;
	return keep_place(load, &kept->place, err);
}

void dd_run_release(struct dd_run *run)
{
	if (run->memory)
		dd_arena_release(run->memory);
	free(run->memory);
	free(run->command);
	free(run->items);
	free(run->changed);
	free(run->puts);
	free(run->overwritten);
	free(run->dresses);
	memset(run, 0, sizeof(*run));
}
