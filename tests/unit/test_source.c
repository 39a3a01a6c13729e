/*
 * Sources of good bytes: what is taken for one, what is had from it, and what never hangs or leads
 * elsewhere.
 */
#include <drydock/source.h>

#include "base/cleanup.h"
#include "volume.h"
#include "old_kernel.h"

#define HEX_512 HEX_A HEX_B
#define LAYOUT "layout/"
#define LAYOUT_A LAYOUT "blobs/sha256/" HEX_A
#define GOOD "{\"imageLayoutVersion\": \"1.0.0\"}"

static struct dd_digest digest_of(const char *text)
{
	struct dd_digest digest;

	assert_int_equal(dd_digest_parse(&digest, text, strlen(text)), 0);
	return digest;
}

static int open_source(struct volume *volume, const char *path, struct dd_source **source)
{
	return dd_source_open_directory(volume->ctx, below(volume, path), source, &volume->err);
}

/* What a blob is there; to be freed. NULL if the code is not 0. */
static char *take(struct volume *volume, struct dd_source *source, const char *text, int code)
{
	DD_CLEANUP(dd_stream_closep) struct dd_stream *stream = NULL;
	const struct dd_digest digest = digest_of(text);
	char *bytes = NULL;
	size_t len = 0;
	uint64_t size;
	int64_t got;

	assert_int_equal(dd_source_open_blob(source, &digest, &stream, &size, &volume->err), code);
	assert_int_equal(stream != NULL, code == 0);
	if (code)
		return NULL;
	bytes = calloc(1, (size_t)size + 1);
	/* By small pieces, and never past the size. */
	while ((got = dd_stream_read(stream, bytes + len, 3, &volume->err)) > 0)
		len += (size_t)got;
	assert_int_equal(got, 0);
	assert_int_equal(len, size);
	return bytes;
}

static void assert_has(struct volume *volume, struct dd_source *source, const char *digest,
		       const char *text)
{
	char *bytes = take(volume, source, digest, 0);

	assert_string_equal(bytes, text);
	free(bytes);
}

static void put_layout(struct volume *volume, const char *text)
{
	put(volume, LAYOUT "oci-layout", text);
	put(volume, LAYOUT "index.json", "{}");
	put(volume, LAYOUT_A, "bytes of a");
	put(volume, LAYOUT "blobs/sha512/" HEX_512, "bytes of a sha512");
}

static void a_volume_is_found_at_each_level_of_its_root(void **state)
{
	static const char *const levels[] = { "", ".", "docker", "docker/registry",
					      "docker/registry/v2", V2 "blobs",
					      V2 "blobs/sha256/aa" };
	struct volume volume;
	char name[128];

	(void)state;
	open_volume(&volume);
	put(&volume, BLOB_A, "bytes of a");
	put(&volume, V2 "blobs/sha512/aa/" HEX_512 "/data", "bytes of a sha512");
	snprintf(name, sizeof(name), "the volume %s", volume.root);
	for (size_t i = 0; i < DD_COUNT(levels); i++) {
		DD_CLEANUP(dd_source_closep) struct dd_source *source = NULL;
		bool is;

		assert_code(open_source(&volume, levels[i], &source), 0);
		assert_string_equal(dd_source_get_name(source), name);
		assert_has(&volume, source, "sha256:" HEX_A, "bytes of a");
		assert_has(&volume, source, "sha512:" HEX_512, "bytes of a sha512");
		take(&volume, source, "sha256:" HEX_B, DD_ENOENT);
		assert_code(dd_source_is_store(source, volume.store, &is, &volume.err), 0);
		assert_true(is);
	}
	close_volume(&volume);
}

static void another_volume_is_not_this_one(void **state)
{
	DD_CLEANUP(dd_source_closep) struct dd_source *source = NULL, *linked = NULL;
	struct volume volume, other;
	bool is = true;

	(void)state;
	open_volume(&volume);
	open_volume(&other);
	assert_code(open_source(&other, "", &source), 0);
	assert_code(dd_source_is_store(source, volume.store, &is, &volume.err), 0);
	assert_false(is);
	/* What is named may be a link: only below it none is followed. */
	assert_int_equal(symlink(volume.root, below(&other, "link")), 0);
	assert_code(open_source(&other, "link", &linked), 0);
	assert_code(dd_source_is_store(linked, volume.store, &is, &volume.err), 0);
	assert_true(is);
	close_volume(&other);
	close_volume(&volume);
}

static void a_layout_is_found_by_its_file(void **state)
{
	DD_CLEANUP(dd_source_closep) struct dd_source *source = NULL;
	struct volume volume;
	char name[128];
	bool is = true;

	(void)state;
	open_volume(&volume);
	put_layout(&volume, GOOD);
	assert_code(open_source(&volume, "layout", &source), 0);
	snprintf(name, sizeof(name), "the image layout %s/layout", volume.root);
	assert_string_equal(dd_source_get_name(source), name);
	assert_has(&volume, source, "sha256:" HEX_A, "bytes of a");
	assert_has(&volume, source, "sha512:" HEX_512, "bytes of a sha512");
	take(&volume, source, "sha256:" HEX_B, DD_ENOENT);
	assert_code(dd_source_is_store(source, volume.store, &is, &volume.err), 0);
	assert_false(is);
	close_volume(&volume);
}

static void a_layout_within_a_volume_is_a_layout(void **state)
{
	DD_CLEANUP(dd_source_closep) struct dd_source *source = NULL;
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put(&volume, "docker/export/oci-layout", GOOD);
	put(&volume, "docker/export/blobs/sha256/" HEX_A, "of the layout");
	put(&volume, BLOB_A, "of the volume");
	assert_code(open_source(&volume, "docker/export", &source), 0);
	assert_has(&volume, source, "sha256:" HEX_A, "of the layout");
	close_volume(&volume);
}

static void what_is_no_file_is_neither_opened_nor_followed(void **state)
{
	static const char *const roots[] = { "layout", "other" };
	static const char *const blobs[] = { LAYOUT_A, "other/" BLOB_A };
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put_layout(&volume, GOOD);
	put(&volume, "other/" BLOB_A, "bytes of a");
	put(&volume, "elsewhere/" HEX_A, "bytes of a");
	for (size_t i = 0; i < DD_COUNT(roots); i++) {
		DD_CLEANUP(dd_source_closep) struct dd_source *source = NULL;
		char *above = strdup(below(&volume, blobs[i]));

		assert_code(open_source(&volume, roots[i], &source), 0);
		unlink(below(&volume, blobs[i]));
		assert_int_equal(symlink(below(&volume, "elsewhere/" HEX_A), below(&volume, blobs[i])), 0);
		take(&volume, source, "sha256:" HEX_A, DD_ESYMLINK);
		assert_non_null(strstr(volume.err.text, dd_source_get_name(source)));
		assert_true(volume.err.hint[0]);
		unlink(below(&volume, blobs[i]));
		assert_int_equal(mkfifo(below(&volume, blobs[i]), 0644), 0);
		take(&volume, source, "sha256:" HEX_A, DD_EIRREGULAR);
		unlink(below(&volume, blobs[i]));
		assert_int_equal(mkdir(below(&volume, blobs[i]), 0755), 0);
		take(&volume, source, "sha256:" HEX_A, DD_EIRREGULAR);
		rmdir(below(&volume, blobs[i]));
		/* A link in the middle. */
		*strrchr(above, '/') = '\0';
		assert_int_equal(rmdir(above), 0);
		assert_int_equal(symlink(below(&volume, "elsewhere"), above), 0);
		take(&volume, source, "sha256:" HEX_A, DD_ESYMLINK);
		free(above);
	}
	close_volume(&volume);
}

/* One that grows while it is read ends where it did when it was opened. */
static void a_stream_has_no_more_than_its_size(void **state)
{
	DD_CLEANUP(dd_source_closep) struct dd_source *source = NULL;
	DD_CLEANUP(dd_stream_closep) struct dd_stream *stream = NULL;
	const struct dd_digest digest = digest_of("sha256:" HEX_A);
	struct volume volume;
	char bytes[64];
	uint64_t size;

	(void)state;
	open_volume(&volume);
	put_layout(&volume, GOOD);
	assert_code(open_source(&volume, "layout", &source), 0);
	assert_code(dd_source_open_blob(source, &digest, &stream, &size, &volume.err), 0);
	assert_int_equal(size, 10);
	put(&volume, LAYOUT_A, "bytes of a, and then some");
	assert_int_equal(dd_stream_read(stream, bytes, 4, &volume.err), 4);
	assert_int_equal(dd_stream_read(stream, bytes, sizeof(bytes), &volume.err), 6);
	assert_int_equal(dd_stream_read(stream, bytes, sizeof(bytes), &volume.err), 0);
	close_volume(&volume);
}

static void a_damaged_layout_says_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "empty" },
		{ "{\"imageLayoutVersion\": ", "oci-layout" },
		{ "{\"imageLayoutVersion\": \"1.0.0\"} more", "oci-layout" },
		{ "[\"1.0.0\"]", "an array" },
		{ "{}", "imageLayoutVersion" },
		{ "{\"imageLayoutVersion\": null}", "imageLayoutVersion" },
		{ "{\"imageLayoutVersion\": 1}", "imageLayoutVersion" },
		{ "{\"imageLayoutVersion\": \"2.0.0\"}", "\"2.0.0\"" },
		{ "{\"imageLayoutVersion\": \"1.0.0\", \"imageLayoutVersion\": \"2.0.0\"}", "twice" },
	};
	static const char many[70000] = { [0 ... 69998] = ' ' };
	DD_CLEANUP(dd_source_closep) struct dd_source *source = NULL;
	struct volume volume;

	(void)state;
	open_volume(&volume);
	for (size_t i = 0; i < DD_COUNT(cases); i++) {
		put_layout(&volume, cases[i].text);
		assert_int_equal(open_source(&volume, "layout", &source), DD_EFORMAT);
		assert_null(source);
		assert_non_null(strstr(volume.err.text, "layout/oci-layout"));
		assert_non_null(strstr(volume.err.text, cases[i].says));
	}
	put_layout(&volume, many);
	assert_code(open_source(&volume, "layout", &source), DD_ETOOBIG);
	unlink(below(&volume, LAYOUT "oci-layout"));
	assert_int_equal(symlink("index.json", below(&volume, LAYOUT "oci-layout")), 0);
	assert_code(open_source(&volume, "layout", &source), DD_ESYMLINK);
	unlink(below(&volume, LAYOUT "oci-layout"));
	assert_int_equal(mkfifo(below(&volume, LAYOUT "oci-layout"), 0644), 0);
	assert_code(open_source(&volume, "layout", &source), DD_EIRREGULAR);
	close_volume(&volume);
}

static void what_is_neither_says_what_was_looked_for(void **state)
{
	DD_CLEANUP(dd_source_closep) struct dd_source *source = NULL;
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put(&volume, "elsewhere/file", "no source");
	assert_int_equal(open_source(&volume, "elsewhere", &source), DD_EFORMAT);
	assert_non_null(strstr(volume.err.text, "elsewhere"));
	assert_non_null(strstr(volume.err.text, DD_VOLUME_BASE));
	assert_non_null(strstr(volume.err.text, "oci-layout"));
	assert_true(volume.err.hint[0]);
	assert_null(source);
	assert_int_equal(open_source(&volume, "elsewhere/file", &source), DD_EFORMAT);
	assert_true(volume.err.hint[0]);
	assert_code(open_source(&volume, "nowhere", &source), DD_ENOENT);
	/* Not of the environment, nor of where registries mostly are. */
	assert_int_equal(setenv("DRYDOCK_ROOT", volume.root, 1), 0);
	assert_code(open_source(&volume, "elsewhere", &source), DD_EFORMAT);
	unsetenv("DRYDOCK_ROOT");
	close_volume(&volume);
}

static void without_access_it_is_not_taken_for_neither(void **state)
{
	static const char *const closed[] = { "layout", "layout/blobs", "other/docker" };
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put_layout(&volume, GOOD);
	put(&volume, "other/" BLOB_A, "bytes of a");
	for (size_t i = 0; i < DD_COUNT(closed); i++) {
		DD_CLEANUP(dd_source_closep) struct dd_source *source = NULL;
		DD_AUTOFREE char *path = strdup(below(&volume, closed[i]));
		bool root = geteuid() == 0;
		int rc;

		assert_int_equal(chmod(path, 0), 0);
		if (root)
			assert_int_equal(seteuid(65534), 0);
		rc = open_source(&volume, i == 2 ? "other" : "layout", &source);
		if (i == 1) {
			assert_int_equal(rc, 0);
			take(&volume, source, "sha256:" HEX_A, DD_EACCES);
		} else {
			assert_int_equal(rc, DD_EACCES);
			assert_true(volume.err.hint[0]);
		}
		if (root)
			assert_int_equal(seteuid(0), 0);
		assert_int_equal(chmod(path, 0755), 0);
	}
	close_volume(&volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_volume_is_found_at_each_level_of_its_root),
		cmocka_unit_test(another_volume_is_not_this_one),
		cmocka_unit_test(a_layout_is_found_by_its_file),
		cmocka_unit_test(a_layout_within_a_volume_is_a_layout),
		cmocka_unit_test(what_is_no_file_is_neither_opened_nor_followed),
		cmocka_unit_test(a_stream_has_no_more_than_its_size),
		cmocka_unit_test(a_damaged_layout_says_what_is_wrong),
		cmocka_unit_test(what_is_neither_says_what_was_looked_for),
		cmocka_unit_test(without_access_it_is_not_taken_for_neither),
		cmocka_unit_test(an_old_kernel_makes_no_difference),
	};

	return is_kernel_ready() ? cmocka_run_group_tests(tests, NULL, NULL) : 125;
}
