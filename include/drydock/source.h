/*
 * Where good bytes come from when a volume has lost its own: behind one interface, so that a
 * repair does not know whether it draws on a directory, an archive or another registry.
 *
 * Nothing that a source says is believed: whoever reads from one hashes what it reads.
 */
#ifndef DRYDOCK_SOURCE_H
#define DRYDOCK_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drydock/context.h>
#include <drydock/digest.h>

struct dd_source;
struct dd_store;

/*
 * A directory: another registry volume (its root named at any level of itself), or an OCI image
 * layout (image-spec, image-layout.md). DD_ENOENT, DD_EACCES; DD_EFORMAT with a hint: it is neither.
 * Nothing in it is written. No symbolic link below it is followed. The context outlives it.
 */
int dd_source_open_directory(struct dd_context *ctx, const char *path, struct dd_source **source,
			     struct dd_error *err);
void dd_source_close(struct dd_source *source);
void dd_source_closep(struct dd_source **source);

/* For people: "the volume /srv/registry", "the image layout /tmp/oci". */
const char *dd_source_get_name(const struct dd_source *source);

/* Whether it is that very volume, by whatever path: then it has nothing that the volume lacks. */
int dd_source_is_store(struct dd_source *source, struct dd_store *store, bool *is,
		       struct dd_error *err);

/*
 * The bytes that are called by a digest there, also by what a volume's links say, as a stream. *size is how many there should be, and
 * the stream never has more. DD_ENOENT: there are none. DD_ESYMLINK, DD_EIRREGULAR: not as a file.
 */
struct dd_stream;
int dd_source_open_blob(struct dd_source *source, const struct dd_digest *digest,
			struct dd_stream **stream, uint64_t *size, struct dd_error *err);
/* Bytes read, 0 at the end, or an error. */
int64_t dd_stream_read(struct dd_stream *stream, void *bytes, size_t len, struct dd_error *err);
void dd_stream_closep(struct dd_stream **stream);

#endif
