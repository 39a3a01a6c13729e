/*
 * What a registry writes: whole files by many threads, and what has to be synced for them.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "base/cleanup.h"
#include "store/durable.h"
#include "store/file.h"
#include "volume.h"

#define LINK_A "sha256:" HEX_A
#define LINK_B "sha256:" HEX_B

static int write_text(struct volume *volume, const char *path, const char *text, enum dd_onto onto,
		      struct dd_unsynced *unsynced)
{
	DD_AUTOFREE char *memory = NULL;
	struct dd_place place = place_of(path, &memory);

	return dd_store_write(volume->store, &place, text, strlen(text), onto, unsynced,
			      &volume->err);
}

static bool listed(const struct dd_unsynced *unsynced, const char *path)
{
	for (size_t i = 0; i < unsynced->count; i++)
		if (!strcmp(unsynced->paths[i], path))
			return true;
	return false;
}

/* How many files a directory has. */
static unsigned count_files(const struct volume *volume, const char *path)
{
	DD_AUTOCLOSE int fd = open(below(volume, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	return (unsigned)st.st_nlink;
}

static void a_file_is_written_whole_with_all_directories_above_it(void **state)
{
	DD_CLEANUP(dd_unsynced_release) struct dd_unsynced unsynced = { 0 };
	struct volume volume;
	struct stat st, around;

	(void)state;
	open_volume(&volume);
	assert_int_equal(chmod(below(&volume, V2 "repositories"), 02775), 0);
	assert_code(write_text(&volume, TAG_V1, LINK_A, DD_ONTO_NOTHING, &unsynced), 0);
	assert_holds(&volume, TAG_V1, LINK_A);
	/* Each that got a new name in it: from the first that was there to that of the file. */
	assert_int_equal(unsynced.count, 7);
	assert_true(listed(&unsynced, V2 "repositories"));
	assert_true(listed(&unsynced, V2 "repositories/team"));
	assert_true(listed(&unsynced, REPO "_manifests/tags/v1/current"));
	/* Like its surroundings, though never more than those. */
	assert_int_equal(stat(below(&volume, V2 "repositories"), &around), 0);
	assert_int_equal(stat(below(&volume, REPO "_manifests"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 02775);
	assert_int_equal(st.st_uid, around.st_uid);
	assert_int_equal(stat(below(&volume, TAG_V1), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0664);

	assert_code(dd_store_sync_these(volume.store, &unsynced, &volume.err), 0);
	assert_int_equal(unsynced.count, 0);
	assert_int_equal(dd_durable_count(volume.store->durable), 0);
	/* Where all is there, only the file's own directory. */
	assert_code(write_text(&volume, TAG_V1, LINK_B, DD_ONTO_FILE, &unsynced), 0);
	assert_holds(&volume, TAG_V1, LINK_B);
	assert_int_equal(unsynced.count, 1);
	close_volume(&volume);
}

static void what_is_there_is_replaced_only_if_asked_for(void **state)
{
	DD_CLEANUP(dd_unsynced_release) struct dd_unsynced unsynced = { 0 };
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put(&volume, REVISION_A, LINK_A);
	assert_code(write_text(&volume, REVISION_A, LINK_B, DD_ONTO_NOTHING, &unsynced), DD_EEXIST);
	assert_holds(&volume, REVISION_A, LINK_A);
	assert_code(write_text(&volume, REVISION_A, LINK_B, DD_ONTO_FILE, &unsynced), 0);
	assert_holds(&volume, REVISION_A, LINK_B);
	/* An empty one, as a crash leaves it, is a file, too. */
	put(&volume, TAG_V1, "");
	assert_code(write_text(&volume, TAG_V1, LINK_A, DD_ONTO_NOTHING, &unsynced), DD_EEXIST);
	assert_code(write_text(&volume, TAG_V1, LINK_A, DD_ONTO_FILE, &unsynced), 0);
	assert_holds(&volume, TAG_V1, LINK_A);
	close_volume(&volume);
}

static void what_is_no_file_is_neither_followed_nor_replaced(void **state)
{
	DD_CLEANUP(dd_unsynced_release) struct dd_unsynced unsynced = { 0 };
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put(&volume, "outside", "secret");
	make_parents(&volume, TAG_V1);
	assert_int_equal(symlink(below(&volume, "outside"), below(&volume, TAG_V1)), 0);
	assert_code(write_text(&volume, TAG_V1, LINK_A, DD_ONTO_FILE, &unsynced), DD_ESYMLINK);
	assert_code(write_text(&volume, TAG_V1, LINK_A, DD_ONTO_NOTHING, &unsynced), DD_ESYMLINK);
	assert_holds(&volume, "outside", "secret");

	make_parents(&volume, REVISION_A);
	assert_int_equal(mkfifo(below(&volume, REVISION_A), 0600), 0);
	assert_code(write_text(&volume, REVISION_A, LINK_A, DD_ONTO_FILE, &unsynced),
		    DD_EIRREGULAR);
	/* A link in the middle of the path: nothing is written behind it. */
	make_parents(&volume, "elsewhere/x");
	assert_int_equal(symlink(below(&volume, "elsewhere"), below(&volume, REPO "_layers")), 0);
	assert_code(write_text(&volume, LAYER_A, LINK_A, DD_ONTO_NOTHING, &unsynced), DD_ESYMLINK);
	assert_int_equal(count_files(&volume, "elsewhere"), 2);
	close_volume(&volume);
}

static void nothing_is_left_of_what_could_not_be_written(void **state)
{
	DD_CLEANUP(dd_unsynced_release) struct dd_unsynced unsynced = { 0 };
	struct volume volume;
	struct rlimit limit = { 0 }, before;

	(void)state;
	open_volume(&volume);
	put(&volume, LAYER_A, "old");
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 8;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_code(write_text(&volume, LAYER_A, LINK_A, DD_ONTO_FILE, &unsynced), DD_EIO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_holds(&volume, LAYER_A, "old");
	assert_int_equal(unlink(below(&volume, LAYER_A)), 0);
	/* No *.tmp beside it. */
	assert_int_equal(rmdir(below(&volume, REPO "_layers/sha256/" HEX_A)), 0);
	close_volume(&volume);
}

static void bytes_that_lie_elsewhere_get_their_place(void **state)
{
	DD_CLEANUP(dd_unsynced_release) struct dd_unsynced unsynced = { 0 };
	DD_AUTOFREE char *memory = NULL, *blob_memory = NULL;
	struct volume volume;
	struct dd_place data, blob;

	(void)state;
	open_volume(&volume);
	put(&volume, UPLOAD "data", "bytes");
	data = place_of(UPLOAD "data", &memory);
	blob = place_of(BLOB_A, &blob_memory);
	assert_code(dd_store_place(volume.store, &data, &blob, DD_ONTO_NOTHING, &unsynced,
				   &volume.err),
		    0);
	assert_holds(&volume, BLOB_A, "bytes");
	assert_false(exists(&volume, UPLOAD "data"));
	assert_true(listed(&unsynced, V2 "blobs/sha256/aa/" HEX_A));
	assert_true(listed(&unsynced, V2 "blobs/sha256/aa"));
	assert_code(dd_store_place(volume.store, &data, &blob, DD_ONTO_NOTHING, &unsynced,
				   &volume.err),
		    DD_ENOENT);

	put(&volume, UPLOAD "data", "better");
	assert_code(dd_store_place(volume.store, &data, &blob, DD_ONTO_NOTHING, &unsynced,
				   &volume.err),
		    DD_EEXIST);
	assert_code(dd_store_place(volume.store, &data, &blob, DD_EXCHANGED, &unsynced,
				   &volume.err),
		    0);
	assert_holds(&volume, BLOB_A, "better");
	assert_holds(&volume, UPLOAD "data", "bytes");
	close_volume(&volume);
}

static void an_upload_goes_with_all_that_is_in_it(void **state)
{
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put(&volume, UPLOAD "data", "bytes");
	put(&volume, UPLOAD "startedat", "2026-01-01T00:00:00Z");
	put(&volume, UPLOAD "hashstates/sha256/0", "x");
	put(&volume, "outside", "stays");
	assert_int_equal(symlink(below(&volume, "outside"), below(&volume, UPLOAD "link")), 0);
	assert_code(dd_store_remove_upload(volume.store, "team/app", UUID, &volume.err), 0);
	assert_false(exists(&volume, UPLOAD));
	assert_true(exists(&volume, REPO "_uploads"));
	assert_holds(&volume, "outside", "stays");
	assert_code(dd_store_remove_upload(volume.store, "team/app", UUID, &volume.err),
		    DD_ENOENT);
	assert_code(dd_store_remove_upload(volume.store, "team/app", "..", &volume.err),
		    DD_EFORMAT);
	/* A link in its place leads nowhere. */
	put(&volume, "elsewhere/kept", "stays");
	assert_int_equal(symlink(below(&volume, "elsewhere"), below(&volume, REPO "_uploads/" UUID)),
			 0);
	assert_code(dd_store_remove_upload(volume.store, "team/app", UUID, &volume.err),
		    DD_ESYMLINK);
	assert_holds(&volume, "elsewhere/kept", "stays");
	close_volume(&volume);
}

static void a_link_that_is_asked_for_again_is_as_young_as_a_new_one(void **state)
{
	DD_AUTOFREE char *memory = NULL;
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct volume volume;
	struct dd_place place;
	struct stat st;

	(void)state;
	open_volume(&volume);
	put(&volume, LAYER_A, LINK_A);
	assert_int_equal(utimensat(AT_FDCWD, below(&volume, LAYER_A), old, 0), 0);
	place = place_of(LAYER_A, &memory);
	assert_code(dd_store_refresh(volume.store, &place, &volume.err), 0);
	assert_int_equal(stat(below(&volume, LAYER_A), &st), 0);
	assert_true(st.st_mtime > 1000000);
	assert_holds(&volume, LAYER_A, LINK_A);
	assert_int_equal(unlink(below(&volume, LAYER_A)), 0);
	assert_code(dd_store_refresh(volume.store, &place, &volume.err), DD_ENOENT);
	close_volume(&volume);
}

static void who_writes_below_what_another_made_syncs_that_too(void **state)
{
	DD_CLEANUP(dd_unsynced_release) struct dd_unsynced first = { 0 }, second = { 0 };
	struct volume volume;

	(void)state;
	open_volume(&volume);
	assert_code(write_text(&volume, LAYER_A, LINK_A, DD_ONTO_NOTHING, &first), 0);
	/* Nobody has synced the repository's directories yet. */
	assert_code(write_text(&volume, TAG_V1, LINK_A, DD_ONTO_NOTHING, &second), 0);
	assert_true(listed(&second, V2 "repositories"));
	assert_true(listed(&second, V2 "repositories/team"));
	assert_false(listed(&second, REPO "_layers"));
	assert_code(dd_store_sync_these(volume.store, &second, &volume.err), 0);
	/* What the first one alone needs is still remembered, also when it has given up. */
	dd_unsynced_release(&first);
	assert_int_equal(dd_durable_count(volume.store->durable), 3);
	assert_code(write_text(&volume, LAYER_A, LINK_B, DD_ONTO_FILE, &second), 0);
	assert_true(listed(&second, REPO "_layers"));
	assert_true(listed(&second, REPO "_layers/sha256"));
	assert_false(listed(&second, V2 "repositories"));
	assert_code(dd_store_sync_these(volume.store, &second, &volume.err), 0);
	assert_int_equal(dd_durable_count(volume.store->durable), 0);
	close_volume(&volume);
}

static void who_finds_what_another_wrote_syncs_it_before_building_upon_it(void **state)
{
	DD_CLEANUP(dd_unsynced_release) struct dd_unsynced first = { 0 }, second = { 0 };
	DD_AUTOFREE char *memory = NULL;
	struct dd_place place = place_of(LAYER_A, &memory);
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put(&volume, LAYER_A, LINK_A);
	/* Who put it there otherwise has seen to it. */
	assert_code(dd_store_rely_on(volume.store, &place, &second, &volume.err), 0);
	assert_int_equal(second.count, 0);
	assert_code(write_text(&volume, LAYER_A, LINK_A, DD_ONTO_FILE, &first), 0);
	assert_code(dd_store_rely_on(volume.store, &place, &second, &volume.err), 0);
	assert_int_equal(second.count, 1);
	assert_true(listed(&second, REPO "_layers/sha256/" HEX_A));
	assert_code(dd_store_sync_these(volume.store, &second, &volume.err), 0);
	assert_code(dd_store_rely_on(volume.store, &place, &second, &volume.err), 0);
	assert_int_equal(second.count, 0);
	close_volume(&volume);
}

/* ---- syncs that are shared ---- */

struct shared {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	struct dd_durable *durable;
	unsigned begun, ended, allowed; /* syncs */
	int sys;
};

static int counted_sync(void *arg, const char *path)
{
	struct shared *shared = arg;
	unsigned mine;
	int sys;

	(void)path;
	pthread_mutex_lock(&shared->lock);
	mine = ++shared->begun;
	pthread_cond_broadcast(&shared->moved);
	while (shared->allowed < mine)
		pthread_cond_wait(&shared->moved, &shared->lock);
	sys = shared->sys;
	pthread_mutex_unlock(&shared->lock);
	return sys;
}

static void *sync_shared(void *arg)
{
	struct shared *shared = arg;
	int sys = dd_durable_sync(shared->durable, "d", counted_sync, shared);

	pthread_mutex_lock(&shared->lock);
	shared->ended++;
	pthread_cond_broadcast(&shared->moved);
	pthread_mutex_unlock(&shared->lock);
	return (void *)(intptr_t)sys;
}

static void wait_for(struct shared *shared, const unsigned *what, unsigned value)
{
	pthread_mutex_lock(&shared->lock);
	while (*what < value)
		pthread_cond_wait(&shared->moved, &shared->lock);
	pthread_mutex_unlock(&shared->lock);
}

static void allow(struct shared *shared, unsigned syncs, int sys)
{
	pthread_mutex_lock(&shared->lock);
	shared->allowed = syncs;
	shared->sys = sys;
	pthread_cond_broadcast(&shared->moved);
	pthread_mutex_unlock(&shared->lock);
}

#define THREADS 5

/* One syncs; the others come meanwhile, and nobody is served by what began before it came. */
static void come_together(struct shared *shared, pthread_t threads[THREADS])
{
	assert_int_equal(pthread_create(&threads[0], NULL, sync_shared, shared), 0);
	wait_for(shared, &shared->begun, 1);
	for (int i = 1; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sync_shared, shared), 0);
	while (dd_durable_waiting(shared->durable) < THREADS)
		sched_yield();
}

static void one_syncs_for_all_who_wait(void **state)
{
	struct shared shared = { .lock = PTHREAD_MUTEX_INITIALIZER,
				 .moved = PTHREAD_COND_INITIALIZER,
				 .durable = dd_durable_open() };
	pthread_t threads[THREADS];
	void *sys;

	(void)state;
	come_together(&shared, threads);
	allow(&shared, 1, 0);
	wait_for(&shared, &shared.ended, 1);
	wait_for(&shared, &shared.begun, 2);
	assert_int_equal(shared.ended, 1);
	allow(&shared, 2, 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &sys), 0);
		assert_null(sys);
	}
	assert_int_equal(shared.begun, 2);
	assert_int_equal(dd_durable_count(shared.durable), 0);
	dd_durable_close(shared.durable);
}

static void a_sync_that_failed_is_told_to_all_who_waited_for_it(void **state)
{
	struct shared shared = { .lock = PTHREAD_MUTEX_INITIALIZER,
				 .moved = PTHREAD_COND_INITIALIZER,
				 .durable = dd_durable_open() };
	pthread_t threads[THREADS];
	void *sys;

	(void)state;
	come_together(&shared, threads);
	allow(&shared, 1, 0);
	wait_for(&shared, &shared.begun, 2);
	allow(&shared, 2, EIO);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &sys), 0);
		assert_int_equal((intptr_t)sys, i ? EIO : 0);
	}
	assert_int_equal(shared.begun, 2);
	dd_durable_close(shared.durable);
}

static int sync_well(void *arg, const char *path)
{
	(void)arg, (void)path;
	return 0;
}

static void what_is_made_while_a_sync_runs_needs_another(void **state)
{
	DD_CLEANUP(dd_unsynced_release) struct dd_unsynced unsynced = { 0 };
	struct dd_durable *durable = dd_durable_open();

	(void)state;
	assert_int_equal(dd_durable_note(durable, "d", "new", NULL), 0);
	/* It may be made after this sync has looked. */
	assert_int_equal(dd_durable_sync(durable, "d", sync_well, NULL), 0);
	assert_int_equal(dd_durable_gather(durable, "d/new/x", &unsynced, NULL), 0);
	assert_int_equal(unsynced.count, 1);
	dd_durable_made(durable, "d", "new");
	assert_int_equal(dd_durable_sync(durable, "d", sync_well, NULL), 0);
	dd_unsynced_release(&unsynced);
	assert_int_equal(dd_durable_gather(durable, "d/new/x", &unsynced, NULL), 0);
	assert_int_equal(unsynced.count, 0);
	dd_durable_close(durable);
}

/* ---- many at once ---- */

struct writer {
	struct volume *volume;
	unsigned number;
};

#define ROUNDS 50

static void *write_many(void *arg)
{
	DD_CLEANUP(dd_unsynced_release) struct dd_unsynced unsynced = { 0 };
	struct writer *writer = arg;
	struct dd_place tag = { .kind = DD_AT_TAG, .repository = "team/app", .tag = "v1" };
	struct dd_place layer = { .kind = DD_AT_LAYER, .repository = "team/app" };
	char text[72];

	memset(text, (int)('a' + writer->number), sizeof(text));
	for (unsigned i = 0; i < ROUNDS; i++) {
		layer.digest.bytes[0] = (uint8_t)writer->number;
		layer.digest.bytes[1] = (uint8_t)i;
		if (dd_store_write(writer->volume->store, &layer, text, sizeof(text),
				   DD_ONTO_NOTHING, &unsynced, NULL) < 0 ||
		    dd_store_write(writer->volume->store, &tag, text, sizeof(text), DD_ONTO_FILE,
				   &unsynced, NULL) < 0 ||
		    dd_store_sync_these(writer->volume->store, &unsynced, NULL) < 0)
			return arg;
	}
	return NULL;
}

static void many_write_in_one_repository_and_none_is_seen_in_part(void **state)
{
	struct volume volume;
	struct writer writers[THREADS];
	pthread_t threads[THREADS];
	void *failed;
	char *last;

	(void)state;
	open_volume(&volume);
	for (unsigned i = 0; i < THREADS; i++) {
		writers[i] = (struct writer){ &volume, i };
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	last = get(&volume, TAG_V1, NULL);
	assert_non_null(last);
	assert_int_equal(strlen(last), 72);
	assert_int_equal(strspn(last, (char[]){ last[0], '\0' }), 72);
	free(last);
	assert_int_equal(count_files(&volume, REPO "_layers/sha256"), 2 + THREADS * ROUNDS);
	assert_int_equal(dd_durable_count(volume.store->durable), 0);
	close_volume(&volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_written_whole_with_all_directories_above_it),
		cmocka_unit_test(what_is_there_is_replaced_only_if_asked_for),
		cmocka_unit_test(what_is_no_file_is_neither_followed_nor_replaced),
		cmocka_unit_test(nothing_is_left_of_what_could_not_be_written),
		cmocka_unit_test(bytes_that_lie_elsewhere_get_their_place),
		cmocka_unit_test(an_upload_goes_with_all_that_is_in_it),
		cmocka_unit_test(a_link_that_is_asked_for_again_is_as_young_as_a_new_one),
		cmocka_unit_test(who_writes_below_what_another_made_syncs_that_too),
		cmocka_unit_test(who_finds_what_another_wrote_syncs_it_before_building_upon_it),
		cmocka_unit_test(one_syncs_for_all_who_wait),
		cmocka_unit_test(a_sync_that_failed_is_told_to_all_who_waited_for_it),
		cmocka_unit_test(what_is_made_while_a_sync_runs_needs_another),
		cmocka_unit_test(many_write_in_one_repository_and_none_is_seen_in_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
