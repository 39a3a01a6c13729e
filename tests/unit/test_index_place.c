/*
 * The index in its place: whoever owns it, whatever stands there, wherever it lies, however full the
 * disk is, the command goes on, and one word says why.
 */
#include <sched.h>
#include <sys/mount.h>

#include "index.h"
#include "store/disk.h"

#define COUNT 2000

/* ---- whose it is ---- */

static void a_directory_of_another_volume_is_passed_over(void **state)
{
	static const char other[] = "The index that drydock keeps of this volume:\nroot /other\n";
	struct cached cached;

	(void)state;
	open_cached(&cached);
	make_index(&cached, COUNT);
	write_file(in_index(&cached, DD_INDEX_VOLUME), other, strlen(other));
	assert_none(&cached, "another volume");
	write_file(in_index(&cached, DD_INDEX_VOLUME), "", 0);
	assert_none(&cached, "another volume");
	assert_int_equal(unlink(in_index(&cached, DD_INDEX_VOLUME)), 0);
	dd_index_close(open_quietly(&cached));
	assert_int_equal(access(in_index(&cached, DD_INDEX_VOLUME), F_OK), 0);
	close_cached(&cached);
}

static void a_volume_that_was_made_anew_has_another_index(void **state)
{
	struct cached cached;
	struct dd_index *index;
	char first[512];

	(void)state;
	open_cached(&cached);
	make_index(&cached, COUNT);
	snprintf(first, sizeof(first), "%s", cached.path);
	dd_store_closep(&cached.volume.store);
	snprintf(cached.path, sizeof(cached.path), "%s.old", cached.volume.root);
	assert_int_equal(rename(cached.volume.root, cached.path), 0);
	make_parents(&cached.volume, "x");
	assert_int_equal(mkdir(cached.volume.root, 0755), 0);
	make_parents(&cached.volume, V2 "blobs/x");
	assert_int_equal(dd_store_open(cached.volume.ctx,
				       &(struct dd_store_options){ .root = cached.volume.root },
				       &cached.volume.store, NULL),
			 0);
	nftw(cached.path, remove_one, 32, FTW_DEPTH | FTW_PHYS);
	index = open_quietly(&cached);
	assert_int_equal(dd_index_count_verified(index), 0);
	assert_string_not_equal(first, cached.path);
	dd_index_close(index);
	close_cached(&cached);
}

static void what_others_may_write_to_is_not_used(void **state)
{
	static const mode_t modes[] = { 0720, 0702, 0777 };
	struct cached cached;

	(void)state;
	open_cached(&cached);
	make_index(&cached, COUNT);
	for (size_t i = 0; i < DD_COUNT(modes); i++) {
		chmod(cached.cache, modes[i]);
		assert_none(&cached, "may write");
		chmod(cached.cache, 0755);
		chmod(cached.path, modes[i]);
		assert_none(&cached, "may write");
		chmod(cached.path, 0700);
		chmod(in_index(&cached, DD_INDEX_FILE), modes[i]);
		assert_none(&cached, "may write");
		chmod(in_index(&cached, DD_INDEX_FILE), 0600);
	}
	dd_index_close(open_quietly(&cached));
	close_cached(&cached);
}

static void what_belongs_to_another_is_not_used(void **state)
{
	struct cached cached;

	(void)state;
	if (geteuid() != 0)
		skip();
	open_cached(&cached);
	make_index(&cached, COUNT);
	assert_int_equal(chown(cached.cache, 12345, 0), 0);
	assert_none(&cached, "belongs to user 12345");
	assert_int_equal(chown(cached.cache, 0, 0), 0);
	assert_int_equal(chown(cached.path, 12345, 0), 0);
	assert_none(&cached, "belongs to user 12345");
	assert_int_equal(chown(cached.path, 0, 0), 0);
	assert_int_equal(chown(in_index(&cached, DD_INDEX_FILE), 12345, 0), 0);
	assert_none(&cached, "belongs to user 12345");
	close_cached(&cached);
}

static void as_another_user(struct cached *cached)
{
	assert_int_equal(setresuid(12345, 12345, 12345), 0);
	assert_none(cached, "ermission denied");
}

static void another_user_gets_none_and_is_told(void **state)
{
	struct cached cached;

	(void)state;
	if (geteuid() != 0)
		skip();
	open_cached(&cached);
	assert_int_equal(chmod(cached.cache, 0755), 0);
	in_child(as_another_user, &cached);
	make_index(&cached, 1);
	assert_int_equal(chmod(cached.cache, 0700), 0);
	in_child(as_another_user, &cached);
	close_cached(&cached);
}

static void as_a_user_without_writing(struct cached *cached)
{
	struct dd_index *index;

	if (geteuid() == 0)
		assert_int_equal(setresuid(12345, 12345, 12345), 0);
	index = open_index(cached);
	assert_non_null(index);
	assert_int_equal(cached->warnings, 1);
	assert_false(dd_index_is_writable(index));
	assert_int_equal(found_of(index, 0, COUNT), COUNT);
	put_range(index, 0, 10);
	dd_index_close(index);
	assert_int_equal(cached->warnings, 1);
}

static void what_cannot_be_written_is_still_read(void **state)
{
	struct cached cached;

	(void)state;
	open_cached(&cached);
	make_index(&cached, COUNT);
	if (geteuid() == 0) {
		assert_int_equal(chmod(cached.cache, 0755), 0);
		assert_int_equal(chown(cached.path, 12345, 12345), 0);
		assert_int_equal(chown(in_index(&cached, DD_INDEX_FILE), 12345, 12345), 0);
		assert_int_equal(chown(in_index(&cached, DD_INDEX_VOLUME), 12345, 12345), 0);
	}
	unlink(in_index(&cached, DD_INDEX_LOCK));
	assert_int_equal(chmod(cached.path, 0500), 0);
	in_child(as_a_user_without_writing, &cached);
	assert_int_equal(chmod(cached.path, 0700), 0);
	close_cached(&cached);
}

/* ---- what stands in its place ---- */

static void no_link_is_followed_to_a_directory(void **state)
{
	struct cached cached;
	char real[128], moved[600];

	(void)state;
	open_cached(&cached);
	make_index(&cached, COUNT);
	snprintf(moved, sizeof(moved), "%s.moved", cached.path);
	assert_int_equal(rename(cached.path, moved), 0);
	assert_int_equal(symlink(moved, cached.path), 0);
	assert_none(&cached, "link");
	unlink(cached.path);
	assert_int_equal(symlink("/nowhere", cached.path), 0);
	assert_none(&cached, "link");
	unlink(cached.path);
	assert_int_equal(rename(moved, cached.path), 0);
	dd_index_close(open_quietly(&cached));

	snprintf(real, sizeof(real), "%s.real", cached.cache);
	assert_int_equal(rename(cached.cache, real), 0);
	assert_int_equal(symlink(real, cached.cache), 0);
	assert_none(&cached, "link");
	/* Nor with a slash behind it. */
	snprintf(moved, sizeof(moved), "%s//", cached.cache);
	cached.options.cache_dir = moved;
	assert_none(&cached, "link");
	unlink(cached.cache);
	assert_int_equal(rename(real, cached.cache), 0);
	dd_index_close(open_quietly(&cached));
	close_cached(&cached);
}

static void nothing_but_a_file_is_taken_for_one(void **state)
{
	static const char *const names[] = { DD_INDEX_FILE, DD_INDEX_VOLUME, DD_INDEX_LOCK };
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_cached(&cached);
	for (size_t i = 0; i < DD_COUNT(names); i++) {
		bool fatal = i < 2;

		make_index(&cached, COUNT);
		for (int kind = 0; kind < 3; kind++) {
			const char *path = in_index(&cached, names[i]);
			char moved[600];

			snprintf(moved, sizeof(moved), "%s.moved", path);
			assert_int_equal(rename(path, moved), 0);
			assert_int_equal(kind == 0 ? symlink(moved, path) :
					 kind == 1 ? mkfifo(path, 0600) :
						     mkdir(path, 0700),
					 0);
			index = open_index(&cached);
			assert_int_equal(cached.warnings, 1);
			/* Without the lock it can be read. */
			assert_int_equal(index == NULL, fatal);
			assert_false(dd_index_is_writable(index));
			dd_index_close(index);
			assert_int_equal(remove(path), 0);
			assert_int_equal(rename(moved, path), 0);
		}
	}
	close_cached(&cached);
}

static void leftovers_and_links_in_the_way_of_new_files_go(void **state)
{
	struct cached cached;
	struct dd_index *index;
	char victim[128];
	DD_AUTOFREE unsigned char *bytes = NULL;
	size_t len;

	(void)state;
	open_cached(&cached);
	make_index(&cached, 10);
	snprintf(victim, sizeof(victim), "%s/victim", cached.cache);
	write_file(victim, "precious", 8);
	assert_int_equal(symlink(victim, in_index(&cached, DD_INDEX_NEW)), 0);
	assert_int_equal(symlink(victim, in_index(&cached, DD_INDEX_WORK)), 0);
	index = open_quietly(&cached);
	put_range(index, 0, COUNT);
	dd_index_close(index);
	assert_int_equal(cached.warnings, 0);
	bytes = read_file(victim, &len);
	assert_int_equal(len, 8);
	index = open_quietly(&cached);
	assert_int_equal(found_of(index, 0, COUNT), COUNT);
	dd_index_close(index);
	close_cached(&cached);
}

/* ---- where it lies ---- */

static void it_does_not_lie_in_the_volume(void **state)
{
	static const char *const places[] = { "", "/cache", "/docker", "/.drydock/a/b" };
	struct cached cached;
	char path[256], link[128];

	(void)state;
	open_cached(&cached);
	for (size_t i = 0; i < DD_COUNT(places); i++) {
		snprintf(path, sizeof(path), "%s%s", cached.volume.root, places[i]);
		cached.options.cache_dir = path;
		assert_none(&cached, "in the volume");
	}
	/* By way of a link above it, too. */
	snprintf(link, sizeof(link), "%s/link", cached.cache);
	assert_int_equal(symlink(cached.volume.root, link), 0);
	snprintf(path, sizeof(path), "%s/cache/deep", link);
	assert_none(&cached, "in the volume");
	snprintf(path, sizeof(path), "%s/new/../../x", cached.cache);
	assert_none(&cached, "No such file");
	assert_false(exists(&cached.volume, "cache"));
	assert_false(exists(&cached.volume, ".drydock"));
	close_cached(&cached);
}

static void directories_are_made_private_and_tagged(void **state)
{
	static const char signature[] = "Signature: 8a477f597d28d172789f06886806bc55\n";
	DD_AUTOFREE unsigned char *tag = NULL, *volume = NULL;
	char path[256], in[300];
	struct cached cached;
	struct stat st;
	size_t len;

	(void)state;
	open_cached(&cached);
	snprintf(path, sizeof(path), "%s/made/here//", cached.cache);
	cached.options.cache_dir = path;
	make_index(&cached, 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(cached.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(in_index(&cached, DD_INDEX_FILE), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	snprintf(in, sizeof(in), "%s/CACHEDIR.TAG", path);
	tag = read_file(in, &len);
	assert_true(len > strlen(signature));
	assert_memory_equal(tag, signature, strlen(signature));
	assert_int_equal(access(in_index(&cached, "CACHEDIR.TAG"), F_OK), 0);
	volume = read_file(in_index(&cached, DD_INDEX_VOLUME), &len);
	volume[len] = '\0';
	assert_non_null(strstr((char *)volume, cached.volume.root));
	/* What was there may hold more than a cache. */
	snprintf(in, sizeof(in), "%s/CACHEDIR.TAG", cached.cache);
	assert_int_equal(access(in, F_OK), -1);
	close_cached(&cached);
}

static const char *chosen_by;

static const char *get_environment(const char *name)
{
	static const char *const values[][2] = { { "DRYDOCK_CACHE", "/d/cache/" },
						 { "XDG_CACHE_HOME", "/xdg" },
						 { "HOME", "/home/me" } };

	for (size_t i = 0; i < DD_COUNT(values); i++)
		if (!strcmp(name, values[i][0]) && strchr(chosen_by, *name))
			return values[i][1];
	return strchr(chosen_by, '-') ? "" : NULL;
}

static void assert_chosen(const char *given, const char *by, const char *path)
{
	const struct dd_index_options options = { .cache_dir = given,
						  .get_environment = get_environment };
	DD_AUTOFREE char *cache = NULL;
	struct dd_error err = { 0 };
	int rc;

	chosen_by = by;
	rc = dd_index_choose(&options, &cache, &err);
	if (!path) {
		assert_int_equal(rc, DD_ENOENT);
		assert_non_null(strstr(err.hint, "--cache-dir"));
	} else {
		assert_int_equal(rc, 0);
		assert_string_equal(cache, path);
	}
}

static void as_a_user_choose(struct cached *cached)
{
	(void)cached;
	if (geteuid() == 0)
		assert_int_equal(setresuid(12345, 12345, 12345), 0);
	assert_chosen(NULL, "XH", "/xdg/drydock");
	assert_chosen(NULL, "H", "/home/me/.cache/drydock");
	assert_chosen(NULL, "H-", "/home/me/.cache/drydock");
	assert_chosen(NULL, "", NULL);
	assert_chosen(NULL, "DXH", "/d/cache");
}

static void the_cache_directory_is_chosen_in_order(void **state)
{
	(void)state;
	assert_chosen("/given", "DXH", "/given");
	assert_chosen("/", "DXH", "/");
	assert_chosen("", "DXH", "/d/cache");
	if (geteuid() == 0)
		assert_chosen(NULL, "XH", "/var/cache/drydock");
	in_child(as_a_user_choose, NULL);
}

static void names_of_directories_can_be_recognised(void **state)
{
	const uint64_t volume[2] = { 0, 0 };
	static const char *const names[][2] = {
		{ "/var/lib/registry", "var-lib-registry-0000000000000000" },
		{ "/", "0000000000000000" },
		{ "/.hidden/..", "hidden-..-0000000000000000" },
		{ "/a b/\n\xff", "a-b----0000000000000000" },
		{ "/0123456789/0123456789/0123456789/0123456789/0123456789",
		  "6789-0123456789-0123456789-0123456789-0123456789-0000000000000000" },
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(names); i++) {
		DD_AUTOFREE char *name = dd_index_name(names[i][0], volume);

		assert_string_equal(name, names[i][1]);
	}
}

static void network_file_systems_are_known(void **state)
{
	(void)state;
	assert_string_equal(dd_disk_network_name(0x6969), "NFS");
	assert_string_equal(dd_disk_network_name(0xfe534d42), "SMB2");
	assert_string_equal(dd_disk_network_name(0x01021997), "9p");
	assert_string_equal(dd_disk_network_name(0x65735546), "FUSE");
	assert_string_equal(dd_disk_network_name(0x00c36400), "Ceph");
	assert_null(dd_disk_network_name(0xef53));
	assert_null(dd_disk_network_name(0x01021994));
}

static void nothing_is_made_or_said_where_none_is_wanted(void **state)
{
	struct cached cached;
	char path[256];

	(void)state;
	open_cached(&cached);
	snprintf(path, sizeof(path), "%s/a/b", cached.cache);
	for (int i = 0; i < 4; i++) {
		cached.options.read_only = i & 1;
		cached.options.none = !(i & 1);
		cached.options.cache_dir = i & 2 ? path : cached.cache;
		assert_null(open_index(&cached));
		assert_int_equal(cached.warnings + cached.notes, 0);
	}
	assert_int_equal(rmdir(cached.cache), 0);
	assert_int_equal(mkdir(cached.cache, 0700), 0);
	close_cached(&cached);
}

/* ---- small disks ---- */

/* In a mount namespace of its own, so that no mount is left behind. */
static void on_a_small_disk(struct cached *cached)
{
	struct dd_index *index;
	char full[128];
	int fd;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", cached->cache, "tmpfs", MS_NOSUID | MS_NODEV, "size=2m,mode=0700") < 0)
		_exit(NOT_HERE);
	make_index(cached, COUNT);
	/* Too much for the copy, and then for the file that is published. */
	for (uint64_t many = 5000; many <= 40000; many += many / 3) {
		index = open_quietly(cached);
		put_range(index, 0, many);
		dd_index_close(index);
		assert_true(cached->warnings <= 1);
		if (cached->warnings)
			assert_non_null(strstr(cached->said, "not remembered"));
		index = open_quietly(cached);
		assert_int_equal(found_of(index, 0, COUNT), COUNT);
		dd_index_close(index);
	}
	index = open_quietly(cached);
	put_range(index, 0, 40000);
	assert_int_equal(cached->warnings, 1);
	assert_false(dd_index_is_writable(index));
	assert_int_equal(found_of(index, 0, COUNT), COUNT);
	dd_index_close(index);
	assert_int_equal(cached->warnings, 1);

	/* Not a byte left. */
	snprintf(full, sizeof(full), "%s/full", cached->cache);
	fd = open(full, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, cached, sizeof(*cached)) > 0)
		;
	close(fd);
	index = open_quietly(cached);
	put_range(index, 0, 10);
	assert_int_equal(cached->warnings, 1);
	assert_non_null(strstr(cached->said, "No space left"));
	assert_int_equal(found_of(index, 0, COUNT), COUNT);
	dd_index_close(index);
	unlink(full);

	assert_int_equal(mount("none", cached->cache, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	index = open_index(cached);
	assert_int_equal(cached->warnings, 1);
	assert_non_null(strstr(cached->said, "Read-only"));
	assert_int_equal(found_of(index, 0, COUNT), COUNT);
	dd_index_close(index);
	umount(cached->cache);
}

static void a_full_disk_stops_the_writing_and_not_the_reading(void **state)
{
	struct cached cached;

	(void)state;
	if (geteuid() != 0)
		skip();
	open_cached(&cached);
	in_child(on_a_small_disk, &cached);
	close_cached(&cached);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_directory_of_another_volume_is_passed_over),
		cmocka_unit_test(a_volume_that_was_made_anew_has_another_index),
		cmocka_unit_test(what_others_may_write_to_is_not_used),
		cmocka_unit_test(what_belongs_to_another_is_not_used),
		cmocka_unit_test(another_user_gets_none_and_is_told),
		cmocka_unit_test(what_cannot_be_written_is_still_read),
		cmocka_unit_test(no_link_is_followed_to_a_directory),
		cmocka_unit_test(nothing_but_a_file_is_taken_for_one),
		cmocka_unit_test(leftovers_and_links_in_the_way_of_new_files_go),
		cmocka_unit_test(it_does_not_lie_in_the_volume),
		cmocka_unit_test(directories_are_made_private_and_tagged),
		cmocka_unit_test(the_cache_directory_is_chosen_in_order),
		cmocka_unit_test(names_of_directories_can_be_recognised),
		cmocka_unit_test(network_file_systems_are_known),
		cmocka_unit_test(nothing_is_made_or_said_where_none_is_wanted),
		cmocka_unit_test(a_full_disk_stops_the_writing_and_not_the_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
