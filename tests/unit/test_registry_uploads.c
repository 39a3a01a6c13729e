/*
 * Uploads: what arrives becomes a blob of its digest, or nothing; and it can be gone on with.
 */
#include "registry.h"

static const char *upload_path(const char *repository, const char *id, const char *name)
{
	static char paths[4][512];
	static unsigned next;
	char *buf = paths[next++ % 4];

	snprintf(buf, sizeof(paths[0]), V2 "repositories/%s/_uploads/%s%s%s", repository, id,
		 *name ? "/" : "", name);
	return buf;
}

static struct dd_upload *begin(struct registry *reg, const char *owner, char id[DD_UPLOAD_ID])
{
	struct dd_upload *upload;

	if (dd_upload_begin(reg->registry, APP, owner, NULL, &upload, reg->err) < 0)
		fail_msg("%s", reg->err->text);
	snprintf(id, DD_UPLOAD_ID, "%s", dd_upload_get_id(upload));
	return upload;
}

static int find(struct registry *reg, const char *id, const char *owner, struct dd_upload **upload)
{
	return dd_upload_find(reg->registry, APP, id, owner, upload, reg->err);
}

/* Nothing of it is anywhere: no upload, no temporary file. */
static void assert_no_uploads(const struct registry *reg)
{
	char path[256];

	snprintf(path, sizeof(path), "%s", below(&reg->volume, V2 "repositories/" APP "/_uploads"));
	assert_true(rmdir(path) == 0 || errno == ENOENT);
}

static void what_is_pushed_is_pulled(void **state)
{
	static const size_t lens[] = { 0, 1, 100 * KIB, 2 * MIB + 1 };
	struct registry reg;

	(void)state;
	open_registry(&reg);
	for (size_t i = 0; i < DD_COUNT(lens); i++) {
		DD_AUTOFREE unsigned char *bytes = make_bytes(lens[i], (unsigned)i);
		struct dd_digest digest = push(&reg, APP, bytes, lens[i]);

		assert_int_equal(look(&reg, APP, &digest), 0);
		assert_pulls(&reg, APP, &digest, bytes, lens[i]);
		assert_holds(&reg.volume, layer_path(APP, &digest), dd_digest_text(&digest));
		assert_int_equal(look(&reg, OTHER, &digest), DD_ENOENT);
	}
	assert_no_uploads(&reg);
	close_registry(&reg);
}

static void what_is_pushed_is_not_read_again_to_be_served(void **state)
{
	struct dd_registry_counts counts;
	struct dd_digest digest;
	struct registry reg;

	(void)state;
	open_registry(&reg);
	digest = push(&reg, APP, "bytes", 5);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	dd_registry_get_counts(reg.registry, &counts);
	assert_int_equal(counts.uploaded, 1);
	assert_int_equal(counts.proved, 0);
	/* But who writes to the file has changed all that. */
	put(&reg.volume, blob_path(&digest), "bytez");
	assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	close_registry(&reg);
}

static void what_has_another_digest_becomes_nothing(void **state)
{
	struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	struct registry reg;

	(void)state;
	open_registry(&reg);
	assert_int_equal(push_pieces(&reg, APP, "bytez", 5, 2, &digest), DD_ECORRUPT);
	assert_int_equal(push_pieces(&reg, APP, "byte", 4, 2, &digest), DD_ECORRUPT);
	assert_int_equal(push_pieces(&reg, APP, "", 0, 2, &digest), DD_ECORRUPT);
	assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	assert_false(exists(&reg.volume, blob_path(&digest)));
	assert_false(exists(&reg.volume, layer_path(APP, &digest)));
	assert_no_uploads(&reg);
	close_registry(&reg);
}

static void sha512_is_stored_by_its_own_name(void **state)
{
	struct dd_digest digest = digest_of(DD_SHA512, "bytes", 5);
	struct dd_upload *upload;
	char id[DD_UPLOAD_ID];
	struct registry reg;

	(void)state;
	open_registry(&reg);
	/* Told at the end, told at the beginning, and after a part of it. */
	for (int when = 0; when < 3; when++) {
		upload = begin(&reg, NULL, id);
		if (when == 1)
			dd_upload_expect(upload, &digest);
		assert_int_equal(dd_upload_append(upload, "by", 2, NULL), 0);
		if (when == 2)
			dd_upload_expect(upload, &digest);
		assert_int_equal(dd_upload_append(upload, "tes", 3, NULL), 0);
		assert_int_equal(dd_upload_commit(&upload, &digest, NULL), 0);
		assert_null(upload);
	}
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	assert_holds(&reg.volume, blob_path(&digest), "bytes");
	assert_holds(&reg.volume, layer_path(APP, &digest), dd_digest_text(&digest));
	close_registry(&reg);
}

/* ---- what is there already ---- */

static ino_t inode_of(struct registry *reg, const struct dd_digest *digest)
{
	struct stat st;

	assert_int_equal(stat(below(&reg->volume, blob_path(digest)), &st), 0);
	return st.st_ino;
}

static void a_good_blob_stays_when_it_is_pushed_again(void **state)
{
	struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	struct registry reg;
	ino_t inode;

	(void)state;
	open_registry(&reg);
	put_bytes(&reg.volume, blob_path(&digest), "bytes", 5);
	inode = inode_of(&reg, &digest);
	push(&reg, APP, "bytes", 5);
	push(&reg, OTHER, "bytes", 5);
	assert_int_equal(inode_of(&reg, &digest), inode);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	assert_pulls(&reg, OTHER, &digest, "bytes", 5);
	assert_no_uploads(&reg);
	close_registry(&reg);
}

static void a_push_heals_what_is_bad_short_or_empty(void **state)
{
	static const char *const bad[] = { "bytez", "byt", "", "bytes and more" };
	struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	struct dd_registry_counts counts;
	struct registry reg;

	(void)state;
	open_registry(&reg);
	for (size_t i = 0; i < DD_COUNT(bad); i++) {
		put_foreign(&reg, APP, &digest, bad[i], strlen(bad[i]));
		assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
		push(&reg, APP, "bytes", 5);
		assert_holds(&reg.volume, blob_path(&digest), "bytes");
		assert_pulls(&reg, APP, &digest, "bytes", 5);
	}
	dd_registry_get_counts(reg.registry, &counts);
	assert_int_equal(counts.healed, DD_COUNT(bad));
	/* An empty link, as a power cut leaves it. */
	put(&reg.volume, layer_path(APP, &digest), "");
	assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	push(&reg, APP, "bytes", 5);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	assert_no_uploads(&reg);
	close_registry(&reg);
}

static void what_is_no_file_is_left_alone(void **state)
{
	struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	struct registry reg;
	char outside[128];

	(void)state;
	open_registry(&reg);
	snprintf(outside, sizeof(outside), "%s/outside", reg.volume.root);
	put(&reg.volume, "outside", "precious");
	make_parents(&reg.volume, blob_path(&digest));
	assert_int_equal(symlink(outside, below(&reg.volume, blob_path(&digest))), 0);
	assert_int_equal(push_pieces(&reg, APP, "bytes", 5, 5, &digest), DD_ESYMLINK);
	assert_holds(&reg.volume, "outside", "precious");
	assert_int_equal(unlink(below(&reg.volume, blob_path(&digest))), 0);
	assert_int_equal(mkfifo(below(&reg.volume, blob_path(&digest)), 0644), 0);
	assert_int_equal(push_pieces(&reg, APP, "bytes", 5, 5, &digest), DD_EIRREGULAR);
	assert_false(exists(&reg.volume, layer_path(APP, &digest)));
	assert_no_uploads(&reg);
	close_registry(&reg);
}

/* ---- going on ---- */

static void an_upload_lies_on_the_disk_as_the_reference_has_it(void **state)
{
	struct dd_upload *upload;
	char id[DD_UPLOAD_ID];
	struct registry reg;
	DD_AUTOFREE char *startedat = NULL;
	int64_t ns;

	(void)state;
	open_registry(&reg);
	upload = begin(&reg, NULL, id);
	assert_true(dd_upload_valid(id));
	assert_int_equal(dd_upload_append(upload, "byt", 3, NULL), 0);
	dd_upload_release(upload);
	assert_holds(&reg.volume, upload_path(APP, id, "data"), "byt");
	startedat = get(&reg.volume, upload_path(APP, id, "startedat"), NULL);
	assert_int_equal(strlen(startedat), strlen("2026-01-01T00:00:00Z"));
	assert_int_equal(dd_time_parse(&ns, startedat, strlen(startedat)), 0);
	close_registry(&reg);
}

static void it_is_gone_on_with_after_a_restart_or_by_another_registry(void **state)
{
	struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	struct dd_upload *upload;
	char id[DD_UPLOAD_ID];
	struct registry reg;
	FILE *file;

	(void)state;
	open_registry(&reg);
	upload = begin(&reg, "alice", id);
	assert_int_equal(dd_upload_append(upload, "by", 2, NULL), 0);
	dd_upload_release(upload);
	restart(&reg);
	assert_int_equal(find(&reg, id, "bob", &upload), 0);
	assert_int_equal(dd_upload_get_offset(upload), 2);
	dd_upload_release(upload);
	/* Another one appends to it. */
	file = fopen(below(&reg.volume, upload_path(APP, id, "data")), "ae");
	assert_int_equal(fwrite("te", 1, 2, file), 2);
	fclose(file);
	assert_int_equal(find(&reg, id, NULL, &upload), 0);
	assert_int_equal(dd_upload_get_offset(upload), 4);
	assert_int_equal(dd_upload_append(upload, "s", 1, NULL), 0);
	assert_int_equal(dd_upload_commit(&upload, &digest, NULL), 0);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	assert_no_uploads(&reg);
	close_registry(&reg);
}

static void what_another_wrote_into_it_is_noticed(void **state)
{
	struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	struct dd_upload *upload;
	char id[DD_UPLOAD_ID];
	struct registry reg;

	(void)state;
	open_registry(&reg);
	upload = begin(&reg, NULL, id);
	assert_int_equal(dd_upload_append(upload, "bytes", 5, NULL), 0);
	usleep(20 * 1000);
	put(&reg.volume, upload_path(APP, id, "data"), "rubbish");
	assert_true(dd_upload_commit(&upload, &digest, NULL) < 0);
	upload = begin(&reg, NULL, id);
	assert_int_equal(dd_upload_append(upload, "bytes", 5, NULL), 0);
	dd_upload_release(upload);
	usleep(20 * 1000); /* a tick of the file system's clock, at least */
	put(&reg.volume, upload_path(APP, id, "data"), "bytez");
	assert_int_equal(find(&reg, id, NULL, &upload), 0);
	assert_int_equal(dd_upload_commit(&upload, &digest, NULL), DD_ECORRUPT);
	assert_false(exists(&reg.volume, blob_path(&digest)));
	close_registry(&reg);
}

static void it_is_its_owners_and_its_repositorys(void **state)
{
	struct dd_upload *upload, *again;
	char id[DD_UPLOAD_ID];
	struct registry reg;

	(void)state;
	open_registry(&reg);
	upload = begin(&reg, "alice", id);
	assert_int_equal(find(&reg, id, "alice", &again), DD_ELOCKED);
	dd_upload_release(upload);
	assert_int_equal(find(&reg, id, "bob", &again), DD_ENOENT);
	assert_int_equal(find(&reg, id, NULL, &again), DD_ENOENT);
	assert_int_equal(dd_upload_find(reg.registry, OTHER, id, "alice", &again, NULL), DD_ENOENT);
	assert_int_equal(find(&reg, "0f2b6f2e-30a7-4c0e-8f3c-9a1b2c3d4e5f", "alice", &again),
			 DD_ENOENT);
	assert_int_equal(find(&reg, "../../../../etc", "alice", &again), DD_ENOENT);
	assert_int_equal(find(&reg, id, "alice", &again), 0);
	assert_int_equal(dd_upload_cancel(&again, NULL), 0);
	assert_null(again);
	assert_int_equal(find(&reg, id, "alice", &again), DD_ENOENT);
	assert_no_uploads(&reg);
	close_registry(&reg);
}

static void one_whose_directory_went_is_gone(void **state)
{
	struct dd_upload *upload;
	char id[DD_UPLOAD_ID];
	struct registry reg;

	(void)state;
	open_registry(&reg);
	reg.options.uploads_max = 1;
	dd_registry_set_options(reg.registry, &reg.options);
	dd_upload_release(begin(&reg, NULL, id));
	remove_tree(&reg.volume, upload_path(APP, id, ""));
	assert_int_equal(find(&reg, id, NULL, &upload), DD_ENOENT);
	/* And takes no place any more. */
	dd_upload_release(begin(&reg, NULL, id));
	/* Also if nobody asks for it: a collector has taken it, and another is begun. */
	remove_tree(&reg.volume, upload_path(APP, id, ""));
	dd_upload_release(begin(&reg, NULL, id));
	close_registry(&reg);
}

/* ---- bounds ---- */

static void there_are_no_more_than_may_be(void **state)
{
	struct dd_upload *uploads[3], *more;
	char id[DD_UPLOAD_ID];
	struct registry reg;

	(void)state;
	open_registry(&reg);
	reg.options.uploads_max = 3;
	dd_registry_set_options(reg.registry, &reg.options);
	for (int i = 0; i < 3; i++)
		uploads[i] = begin(&reg, NULL, id);
	assert_int_equal(dd_upload_begin(reg.registry, APP, NULL, NULL, &more, NULL), DD_ETOOBIG);
	assert_null(more);
	dd_upload_release(uploads[1]);
	assert_int_equal(dd_upload_begin(reg.registry, APP, NULL, NULL, &more, NULL), DD_ETOOBIG);
	assert_int_equal(dd_upload_cancel(&uploads[0], NULL), 0);
	assert_int_equal(dd_upload_begin(reg.registry, APP, NULL, NULL, &more, NULL), 0);
	dd_upload_release(more);
	dd_upload_release(uploads[2]);
	close_registry(&reg);
}

static void thousands_that_are_begun_and_left_cost_no_descriptor(void **state)
{
	struct dd_digest digest = digest_of(DD_SHA256, "xy", 2);
	char first[DD_UPLOAD_ID], id[DD_UPLOAD_ID];
	struct dd_upload *upload;
	struct registry reg;
	int before, after;

	(void)state;
	open_registry(&reg);
	before = dup(0);
	for (int i = 0; i < 3000; i++) {
		upload = begin(&reg, NULL, i ? id : first);
		assert_int_equal(dd_upload_append(upload, "x", 1, NULL), 0);
		dd_upload_release(upload);
	}
	after = dup(0);
	assert_int_equal(after, before + 1);
	close(before);
	close(after);
	/* The first has given up its hash by now. */
	assert_int_equal(find(&reg, first, NULL, &upload), 0);
	assert_int_equal(dd_upload_append(upload, "y", 1, NULL), 0);
	assert_int_equal(dd_upload_commit(&upload, &digest, NULL), 0);
	assert_pulls(&reg, APP, &digest, "xy", 2);
	close_registry(&reg);
}

static void the_disk_is_not_filled_up(void **state)
{
	struct dd_upload *upload;
	char id[DD_UPLOAD_ID];
	struct registry reg;

	(void)state;
	open_registry(&reg);
	upload = begin(&reg, NULL, id);
	reg.options.keep_free = UINT64_MAX / 2;
	dd_registry_set_options(reg.registry, &reg.options);
	assert_int_equal(dd_upload_append(upload, "bytes", 5, reg.err), DD_ENOSPC);
	assert_non_null(strstr(reg.err->text, "kept free"));
	assert_int_equal(dd_upload_get_offset(upload), 0);
	dd_upload_release(upload);
	assert_int_equal(dd_upload_begin(reg.registry, APP, NULL, NULL, &upload, NULL), DD_ENOSPC);
	reg.options.keep_free = 0;
	dd_registry_set_options(reg.registry, &reg.options);
	assert_int_equal(find(&reg, id, NULL, &upload), 0);
	assert_int_equal(dd_upload_append(upload, "bytes", 5, NULL), 0);
	dd_upload_release(upload);
	close_registry(&reg);
}

static void one_client_does_not_hold_all_uploads(void **state)
{
	struct registry reg;
	struct dd_upload *hers[2], *more = NULL;

	(void)state;
	open_registry(&reg);
	reg.options.uploads_max = 4;
	reg.options.uploads_per_client = 2;
	dd_registry_set_options(reg.registry, &reg.options);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(dd_upload_begin(reg.registry, APP, NULL, "her", &hers[i], NULL),
				 0);
	assert_int_equal(dd_upload_begin(reg.registry, APP, NULL, "her", &more, reg.err),
			 DD_ETOOBIG);
	assert_non_null(strstr(reg.err->text, "of this client"));
	assert_int_equal(dd_upload_begin(reg.registry, APP, NULL, "him", &more, NULL), 0);
	dd_upload_release(more);
	/* What nobody is at counts, and what has ended does not. */
	dd_upload_release(hers[0]);
	assert_int_equal(dd_upload_begin(reg.registry, APP, NULL, "her", &more, NULL), DD_ETOOBIG);
	assert_int_equal(dd_upload_cancel(&hers[1], NULL), 0);
	assert_int_equal(dd_upload_begin(reg.registry, APP, NULL, "her", &more, NULL), 0);
	dd_upload_release(more);
	close_registry(&reg);
}

static void uploads_nobody_goes_on_with_are_purged(void **state)
{
	static const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	static const char *const names[] = { "startedat", "data", "" };
	char ids[3][DD_UPLOAD_ID];
	struct dd_upload *upload, *busy;
	struct registry reg;
	uint64_t gone;

	(void)state;
	open_registry(&reg);
	dd_upload_release(begin(&reg, NULL, ids[0]));
	busy = begin(&reg, NULL, ids[1]);
	dd_upload_release(begin(&reg, NULL, ids[2]));
	put(&reg.volume, REPO "_uploads/" UUID "/startedat", "2020-01-01T00:00:00Z");
	put(&reg.volume, REPO "_uploads/not-an-upload/data", "alien");
	for (size_t i = 0; i < DD_COUNT(names); i++) {
		for (int u = 0; u < 2; u++)
			assert_int_equal(
				utimensat(AT_FDCWD,
					  below(&reg.volume, upload_path(APP, ids[u], names[i])),
					  old, 0),
				0);
		if (i != 1)
			assert_int_equal(
				utimensat(AT_FDCWD,
					  below(&reg.volume, upload_path(APP, UUID, names[i])), old,
					  0),
				0);
	}
	assert_int_equal(dd_registry_purge_uploads(reg.registry, 3600 * DD_SECOND, &gone, NULL), 0);
	assert_int_equal(gone, 2);
	assert_int_equal(find(&reg, ids[0], NULL, &upload), DD_ENOENT);
	assert_true(exists(&reg.volume, upload_path(APP, ids[1], "data")));
	assert_true(exists(&reg.volume, upload_path(APP, ids[2], "data")));
	assert_true(exists(&reg.volume, REPO "_uploads/not-an-upload/data"));
	assert_false(exists(&reg.volume, REPO "_uploads/" UUID));
	dd_upload_release(busy);
	assert_int_equal(dd_registry_purge_uploads(reg.registry, -3600 * DD_SECOND, &gone, NULL),
			 0);
	assert_int_equal(gone, 2);
	close_registry(&reg);
}

/* ---- many at once ---- */

#define THREADS 8
#define EACH 40

struct pusher {
	struct registry *reg;
	unsigned number;
};

/* Half of them are the same for all threads. */
static void *push_in_thread(void *arg)
{
	struct pusher *pusher = arg;

	for (unsigned i = 0; i < EACH; i++) {
		unsigned seed = i % 2 ? i : 1000 + 100 * pusher->number + i;
		DD_AUTOFREE unsigned char *bytes = make_bytes(3000, seed);
		struct dd_digest digest;
		struct dd_upload *upload = NULL;

		dd_digest_of(&digest, DD_SHA256, bytes, 3000, NULL);
		if (dd_upload_begin(pusher->reg->registry, pusher->number % 2 ? APP : OTHER, NULL,
				    NULL, &upload, NULL) < 0 ||
		    dd_upload_append(upload, bytes, 3000, NULL) < 0 ||
		    dd_upload_commit(&upload, &digest, NULL) < 0)
			return (void *)"failed";
	}
	return NULL;
}

static void many_push_at_once_also_the_same(void **state)
{
	struct pusher pushers[THREADS];
	pthread_t threads[THREADS];
	struct registry reg;

	(void)state;
	open_registry(&reg);
	for (unsigned i = 0; i < THREADS; i++) {
		pushers[i] = (struct pusher){ &reg, i };
		assert_int_equal(pthread_create(&threads[i], NULL, push_in_thread, &pushers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	for (unsigned i = 0; i < THREADS; i++)
		for (unsigned n = 0; n < EACH; n++) {
			DD_AUTOFREE unsigned char *bytes =
				make_bytes(3000, n % 2 ? n : 1000 + 100 * i + n);
			struct dd_digest digest = digest_of(DD_SHA256, bytes, 3000);

			assert_pulls(&reg, i % 2 ? APP : OTHER, &digest, bytes, 3000);
		}
	assert_no_uploads(&reg);
	close_registry(&reg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_pushed_is_pulled),
		cmocka_unit_test(what_is_pushed_is_not_read_again_to_be_served),
		cmocka_unit_test(what_has_another_digest_becomes_nothing),
		cmocka_unit_test(sha512_is_stored_by_its_own_name),
		cmocka_unit_test(a_good_blob_stays_when_it_is_pushed_again),
		cmocka_unit_test(a_push_heals_what_is_bad_short_or_empty),
		cmocka_unit_test(what_is_no_file_is_left_alone),
		cmocka_unit_test(an_upload_lies_on_the_disk_as_the_reference_has_it),
		cmocka_unit_test(it_is_gone_on_with_after_a_restart_or_by_another_registry),
		cmocka_unit_test(what_another_wrote_into_it_is_noticed),
		cmocka_unit_test(it_is_its_owners_and_its_repositorys),
		cmocka_unit_test(one_whose_directory_went_is_gone),
		cmocka_unit_test(there_are_no_more_than_may_be),
		cmocka_unit_test(thousands_that_are_begun_and_left_cost_no_descriptor),
		cmocka_unit_test(the_disk_is_not_filled_up),
		cmocka_unit_test(one_client_does_not_hold_all_uploads),
		cmocka_unit_test(uploads_nobody_goes_on_with_are_purged),
		cmocka_unit_test(many_push_at_once_also_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
