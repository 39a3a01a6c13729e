/*
 * What a collector asks before it takes something: whose it is, and whether somebody is at it.
 */
#include "registry_take.h"

#include "registry/revive.h"

static bool is_ours(struct registry *reg, const char *path)
{
	DD_AUTOFREE char *memory = NULL;
	struct dd_place place = place_of(path, &memory);
	struct dd_trace trace;
	struct dd_info info;

	assert_int_equal(dd_store_stat(reg->volume.store, &place, &info, NULL), 0);
	trace = (struct dd_trace){ dd_stamp_sum(&info.stamp), dd_stamp_time(&info.stamp) };
	return dd_written_is_ours(dd_registry_get_watch(reg->registry)->written, &trace);
}

/* By one that died a moment ago, say. */
static void what_was_written_up_to_the_start_is_nobodys_and_from_then_on_anothers(void **state)
{
	struct registry reg;

	(void)state;
	open_registry(&reg);
	for (unsigned i = 0; i < 20; i++) {
		struct dd_digest before = digest_of(DD_SHA256, &i, sizeof(i)),
				 after = digest_of(DD_SHA512, &i, sizeof(i));

		put_foreign(&reg, APP, &before, &i, sizeof(i));
		restart(&reg);
		put_foreign(&reg, APP, &after, &i, sizeof(i));
		assert_true(is_ours(&reg, layer_path(APP, &before)));
		assert_false(is_ours(&reg, layer_path(APP, &after)));
	}
	close_registry(&reg);
}

static void all_that_is_written_here_is_known_to_be_ours_and_nothing_else(void **state)
{
	struct dd_digest digest, foreign = digest_of(DD_SHA256, "other", 5);
	struct dd_upload *upload;
	struct registry reg;
	char path[256], run[32];
	const char *paths[1];

	(void)state;
	open_registry(&reg);
	digest = push(&reg, OTHER, "bytes", 5);
	assert_int_equal(mount(&reg, OTHER, &digest, "*"), 0);
	assert_true(is_ours(&reg, blob_path(&digest)));
	assert_true(is_ours(&reg, layer_path(OTHER, &digest)));
	assert_true(is_ours(&reg, layer_path(APP, &digest)));
	put_foreign(&reg, APP, &foreign, "other", 5);
	assert_false(is_ours(&reg, blob_path(&foreign)));
	assert_false(is_ours(&reg, layer_path(APP, &foreign)));
	/* What is back from the trash has changed by our hand, whoever wrote it. */
	paths[0] = layer_path(APP, &foreign);
	take(&reg, DD_REASON_LINK_UNUSED, paths, 1, run);
	assert_int_equal(look(&reg, APP, &foreign), 0);
	assert_true(is_ours(&reg, layer_path(APP, &foreign)));
	assert_int_equal(dd_upload_begin(reg.registry, APP, NULL, NULL, &upload, NULL), 0);
	snprintf(path, sizeof(path), REPO "_uploads/%s/data", dd_upload_get_id(upload));
	assert_true(is_ours(&reg, path));
	assert_int_equal(dd_upload_append(upload, "byt", 3, NULL), 0);
	dd_upload_release(upload);
	assert_true(is_ours(&reg, path));
	close_registry(&reg);
}

static void an_upload_that_somebody_is_at_is_not_to_be_had(void **state)
{
	struct dd_gate_key key = { .kind = DD_KEY_UPLOAD, .repository = APP };
	struct dd_watch_gate *gate;
	struct dd_gate_terms terms;
	const struct dd_gate *ask;
	struct dd_upload *upload;
	char id[DD_UPLOAD_ID];
	struct registry reg;
	bool granted = true;

	(void)state;
	open_registry(&reg);
	reg.options.lease_ns = 1;
	dd_registry_set_options(reg.registry, &reg.options);
	assert_int_equal(dd_upload_begin(reg.registry, APP, NULL, NULL, &upload, NULL), 0);
	snprintf(id, sizeof(id), "%s", dd_upload_get_id(upload));
	key.name = id;
	assert_int_equal(dd_watch_gate_open(dd_registry_get_watch(reg.registry), &gate, NULL), 0);
	ask = dd_watch_gate_get(gate);
	assert_int_equal(ask->begin(ask->arg, &terms, NULL), 0);
	assert_int_equal(ask->hold(ask->arg, &key, 1, &granted, NULL), 0);
	assert_false(granted);
	dd_upload_release(upload);
	ask->end(ask->arg);
	assert_int_equal(ask->begin(ask->arg, &terms, NULL), 0);
	assert_int_equal(ask->hold(ask->arg, &key, 1, &granted, NULL), 0);
	assert_true(granted);
	assert_int_equal(ask->give_back(ask->arg, NULL), 0);
	ask->end(ask->arg);
	dd_watch_gate_closep(&gate);
	close_registry(&reg);
}

static int open_whole(struct registry *reg, const char *repository, const struct dd_digest *digest)
{
	DD_CLEANUP(dd_download_closep) struct dd_download *download = NULL;

	return dd_registry_open_blob(reg->registry, repository, digest, true, &download, reg->err);
}

struct taker {
	struct registry *reg;
	struct dd_watch_gate *gate;
	unsigned tries, granted;
};

/* In the middle of a revival, which says each of its steps. */
static void try_to_take(void *arg, enum dd_log_level level, const char *text)
{
	struct taker *taker = arg;
	const struct dd_gate *ask = dd_watch_gate_get(taker->gate);
	struct dd_gate_key keys[] = { { .kind = DD_KEY_DIGEST, .repository = APP },
				      { .kind = DD_KEY_BLOB } };
	struct dd_gate_terms terms;
	bool granted[2];

	(void)level;
	if (!strstr(text, "is back from the trash"))
		return;
	taker->tries++;
	assert_int_equal(dd_digest_parse(&keys[0].digest, strstr(text, "sha256:"), 71), 0);
	keys[1].digest = keys[0].digest;
	if (ask->begin(ask->arg, &terms, NULL) < 0 ||
	    ask->hold(ask->arg, keys, 2, granted, NULL) < 0)
		return;
	taker->granted += granted[0] + granted[1];
	ask->give_back(ask->arg, NULL);
	ask->end(ask->arg);
}

static void what_is_being_brought_back_is_not_to_be_had_however_short_a_lease(void **state)
{
	static int (*const asks[])(struct registry *, const char *,
				   const struct dd_digest *) = { look, open_whole };
	struct registry reg;
	struct taker taker = { .reg = &reg };
	struct dd_digest digest;
	char run[32];

	(void)state;
	open_registry(&reg);
	reg.options.lease_ns = 1;
	dd_registry_set_options(reg.registry, &reg.options);
	digest = push(&reg, APP, "bytes", 5);
	assert_int_equal(dd_watch_gate_open(dd_registry_get_watch(reg.registry), &taker.gate, NULL),
			 0);
	dd_context_set_log(reg.volume.ctx, try_to_take, &taker, DD_LOG_NOTE);
	for (size_t i = 0; i < DD_COUNT(asks); i++) {
		const char *const paths[] = { layer_path(APP, &digest), blob_path(&digest) };

		take(&reg, DD_REASON_UNREFERENCED, paths, 2, run);
		assert_int_equal(asks[i](&reg, APP, &digest), 0);
	}
	assert_int_equal(taker.tries, 4);
	assert_int_equal(taker.granted, 0);
	dd_watch_gate_closep(&taker.gate);
	close_registry(&reg);
}

/* A manifest's bytes, its revision, its layer's bytes and link. */
static void nor_is_what_a_manifest_brings_with_it(void **state)
{
	struct dd_digest layer, image;
	DD_CLEANUP(dd_pulled_release) struct dd_pulled pulled;
	struct registry reg;
	struct taker taker = { .reg = &reg };
	char text[1500], run[32];

	(void)state;
	open_registry(&reg);
	reg.options.lease_ns = 1;
	dd_registry_set_options(reg.registry, &reg.options);
	layer = push(&reg, APP, "layer", 5);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_TYPE
		 "\",\"config\":%s,\"layers\":[]}",
		 descriptor(&layer, 5, "application/vnd.oci.image.config.v1+json"));
	image = digest_of(DD_SHA256, text, strlen(text));
	put(&reg.volume, blob_path(&image), text);
	put_link(&reg, path_of(DD_AT_REVISION, APP, &image), &image);
	take(&reg, DD_REASON_UNREFERENCED,
	     (const char *const[]){ path_of(DD_AT_REVISION, APP, &image), layer_path(APP, &layer),
				    blob_path(&image), blob_path(&layer) },
	     4, run);
	assert_int_equal(dd_watch_gate_open(dd_registry_get_watch(reg.registry), &taker.gate, NULL),
			 0);
	dd_context_set_log(reg.volume.ctx, try_to_take, &taker, DD_LOG_NOTE);
	assert_int_equal(
		dd_registry_get_manifest(reg.registry, APP, NULL, &image, &pulled, reg.err), 0);
	assert_int_equal(taker.tries, 4);
	assert_int_equal(taker.granted, 0);
	dd_watch_gate_closep(&taker.gate);
	close_registry(&reg);
}

#define ROUNDS 40

struct race {
	struct registry *reg;
	struct dd_digest digest;
	_Atomic bool over;
};

static void *look_in_thread(void *arg)
{
	struct race *race = arg;

	while (!race->over) {
		DD_CLEANUP(dd_download_closep) struct dd_download *download = NULL;
		char bytes[16];

		if (dd_registry_open_blob(race->reg->registry, APP, &race->digest, true, &download,
					  NULL) < 0 ||
		    dd_download_read(download, 0, bytes, sizeof(bytes), true, NULL) != 5)
			return (void *)"not found";
		usleep(300); /* or there would be no moment at which nobody looks */
	}
	return NULL;
}

/* What a worker of the daemon does with a link and its blob: ask, withdraw, sync, give back. */
static unsigned collect_once(struct race *race, const struct dd_gate *ask)
{
	const struct dd_gate_key keys[] = {
		{ .kind = DD_KEY_DIGEST, .repository = APP, .digest = race->digest },
		{ .kind = DD_KEY_BLOB, .digest = race->digest },
	};
	const char *const paths[] = { layer_path(APP, &race->digest), blob_path(&race->digest) };
	struct dd_gate_terms terms;
	bool granted[2], takes;
	char run[32];

	assert_int_equal(ask->begin(ask->arg, &terms, NULL), 0);
	assert_int_equal(ask->hold(ask->arg, keys, 2, granted, NULL), 0);
	/* Nobody may have looked since it went last. */
	takes = granted[0] && granted[1] && exists(&race->reg->volume, paths[0]);
	if (takes)
		take(race->reg, DD_REASON_UNREFERENCED, paths, 2, run);
	assert_int_equal(ask->give_back(ask->arg, NULL), 0);
	ask->end(ask->arg);
	return takes;
}

/* The lease is so short that it has run out by the time of the next look. */
static void who_asks_while_it_goes_is_served_all_the_same(void **state)
{
	struct registry reg;
	struct race race = { .reg = &reg };
	struct dd_registry_counts counts;
	struct dd_watch_gate *gate;
	pthread_t threads[3];
	unsigned taken = 0;

	(void)state;
	open_registry(&reg);
	reg.options.lease_ns = 1;
	dd_registry_set_options(reg.registry, &reg.options);
	race.digest = push(&reg, APP, "bytes", 5);
	assert_int_equal(dd_watch_gate_open(dd_registry_get_watch(reg.registry), &gate, NULL), 0);
	for (size_t i = 0; i < DD_COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look_in_thread, &race), 0);
	/* Now and then somebody is just looking, or nobody has since it went. */
	for (unsigned i = 0; i < 100000 && taken < ROUNDS; i++) {
		taken += collect_once(&race, dd_watch_gate_get(gate));
		usleep(200);
	}
	race.over = true;
	for (size_t i = 0; i < DD_COUNT(threads); i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(look(&reg, APP, &race.digest), 0);
	dd_registry_get_counts(reg.registry, &counts);
	assert_int_equal(taken, ROUNDS);
	assert_int_equal(counts.revived, 2 * taken);
	dd_watch_gate_closep(&gate);
	close_registry(&reg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_was_written_up_to_the_start_is_nobodys_and_from_then_on_anothers),
		cmocka_unit_test(all_that_is_written_here_is_known_to_be_ours_and_nothing_else),
		cmocka_unit_test(an_upload_that_somebody_is_at_is_not_to_be_had),
		cmocka_unit_test(what_is_being_brought_back_is_not_to_be_had_however_short_a_lease),
		cmocka_unit_test(nor_is_what_a_manifest_brings_with_it),
		cmocka_unit_test(who_asks_while_it_goes_is_served_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
