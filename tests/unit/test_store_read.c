/*
 * The store on a file system, reading: what it refuses to follow or to open, and how it tells change.
 */
#include <sys/resource.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "volume.h"
#include "old_kernel.h"

/* Somebody who appends a byte before each of so many reads: the library's go through here. */
static const char *growing;
static int growths, reads;

ssize_t read(int fd, void *bytes, size_t len)
{
	reads++;
	if (growths > 0) {
		int writer = open(growing, O_WRONLY | O_APPEND | O_CLOEXEC);

		growths--;
		assert_int_equal(write(writer, "x", 1), 1);
		close(writer);
	}
	return (ssize_t)syscall(SYS_read, fd, bytes, len);
}

static int nothing(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	(void)arg, (void)entry, (void)err;
	return 0;
}

static int count_one(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	(void)entry, (void)err;
	++*(size_t *)arg;
	return 0;
}

static void no_link_is_followed_in_any_part_of_a_path(void **state)
{
	static const char *const parts[] = { "docker", "docker/registry", "docker/registry/v2",
					     V2 "blobs", V2 "blobs/sha256", V2 "blobs/sha256/aa",
					     V2 "blobs/sha256/aa/" HEX_A, BLOB_A };

	(void)state;
	for (size_t i = 0; i < DD_COUNT(parts); i++) {
		DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
		DD_CLEANUP(dd_reader_closep) struct dd_reader *reader = NULL;
		DD_CLEANUP(dd_directory_closep) struct dd_directory *held = NULL;
		DD_AUTOFREE char *memory = NULL, *real = NULL;
		const struct dd_place blobs = { .kind = DD_IN_BLOBS };
		struct volume volume;
		struct dd_place place;
		struct dd_info info;
		int through;

		open_volume(&volume);
		put(&volume, BLOB_A, "bytes");
		place = place_of(BLOB_A, &memory);
		assert_code(dd_store_stat(volume.store, &place, &info, &volume.err), 0);
		assert_int_equal(info.size, 5);
		assert_code(dd_store_open_directory(volume.store, &blobs, &held, &volume.err), 0);
		/* What was there stays there, behind a link. */
		real = strdup(below(&volume, "real"));
		assert_int_equal(rename(below(&volume, parts[i]), real), 0);
		assert_int_equal(symlink(real, below(&volume, parts[i])), 0);
		assert_code(dd_store_stat(volume.store, &place, &info, &volume.err), DD_ESYMLINK);
		assert_code(dd_store_read(volume.store, &place, 100, &buffer, NULL, &volume.err),
			    DD_ESYMLINK);
		assert_code(dd_store_open_reader(volume.store, &place, &reader, NULL, &volume.err),
			    DD_ESYMLINK);
		assert_code(dd_store_touch(volume.store, &place, &volume.err), DD_ESYMLINK);
		assert_code(dd_store_withdraw(volume.store, &place, RUN, NULL, &volume.err), DD_ESYMLINK);
		assert_true(exists(&volume, parts[i]) && exists(&volume, "real"));
		/* A directory that was held before is the one that it was, wherever it lies now. */
		through = strlen(parts[i]) <= strlen(V2 "blobs") ? 0 : DD_ESYMLINK;
		assert_code(dd_directory_stat(held, &place, &info, &volume.err), through);
		assert_code(dd_directory_read(held, &place, 100, &buffer, NULL, &volume.err), through);
		if (strcmp(parts[i], BLOB_A))
			assert_code(dd_store_list_owner(volume.store, &place, nothing, NULL, &volume.err),
				    DD_ESYMLINK);
		close_volume(&volume);
	}
}

static void what_is_no_file_is_never_opened(void **state)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	DD_CLEANUP(dd_reader_closep) struct dd_reader *reader = NULL;
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_place place;
	struct dd_info info;

	(void)state;
	open_volume(&volume);
	make_parents(&volume, BLOB_A);
	place = place_of(BLOB_A, &memory);
	assert_code(dd_store_read(volume.store, &place, 100, &buffer, NULL, &volume.err), DD_ENOENT);
	assert_int_equal(mkfifo(below(&volume, BLOB_A), 0644), 0);
	assert_code(dd_store_stat(volume.store, &place, &info, &volume.err), 0);
	assert_int_equal(info.type, DD_ENTRY_OTHER);
	assert_code(dd_store_read(volume.store, &place, 100, &buffer, NULL, &volume.err), DD_EIRREGULAR);
	assert_code(dd_store_open_reader(volume.store, &place, &reader, NULL, &volume.err),
		    DD_EIRREGULAR);
	assert_code(dd_store_touch(volume.store, &place, &volume.err), DD_EIRREGULAR);
	unlink(below(&volume, BLOB_A));
	assert_int_equal(mkdir(below(&volume, BLOB_A), 0755), 0);
	assert_code(dd_store_read(volume.store, &place, 100, &buffer, NULL, &volume.err), DD_EIRREGULAR);
	close_volume(&volume);
}

static void a_read_ends_at_its_bound(void **state)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	DD_CLEANUP(dd_reader_closep) struct dd_reader *reader = NULL;
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_place place;
	char rest[16];

	(void)state;
	open_volume(&volume);
	put(&volume, BLOB_A, "0123456789");
	place = place_of(BLOB_A, &memory);
	assert_code(dd_store_read(volume.store, &place, 9, &buffer, NULL, &volume.err), DD_ETOOBIG);
	assert_code(dd_store_read(volume.store, &place, 10, &buffer, NULL, &volume.err), 0);
	assert_int_equal(buffer.len, 10);
	assert_memory_equal(buffer.bytes, "0123456789", 10);
	assert_code(dd_store_open_reader(volume.store, &place, &reader, NULL, &volume.err), 0);
	assert_code(dd_reader_skip(reader, 7, &volume.err), 0);
	assert_int_equal(dd_reader_read(reader, rest, sizeof(rest), &volume.err), 3);
	assert_memory_equal(rest, "789", 3);
	assert_int_equal(dd_reader_read(reader, rest, sizeof(rest), &volume.err), 0);
	close_volume(&volume);
}

static void a_file_that_grows_is_read_whole_or_not_at_all(void **state)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_place place;
	struct dd_info info;

	(void)state;
	open_volume(&volume);
	put(&volume, BLOB_A, "");
	place = place_of(BLOB_A, &memory);
	growing = below(&volume, BLOB_A);
	growths = 1;
	assert_code(dd_store_read(volume.store, &place, 100, &buffer, &info, &volume.err), 0);
	assert_int_equal(buffer.len, 1);
	assert_int_equal(info.size, 1);
	/* Whoever writes all the time does not keep a reader for ever. */
	growths = 100;
	reads = 0;
	assert_code(dd_store_read(volume.store, &place, 100, &buffer, &info, &volume.err),
		    DD_ECHANGED);
	assert_in_range(reads, 1, 4);
	growths = 0;
	assert_code(dd_store_read(volume.store, &place, 100, &buffer, &info, &volume.err), 0);
	assert_int_equal(buffer.len, info.size);
	/* One that is too long by then is that. */
	growths = 1;
	assert_code(dd_store_read(volume.store, &place, info.size, &buffer, &info, &volume.err),
		    DD_ETOOBIG);
	growths = 0;
	close_volume(&volume);
}

static void a_large_directory_is_listed_whole(void **state)
{
	struct volume volume;
	struct dd_place uploads = { .kind = DD_IN_UPLOADS, .repository = "a" };
	size_t count = 0;

	(void)state;
	open_volume(&volume);
	assert_code(dd_store_list(volume.store, &uploads, nothing, NULL, &volume.err), DD_ENOENT);
	make_parents(&volume, V2 "repositories/a/_uploads/x");
	for (int i = 0; i < 1500; i++) {
		char path[512];

		snprintf(path, sizeof(path), V2 "repositories/a/_uploads/%d-%0200d", i, i);
		assert_int_equal(mkdir(below(&volume, path), 0755), 0);
	}
	assert_code(dd_store_list(volume.store, &uploads, count_one, &count, &volume.err), 0);
	assert_int_equal(count, 1500);
	close_volume(&volume);
}

static void a_listing_tells_what_its_directory_is(void **state)
{
	const struct dd_place uploads = { .kind = DD_IN_UPLOADS, .repository = "a" },
			      repository = { .kind = DD_IN_REPOSITORY, .repository = "a" };
	struct dd_directory *held = NULL;
	struct volume volume;
	struct dd_info info, within;
	size_t count = 0;

	(void)state;
	open_volume(&volume);
	make_parents(&volume, V2 "repositories/a/_uploads/x/data");
	assert_int_equal(chmod(below(&volume, V2 "repositories/a/_uploads"), 0710), 0);
	assert_code(dd_store_list_in(volume.store, NULL, &uploads, &info, count_one, &count,
				     &volume.err),
		    0);
	assert_int_equal(count, 1);
	assert_int_equal(info.type, DD_ENTRY_DIRECTORY);
	assert_int_equal(info.mode, 0710);
	assert_code(dd_store_open_directory(volume.store, &repository, &held, &volume.err), 0);
	assert_code(dd_store_list_in(volume.store, held, &uploads, &within, count_one, &count,
				     &volume.err),
		    0);
	assert_true(dd_stamp_equal(&info.stamp, &within.stamp));
	dd_directory_closep(&held);
	close_volume(&volume);
}

static void a_stamp_tells_writing_from_moving_and_copying(void **state)
{
	const struct dd_stamp was = { { 1, 2, 3, 4, 5 } };
	struct dd_stamp now = was;

	(void)state;
	assert_true(dd_stamp_equal(&was, &now));
	assert_false(dd_stamp_written(&was, &now, false));
	now.word[4] = 6; /* ctime */
	assert_false(dd_stamp_equal(&was, &now));
	assert_true(dd_stamp_same_content(&was, &now));
	assert_true(dd_stamp_written(&was, &now, false));
	assert_false(dd_stamp_written(&was, &now, true));
	now.word[1] = 7; /* another inode: a copy */
	assert_false(dd_stamp_written(&was, &now, false));
	now.word[3] = 8; /* mtime */
	assert_true(dd_stamp_written(&was, &now, false));
	now = was;
	now.word[2] = 9; /* size */
	assert_true(dd_stamp_written(&was, &now, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_link_is_followed_in_any_part_of_a_path),
		cmocka_unit_test(what_is_no_file_is_never_opened),
		cmocka_unit_test(a_read_ends_at_its_bound),
		cmocka_unit_test(a_file_that_grows_is_read_whole_or_not_at_all),
		cmocka_unit_test(a_large_directory_is_listed_whole),
		cmocka_unit_test(a_listing_tells_what_its_directory_is),
		cmocka_unit_test(a_stamp_tells_writing_from_moving_and_copying),
		cmocka_unit_test(an_old_kernel_makes_no_difference),
	};

	return is_kernel_ready() ? cmocka_run_group_tests(tests, NULL, NULL) : 125;
}
