/*
 * A directory as a source: another volume, or an OCI image layout.
 *
 * A layout says what it is by a file of its own, so that is looked for first: only then is it asked
 * whether a volume lies there or around.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/store.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "remote/aliases.h"
#include "remote/source.h"
#include "text/json.h"

/* Of the file that says so; an honest one has some 30 bytes. */
#define LAYOUT_MAX ((uint64_t)64 << 10)

struct directory {
	struct dd_source source;
	struct dd_context *ctx; /* borrowed */
	struct dd_store *store;
	bool is_volume;
	struct dd_alias_links aliases; /* of a volume */
};

struct file {
	struct dd_stream stream;
	struct dd_reader *reader;
};

static int64_t read_file(struct dd_stream *stream, void *bytes, size_t len, struct dd_error *err)
{
	return dd_reader_read(((struct file *)stream)->reader, bytes, len, err);
}

static void close_file(struct dd_stream *stream)
{
	struct file *file = (struct file *)stream;

	dd_reader_closep(&file->reader);
	free(file);
}

static int open_file(struct directory *directory, const struct dd_digest *digest,
		     struct dd_reader **reader, struct dd_info *info, struct dd_error *err)
{
	const struct dd_place place = {
		.kind = directory->is_volume ? DD_AT_BLOB : DD_AT_LAYOUT_BLOB,
		.digest = *digest,
	};

	return dd_store_open_reader(directory->store, &place, reader, info, err);
}

/* A registry stores by sha256 what was pushed by another digest; its links say what is what. */
static int open_alias(struct directory *directory, const struct dd_digest *digest,
		      struct dd_reader **reader, struct dd_info *info, struct dd_error *err)
{
	const struct dd_alias_link *links;
	size_t count;
	int rc = dd_alias_links_find(&directory->aliases, directory->ctx, directory->store, digest,
				     &links, &count, err);

	if (rc == 0)
		rc = DD_ENOENT;
	for (size_t i = 0; i < count && rc == DD_ENOENT; i++) {
		dd_error_clear(err);
		rc = open_file(directory, &links[i].blob, reader, info, err);
	}
	return rc;
}

static int open_blob(struct dd_source *source, const struct dd_digest *digest,
		     struct dd_stream **stream, uint64_t *size, struct dd_error *err)
{
	static const struct dd_stream_ops ops = { read_file, close_file };
	struct directory *directory = (struct directory *)source;
	DD_AUTOFREE struct file *file = calloc(1, sizeof(*file));
	struct dd_info info;
	int rc;

	if (!file)
		return dd_fail(err, DD_ENOMEM, 0, "open a file");
	rc = open_file(directory, digest, &file->reader, &info, err);
	if (rc == DD_ENOENT && directory->is_volume && digest->alg != DD_SHA256)
		rc = open_alias(directory, digest, &file->reader, &info, err);
	if (rc == DD_ESYMLINK)
		dd_hint(err, "links are not followed; a copy by 'cp -rL' has none");
	if (rc < 0)
		return rc;
	dd_reader_pass_through(file->reader);
	file->stream.ops = &ops;
	*size = info.size;
	*stream = &file->stream;
	file = NULL;
	return 0;
}

/* By the directory with the blobs, too: that alone may be mounted elsewhere. */
static int is_store(struct dd_source *source, struct dd_store *store, bool *is,
		    struct dd_error *err)
{
	static const struct dd_place blobs = { .kind = DD_IN_BLOBS };
	struct directory *directory = (struct directory *)source;
	uint64_t theirs[2], ours[2];
	struct dd_info there, here;
	int rc = dd_store_identify(directory->store, theirs, err);

	if (rc == 0)
		rc = dd_store_identify(store, ours, err);
	if (rc < 0)
		return rc;
	*is = !memcmp(theirs, ours, sizeof(ours)) ||
	      (dd_store_stat(directory->store, &blobs, &there, NULL) == 0 &&
	       dd_store_stat(store, &blobs, &here, NULL) == 0 &&
	       dd_stamp_equal(&there.stamp, &here.stamp));
	return 0;
}

static void close_directory(struct dd_source *source)
{
	struct directory *directory = (struct directory *)source;

	dd_store_close(directory->store);
	dd_alias_links_release(&directory->aliases);
	free(directory);
}

/* The major version is what a reader has to know: image-layout.md has been at 1.0.0 ever since. */
static int check_version(const struct dd_json *root, struct dd_error *err)
{
	const struct dd_json *version;
	int rc;

	if (root->type != DD_JSON_OBJECT)
		return dd_fail(err, DD_EFORMAT, 0, "%s, where an object was expected",
			       dd_json_type_name(root->type));
	rc = dd_json_field(root, "imageLayoutVersion", &version, err);
	if (rc < 0)
		return rc;
	if (!version || version->type != DD_JSON_STRING)
		return dd_fail(err, DD_EFORMAT, 0, "there is no text \"imageLayoutVersion\"");
	if (strncmp(version->text, "1.", 2) != 0)
		return dd_fail(err, DD_EFORMAT, 0, "the version is \"%.20s\": only 1 is known",
			       version->text);
	return 0;
}

/* DD_ENOENT: it is no layout; other errors: it is a damaged one. */
static int check_layout(struct dd_store *store, struct dd_error *err)
{
	static const struct dd_place place = { .kind = DD_AT_LAYOUT };
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	DD_CLEANUP(dd_json_reader_closep) struct dd_json_reader *reader = NULL;
	const struct dd_json *root;
	int rc = dd_store_read(store, &place, LAYOUT_MAX, &buffer, NULL, err);

	if (rc < 0)
		return rc;
	rc = dd_json_reader_open(&reader, err);
	if (rc == 0)
		rc = dd_json_read(reader, buffer.bytes, buffer.len, dd_json_budget(buffer.len),
				  &root, err);
	if (rc == 0)
		rc = check_version(root, err);
	return rc < 0 ? dd_wrap(err, rc, "%s/oci-layout", dd_store_get_root(store)) : 0;
}

static int neither(const char *path, struct dd_error *err)
{
	dd_fail(err, DD_EFORMAT, 0,
		"%s is neither a registry's volume (there is no " DD_VOLUME_BASE
		") nor an OCI image layout (there is no oci-layout)",
		path);
	dd_hint(err, "give the directory of another registry, or one that 'skopeo copy "
		     "docker://… oci:DIRECTORY' has filled");
	return DD_EFORMAT;
}

/* An image layout, or else a volume, which is found as ever. */
static int open_store(struct dd_context *ctx, const char *path, struct directory *directory,
		      struct dd_error *err)
{
	const struct dd_store_options options = { .root = path };
	int rc = dd_store_open_bare(path, &directory->store, err);

	if (rc == DD_EFORMAT)
		dd_hint(err, "give a directory; what is packed has to be unpacked first");
	if (rc < 0)
		return rc;
	rc = check_layout(directory->store, err);
	if (rc == DD_EACCES)
		dd_hint(err, "try again as root, or as the user whose it is");
	if (rc != DD_ENOENT)
		return rc;
	dd_store_closep(&directory->store);
	dd_error_clear(err);
	directory->is_volume = true;
	rc = dd_store_open(ctx, &options, &directory->store, err);
	return rc == DD_ECONFIG ? neither(path, err) : rc;
}

static int set_name(struct directory *directory, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	const char *kind = directory->is_volume ? "volume" : "image layout";

	if (dd_text_printf(&text, "the %s %s", kind, dd_store_get_root(directory->store)) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "open a source");
	directory->source.name = dd_text_take(&text);
	return 0;
}

int dd_source_open_directory(struct dd_context *ctx, const char *path, struct dd_source **out,
			     struct dd_error *err)
{
	static const struct dd_source_ops ops = { open_blob, is_store, close_directory };
	struct directory *directory = calloc(1, sizeof(*directory));
	int rc;

	*out = NULL;
	if (!directory)
		return dd_fail(err, DD_ENOMEM, 0, "open a source");
	directory->source.ops = &ops;
	directory->ctx = ctx;
	rc = open_store(ctx, path, directory, err);
	if (rc == 0)
		rc = set_name(directory, err);
	if (rc < 0)
		dd_source_close(&directory->source);
	else
		*out = &directory->source;
	return rc;
}
