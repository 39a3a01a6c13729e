/*
 * Verifying and repairing where memory runs out: at each allocation in turn, once or from then on. What
 * is said is true all the same, or it is said that there was no memory; and what a repair left undone
 * the next one does.
 *
 * The linker has the library's allocations come here: see the Makefile.
 */
#include <search.h>
#include <time.h>

#include <drydock/repair.h>
#include <drydock/verify.h>

#include "volume.h"

/* ---- who decides ---- */

static unsigned asked;	 /* for memory, since it was set to 0 */
static unsigned refused; /* the one of them that gets none; 0: all get it */
static bool ever_after;	 /* nor do those behind it */

static bool refuses(void)
{
	asked++;
	return refused && (asked == refused || (ever_after && asked > refused));
}

#define WRAP(type, name, parameters, arguments)         \
	type __real_##name parameters;                  \
	type __wrap_##name parameters;                  \
	type __wrap_##name parameters                   \
	{                                               \
		if (!refuses())                         \
			return __real_##name arguments; \
		errno = ENOMEM;                         \
		return NULL;                            \
	}

WRAP(void *, malloc, (size_t size), (size))
WRAP(void *, calloc, (size_t count, size_t size), (count, size))
WRAP(void *, realloc, (void *old, size_t size), (old, size))
WRAP(void *, reallocarray, (void *old, size_t count, size_t size), (old, count, size))
WRAP(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size))
WRAP(char *, strdup, (const char *text), (text))
WRAP(char *, strndup, (const char *text, size_t len), (text, len))
WRAP(void *, tsearch, (const void *key, void **root, int (*compare)(const void *, const void *)),
     (key, root, compare))

static void starve_at(unsigned which, bool for_ever)
{
	asked = 0;
	refused = which;
	ever_after = for_ever;
}

/* Whether the call that was to be refused was made. */
static bool fed(void)
{
	bool reached = refused && asked >= refused;

	refused = 0;
	return reached;
}

/* What is young is looked at again and again: nobody waits for that. */
int nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)time, (void)left;
	return 0;
}

/* ---- a volume of two images ---- */

#define LAYER "the layer of an image"
#define CONFIG "{}"

static char *path_to(enum dd_place_kind kind, const struct dd_digest *digest)
{
	struct dd_place place = {
		.kind = kind, .repository = "team/app", .tag = "v1", .digest = *digest
	};
	char *path = NULL;

	assert_int_equal(dd_layout_path(&place, &path, NULL), 0);
	return path;
}

static struct dd_digest digest_of_text(const char *text)
{
	struct dd_digest digest;

	assert_int_equal(dd_digest_of(&digest, DD_SHA256, text, strlen(text), NULL), 0);
	return digest;
}

static void put_at(const struct volume *volume, enum dd_place_kind kind,
		   const struct dd_digest *digest, const char *text)
{
	char *path = path_to(kind, digest);

	put(volume, path, text);
	free(path);
}

static void remove_at(const struct volume *volume, enum dd_place_kind kind,
		      const struct dd_digest *digest)
{
	char *path = path_to(kind, digest);

	assert_int_equal(unlink(below(volume, path)), 0);
	free(path);
}

static void put_blob_of(const struct volume *volume, const char *text)
{
	struct dd_digest digest = digest_of_text(text);

	put_at(volume, DD_AT_BLOB, &digest, text);
	put_at(volume, DD_AT_LAYER, &digest, dd_digest_text(&digest));
}

/* The manifest's digest. */
static struct dd_digest put_image(const struct volume *volume, const char *layer)
{
	struct dd_digest config = digest_of_text(CONFIG), one = digest_of_text(layer), manifest;
	char json[1024];

	put_blob_of(volume, CONFIG);
	put_blob_of(volume, layer);
	snprintf(
		json, sizeof(json),
		"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
		"\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\","
		"\"digest\":\"%s\",\"size\":%zu},"
		"\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
		"\"digest\":\"%s\",\"size\":%zu}]}",
		dd_digest_text(&config), strlen(CONFIG), dd_digest_text(&one), strlen(layer));
	manifest = digest_of_text(json);
	put_at(volume, DD_AT_BLOB, &manifest, json);
	put_at(volume, DD_AT_REVISION, &manifest, dd_digest_text(&manifest));
	put_at(volume, DD_AT_HISTORY, &manifest, dd_digest_text(&manifest));
	put_at(volume, DD_AT_TAG, &manifest, dd_digest_text(&manifest));
	return manifest;
}

static struct dd_digest open_whole(struct volume *volume)
{
	open_volume(volume);
	dd_context_set_jobs(volume->ctx, 1);
	return put_image(volume, LAYER);
}

static int make_old(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const struct timespec times[] = { { 1000000000, 0 }, { 1000000000, 0 } };

	(void)st, (void)type, (void)ftw;
	return utimensat(AT_FDCWD, path, times, 0);
}

/* What repair can mend by itself, of each kind one. */
static void open_damaged(struct volume *volume)
{
	struct dd_digest layer = digest_of_text(LAYER), other = digest_of_text("another layer"),
			 first = open_whole(volume), image = put_image(volume, "another layer");

	/* One is left that the tag can have pointed to. */
	remove_at(volume, DD_AT_HISTORY, &first);
	remove_at(volume, DD_AT_TAG, &image);
	put_at(volume, DD_AT_LAYER, &layer, "");
	remove_at(volume, DD_AT_LAYER, &other);
	put(volume, V2 "blobs/sha256/aa/" HEX_A "/data.tmp", "left behind");
	assert_int_equal(nftw(volume->root, make_old, 32, FTW_PHYS), 0);
}

/* ---- verifying ---- */

struct outcome {
	int rc;
	uint64_t blobs, verified, errors, warnings, notes;
	bool complete;
	enum dd_finding worst;
};

static struct outcome verify(struct volume *volume)
{
	const struct dd_verify_options options = { 0 };
	struct outcome outcome = { 0 };
	struct dd_verify *run;

	outcome.rc = dd_verify(volume->ctx, volume->store, &options, &run, &volume->err);
	if (run) {
		const struct dd_verify_summary *summary = dd_verify_get_summary(run);

		outcome.blobs = summary->blobs;
		outcome.verified = summary->verified_blobs;
		outcome.errors = summary->errors;
		outcome.warnings = summary->warnings;
		outcome.notes = summary->notes;
		outcome.complete = summary->complete;
		if (dd_verify_get_count(run))
			outcome.worst = dd_verify_get_found(run, 0)->finding;
	}
	dd_verify_close(run);
	return outcome;
}

/* Never more than the truth, and less only of a run that says so. */
static void is_true(const struct outcome *said, const struct outcome *truth, unsigned at)
{
	bool whole = said->rc == 0 && said->complete,
	     same = said->blobs == truth->blobs && said->verified == truth->verified &&
		    said->errors == truth->errors && said->warnings == truth->warnings &&
		    said->notes == truth->notes;

	if (said->rc != 0 && said->rc != DD_ENOMEM)
		fail_msg("allocation %u: %s", at, dd_code_name(said->rc));
	if (said->errors > truth->errors || said->warnings > truth->warnings ||
	    said->notes > truth->notes)
		fail_msg("allocation %u: damage is told that there is not", at);
	if (whole && !same)
		fail_msg("allocation %u: something is missing, and the run was whole: %llu of %llu "
			 "blobs, %llu errors, %llu warnings, %llu notes",
			 at, (unsigned long long)said->verified, (unsigned long long)said->blobs,
			 (unsigned long long)said->errors, (unsigned long long)said->warnings,
			 (unsigned long long)said->notes);
}

static void verify_starved(struct volume *volume, bool for_ever)
{
	struct outcome truth = verify(volume);
	unsigned at = 0;

	assert_int_equal(truth.rc, 0);
	assert_true(truth.complete);
	for (bool reached = true; reached;) {
		struct outcome said;

		starve_at(++at, for_ever);
		said = verify(volume);
		reached = fed();
		is_true(&said, &truth, at);
	}
	assert_true(at > 50);
}

static void verifying_a_whole_volume_finds_nothing_without_memory(void **state)
{
	struct volume volume;

	(void)state;
	open_whole(&volume);
	verify_starved(&volume, false);
	verify_starved(&volume, true);
	close_volume(&volume);
}

static void verifying_a_damaged_volume_says_what_is_so_without_memory(void **state)
{
	struct volume volume;

	(void)state;
	open_damaged(&volume);
	verify_starved(&volume, false);
	verify_starved(&volume, true);
	close_volume(&volume);
}

/* ---- repairing ---- */

static const struct dd_repair_options mending = { .command = "repair --apply" };

static int repair(struct volume *volume, bool apply)
{
	struct dd_repair *run = NULL;
	int rc = (apply ? dd_repair_apply : dd_repair_plan)(volume->ctx, volume->store, &mending,
							    &run, &volume->err);

	dd_repair_close(run);
	return rc;
}

static void a_plan_without_memory_changes_nothing(void **state)
{
	struct volume volume;
	unsigned at = 0;

	(void)state;
	open_damaged(&volume);
	for (bool reached = true; reached;) {
		int rc;

		starve_at(++at, false);
		rc = repair(&volume, false);
		reached = fed();
		if (rc != 0 && rc != DD_ENOMEM)
			fail_msg("allocation %u: %s", at, volume.err.text);
		assert_false(exists(&volume, ".drydock"));
	}
	close_volume(&volume);
}

/* Not at each allocation, for each needs a volume: at a few of them, in another place each time. */
static void what_is_not_mended_for_want_of_memory_is_mended_next_time(void **state)
{
	bool for_ever = false;
	unsigned at = 1;

	(void)state;
	for (bool reached = true; reached; at += 13) {
		struct volume volume;
		struct outcome after;
		int rc;

		open_damaged(&volume);
		starve_at(at, for_ever);
		rc = repair(&volume, true);
		reached = fed();
		for_ever = !for_ever;
		if (rc < 0 && rc != DD_ENOMEM)
			fail_msg("allocation %u: %s", at, volume.err.text);
		rc = repair(&volume, true);
		if (rc < 0)
			fail_msg("after allocation %u: %s", at, volume.err.text);
		after = verify(&volume);
		if (after.rc || after.errors || after.warnings)
			fail_msg("after allocation %u: not mended: %s", at,
				 dd_finding_name(after.worst));
		close_volume(&volume);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifying_a_whole_volume_finds_nothing_without_memory),
		cmocka_unit_test(verifying_a_damaged_volume_says_what_is_so_without_memory),
		cmocka_unit_test(a_plan_without_memory_changes_nothing),
		cmocka_unit_test(what_is_not_mended_for_want_of_memory_is_mended_next_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
