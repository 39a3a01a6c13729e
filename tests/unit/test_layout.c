/*
 * The layout, both ways, and names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/layout.h>

#include "base/cleanup.h"
#include "unit.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX512 HEX HEX
#define UUID "0f2b6f2e-30a7-4c0e-8f3c-9a1b2c3d4e5f"
#define TEMP "." UUID ".tmp"
#define RUN "20261123T174501Z-9f3a"
#define BASE "docker/registry/v2/"
#define REPO BASE "repositories/team/app/"

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool uses_digest(const struct dd_place *place)
{
	return place->kind != DD_AT_TAG && place->kind != DD_AT_UPLOAD &&
	       place->kind != DD_AT_STARTEDAT;
}

static void assert_same_place(const struct dd_place *a, const struct dd_place *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_true(same_text(a->repository, b->repository));
	assert_true(same_text(a->tag, b->tag));
	assert_true(same_text(a->upload, b->upload));
	assert_true(same_text(a->name, b->name));
	assert_true(same_text(a->run, b->run));
	assert_true(same_text(a->beside, b->beside));
	assert_true(a->kind == DD_AT_STAGED || !uses_digest(a) || dd_digest_equal(&a->digest, &b->digest));
	assert_true(a->kind != DD_AT_SIGNATURE || dd_digest_equal(&a->second, &b->second));
}

/* A place to its path and back; its run's path is the same one below the trash. */
static void there_and_back(const struct dd_place *place, const char *expected)
{
	DD_AUTOFREE char *path = NULL, *memory = NULL, *trashed = NULL, *trashed_memory = NULL;
	struct dd_place back, inside = *place;
	char prefixed[16384];

	assert_int_equal(dd_layout_path(place, &path, NULL), 0);
	if (expected)
		assert_string_equal(path, expected);
	assert_int_equal(dd_layout_parse(path, &back, &memory, NULL), 0);
	assert_same_place(&back, place);

	inside.run = RUN;
	assert_int_equal(dd_layout_path(&inside, &trashed, NULL), 0);
	snprintf(prefixed, sizeof(prefixed), ".drydock/trash/" RUN "/%s", path);
	assert_string_equal(trashed, prefixed);
	assert_int_equal(dd_layout_parse(trashed, &back, &trashed_memory, NULL), 0);
	assert_same_place(&back, &inside);
}

static struct dd_digest digest_of(const char *text)
{
	struct dd_digest digest;

	assert_int_equal(dd_digest_parse(&digest, text, strlen(text)), 0);
	return digest;
}

static void every_kind_of_file_has_its_path(void **state)
{
	const struct dd_digest d256 = digest_of("sha256:" HEX), d512 = digest_of("sha512:" HEX512);
	const struct {
		struct dd_place place;
		const char *path;
	} table[] = {
		{ { .kind = DD_AT_BLOB, .digest = d256 }, BASE "blobs/sha256/01/" HEX "/data" },
		{ { .kind = DD_AT_BLOB, .digest = d512 }, BASE "blobs/sha512/01/" HEX512 "/data" },
		{ { .kind = DD_AT_BLOB, .digest = d256, .beside = "data" TEMP },
		  BASE "blobs/sha256/01/" HEX "/data" TEMP },
		{ { .kind = DD_AT_LAYER, .repository = "team/app", .digest = d256 },
		  REPO "_layers/sha256/" HEX "/link" },
		{ { .kind = DD_AT_LAYER, .repository = "team/app", .digest = d512, .beside = "link" TEMP },
		  REPO "_layers/sha512/" HEX512 "/link" TEMP },
		{ { .kind = DD_AT_REVISION, .repository = "a", .digest = d256 },
		  BASE "repositories/a/_manifests/revisions/sha256/" HEX "/link" },
		{ { .kind = DD_AT_HISTORY, .repository = "team/app", .tag = "v1", .digest = d256 },
		  REPO "_manifests/tags/v1/index/sha256/" HEX "/link" },
		{ { .kind = DD_AT_TAG, .repository = "team/app", .tag = "v1" },
		  REPO "_manifests/tags/v1/current/link" },
		{ { .kind = DD_AT_TAG, .repository = "team/app", .tag = "v1", .beside = "link" TEMP },
		  REPO "_manifests/tags/v1/current/link" TEMP },
		{ { .kind = DD_AT_SIGNATURE, .repository = "team/app", .digest = d256, .second = d512 },
		  REPO "_manifests/revisions/sha256/" HEX "/signatures/sha512/" HEX512 "/link" },
		{ { .kind = DD_AT_TARSUM, .repository = "team/app", .name = "tarsum.v1", .digest = d256 },
		  REPO "_layers/tarsum/tarsum.v1/sha256/" HEX "/link" },
		{ { .kind = DD_AT_UPLOAD, .repository = "team/app", .upload = UUID },
		  REPO "_uploads/" UUID "/data" },
		{ { .kind = DD_AT_STARTEDAT, .repository = "team/app", .upload = UUID },
		  REPO "_uploads/" UUID "/startedat" },
		{ { .kind = DD_AT_STARTEDAT, .repository = "team/app", .upload = UUID,
		    .beside = "startedat" TEMP },
		  REPO "_uploads/" UUID "/startedat" TEMP },
		{ { .kind = DD_AT_STRAY, .name = "02", .digest = d256 },
		  BASE "blobs/sha256/02/" HEX "/data" },
		{ { .kind = DD_AT_STRAY, .name = "012", .digest = d256 },
		  BASE "blobs/sha256/012/" HEX "/data" },
		{ { .kind = DD_AT_STRAY, .name = "lost+found", .digest = d512, .beside = "data" TEMP },
		  BASE "blobs/sha512/lost+found/" HEX512 "/data" TEMP },
	};
	bool seen[DD_PLACE_COUNT] = { false };

	(void)state;
	for (size_t i = 0; i < DD_COUNT(table); i++) {
		there_and_back(&table[i].place, table[i].path);
		seen[table[i].place.kind] = true;
	}
	for (enum dd_place_kind kind = 0; kind <= DD_AT_STARTEDAT; kind++)
		assert_true(seen[kind]);
}

static void what_is_staged_has_its_path_in_its_run_alone(void **state)
{
	const struct dd_place place = { .kind = DD_AT_STAGED, .name = "17", .run = RUN };
	struct dd_place none = place, back;
	DD_AUTOFREE char *path = NULL, *memory = NULL, *nothing = NULL;

	(void)state;
	assert_int_equal(dd_layout_path(&place, &path, NULL), 0);
	assert_string_equal(path, ".drydock/trash/" RUN "/staged/17");
	assert_int_equal(dd_layout_parse(path, &back, &memory, NULL), 0);
	assert_same_place(&back, &place);
	none.run = NULL;
	assert_int_equal(dd_layout_path(&none, &nothing, NULL), DD_EFORMAT);
	assert_null(nothing);
}

static void a_blob_below_its_own_shard_is_no_stray(void **state)
{
	const struct dd_place place = { .kind = DD_AT_STRAY,
					.name = "01",
					.digest = digest_of("sha256:" HEX) };
	DD_AUTOFREE char *path = NULL, *memory = NULL;
	struct dd_place back;

	(void)state;
	assert_int_equal(dd_layout_path(&place, &path, NULL), DD_EFORMAT);
	assert_int_equal(dd_layout_parse(BASE "blobs/sha256/01/" HEX "/data", &back, &memory, NULL), 0);
	assert_int_equal(back.kind, DD_AT_BLOB);
	assert_null(back.name);
}

/* ---- any names that are safe ---- */

static uint32_t seed = 20261123;

static uint32_t any(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* Bytes that a file system takes, with those favoured that could confuse us. */
static void any_component(char *out, size_t most, bool reserved)
{
	static const char odd[] = "._-%: \n\t\\*?\xff\x80" "du", *const words[] = {
		"current", "index", "data", "link", "tarsum", "sha256", "...", "tags", "_layers",
	};
	size_t len = 1 + any((uint32_t)most - 1);

	if (any(4) == 0) {
		strcpy(out, words[any(DD_COUNT(words) - !reserved)]);
		return;
	}
	do {
		for (size_t i = 0; i < len; i++) {
			char c = any(2) ? odd[any(sizeof(odd) - 1)] : (char)(1 + any(255));

			out[i] = c == '/' ? 'x' : c;
		}
		out[len] = '\0';
	} while (!strcmp(out, ".") || !strcmp(out, ".."));
}

static void any_digest(struct dd_digest *digest)
{
	memset(digest, 0, sizeof(*digest));
	digest->alg = (uint8_t)any(DD_ALGORITHM_COUNT);
	for (size_t i = 0; i < dd_digest_size(digest); i++)
		digest->bytes[i] = (uint8_t)any(256);
}

static void whatever_the_names_each_path_leads_back_to_its_place(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		char repository[512] = "", tag[64], upload[64], name[64];
		struct dd_place place = { .kind = (enum dd_place_kind)any(DD_AT_STARTEDAT + 1) };

		for (uint32_t parts = 1 + any(5); parts > 0; parts--) {
			char component[64];

			any_component(component, sizeof(component) - 1, false);
			if (*repository)
				strcat(repository, "/");
			strcat(repository, component);
		}
		any_component(tag, sizeof(tag), true);
		any_component(upload, sizeof(upload), true);
		any_component(name, sizeof(name), true);
		if (place.kind != DD_AT_BLOB && place.kind != DD_AT_STRAY)
			place.repository = repository;
		if (place.kind == DD_AT_TAG || place.kind == DD_AT_HISTORY)
			place.tag = tag;
		if (place.kind == DD_AT_UPLOAD || place.kind == DD_AT_STARTEDAT)
			place.upload = upload;
		if (place.kind == DD_AT_TARSUM || place.kind == DD_AT_STRAY)
			place.name = name;
		any_digest(&place.digest);
		any_digest(&place.second);
		there_and_back(&place, NULL);
	}
}

static void paths_that_the_layout_does_not_have_are_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"/",
		"docker",
		BASE,
		"/" BASE "blobs/sha256/01/" HEX "/data",
		BASE "blobs/sha256/01/" HEX,
		BASE "blobs/sha256/01/" HEX "/",
		BASE "blobs/sha256/01/" HEX "/link",
		BASE "blobs/sha256/01/" HEX "/data/x",
		BASE "blobs/sha256//" HEX "/data",
		BASE "blobs/sha256/./" HEX "/data",
		BASE "blobs/sha512/01/" HEX "/data",
		BASE "blobs/sha256/01/" HEX "0/data",
		BASE "blobs/md5/01/" HEX "/data",
		BASE "blobs/sha256/../" HEX "/data",
		BASE "blobs//01/" HEX "/data",
		BASE "blobs/sha256/AB/AB23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/data",
		BASE "repositories/_layers/sha256/" HEX "/link",
		BASE "repositories//_layers/sha256/" HEX "/link",
		BASE "repositories/../_layers/sha256/" HEX "/link",
		BASE "repositories/a/../_layers/sha256/" HEX "/link",
		BASE "repositories/a/./_layers/sha256/" HEX "/link",
		BASE "repositories/a//_layers/sha256/" HEX "/link",
		BASE "repositories/a/_uploads/_layers/sha256/" HEX "/link",
		REPO "_manifests/tags/../current/link",
		REPO "_manifests/tags//current/link",
		REPO "_manifests/tags/v1/current",
		REPO "_manifests/tags/v1/current/data",
		REPO "_uploads/../data",
		REPO "_uploads/" UUID "/hashstates/sha256/0",
		REPO "_layers/tarsum/../sha256/" HEX "/link",
		REPO "_layers/sha256/" HEX "/link.tmp",
		REPO "_layers/sha256/" HEX "/data" TEMP,
		REPO "_layers/sha256/" HEX "/linkx" TEMP,
		REPO "_layers/sha256/" HEX "/" TEMP,
		"etc/passwd",
		"../etc/passwd",
		".drydock/trash/" RUN "/etc/passwd",
		".drydock/trash/../" BASE "blobs/sha256/01/" HEX "/data",
		".drydock/trash/" RUN,
		".drydock/trash/" RUN "/journal",
		".drydock/trash/" RUN "/staged",
		".drydock/trash/" RUN "/staged/",
		".drydock/trash/" RUN "/staged/x",
		".drydock/trash/" RUN "/staged/-1",
		".drydock/trash/" RUN "/staged/..",
		".drydock/trash/" RUN "/staged/1/2",
		".drydock/trash/" RUN "/staged/1234567890",
		".drydock/trash/x/staged/1",
		"staged/1",
		".drydock/trash/x/" BASE "blobs/sha256/01/" HEX "/data",
		".drydock/trash/" RUN "/.drydock/trash/" RUN "/" BASE "blobs/sha256/01/" HEX "/data",
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(wrong); i++) {
		struct dd_place place;
		char *memory = (char *)"";

		if (dd_layout_parse(wrong[i], &place, &memory, NULL) != DD_EFORMAT)
			fail_msg("\"%s\" was taken for a %s", wrong[i], dd_place_kind_name(place.kind));
		assert_null(memory);
	}
}

static void no_path_is_made_from_names_that_would_lead_elsewhere(void **state)
{
	static const char *const names[] = { "", ".", "..", "a/b", "/", "../x" };
	static const char *const repositories[] = { "",	     "/a",  "a/",   "a//b", "..",
						    "../a",  "a/.", "a/..", "_layers", "a/_uploads/b" };
	const struct dd_digest digest = digest_of("sha256:" HEX);
	char *path, usual[DD_LAYOUT_USUAL];

	(void)state;
	for (size_t i = 0; i < DD_COUNT(names); i++) {
		const struct dd_place places[] = {
			{ .kind = DD_AT_TAG, .repository = "a", .tag = names[i] },
			{ .kind = DD_AT_HISTORY, .repository = "a", .tag = names[i], .digest = digest },
			{ .kind = DD_AT_UPLOAD, .repository = "a", .upload = names[i] },
			{ .kind = DD_AT_TARSUM, .repository = "a", .name = names[i], .digest = digest },
			{ .kind = DD_AT_BLOB, .digest = digest, .beside = names[i] },
			{ .kind = DD_AT_BLOB, .digest = digest, .run = names[i] },
			{ .kind = DD_AT_JOURNAL, .run = names[i] },
			{ .kind = DD_IN_PURGE, .run = names[i] },
		};

		for (size_t k = 0; k < DD_COUNT(places); k++) {
			assert_int_equal(dd_layout_path(&places[k], &path, NULL), DD_EFORMAT);
			assert_null(path);
			assert_int_equal(dd_layout_owner(&places[k], &path, NULL), DD_EFORMAT);
			assert_null(path);
		}
	}
	for (size_t i = 0; i < DD_COUNT(repositories); i++) {
		const struct dd_place place = { .kind = DD_IN_LAYERS, .repository = repositories[i] };

		assert_int_equal(dd_layout_path(&place, &path, NULL), DD_EFORMAT);
	}
	assert_int_equal(dd_layout_path(&(struct dd_place){ .kind = DD_IN_TAGS }, &path, NULL),
			 DD_EFORMAT);
	assert_int_equal(dd_layout_write(&(struct dd_place){ .kind = DD_IN_TAGS }, usual, &path, NULL),
			 DD_EFORMAT);
	assert_null(path);
}

static void an_object_goes_with_its_own_directory_and_no_other(void **state)
{
	const struct dd_digest digest = digest_of("sha256:" HEX);
	const struct {
		struct dd_place place;
		const char *owner;
		bool own;
	} table[] = {
		{ { .kind = DD_AT_BLOB, .digest = digest }, BASE "blobs/sha256/01/" HEX, true },
		{ { .kind = DD_AT_BLOB, .digest = digest, .beside = "data" TEMP },
		  BASE "blobs/sha256/01/" HEX "/data" TEMP, false },
		{ { .kind = DD_AT_TAG, .repository = "a", .tag = "v1" },
		  BASE "repositories/a/_manifests/tags/v1/current/link", false },
		{ { .kind = DD_AT_HISTORY, .repository = "a", .tag = "v1", .digest = digest },
		  BASE "repositories/a/_manifests/tags/v1/index/sha256/" HEX, true },
		{ { .kind = DD_AT_UPLOAD, .repository = "a", .upload = UUID },
		  BASE "repositories/a/_uploads/" UUID, true },
		{ { .kind = DD_AT_STARTEDAT, .repository = "a", .upload = UUID, .run = RUN },
		  ".drydock/trash/" RUN "/" BASE "repositories/a/_uploads/" UUID, true },
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(table); i++) {
		DD_AUTOFREE char *owner = NULL;

		assert_int_equal(dd_layout_owner(&table[i].place, &owner, NULL), 0);
		assert_string_equal(owner, table[i].owner);
		assert_int_equal(dd_place_has_directory(&table[i].place), table[i].own);
	}
}

/* All around the length up to which a path takes no memory of its own. */
static void a_path_is_whole_however_long_it_is(void **state)
{
	char name[DD_LAYOUT_USUAL + 64] = "", usual[DD_LAYOUT_USUAL], expected[3 * sizeof(name)];
	bool seen[2] = { 0 };

	(void)state;
	while (strlen(name) < sizeof(name) - 1) {
		struct dd_place place = { .kind = DD_AT_TAG, .repository = "a", .tag = name };
		DD_AUTOFREE char *path = NULL, *owner = NULL, *beside = NULL;
		char *written;

		strcat(name, "n");
		assert_int_equal(dd_layout_path(&place, &path, NULL), 0);
		snprintf(expected, sizeof(expected), BASE "repositories/a/_manifests/tags/%s/current/link",
			 name);
		assert_string_equal(path, expected);
		assert_int_equal(dd_layout_write(&place, usual, &written, NULL), 0);
		assert_string_equal(written, expected);
		assert_int_equal(written == usual, strlen(expected) < sizeof(usual));
		seen[written == usual] = true;
		if (written != usual)
			free(written);
		place.beside = name;
		assert_int_equal(dd_layout_path(&place, &beside, NULL), 0);
		snprintf(expected, sizeof(expected), BASE "repositories/a/_manifests/tags/%s/current/%s",
			 name, name);
		assert_string_equal(beside, expected);
		place = (struct dd_place){ .kind = DD_AT_UPLOAD, .repository = name, .upload = "u" };
		assert_int_equal(dd_layout_owner(&place, &owner, NULL), 0);
		snprintf(expected, sizeof(expected), BASE "repositories/%s/_uploads/u", name);
		assert_string_equal(owner, expected);
	}
	assert_true(seen[false] && seen[true]);
}

static void kinds_have_names_of_their_own(void **state)
{
	(void)state;
	for (int kind = 0; kind < DD_PLACE_COUNT; kind++)
		assert_int_equal(dd_place_kind_parse(dd_place_kind_name((enum dd_place_kind)kind)), kind);
	assert_int_equal(dd_place_kind_parse("blo"), -1);
	assert_int_equal(dd_place_kind_parse(""), -1);
}

static void check(bool (*valid)(const char *), const char *const *good, const char *const *bad)
{
	for (; *good; good++)
		if (!valid(*good))
			fail_msg("\"%s\" was refused", *good);
	for (; *bad; bad++)
		if (valid(*bad))
			fail_msg("\"%s\" was taken", *bad);
}

static void names_are_what_the_registry_and_the_file_system_take(void **state)
{
	char longest[DD_REPOSITORY_MAX + 2], tag[DD_TAG_MAX + 2];

	(void)state;
	check(dd_repository_valid,
	      (const char *const[]){ "a", "0", "a/b/c", "a.b", "a_b", "a__b", "a-b", "a---b", "a-b.c_d/e", NULL },
	      (const char *const[]){ "", "/", "a/", "/a", "a//b", "A", "a..b", "a___b", "a._b", "a.", ".a",
				     "_a", "a_", "-a", "a-", "a b", "a:b", "a/../b", "\xc3\xa4", NULL });
	check(dd_tag_valid, (const char *const[]){ "v1", "A", "_", "_.-", "1.2.3-rc_4", NULL },
	      (const char *const[]){ "", ".a", "-a", "a b", "a/b", "a:b", "a+b", "\xc3\xa4", NULL });
	check(dd_repository_safe, (const char *const[]){ "A", "a b", "...", "a/...", "\xff", "a__b", "_a", "a/_layer", NULL },
	      (const char *const[]){ "", "/", ".", "..", "a/.", "a/..", "./a", "_layers", "a/_manifests",
				     "_uploads/a", "a/_referrers/b", "a//b", "a/", NULL });
	check(dd_name_safe, (const char *const[]){ "...", "_a", " ", "\n", NULL },
	      (const char *const[]){ "", ".", "..", "a/b", "/", NULL });
	check(dd_upload_valid, (const char *const[]){ UUID, NULL },
	      (const char *const[]){ "", "0f2b6f2e-30a7-4c0e-8f3c-9a1b2c3d4e5", UUID "0",
				     "0F2B6F2E-30A7-4C0E-8F3C-9A1B2C3D4E5F",
				     "0f2b6f2e030a7-4c0e-8f3c-9a1b2c3d4e5f", NULL });
	check(dd_run_valid, (const char *const[]){ RUN, "00000000T000000Z-0000", NULL },
	      (const char *const[]){ "", "latest", "20261123T174501Z-9f3", RUN "0", "20261123T174501Z-9F3A",
				     "20261123t174501Z-9f3a", "2026112xT174501Z-9f3a", "../1123T174501Z-9f3a", NULL });
	check(dd_temp_valid, (const char *const[]){ "link" TEMP, "data" TEMP, "startedat" TEMP, NULL },
	      (const char *const[]){ "", "link", "link.tmp", "link" TEMP "x", TEMP, "other" TEMP,
				     "link" "." UUID, "linklink" TEMP, "link.." UUID ".tmp", NULL });

	assert_true(dd_temp_beside(&(struct dd_place){ .kind = DD_AT_BLOB }, "data" TEMP));
	assert_false(dd_temp_beside(&(struct dd_place){ .kind = DD_AT_BLOB }, "link" TEMP));
	assert_false(dd_temp_beside(&(struct dd_place){ .kind = DD_AT_BLOB }, "data"));
	assert_true(dd_temp_beside(&(struct dd_place){ .kind = DD_AT_TAG }, "link" TEMP));
	assert_false(dd_temp_beside(&(struct dd_place){ .kind = DD_AT_TAG }, "startedat" TEMP));
	assert_true(dd_temp_beside(&(struct dd_place){ .kind = DD_AT_UPLOAD }, "data" TEMP));
	assert_true(dd_temp_beside(&(struct dd_place){ .kind = DD_AT_UPLOAD }, "startedat" TEMP));
	assert_false(dd_temp_beside(&(struct dd_place){ .kind = DD_AT_UPLOAD }, "link" TEMP));

	memset(longest, 'a', sizeof(longest));
	longest[DD_REPOSITORY_MAX + 1] = '\0';
	assert_false(dd_repository_valid(longest));
	longest[DD_REPOSITORY_MAX] = '\0';
	assert_true(dd_repository_valid(longest));
	memset(tag, 'a', sizeof(tag));
	tag[DD_TAG_MAX + 1] = '\0';
	assert_false(dd_tag_valid(tag));
	tag[DD_TAG_MAX] = '\0';
	assert_true(dd_tag_valid(tag));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_file_has_its_path),
		cmocka_unit_test(what_is_staged_has_its_path_in_its_run_alone),
		cmocka_unit_test(a_blob_below_its_own_shard_is_no_stray),
		cmocka_unit_test(whatever_the_names_each_path_leads_back_to_its_place),
		cmocka_unit_test(paths_that_the_layout_does_not_have_are_refused),
		cmocka_unit_test(no_path_is_made_from_names_that_would_lead_elsewhere),
		cmocka_unit_test(an_object_goes_with_its_own_directory_and_no_other),
		cmocka_unit_test(a_path_is_whole_however_long_it_is),
		cmocka_unit_test(kinds_have_names_of_their_own),
		cmocka_unit_test(names_are_what_the_registry_and_the_file_system_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
