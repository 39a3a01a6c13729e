/*
 * Sources of good bytes: what all kinds have in common.
 */
#include <stdlib.h>

#include "remote/source.h"

void dd_source_close(struct dd_source *source)
{
	if (!source)
		return;
	free(source->name);
	source->ops->close(source);
}

void dd_source_closep(struct dd_source **source)
{
	dd_source_close(*source);
	*source = NULL;
}

const char *dd_source_get_name(const struct dd_source *source)
{
	return source->name;
}

int dd_source_is_store(struct dd_source *source, struct dd_store *store, bool *is,
		       struct dd_error *err)
{
	*is = false;
	return source->ops->is_store ? source->ops->is_store(source, store, is, err) : 0;
}

int dd_source_open_blob(struct dd_source *source, const struct dd_digest *digest,
			struct dd_stream **stream, uint64_t *size, struct dd_error *err)
{
	int rc;

	*stream = NULL;
	*size = 0;
	rc = source->ops->open_blob(source, digest, stream, size, err);
	if (rc < 0)
		return dd_wrap(err, rc, "take %s from %s", dd_digest_text(digest), source->name);
	(*stream)->left = *size;
	return 0;
}

/* What grows while it is read must not be read for ever. */
int64_t dd_stream_read(struct dd_stream *stream, void *bytes, size_t len, struct dd_error *err)
{
	int64_t got;

	if (len > stream->left)
		len = (size_t)stream->left;
	if (!len)
		return 0;
	got = stream->ops->read(stream, bytes, len, err);
	if (got > 0)
		stream->left -= (uint64_t)got;
	return got;
}

void dd_stream_closep(struct dd_stream **stream)
{
	if (*stream)
		(*stream)->ops->close(*stream);
	*stream = NULL;
}
