/*
 * A repository gets a blob of another's, loses one, and gets back what lies in the trash.
 */
#include "registry.h"

#include "registry/registry.h"
#include "registry/revive.h"

/* ---- mounts ---- */

static bool may_pull_from(void *arg, const char *repository)
{
	return !strcmp(arg, "*") || !strcmp(arg, repository);
}

static int mount(struct registry *reg, const char *from, const struct dd_digest *digest, const char *allowed)
{
	return dd_registry_mount_blob(reg->registry, APP, from, digest, may_pull_from, (void *)allowed,
				      reg->err);
}

static void a_blob_is_mounted_from_a_repository_that_may_be_read(void **state)
{
	struct dd_registry_counts counts;
	struct dd_digest digest;
	struct registry reg;

	(void)state;
	open_registry(&reg);
	digest = push(&reg, OTHER, "bytes", 5);
	assert_int_equal(mount(&reg, "team/none", &digest, "*"), DD_ENOENT);
	assert_int_equal(mount(&reg, OTHER, &digest, "team/else"), DD_ENOENT);
	assert_int_equal(mount(&reg, "../other", &digest, "*"), DD_EFORMAT);
	assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	assert_int_equal(mount(&reg, OTHER, &digest, OTHER), 0);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	assert_holds(&reg.volume, layer_path(APP, &digest), dd_digest_text(&digest));
	/* Again: it has it, and nobody need be asked. */
	assert_int_equal(mount(&reg, OTHER, &digest, "team/else"), 0);
	dd_registry_get_counts(reg.registry, &counts);
	assert_int_equal(counts.mounted, 1);
	close_registry(&reg);
}

static void without_a_source_one_is_found_among_those_that_may_be_read(void **state)
{
	struct dd_digest one, two;
	struct registry reg;

	(void)state;
	open_registry(&reg);
	one = push(&reg, "a/b/c", "one", 3);
	push(&reg, "secret", "one", 3);
	assert_int_equal(mount(&reg, NULL, &one, "secret/else"), DD_ENOENT);
	assert_int_equal(mount(&reg, NULL, &one, "a/b/c"), 0);
	assert_pulls(&reg, APP, &one, "one", 3);
	/* Pushed since it was made out where blobs are; and no longer where it was. */
	two = push(&reg, "later", "two", 3);
	assert_int_equal(mount(&reg, NULL, &two, "*"), 0);
	assert_int_equal(unlink(below(&reg.volume, layer_path(APP, &two))), 0);
	assert_int_equal(unlink(below(&reg.volume, layer_path("later", &two))), 0);
	assert_int_equal(mount(&reg, NULL, &two, "*"), DD_ENOENT);
	close_registry(&reg);
}

static void what_is_bad_is_not_spread(void **state)
{
	struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	struct registry reg;

	(void)state;
	open_registry(&reg);
	put_foreign(&reg, OTHER, &digest, "bytez", 5);
	assert_int_equal(mount(&reg, OTHER, &digest, "*"), DD_ENOENT);
	assert_int_equal(mount(&reg, NULL, &digest, "*"), DD_ENOENT);
	assert_false(exists(&reg.volume, layer_path(APP, &digest)));
	close_registry(&reg);
}

static void an_alias_is_mounted_as_one(void **state)
{
	struct dd_digest stored = digest_of(DD_SHA256, "bytes", 5);
	struct dd_digest alias = digest_of(DD_SHA512, "bytes", 5);
	struct registry reg;

	(void)state;
	open_registry(&reg);
	put_foreign(&reg, OTHER, &stored, "bytes", 5);
	put_link(&reg, layer_path(OTHER, &alias), &stored);
	assert_int_equal(mount(&reg, OTHER, &alias, "*"), 0);
	assert_holds(&reg.volume, layer_path(APP, &alias), dd_digest_text(&stored));
	assert_pulls(&reg, APP, &alias, "bytes", 5);
	close_registry(&reg);
}

/* ---- deletion ---- */

static void what_is_deleted_is_gone_here_alone_and_lies_in_the_trash(void **state)
{
	struct dd_digest digest;
	struct dd_trash trash;
	struct registry reg;
	uint64_t before;

	(void)state;
	open_registry(&reg);
	digest = push(&reg, APP, "bytes", 5);
	push(&reg, OTHER, "bytes", 5);
	before = dd_registry_get_generation(reg.registry, APP);
	assert_int_equal(dd_registry_delete_blob(reg.registry, APP, &digest, reg.err), 0);
	assert_true(dd_registry_get_generation(reg.registry, APP) != before);
	assert_int_equal(dd_registry_delete_blob(reg.registry, APP, &digest, NULL), DD_ENOENT);
	/* Asked for, it does not come back: somebody wanted it gone. */
	assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	assert_int_equal(dd_registry_bring_back(reg.registry, APP, &digest, NULL), 0);
	assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	assert_pulls(&reg, OTHER, &digest, "bytes", 5);
	assert_int_equal(dd_trash_load(reg.volume.ctx, reg.volume.store, &trash, NULL), 0);
	assert_int_equal(trash.count, 1);
	assert_int_equal(trash.runs[0].count, 1);
	assert_int_equal(trash.runs[0].items[0].reason, DD_REASON_REMOVED);
	assert_non_null(strstr(trash.runs[0].command, "delete " APP "@sha256:"));
	dd_trash_release(&trash);
	push(&reg, APP, "bytes", 5);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	close_registry(&reg);
}

/* ---- revival ---- */

/* As a collector takes things: by their paths, for a reason. */
static void take(struct registry *reg, enum dd_reason reason, const char *const *paths, size_t count,
		 char run[32])
{
	struct dd_change *change = begin_change(&reg->volume);
	struct dd_item items[8];
	char *memory[8];

	for (size_t i = 0; i < count; i++) {
		items[i] = item_of(&reg->volume, paths[i], &memory[i]);
		items[i].reason = reason;
		assert_int_equal(dd_change_announce(change, &items[i], reg->err), 0);
	}
	assert_int_equal(dd_change_seal(change, reg->err), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(dd_change_withdraw(change, &items[i], reg->err), 0);
		free(memory[i]);
	}
	snprintf(run, 32, "%s", dd_change_get_run(change));
	assert_int_equal(dd_change_finish(change, false, reg->err), 0);
	dd_change_close(change);
}

static void what_a_collector_took_comes_back_when_it_is_asked_for(void **state)
{
	struct dd_registry_counts counts;
	struct dd_digest digest;
	struct registry reg;
	char run[32];

	(void)state;
	open_registry(&reg);
	digest = push(&reg, OTHER, "bytes", 5);
	push(&reg, APP, "bytes", 5);
	/* Bytes alone; the link alone; both. */
	for (int what = 1; what <= 3; what++) {
		const char *const paths[] = { layer_path(APP, &digest), blob_path(&digest) };

		take(&reg, what == 1 ? DD_REASON_UNREFERENCED : DD_REASON_LINK_UNUSED,
		     paths + (what == 1), what == 3 ? 2 : 1, run);
		assert_false(exists(&reg.volume, paths[what == 1]));
		assert_int_equal(look(&reg, APP, &digest), 0);
		assert_pulls(&reg, APP, &digest, "bytes", 5);
		assert_true(exists(&reg.volume, paths[0]) && exists(&reg.volume, paths[1]));
		/* Not by a copy: it is no longer there. */
		assert_false(exists(&reg.volume, in_trash(run, paths[what == 1])));
	}
	dd_registry_get_counts(reg.registry, &counts);
	assert_int_equal(counts.revived, 4);
	close_registry(&reg);
}

static void what_a_person_or_a_policy_removed_or_was_bad_stays_away(void **state)
{
	static const enum dd_reason reasons[] = { DD_REASON_REMOVED, DD_REASON_POLICY,
						  DD_REASON_DAMAGED, DD_REASON_REPLACED };
	struct dd_digest digest;
	struct registry reg;
	char run[32];

	(void)state;
	open_registry(&reg);
	digest = digest_of(DD_SHA256, "bytes", 5);
	for (size_t i = 0; i < DD_COUNT(reasons); i++) {
		const char *const paths[] = { layer_path(APP, &digest) };

		push(&reg, APP, "bytes", 5);
		take(&reg, reasons[i], paths, 1, run);
		assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
		assert_true(exists(&reg.volume, in_trash(run, paths[0])));
	}
	close_registry(&reg);
}

/* An older run has taken the same once, and it was pushed again; then somebody wanted it gone. */
static void what_was_removed_since_does_not_come_back_from_an_older_run(void **state)
{
	const struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	const char *const paths[] = { layer_path(APP, &digest) };
	struct registry reg;
	char run[32];

	(void)state;
	open_registry(&reg);
	for (int i = 0; i < 2; i++) {
		push(&reg, APP, "bytes", 5);
		take(&reg, DD_REASON_LINK_UNUSED, paths, 1, run);
		assert_int_equal(look(&reg, APP, &digest), 0);
		take(&reg, DD_REASON_LINK_UNUSED, paths, 1, run);
		push(&reg, APP, "bytes", 5);
		if (i)
			take(&reg, DD_REASON_POLICY, paths, 1, run);
		else
			assert_int_equal(
				dd_registry_delete_blob(reg.registry, APP, &digest, reg.err), 0);
		assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
		/* Nor when it is known what each of them has, or not any more. */
		assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
		restart(&reg);
		assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	}
	push(&reg, APP, "bytes", 5);
	take(&reg, DD_REASON_LINK_UNUSED, paths, 1, run);
	assert_int_equal(look(&reg, APP, &digest), 0);
	assert_false(exists(&reg.volume, in_trash(run, paths[0])));
	close_registry(&reg);
}

static void what_was_bad_since_comes_back_from_an_older_run(void **state)
{
	const struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	const char *const paths[] = { blob_path(&digest) };
	struct registry reg;
	char runs[2][32];

	(void)state;
	open_registry(&reg);
	push(&reg, APP, "bytes", 5);
	take(&reg, DD_REASON_UNREFERENCED, paths, 1, runs[0]);
	put_bytes(&reg.volume, paths[0], "other", 5);
	take(&reg, DD_REASON_DAMAGED, paths, 1, runs[1]);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	assert_false(exists(&reg.volume, in_trash(runs[0], paths[0])));
	assert_true(exists(&reg.volume, in_trash(runs[1], paths[0])));
	close_registry(&reg);
}

static void the_latest_of_several_comes_back_and_a_mount_finds_it(void **state)
{
	const struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	const char *const paths[] = { layer_path(OTHER, &digest), blob_path(&digest) };
	struct registry reg;
	char runs[2][32];

	(void)state;
	open_registry(&reg);
	for (int i = 0; i < 2; i++) {
		if (i)
			put_foreign(&reg, OTHER, &digest, "bytes", 5);
		else
			push(&reg, OTHER, "bytes", 5);
		take(&reg, DD_REASON_UNREFERENCED, paths, 2, runs[i]);
	}
	assert_int_equal(mount(&reg, OTHER, &digest, "*"), 0);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	assert_true(exists(&reg.volume, in_trash(runs[0], paths[1])));
	assert_false(exists(&reg.volume, in_trash(runs[1], paths[1])));
	close_registry(&reg);
}

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

static char *descriptor(const struct dd_digest *digest, size_t size, const char *type)
{
	static char texts[4][400];
	static unsigned next;
	char *text = texts[next++ % 4];

	snprintf(text, sizeof(texts[0]), "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}", type,
		 dd_digest_text(digest), size);
	return text;
}

static void with_a_manifest_all_comes_back_that_it_reaches(void **state)
{
	struct dd_digest config, layer, image, index;
	struct registry reg;
	char text[2][1500], run[32];
	const char *paths[8];

	(void)state;
	open_registry(&reg);
	config = push(&reg, APP, "{}", 2);
	layer = push(&reg, APP, "layer", 5);
	snprintf(text[0], sizeof(text[0]),
		 "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_TYPE "\",\"config\":%s,\"layers\":[%s]}",
		 descriptor(&config, 2, "application/vnd.oci.image.config.v1+json"),
		 descriptor(&layer, 5, "application/vnd.oci.image.layer.v1.tar"));
	image = digest_of(DD_SHA256, text[0], strlen(text[0]));
	snprintf(text[1], sizeof(text[1]),
		 "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
		 "\"manifests\":[%s]}",
		 descriptor(&image, strlen(text[0]), MANIFEST_TYPE));
	index = digest_of(DD_SHA256, text[1], strlen(text[1]));
	put(&reg.volume, blob_path(&image), text[0]);
	put(&reg.volume, blob_path(&index), text[1]);
	put_link(&reg, path_of(DD_AT_REVISION, APP, &image), &image);
	put_link(&reg, path_of(DD_AT_REVISION, APP, &index), &index);

	paths[0] = strdup(path_of(DD_AT_REVISION, APP, &index));
	paths[1] = strdup(path_of(DD_AT_REVISION, APP, &image));
	paths[2] = strdup(layer_path(APP, &config));
	paths[3] = strdup(layer_path(APP, &layer));
	paths[4] = strdup(blob_path(&index));
	paths[5] = strdup(blob_path(&image));
	paths[6] = strdup(blob_path(&config));
	paths[7] = strdup(blob_path(&layer));
	take(&reg, DD_REASON_UNREFERENCED, paths, 8, run);
	assert_int_equal(dd_registry_bring_back(reg.registry, OTHER, &index, NULL), 0);
	assert_false(exists(&reg.volume, paths[4]));
	assert_int_equal(dd_registry_bring_back(reg.registry, APP, &index, reg.err), 0);
	for (size_t i = 0; i < 8; i++) {
		if (!exists(&reg.volume, paths[i]))
			fail_msg("%s is not back", paths[i]);
		free((void *)paths[i]);
	}
	close_registry(&reg);
}

/* A run that another process is still writing: a journal without a seal, and nothing that went. */
static void a_run_that_is_not_sealed_gives_nothing_and_is_asked_again(void **state)
{
	struct dd_digest digest;
	struct dd_change *change;
	struct registry reg;
	struct dd_item item;
	char *memory;

	(void)state;
	open_registry(&reg);
	digest = push(&reg, APP, "bytes", 5);
	change = begin_change(&reg.volume);
	item = item_of(&reg.volume, layer_path(APP, &digest), &memory);
	item.reason = DD_REASON_LINK_UNUSED;
	assert_int_equal(dd_change_announce(change, &item, NULL), 0);
	assert_int_equal(look(&reg, OTHER, &digest), DD_ENOENT);
	assert_int_equal(dd_change_seal(change, NULL), 0);
	assert_int_equal(dd_change_withdraw(change, &item, NULL), 0);
	assert_int_equal(look(&reg, APP, &digest), 0);
	assert_int_equal(dd_change_finish(change, false, NULL), 0);
	dd_change_close(change);
	free(memory);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	close_registry(&reg);
}

static void a_trash_full_of_rubbish_is_survived(void **state)
{
	struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	struct registry reg;
	char path[512];

	(void)state;
	open_registry(&reg);
	snprintf(path, sizeof(path), ".drydock/trash/" RUN "/%s", layer_path(APP, &digest));
	make_parents(&reg.volume, path);
	assert_int_equal(symlink("/etc/passwd", below(&reg.volume, path)), 0);
	put(&reg.volume, ".drydock/trash/" RUN "/journal", "rubbish");
	put(&reg.volume, ".drydock/trash/not-a-run/journal", "rubbish");
	assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	assert_false(exists(&reg.volume, layer_path(APP, &digest)));
	close_registry(&reg);
}

/* ---- what a collector's gate asks ---- */

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
	static int (*const asks[])(struct registry *, const char *, const struct dd_digest *) = {
		look, open_whole
	};
	struct registry reg;
	struct taker taker = { .reg = &reg };
	struct dd_digest digest;
	char run[32];

	(void)state;
	open_registry(&reg);
	reg.options.lease_ns = 1;
	dd_registry_set_options(reg.registry, &reg.options);
	digest = push(&reg, APP, "bytes", 5);
	assert_int_equal(dd_watch_gate_open(dd_registry_get_watch(reg.registry), &taker.gate, NULL), 0);
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

/* Its layer went for good: whoever asks for the manifest would be told that the image is there. */
static void what_is_left_of_an_image_does_not_come_back(void **state)
{
	struct dd_digest layer, image;
	DD_CLEANUP(dd_pulled_release) struct dd_pulled pulled;
	struct dd_change *change;
	struct registry reg;
	char text[1500], first[32], second[32], revision[512];

	(void)state;
	open_registry(&reg);
	layer = push(&reg, APP, "layer", 5);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_TYPE "\",\"config\":%s,\"layers\":[]}",
		 descriptor(&layer, 5, "application/vnd.oci.image.config.v1+json"));
	image = digest_of(DD_SHA256, text, strlen(text));
	put(&reg.volume, blob_path(&image), text);
	snprintf(revision, sizeof(revision), "%s", path_of(DD_AT_REVISION, APP, &image));
	put_link(&reg, revision, &image);
	take(&reg, DD_REASON_UNTAGGED, (const char *const[]){ revision }, 1, first);
	take(&reg, DD_REASON_LINK_UNUSED, (const char *const[]){ layer_path(APP, &layer) }, 1, second);
	change = begin_change(&reg.volume);
	assert_int_equal(dd_change_empty(change, second, reg.err), 0);
	dd_change_close(change);
	assert_int_equal(dd_registry_get_manifest(reg.registry, APP, NULL, &image, &pulled, reg.err),
			 DD_ENOENT);
	assert_false(exists(&reg.volume, revision));
	/* With it again, the image is. */
	push(&reg, APP, "layer", 5);
	assert_int_equal(dd_registry_get_manifest(reg.registry, APP, NULL, &image, &pulled, reg.err), 0);
	assert_true(exists(&reg.volume, revision));
	close_registry(&reg);
}

/* Where an index may lack its images it is whole without them. */
static void a_sparse_index_comes_back_where_it_was_accepted(void **state)
{
	DD_CLEANUP(dd_pulled_release) struct dd_pulled pulled;
	struct dd_digest absent, index;
	struct registry reg;
	char text[1500], revision[512], run[32];

	(void)state;
	open_registry(&reg);
	absent = digest_of(DD_SHA256, "nowhere", 7);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
		 "\"manifests\":[%s]}",
		 descriptor(&absent, 7, MANIFEST_TYPE));
	index = digest_of(DD_SHA256, text, strlen(text));
	put(&reg.volume, blob_path(&index), text);
	snprintf(revision, sizeof(revision), "%s", path_of(DD_AT_REVISION, APP, &index));
	put_link(&reg, revision, &index);
	take(&reg, DD_REASON_UNTAGGED, (const char *const[]){ revision }, 1, run);
	assert_int_equal(
		dd_registry_get_manifest(reg.registry, APP, NULL, &index, &pulled, reg.err),
		DD_ENOENT);
	dd_error_clear(reg.err);
	reg.options.accept_sparse_indexes = true;
	dd_registry_set_options(reg.registry, &reg.options);
	assert_int_equal(
		dd_registry_get_manifest(reg.registry, APP, NULL, &index, &pulled, reg.err), 0);
	assert_true(exists(&reg.volume, revision));
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
		 "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_TYPE "\",\"config\":%s,\"layers\":[]}",
		 descriptor(&layer, 5, "application/vnd.oci.image.config.v1+json"));
	image = digest_of(DD_SHA256, text, strlen(text));
	put(&reg.volume, blob_path(&image), text);
	put_link(&reg, path_of(DD_AT_REVISION, APP, &image), &image);
	take(&reg, DD_REASON_UNREFERENCED,
	     (const char *const[]){ path_of(DD_AT_REVISION, APP, &image), layer_path(APP, &layer),
				    blob_path(&image), blob_path(&layer) },
	     4, run);
	assert_int_equal(dd_watch_gate_open(dd_registry_get_watch(reg.registry), &taker.gate, NULL), 0);
	dd_context_set_log(reg.volume.ctx, try_to_take, &taker, DD_LOG_NOTE);
	assert_int_equal(dd_registry_get_manifest(reg.registry, APP, NULL, &image, &pulled, reg.err), 0);
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

		if (dd_registry_open_blob(race->reg->registry, APP, &race->digest, true, &download, NULL) <
			    0 ||
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
		cmocka_unit_test(a_blob_is_mounted_from_a_repository_that_may_be_read),
		cmocka_unit_test(without_a_source_one_is_found_among_those_that_may_be_read),
		cmocka_unit_test(what_is_bad_is_not_spread),
		cmocka_unit_test(an_alias_is_mounted_as_one),
		cmocka_unit_test(what_is_deleted_is_gone_here_alone_and_lies_in_the_trash),
		cmocka_unit_test(what_a_collector_took_comes_back_when_it_is_asked_for),
		cmocka_unit_test(what_a_person_or_a_policy_removed_or_was_bad_stays_away),
		cmocka_unit_test(what_was_removed_since_does_not_come_back_from_an_older_run),
		cmocka_unit_test(what_was_bad_since_comes_back_from_an_older_run),
		cmocka_unit_test(the_latest_of_several_comes_back_and_a_mount_finds_it),
		cmocka_unit_test(with_a_manifest_all_comes_back_that_it_reaches),
		cmocka_unit_test(a_run_that_is_not_sealed_gives_nothing_and_is_asked_again),
		cmocka_unit_test(a_trash_full_of_rubbish_is_survived),
		cmocka_unit_test(
			what_was_written_up_to_the_start_is_nobodys_and_from_then_on_anothers),
		cmocka_unit_test(all_that_is_written_here_is_known_to_be_ours_and_nothing_else),
		cmocka_unit_test(an_upload_that_somebody_is_at_is_not_to_be_had),
		cmocka_unit_test(what_is_being_brought_back_is_not_to_be_had_however_short_a_lease),
		cmocka_unit_test(nor_is_what_a_manifest_brings_with_it),
		cmocka_unit_test(what_is_left_of_an_image_does_not_come_back),
		cmocka_unit_test(a_sparse_index_comes_back_where_it_was_accepted),
		cmocka_unit_test(who_asks_while_it_goes_is_served_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
