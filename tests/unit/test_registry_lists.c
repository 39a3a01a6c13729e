/*
 * Tags and repositories of a registry, a page at a time; and what deleting leaves of them.
 */
#include <sched.h>

#include "registry/remove.h"
#include "registry_image.h"

static void assert_names(const struct dd_names *names, const char *const *expected, size_t count,
			 bool more)
{
	assert_int_equal(names->count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(names->items[i], expected[i]);
	assert_int_equal(names->more, more);
}

#define ARRAY(...) \
	(const char *const[]){ __VA_ARGS__ }, DD_COUNT(((const char *const[]){ __VA_ARGS__ }))

static void assert_tags(struct registry *reg, const char *repository, const char *last, size_t max,
			bool more, const char *const *expected, size_t count)
{
	DD_CLEANUP(dd_names_release) struct dd_names names;

	if (dd_registry_list_tags(reg->registry, repository, last, max, &names, reg->err) < 0)
		fail_msg("%s", reg->err->text);
	assert_names(&names, expected, count, more);
}

static void assert_repositories(struct registry *reg, const char *last, size_t max, bool more,
				const char *const *expected, size_t count)
{
	DD_CLEANUP(dd_names_release) struct dd_names names;

	if (dd_registry_list_repositories(reg->registry, last, max, NULL, NULL, &names, reg->err) <
	    0)
		fail_msg("%s", reg->err->text);
	assert_names(&names, expected, count, more);
}

static int list_tags(struct registry *reg, const char *repository)
{
	DD_CLEANUP(dd_names_release) struct dd_names names;

	return dd_registry_list_tags(reg->registry, repository, NULL, 10, &names, reg->err);
}

static void tags_come_in_the_order_of_their_bytes_page_by_page(void **state)
{
	static const char *const tags[] = { "b", "a", "B", "a-1", "a.1", "_", "10", "9" };
	struct registry reg;
	struct image image;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, NULL, &image);
	assert_tags(&reg, APP, NULL, 10, false, NULL, 0);
	for (size_t i = 0; i < DD_COUNT(tags); i++)
		assert_rc(put_manifest(&reg, APP, image.json, tags[i]), 0);
	assert_tags(&reg, APP, NULL, 100, false,
		    ARRAY("10", "9", "B", "_", "a", "a-1", "a.1", "b"));
	assert_tags(&reg, APP, NULL, 3, true, ARRAY("10", "9", "B"));
	assert_tags(&reg, APP, "B", 3, true, ARRAY("_", "a", "a-1"));
	assert_tags(&reg, APP, "a-1", 2, false, ARRAY("a.1", "b"));
	/* The last one need not be there. */
	assert_tags(&reg, APP, "aa", 2, false, ARRAY("b"));
	assert_tags(&reg, APP, "b", 2, false, NULL, 0);
	assert_tags(&reg, APP, NULL, 0, true, NULL, 0);
	release_image(&image);
	close_registry(&reg);
}

static void a_tag_without_a_current_link_is_none(void **state)
{
	struct registry reg;
	struct image image;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, "v1", &image);
	make_parents(&reg.volume, tag_path(APP, "gone"));
	put(&reg.volume, history_path(APP, "gone", &image.digest), dd_digest_text(&image.digest));
	put(&reg.volume, tag_path(APP, "empty"), "");
	put(&reg.volume, tag_path(APP, "-bad"), dd_digest_text(&image.digest));
	put(&reg.volume, V2 "repositories/" APP "/_manifests/tags/file", "x");
	make_parents(&reg.volume, tag_path(APP, "fifo"));
	assert_int_equal(mkfifo(below(&reg.volume, tag_path(APP, "fifo")), 0644), 0);
	make_parents(&reg.volume, tag_path(APP, "link"));
	put(&reg.volume, "outside", dd_digest_text(&image.digest));
	assert_int_equal(
		symlink(below(&reg.volume, "outside"), below(&reg.volume, tag_path(APP, "link"))),
		0);
	assert_tags(&reg, APP, NULL, 100, false, ARRAY("v1"));
	release_image(&image);
	close_registry(&reg);
}

static void a_repository_that_nothing_was_pushed_to_has_no_list(void **state)
{
	struct registry reg;
	struct dd_digest digest;

	(void)state;
	open_registry(&reg);
	assert_rc(list_tags(&reg, APP), DD_ENOENT);
	assert_rc(list_tags(&reg, "../x"), DD_EFORMAT);
	digest = push(&reg, APP, "blob", 4);
	(void)digest;
	assert_tags(&reg, APP, NULL, 10, false, NULL, 0);
	close_registry(&reg);
}

/* ---- repositories ---- */

static void push_to(struct registry *reg, const char *repository)
{
	struct image image;

	push_image(reg, repository, 1, "v1", &image);
	release_image(&image);
}

static void repositories_come_in_the_order_of_their_bytes_page_by_page(void **state)
{
	static const char *const names[] = {
		"a/b/c", "a", "a-b", "a/b", "b/x/y/z", "a.c", "a0", "z"
	};
	struct registry reg;

	(void)state;
	open_registry(&reg);
	assert_repositories(&reg, NULL, 100, false, NULL, 0);
	for (size_t i = 0; i < DD_COUNT(names); i++)
		push_to(&reg, names[i]);
	assert_repositories(&reg, NULL, 100, false,
			    ARRAY("a", "a-b", "a.c", "a/b", "a/b/c", "a0", "b/x/y/z", "z"));
	/* Each page begins where the one before it ended. */
	assert_repositories(&reg, NULL, 1, true, ARRAY("a"));
	assert_repositories(&reg, "a", 2, true, ARRAY("a-b", "a.c"));
	assert_repositories(&reg, "a.c", 1, true, ARRAY("a/b"));
	assert_repositories(&reg, "a/b", 1, true, ARRAY("a/b/c"));
	assert_repositories(&reg, "a/b/c", 2, true, ARRAY("a0", "b/x/y/z"));
	assert_repositories(&reg, "b", 1, true, ARRAY("b/x/y/z"));
	assert_repositories(&reg, "b/x/y/z", 1, false, ARRAY("z"));
	assert_repositories(&reg, "z", 1, false, NULL, 0);
	assert_repositories(&reg, "a/zzz", 1, true, ARRAY("a0"));
	close_registry(&reg);
}

static void what_has_no_content_or_no_valid_name_is_no_repository(void **state)
{
	struct registry reg;

	(void)state;
	open_registry(&reg);
	push_to(&reg, APP);
	push(&reg, "layers/only", "x", 1);
	make_parents(&reg.volume, V2 "repositories/begun/_uploads/" UUID "/x");
	make_parents(&reg.volume,
		     V2 "repositories/deleted/_manifests/revisions/sha256/" HEX_A "/x");
	make_parents(&reg.volume, V2 "repositories/deleted/_manifests/tags/v1/current/x");
	put(&reg.volume, V2 "repositories/Upper/_layers/sha256/" HEX_A "/link", "sha256:" HEX_A);
	put(&reg.volume, V2 "repositories/Upper/sub/_layers/sha256/" HEX_A "/link",
	    "sha256:" HEX_A);
	assert_int_equal(symlink(below(&reg.volume, V2 "repositories/team"),
				 below(&reg.volume, V2 "repositories/linked")),
			 0);
	put(&reg.volume, V2 "repositories/file", "x");
	assert_repositories(&reg, NULL, 100, false, ARRAY("layers/only", APP));
	close_registry(&reg);
}

/* ---- deleting ---- */

/* How many runs the trash has. */
static size_t count_runs(struct registry *reg)
{
	struct dd_trash trash;
	size_t count;

	assert_int_equal(dd_trash_load(reg->volume.ctx, reg->volume.store, &trash, reg->err), 0);
	count = trash.count;
	dd_trash_release(&trash);
	return count;
}

static void a_tag_that_is_deleted_goes_with_its_history(void **state)
{
	struct dd_trash trash;
	struct registry reg;
	struct image first, second;
	uint64_t generation;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, "v1", &first);
	push_image(&reg, APP, 2, "v1", &second);
	assert_rc(put_manifest(&reg, APP, second.json, "v2"), 0);
	generation = dd_registry_get_generation(reg.registry, APP);
	assert_rc(dd_registry_delete_tag(reg.registry, APP, "v1", "alice", reg.err), 0);
	assert_true(generation != dd_registry_get_generation(reg.registry, APP));
	assert_int_equal(try_get(&reg, APP, "v1", NULL), DD_ENOENT);
	assert_tags(&reg, APP, NULL, 10, false, ARRAY("v2"));
	/* The other registry lists what has a directory. */
	assert_false(exists(&reg.volume, V2 "repositories/" APP "/_manifests/tags/v1"));
	/* The images stay, by their digests and by other tags. */
	assert_gets(&reg, APP, NULL, &first.digest, first.json);
	assert_gets(&reg, APP, "v2", NULL, second.json);
	/* It can be undone, and says who did it. */
	assert_int_equal(dd_trash_load(reg.volume.ctx, reg.volume.store, &trash, reg.err), 0);
	assert_int_equal(trash.count, 1);
	assert_int_equal(trash.runs[0].count, 3);
	assert_int_equal(trash.runs[0].state, DD_RUN_DONE);
	assert_string_equal(trash.runs[0].command, "delete " APP ":v1 (alice)");
	dd_trash_release(&trash);

	assert_rc(dd_registry_delete_tag(reg.registry, APP, "v1", NULL, reg.err), DD_ENOENT);
	assert_rc(dd_registry_delete_tag(reg.registry, APP, "..", NULL, reg.err), DD_EFORMAT);
	assert_int_equal(count_runs(&reg), 1);
	/* It stays deleted, until it is pushed again. */
	assert_int_equal(try_get(&reg, APP, "v1", NULL), DD_ENOENT);
	assert_rc(put_manifest(&reg, APP, first.json, "v1"), 0);
	assert_gets(&reg, APP, "v1", NULL, first.json);
	release_image(&first);
	release_image(&second);
	close_registry(&reg);
}

static void a_manifest_that_is_deleted_takes_its_tags_along(void **state)
{
	struct registry reg;
	struct image first, second;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, "v1", &first);
	assert_rc(put_manifest(&reg, APP, first.json, "latest"), 0);
	assert_rc(put_manifest(&reg, APP, first.json, "moved"), 0);
	push_image(&reg, APP, 2, "moved", &second);
	push_blobs(&reg, OTHER, &first);
	assert_rc(put_manifest(&reg, OTHER, first.json, "v1"), 0);
	assert_rc(dd_registry_delete_manifest(reg.registry, APP, &first.digest, NULL, reg.err), 0);
	assert_int_equal(try_get(&reg, APP, NULL, &first.digest), DD_ENOENT);
	assert_tags(&reg, APP, NULL, 10, false, ARRAY("moved"));
	assert_gets(&reg, APP, "moved", NULL, second.json);
	/* What a tag remembers of it is dead. */
	assert_false(exists(&reg.volume, history_path(APP, "moved", &first.digest)));
	assert_true(exists(&reg.volume, history_path(APP, "moved", &second.digest)));
	/* The bytes are the collector's; another repository has its own links. */
	assert_gets(&reg, OTHER, "v1", NULL, first.json);
	assert_rc(dd_registry_delete_manifest(reg.registry, APP, &first.digest, NULL, reg.err),
		  DD_ENOENT);
	/* Pushed again it is there again. */
	assert_rc(put_manifest(&reg, APP, first.json, NULL), 0);
	assert_gets(&reg, APP, NULL, &first.digest, first.json);
	release_image(&first);
	release_image(&second);
	close_registry(&reg);
}

static void a_broken_tag_can_be_deleted(void **state)
{
	struct registry reg;
	struct image image;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, "v1", &image);
	put(&reg.volume, tag_path(APP, "v1"), "");
	assert_rc(dd_registry_delete_tag(reg.registry, APP, "v1", NULL, reg.err), 0);
	assert_false(exists(&reg.volume, tag_path(APP, "v1")));
	release_image(&image);
	close_registry(&reg);
}

/* ---- who has to wait ---- */

struct waiter {
	struct registry *reg;
	pthread_t thread;
};

static _Atomic unsigned answered;

static void *delete_one(void *arg)
{
	struct waiter *waiter = arg;
	int rc = dd_registry_delete_tag(waiter->reg->registry, APP, "v1", NULL, NULL);

	answered++;
	return (void *)(intptr_t)rc;
}

#define WAITERS 12

static void of_many_who_delete_while_another_run_is_at_work_some_are_sent_away(void **state)
{
	struct registry reg;
	struct image image;
	struct waiter waiters[WAITERS];
	struct dd_change *change;
	void *rc;
	unsigned deleted = 0, gone = 0, sent_away = 0;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, "v1", &image);
	assert_rc(dd_registry_begin_change(reg.registry, "other", &change, reg.err), 0);
	for (unsigned i = 0; i < WAITERS; i++) {
		waiters[i].reg = &reg;
		assert_int_equal(pthread_create(&waiters[i].thread, NULL, delete_one, &waiters[i]),
				 0);
	}
	/* Those that are too many come back while the others wait. */
	while (answered < WAITERS - 8)
		sched_yield();
	assert_rc(dd_registry_end_change(reg.registry, &change, 0, reg.err), 0);
	for (unsigned i = 0; i < WAITERS; i++) {
		assert_int_equal(pthread_join(waiters[i].thread, &rc), 0);
		deleted += (intptr_t)rc == 0;
		gone += (intptr_t)rc == DD_ENOENT;
		sent_away += (intptr_t)rc == DD_ELOCKED;
	}
	assert_int_equal(deleted, 1);
	assert_int_equal(gone, 7);
	assert_int_equal(sent_away, WAITERS - 8);
	release_image(&image);
	close_registry(&reg);
}

/* ---- pushed and deleted at once ---- */

struct rival {
	struct registry *reg;
	const struct image *image;
};

#define ROUNDS 30

static void *push_again(void *arg)
{
	struct rival *rival = arg;
	const char *const tags[] = { "v1" };
	struct dd_push_report report;
	const struct dd_pushed pushed = { .bytes = rival->image->json,
					  .len = strlen(rival->image->json),
					  .tags = tags,
					  .tag_count = 1 };

	for (int i = 0; i < ROUNDS; i++)
		if (dd_registry_put_manifest(rival->reg->registry, APP, &pushed, &report, NULL) < 0)
			return arg;
	return NULL;
}

static void *delete_again(void *arg)
{
	struct rival *rival = arg;

	for (int i = 0; i < ROUNDS; i++) {
		int rc = dd_registry_delete_manifest(rival->reg->registry, APP,
						     &rival->image->digest, NULL, NULL);

		if (rc < 0 && rc != DD_ENOENT)
			return arg;
	}
	return NULL;
}

static void beside_a_deletion_a_push_is_there_as_a_whole_or_not_at_all(void **state)
{
	struct registry reg;
	struct image image;
	struct rival rival = { &reg, &image };
	pthread_t threads[2];
	void *failed;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, "v1", &image);
	assert_int_equal(pthread_create(&threads[0], NULL, push_again, &rival), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, delete_again, &rival), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(exists(&reg.volume, tag_path(APP, "v1")),
			 exists(&reg.volume, revision_path(APP, &image.digest)));
	release_image(&image);
	close_registry(&reg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_come_in_the_order_of_their_bytes_page_by_page),
		cmocka_unit_test(a_tag_without_a_current_link_is_none),
		cmocka_unit_test(a_repository_that_nothing_was_pushed_to_has_no_list),
		cmocka_unit_test(repositories_come_in_the_order_of_their_bytes_page_by_page),
		cmocka_unit_test(what_has_no_content_or_no_valid_name_is_no_repository),
		cmocka_unit_test(a_tag_that_is_deleted_goes_with_its_history),
		cmocka_unit_test(a_manifest_that_is_deleted_takes_its_tags_along),
		cmocka_unit_test(a_broken_tag_can_be_deleted),
		cmocka_unit_test(
			of_many_who_delete_while_another_run_is_at_work_some_are_sent_away),
		cmocka_unit_test(beside_a_deletion_a_push_is_there_as_a_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
