/*
 * Looking into the trash: whatever has become of a journal, nothing that lies there is lost.
 */
#include <drydock/units.h>

#include "base/cleanup.h"
#include "record/line.h"
#include "volume.h"

static const char *const objects[] = { BLOB_A,	  BLOB_B, LAYER_A, REVISION_A,
				       HISTORY_A, TAG_V1, UPLOAD "data" };
#define OBJECTS DD_COUNT(objects)

static void fill(const struct volume *volume)
{
	for (size_t i = 0; i < OBJECTS; i++)
		put(volume, objects[i], objects[i]);
	put(volume, UPLOAD "startedat", "2026-01-01T00:00:00Z");
	put(volume, UPLOAD "hashstates/sha256/0", "state");
	put(volume, REPO "_manifests/revisions/sha256/" HEX_A "/signatures/sha256/" HEX_B "/link", "s");
}

static const char *journal_of(const char *run)
{
	static char path[128];

	snprintf(path, sizeof(path), ".drydock/trash/%s/journal", run);
	return path;
}

static bool lists(const struct dd_run *run, const char *path)
{
	DD_AUTOFREE char *memory = NULL;
	struct dd_place place = place_of(path, &memory);
	DD_AUTOFREE char *wanted = NULL;

	place.run = run->name;
	assert_int_equal(dd_layout_path(&place, &wanted, NULL), 0);
	for (size_t i = 0; i < run->count; i++) {
		DD_AUTOFREE char *found = NULL;

		assert_int_equal(dd_layout_path(&run->items[i].place, &found, NULL), 0);
		if (!strcmp(found, wanted))
			return true;
	}
	return false;
}

/* The one run of the trash: all that lies there, once each. */
static enum dd_run_state load(struct volume *opened, size_t *unknown)
{
	struct volume volume = *opened;
	enum dd_run_state state;
	struct dd_trash trash;

	assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
	assert_int_equal(trash.count, 1);
	assert_int_equal(trash.runs[0].count, OBJECTS);
	for (size_t i = 0; i < OBJECTS; i++)
		if (!lists(&trash.runs[0], objects[i]))
			fail_msg("%s was lost", objects[i]);
	*unknown = 0;
	for (size_t i = 0; i < OBJECTS; i++) {
		*unknown += trash.runs[0].items[i].stamp.word[1] == 0;
		assert_false(trash.runs[0].changed[i]);
		assert_true(trash.runs[0].items[i].bytes > 0);
		assert_int_equal(trash.runs[0].items[i].links, 1);
	}
	state = trash.runs[0].state;
	dd_trash_release(&trash);
	return state;
}

static void an_empty_trash_is_an_empty_list(void **state)
{
	const struct dd_run *run;
	struct volume volume;
	struct dd_trash trash;

	(void)state;
	open_volume(&volume);
	assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
	assert_int_equal(trash.count, 0);
	assert_false(exists(&volume, ".drydock"));
	assert_code(dd_trash_find(&trash, "latest", &run, &volume.err), DD_ENOENT);
	assert_code(dd_trash_find(&trash, "", &run, &volume.err), DD_ENOENT);
	dd_trash_release(&trash);
	close_volume(&volume);
}

static void a_run_says_what_it_took_and_why(void **state)
{
	struct volume volume;
	struct dd_trash trash;
	char run[32];

	(void)state;
	open_volume(&volume);
	fill(&volume);
	collect(&volume, objects, OBJECTS, run);
	assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
	assert_int_equal(trash.count, 1);
	assert_string_equal(trash.runs[0].name, run);
	assert_string_equal(trash.runs[0].command, "gc --apply");
	assert_int_equal(trash.runs[0].state, DD_RUN_DONE);
	assert_true(trash.runs[0].ended && trash.runs[0].took);
	assert_true(dd_time_now() - trash.runs[0].began_ns < 600 * DD_SECOND);
	assert_int_equal(trash.runs[0].gone, 0);
	assert_int_equal(trash.runs[0].count, OBJECTS);
	for (size_t i = 0; i < OBJECTS; i++) {
		assert_true(lists(&trash.runs[0], objects[i]));
		assert_ptr_equal(trash.runs[0].items[i].place.run, trash.runs[0].name);
		assert_int_equal(trash.runs[0].items[i].reason, DD_REASON_UNTAGGED);
		assert_int_equal(trash.runs[0].items[i].bytes, strlen(objects[i]));
	}
	dd_trash_release(&trash);
	close_volume(&volume);
}

static void a_journal_torn_at_any_byte_loses_nothing(void **state)
{
	DD_AUTOFREE char *text = NULL;
	struct volume volume;
	size_t len, sealed, end, unknown;
	char run[32];

	(void)state;
	open_volume(&volume);
	fill(&volume);
	collect(&volume, objects, OBJECTS, run);
	text = get(&volume, journal_of(run), &len);
	end = (size_t)((char *)memrchr(text, '\n', len - 1) + 1 - text);
	sealed = (size_t)((char *)memrchr(text, '\n', end - 1) + 1 - text);
	for (size_t cut = 0; cut <= len; cut++) {
		enum dd_run_state now;

		put_bytes(&volume, journal_of(run), text, cut);
		now = load(&volume, &unknown);
		assert_int_equal(now, cut == len  ? DD_RUN_DONE :
				      cut >= end  ? DD_RUN_INTERRUPTED :
						    DD_RUN_DAMAGED);
		assert_int_equal(unknown == 0, cut >= sealed);
	}
	close_volume(&volume);
}

static void a_flipped_byte_anywhere_loses_nothing(void **state)
{
	DD_AUTOFREE char *text = NULL;
	struct volume volume;
	size_t len, unknown;
	char run[32];

	(void)state;
	open_volume(&volume);
	fill(&volume);
	collect(&volume, objects, OBJECTS, run);
	text = get(&volume, journal_of(run), &len);
	for (size_t at = 0; at < len; at++) {
		char was = text[at];

		text[at] = (char)(was ^ (at % 2 ? 0x01 : 0xff));
		put_bytes(&volume, journal_of(run), text, len);
		text[at] = was;
		load(&volume, &unknown);
		/* A line, or two if it was the newline between them. */
		assert_true(unknown <= (was == '\n' ? 2 : 1));
	}
	close_volume(&volume);
}

static void without_a_readable_journal_all_is_found_by_name(void **state)
{
	struct volume volume;
	size_t unknown;
	char run[32];

	(void)state;
	for (int way = 0; way < 4; way++) {
		const char *journal;

		open_volume(&volume);
		fill(&volume);
		collect(&volume, objects, OBJECTS, run);
		journal = below(&volume, journal_of(run));
		assert_int_equal(unlink(journal), 0);
		put(&volume, "precious", "text");
		if (way == 1)
			assert_int_equal(symlink("../../../precious", journal), 0);
		if (way == 2)
			assert_int_equal(mkfifo(journal, 0600), 0);
		if (way == 3)
			assert_int_equal(mkdir(journal, 0700), 0);
		assert_int_equal(load(&volume, &unknown), DD_RUN_DAMAGED);
		assert_int_equal(unknown, OBJECTS);
		/* The next change leaves it as it is. */
		dd_change_close(begin_change(&volume));
		assert_int_equal(load(&volume, &unknown), DD_RUN_DAMAGED);
		assert_holds(&volume, "precious", "text");
		close_volume(&volume);
	}
}

static void what_is_no_run_is_passed_over(void **state)
{
	struct volume volume;
	size_t unknown;
	char run[32];

	(void)state;
	open_volume(&volume);
	fill(&volume);
	collect(&volume, objects, OBJECTS, run);
	put(&volume, "elsewhere/" BLOB_A, "x");
	assert_int_equal(symlink("../../elsewhere", below(&volume, ".drydock/trash/20260101T000000Z-0000")),
			 0);
	put(&volume, ".drydock/trash/20260101T000000Z-0001", "a file");
	put(&volume, ".drydock/trash/of somebody/" BLOB_A, "x");
	assert_int_equal(load(&volume, &unknown), DD_RUN_DONE);
	dd_change_close(begin_change(&volume));
	assert_true(exists(&volume, "elsewhere/" BLOB_A));
	assert_true(exists(&volume, ".drydock/trash/of somebody/" BLOB_A));
	close_volume(&volume);
}

static void a_trash_that_is_a_link_is_not_looked_into(void **state)
{
	static const char *const paths[] = { ".drydock", ".drydock/trash" };

	(void)state;
	for (size_t i = 0; i < DD_COUNT(paths); i++) {
		DD_AUTOFREE char *real = NULL;
		struct volume volume;
		struct dd_trash trash;
		char run[32];

		open_volume(&volume);
		fill(&volume);
		collect(&volume, objects, OBJECTS, run);
		real = strdup(below(&volume, "real"));
		assert_int_equal(rename(below(&volume, paths[i]), real), 0);
		assert_int_equal(symlink(real, below(&volume, paths[i])), 0);
		assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), DD_ESYMLINK);
		assert_int_equal(trash.count, 0);
		close_volume(&volume);
	}
}

/* ---- a journal that somebody else wrote ---- */

static void add_line(struct dd_text *text, const char *const *words, size_t count)
{
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	DD_CLEANUP(dd_text_release) struct dd_text payload = { 0 };

	assert_int_equal(dd_hasher_open(&hasher, DD_SHA256, NULL), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(dd_line_word(&payload, words[i]), 0);
	assert_int_equal(dd_line_end(hasher, text, &payload, NULL), 0);
}

#define LINE(text, ...)                                                                         \
	add_line(text, (const char *const[]){ __VA_ARGS__ },                                    \
		 sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static void no_journal_leads_out_of_the_layout(void **state)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	static const char *const wrong[] = { "etc/passwd", "../../../../etc/passwd", "/etc/passwd",
					     V2 "blobs/sha256/aa/../../../../../../precious/data",
					     ".drydock/lock", ".drydock/trash/" RUN "/" BLOB_A,
					     ".drydock/records" };
	struct volume volume;
	struct dd_trash trash;

	(void)state;
	open_volume(&volume);
	put(&volume, "precious/data", "text");
	put(&volume, in_trash(RUN, BLOB_A), "x");
	LINE(&text, "drydock", "1", "run", RUN, "0", "gc");
	for (size_t i = 0; i < DD_COUNT(wrong); i++)
		LINE(&text, "item", "untagged", "1", "1", "0", "0", "0", "0", "0", wrong[i]);
	LINE(&text, "item", "no-such-reason", "1", "1", "0", "0", "0", "0", "0", BLOB_A);
	LINE(&text, "item", "untagged", "-1", "1", "0", "0", "0", "0", "0", BLOB_A);
	LINE(&text, "item", "untagged", "1", "1", "0", "0", "0", "0", BLOB_A);
	LINE(&text, "of a later version");
	LINE(&text, "sealed", "11");
	LINE(&text, "end", "11", "0");
	put_bytes(&volume, in_trash(RUN, "journal"), text.bytes, text.len);
	assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
	assert_int_equal(trash.runs[0].state, DD_RUN_DAMAGED);
	assert_int_equal(trash.runs[0].count, 1);
	assert_true(lists(&trash.runs[0], BLOB_A));
	dd_trash_release(&trash);
	close_volume(&volume);
}

static void lines_that_never_end_are_passed_over(void **state)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	DD_AUTOFREE char *junk = malloc(5 * DD_LINE_MAX);
	struct volume volume;
	struct dd_trash trash;

	(void)state;
	open_volume(&volume);
	put(&volume, in_trash(RUN, BLOB_A), "x");
	memset(junk, 'x', 5 * DD_LINE_MAX);
	LINE(&text, "drydock", "1", "run", RUN, "0", "gc");
	dd_text_add(&text, junk, 5 * DD_LINE_MAX);
	dd_text_add(&text, "\n", 1);
	LINE(&text, "item", "untagged", "1", "1", "0", "0", "0", "0", "0", BLOB_A);
	LINE(&text, "sealed", "1");
	put_bytes(&volume, in_trash(RUN, "journal"), text.bytes, text.len);
	assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
	assert_int_equal(trash.runs[0].state, DD_RUN_INTERRUPTED);
	assert_int_equal(trash.runs[0].count, 1);
	assert_int_equal(trash.runs[0].items[0].reason, DD_REASON_UNTAGGED);
	dd_trash_release(&trash);
	close_volume(&volume);
}

/* ---- what was written to since ---- */

static bool changed(struct volume *volume, const char *path)
{
	struct dd_trash trash;
	bool result = false, found = false;

	assert_int_equal(dd_trash_load(volume->ctx, volume->store, &trash, &volume->err), 0);
	for (size_t i = 0; i < trash.runs[0].count; i++) {
		struct dd_place place = trash.runs[0].items[i].place;
		DD_AUTOFREE char *at = NULL;

		place.run = NULL;
		assert_int_equal(dd_layout_path(&place, &at, NULL), 0);
		if (!strcmp(at, path)) {
			found = true;
			result = trash.runs[0].changed[i];
		}
	}
	assert_true(found);
	dd_trash_release(&trash);
	return result;
}

static void writing_shows_and_moving_does_not(void **state)
{
	struct volume volume;
	char run[32];
	int fd;

	(void)state;
	open_volume(&volume);
	fill(&volume);
	fd = open(below(&volume, BLOB_A), O_WRONLY | O_APPEND | O_CLOEXEC);
	collect(&volume, objects, OBJECTS, run);
	for (size_t i = 0; i < OBJECTS; i++)
		assert_false(changed(&volume, objects[i]));
	/* Somebody still has it open. */
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_true(changed(&volume, BLOB_A));
	assert_false(changed(&volume, BLOB_B));
	/* Only its ctime. */
	assert_int_equal(chmod(below(&volume, in_trash(run, BLOB_B)), 0600), 0);
	assert_true(changed(&volume, BLOB_B));
	assert_int_equal(chmod(below(&volume, in_trash(run, TAG_V1)), 0600), 0);
	assert_false(changed(&volume, TAG_V1)); /* it was renamed itself: that says nothing */
	put(&volume, in_trash(run, TAG_V1), "other");
	assert_true(changed(&volume, TAG_V1));
	assert_false(changed(&volume, LAYER_A));
	close_volume(&volume);
}

static void a_copy_of_the_volume_is_not_changed(void **state)
{
	char run[32], command[512];
	struct volume volume, copy;
	size_t unknown;

	(void)state;
	open_volume(&volume);
	open_volume(&copy);
	fill(&volume);
	collect(&volume, objects, OBJECTS, run);
	snprintf(command, sizeof(command), "cp -a '%s/.' '%s'", volume.root, copy.root);
	assert_int_equal(system(command), 0);
	assert_int_equal(load(&copy, &unknown), DD_RUN_DONE);
	put(&copy, in_trash(run, LAYER_A), "other bytes");
	assert_true(changed(&copy, LAYER_A));
	close_volume(&copy);
	close_volume(&volume);
}

/* ---- finding a run ---- */

static void a_run_is_found_by_its_beginning(void **state)
{
	static const char *const names[] = { "20260101T000000Z-0001", "20260101T000000Z-0002",
					     "20270101T000000Z-0001" };
	const struct dd_run *run;
	struct volume volume;
	struct dd_trash trash;

	(void)state;
	open_volume(&volume);
	for (size_t i = 0; i < 3; i++)
		put(&volume, in_trash(names[i], BLOB_A), "x");
	assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
	assert_int_equal(trash.count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(trash.runs[i].name, names[i]);
		assert_code(dd_trash_find(&trash, names[i], &run, &volume.err), 0);
		assert_ptr_equal(run, &trash.runs[i]);
	}
	assert_int_equal(trash.runs[2].began_ns, INT64_C(1798761600) * DD_SECOND);
	assert_code(dd_trash_find(&trash, "2027", &run, &volume.err), 0);
	assert_ptr_equal(run, &trash.runs[2]);
	assert_code(dd_trash_find(&trash, "2026", &run, &volume.err), DD_EAMBIGUOUS);
	assert_null(run);
	assert_code(dd_trash_find(&trash, "2028", &run, &volume.err), DD_ENOENT);
	assert_code(dd_trash_find(&trash, "", &run, &volume.err), DD_ENOENT);
	assert_code(dd_trash_find(&trash, "latest", &run, &volume.err), 0);
	assert_ptr_equal(run, &trash.runs[2]);
	dd_trash_release(&trash);
	close_volume(&volume);
}

static void latest_is_the_latest_that_took_anything(void **state)
{
	const struct dd_run *run;
	struct volume volume;
	struct dd_trash trash;
	char names[2][32];

	(void)state;
	open_volume(&volume);
	fill(&volume);
	collect(&volume, (const char *const[]){ BLOB_A }, 1, names[0]);
	collect(&volume, (const char *const[]){ BLOB_B }, 1, names[1]);
	/* One that died before it took anything, later than both. */
	make_parents(&volume, in_trash("29991231T000000Z-0000", BLOB_A));
	for (int round = 0; round < 2; round++) {
		assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
		assert_int_equal(trash.count, 2);
		assert_code(dd_trash_find(&trash, "latest", &run, &volume.err), 0);
		assert_string_equal(run->name, names[1]);
		dd_trash_release(&trash);
		/* Undone by hand: doing it again must not undo the one before. */
		if (round == 0)
			remove_tree(&volume, in_trash(names[1], V2 "blobs"));
	}
	close_volume(&volume);
}

/* ---- many ---- */

static void many_objects_are_looked_at_by_many_threads(void **state)
{
	struct volume volume;
	struct dd_change *change;
	struct dd_trash trash;

	(void)state;
	open_volume(&volume);
	change = begin_change(&volume);
	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < 3000; i++) {
			DD_AUTOFREE char *memory = NULL;
			struct dd_item item;
			char path[256];

			snprintf(path, sizeof(path), REPO "_layers/sha256/%064x/link", i);
			if (!pass)
				put(&volume, path, "x");
			item = (struct dd_item){ .place = place_of(path, &memory) };
			if (!pass)
				assert_code(dd_change_announce(change, &item, &volume.err), 0);
			else if (i % 3)
				assert_code(dd_change_withdraw(change, &item, &volume.err), 0);
		}
		if (!pass)
			assert_code(dd_change_seal(change, &volume.err), 0);
	}
	assert_code(dd_change_finish(change, false, &volume.err), 0);
	dd_change_close(change);
	assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
	assert_int_equal(trash.runs[0].count, 2000);
	assert_int_equal(trash.runs[0].gone, 1000);
	for (size_t i = 0; i < 2000; i++)
		assert_string_equal(trash.runs[0].items[i].place.repository, "team/app");
	dd_trash_release(&trash);
	dd_context_cancel(volume.ctx);
	assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), DD_ECANCELLED);
	close_volume(&volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_trash_is_an_empty_list),
		cmocka_unit_test(a_run_says_what_it_took_and_why),
		cmocka_unit_test(a_journal_torn_at_any_byte_loses_nothing),
		cmocka_unit_test(a_flipped_byte_anywhere_loses_nothing),
		cmocka_unit_test(without_a_readable_journal_all_is_found_by_name),
		cmocka_unit_test(what_is_no_run_is_passed_over),
		cmocka_unit_test(a_trash_that_is_a_link_is_not_looked_into),
		cmocka_unit_test(no_journal_leads_out_of_the_layout),
		cmocka_unit_test(lines_that_never_end_are_passed_over),
		cmocka_unit_test(writing_shows_and_moving_does_not),
		cmocka_unit_test(a_copy_of_the_volume_is_not_changed),
		cmocka_unit_test(a_run_is_found_by_its_beginning),
		cmocka_unit_test(latest_is_the_latest_that_took_anything),
		cmocka_unit_test(many_objects_are_looked_at_by_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
