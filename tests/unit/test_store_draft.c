/*
 * Files that wait for the disk before they have their names.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "store/file.h"
#include "volume.h"

#define LINK_A "sha256:" HEX_A
#define LINK_B "sha256:" HEX_B

static struct dd_draft *draft_text(struct volume *volume, const char *path, const char *text,
				   enum dd_onto onto)
{
	DD_AUTOFREE char *memory = NULL;
	struct dd_place place = place_of(path, &memory);
	struct dd_draft *draft = NULL;
	int rc = dd_store_draft(volume->store, &place, text, strlen(text), onto, &draft,
				&volume->err);

	assert_int_equal(rc, 0);
	return draft;
}

/* How many names a directory has. */
static unsigned count_names(const struct volume *volume, const char *path)
{
	DIR *dir = opendir(below(volume, path));
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static bool listed(const struct dd_unsynced *unsynced, const char *path)
{
	for (size_t i = 0; i < unsynced->count; i++)
		if (!strcmp(unsynced->paths[i], path))
			return true;
	return false;
}

static void a_draft_is_seen_once_it_has_its_name(void **state)
{
	DD_CLEANUP(dd_unsynced_release) struct dd_unsynced unsynced = { 0 };
	struct dd_draft *draft;
	struct volume volume;

	(void)state;
	open_volume(&volume);
	draft = draft_text(&volume, TAG_V1, LINK_A, DD_ONTO_FILE);
	assert_false(exists(&volume, TAG_V1));
	assert_code(dd_draft_sync(draft, &volume.err), 0);
	assert_false(exists(&volume, TAG_V1));
	assert_code(dd_draft_name(draft, &unsynced, &volume.err), 0);
	assert_holds(&volume, TAG_V1, LINK_A);
	dd_draft_closep(&draft);
	assert_null(draft);
	assert_holds(&volume, TAG_V1, LINK_A);
	/* Also what was made for the draft, long before it was named. */
	assert_true(listed(&unsynced, V2 "repositories"));
	assert_true(listed(&unsynced, V2 "repositories/team"));
	close_volume(&volume);
}

static void a_draft_without_a_name_goes(void **state)
{
	struct dd_draft *draft;
	struct volume volume;

	(void)state;
	open_volume(&volume);
	draft = draft_text(&volume, BLOB_A, "bytes", DD_ONTO_NOTHING);
	assert_int_equal(count_names(&volume, V2 "blobs/sha256/aa/" HEX_A), 1);
	dd_draft_closep(&draft);
	assert_int_equal(count_names(&volume, V2 "blobs/sha256/aa/" HEX_A), 0);
	close_volume(&volume);
}

static void what_came_meanwhile_is_replaced_only_if_asked_for(void **state)
{
	DD_CLEANUP(dd_unsynced_release) struct dd_unsynced unsynced = { 0 };
	struct dd_draft *careful, *bold;
	struct volume volume;

	(void)state;
	open_volume(&volume);
	careful = draft_text(&volume, BLOB_A, "careful", DD_ONTO_NOTHING);
	bold = draft_text(&volume, BLOB_A, "bold", DD_ONTO_FILE);
	put(&volume, BLOB_A, "there");
	assert_code(dd_draft_name(careful, &unsynced, &volume.err), DD_EEXIST);
	assert_holds(&volume, BLOB_A, "there");
	assert_code(dd_draft_name(bold, &unsynced, &volume.err), 0);
	assert_holds(&volume, BLOB_A, "bold");
	dd_draft_closep(&careful);
	dd_draft_closep(&bold);
	assert_int_equal(count_names(&volume, V2 "blobs/sha256/aa/" HEX_A), 1);
	close_volume(&volume);
}

/* As a collector does, which takes an object's directory with what is in it. */
static void a_draft_whose_directory_was_taken_away_gets_its_name_where_it_should(void **state)
{
	DD_CLEANUP(dd_unsynced_release) struct dd_unsynced unsynced = { 0 };
	char from[PATH_MAX], to[PATH_MAX];
	struct dd_draft *draft;
	struct volume volume;

	(void)state;
	open_volume(&volume);
	draft = draft_text(&volume, BLOB_A, "bytes", DD_ONTO_NOTHING);
	snprintf(from, sizeof(from), "%s", below(&volume, V2 "blobs/sha256/aa/" HEX_A));
	snprintf(to, sizeof(to), "%s", below(&volume, V2 "taken"));
	assert_int_equal(rename(from, to), 0);
	assert_code(dd_draft_name(draft, &unsynced, &volume.err), 0);
	assert_holds(&volume, BLOB_A, "bytes");
	assert_int_equal(count_names(&volume, V2 "taken"), 0);
	dd_draft_closep(&draft);
	close_volume(&volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_draft_is_seen_once_it_has_its_name),
		cmocka_unit_test(a_draft_without_a_name_goes),
		cmocka_unit_test(what_came_meanwhile_is_replaced_only_if_asked_for),
		cmocka_unit_test(
			a_draft_whose_directory_was_taken_away_gets_its_name_where_it_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
