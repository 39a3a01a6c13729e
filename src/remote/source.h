/*
 * What a kind of source is made of.
 */
#ifndef REMOTE_SOURCE_H
#define REMOTE_SOURCE_H

#include <drydock/source.h>

/* Each kind embeds it at its beginning. */
struct dd_source {
	const struct dd_source_ops *ops;
	char *name;
};

struct dd_source_ops {
	int (*open_blob)(struct dd_source *source, const struct dd_digest *digest,
			 struct dd_stream **stream, uint64_t *size, struct dd_error *err);
	/* NULL: never. */
	int (*is_store)(struct dd_source *source, struct dd_store *store, bool *is,
			struct dd_error *err);
	/* All of its own, and itself; the name is no longer there. */
	void (*close)(struct dd_source *source);
};

struct dd_stream {
	const struct dd_stream_ops *ops;
	uint64_t left; /* bytes that may still come; set by dd_source_open_blob() */
};

struct dd_stream_ops {
	int64_t (*read)(struct dd_stream *stream, void *bytes, size_t len, struct dd_error *err);
	void (*close)(struct dd_stream *stream);
};

#endif
