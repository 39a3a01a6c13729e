/*
 * Opening and closing: the one place that decides what is trouble, and says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "index/index.h"
#include "index/seal.h"

#define PUBLISH_EVERY (60 * DD_SECOND)

static const struct {
	bool away;
	const char *text;
} seal_states[] = {
#define X(constant, away, text) { away, text },
	DD_SEAL_STATES(X)
#undef X
};

/* ---- who writes ---- */

static int take_lock(struct dd_index *index, struct dd_error *err)
{
	DD_AUTOCLOSE int fd =
		dd_index_open_file(&index->place, index->kind->lock, O_RDWR | O_CREAT, err);
	int got;

	if (fd < 0)
		return fd;
	do
		got = flock(fd, LOCK_EX | LOCK_NB);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EWOULDBLOCK) {
		dd_log(index->ctx, DD_LOG_NOTE,
		       "another run writes to the index in %s: what this one finds out is not "
		       "remembered",
		       index->place.path);
		return 0;
	}
	if (got < 0)
		return dd_fail(err, dd_code_of_errno(errno), errno, "lock the index in %s",
			       index->place.path);
	index->lock = fd;
	fd = -1;
	return 0;
}

static int prepare_to_write(struct dd_index *index, struct dd_error *err)
{
	int rc = take_lock(index, err);

	if (rc < 0 || index->lock < 0)
		return rc;
	rc = dd_index_put_file(index->place.fd, DD_INDEX_VOLUME, index->place.identity.bytes, err);
	if (rc == 0)
		rc = dd_index_tag(index->place.fd, err);
	if (rc < 0)
		dd_index_stop_writing(index);
	return rc;
}

/* ---- what is there ---- */

/* The file that says whose the directory is; it need not be there. */
static int check_volume(const struct dd_index_place *place, struct dd_error *err)
{
	size_t len = place->identity.len;
	DD_AUTOFREE char *text = malloc(len + 1);
	DD_AUTOCLOSE int fd = dd_index_open_file(place, DD_INDEX_VOLUME, O_RDONLY, err);
	ssize_t got;

	if (!text)
		return dd_fail(err, DD_ENOMEM, 0, "open the index");
	if (fd < 0)
		return fd == DD_ENOENT ? 0 : fd;
	got = pread(fd, text, len + 1, 0);
	if (got >= 0 && (size_t)got == len && !memcmp(text, place->identity.bytes, len))
		return 0;
	dd_fail(err, DD_EREFUSED, 0, "%s says that it belongs to another volume", place->path);
	dd_hint(err, "see what the file \"volume\" in it says, and remove the directory");
	return DD_EREFUSED;
}

/* A cache that cannot be used is made anew, by who may. */
static int throw_away(struct dd_index *index, const char *why, struct dd_error *err)
{
	const char *path = index->place.path, *file = index->kind->file;

	if (index->lock < 0) {
		dd_fail(err, DD_EFORMAT, 0, "the index %s/%s %s", path, file, why);
		dd_hint(err, "the next run that may write to it makes it anew");
		return DD_EFORMAT;
	}
	dd_log(index->ctx, DD_LOG_WARNING,
	       "the index %s/%s %s: it is thrown away, and the work takes longer this time", path,
	       file, why);
	if (unlinkat(index->place.fd, file, 0) < 0)
		return dd_fail(err, dd_code_of_errno(errno), errno, "remove %s/%s", path, file);
	return 0;
}

static int check_and_load(struct dd_index *index, int fd, struct dd_error *err)
{
	enum dd_seal_state state;
	uint64_t length = 0;
	int rc = dd_seal_check(index->ctx, fd, index->place.volume, &state, &length, err);

	if (rc == DD_ENOMEM || rc == DD_ECANCELLED)
		return rc;
	if (rc < 0)
		return throw_away(index, "cannot be read", err);
	if (state == DD_SEAL_GOOD) {
		rc = dd_index_load(index, fd, length, err);
		/* Sealed all the same: a later LMDB's, perhaps. */
		return rc == DD_EFORMAT ? throw_away(index, "is not to LMDB's liking", err) : rc;
	}
	if (seal_states[state].away)
		return throw_away(index, seal_states[state].text, err);
	dd_fail(err, DD_EREFUSED, 0, "the index %s/%s %s", index->place.path, index->kind->file,
		seal_states[state].text);
	dd_hint(err, "use that version, or remove the directory");
	return DD_EREFUSED;
}

static int load(struct dd_index *index, struct dd_error *err)
{
	/* Between our look and LMDB's another run may publish: then that one is as good. */
	for (int tries = 0;; tries++) {
		DD_AUTOCLOSE int fd =
			dd_index_open_file(&index->place, index->kind->file, O_RDONLY, err);
		int rc;

		if (fd == DD_ENOENT)
			return 0;
		rc = fd < 0 ? fd : check_and_load(index, fd, err);
		if (rc != DD_ECHANGED || tries == 4)
			return rc;
	}
}

/* ---- opening and closing ---- */

static int open_all(struct dd_index *index, struct dd_store *store,
		    const struct dd_index_options *options, struct dd_error *err)
{
	struct dd_error trouble = { 0 };
	int rc = dd_index_place_open(store, options, &index->place, err);

	if (rc == 0 && index->place.fd >= 0)
		rc = check_volume(&index->place, err);
	if (rc < 0 || index->place.fd < 0 || options->log_only)
		return rc;
	/* What cannot be written may still be read. */
	if (!options->read_only) {
		rc = prepare_to_write(index, &trouble);
		rc = dd_index_trouble(index->ctx, rc, "what is found out is not remembered",
				      &trouble);
		if (rc < 0 && err)
			*err = trouble;
	}
	return rc < 0 ? rc : load(index, err);
}

/* By stamps; a verified blob is known by the bytes, and read again in any case. */
static bool may_be_proved(struct dd_context *ctx, struct dd_store *store,
			  const struct dd_index_options *options)
{
	const char *network = dd_index_kinds[options->kind].learns ? dd_store_network(store) : NULL;

	if (network)
		dd_log(ctx, DD_LOG_NOTE,
		       "the volume lies on %s, whose times prove nothing: all of it is looked at",
		       network);
	return !network;
}

int dd_index_open(struct dd_context *ctx, struct dd_store *store,
		  const struct dd_index_options *options, struct dd_index **out,
		  struct dd_error *err)
{
	DD_CLEANUP(dd_index_closep) struct dd_index *index = NULL;
	struct dd_error trouble = { 0 };
	int rc;

	*out = NULL;
	if (options->none || !may_be_proved(ctx, store, options))
		return 0;
	index = calloc(1, sizeof(*index));
	if (!index)
		return dd_fail(err, DD_ENOMEM, 0, "open the index");
	index->ctx = ctx;
	index->kind = &dd_index_kinds[options->kind];
	index->lock = index->place.fd = -1;
	index->map = DD_INDEX_MAP;
	index->map_max = DD_INDEX_MAP_MAX;
	index->publish_every_ns = PUBLISH_EVERY;
	rc = open_all(index, store, options, &trouble);
	if (rc < 0) {
		rc = dd_index_trouble(ctx, rc, "going on without the index", &trouble);
		if (rc < 0 && err)
			*err = trouble;
		return rc;
	}
	if (!index->env && index->lock < 0 && !(options->log_only && index->place.fd >= 0))
		return 0;
	if (index->kind->learns)
		dd_learner_open(index);
	*out = index;
	index = NULL;
	return 0;
}

void dd_index_close(struct dd_index *index)
{
	struct dd_error trouble = { 0 };

	if (!index)
		return;
	if (index->kind->learns)
		dd_learner_close(index);
	if (index->work && dd_index_publish(index, &trouble) < 0)
		dd_log(index->ctx, DD_LOG_WARNING, "what was found out is not remembered: %s%s%s",
		       trouble.text, trouble.hint[0] ? "; " : "", trouble.hint);
	dd_index_stop_writing(index);
	dd_index_unload(index);
	dd_index_place_release(&index->place);
	free(index);
}

void dd_index_closep(struct dd_index **index)
{
	dd_index_close(*index);
	*index = NULL;
}

const char *dd_index_get_directory(const struct dd_index *index)
{
	return index ? index->place.path : NULL;
}
