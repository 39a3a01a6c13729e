/*
 * Receiving a blob.
 */
#include <string.h>

#include <drydock/units.h>

#include "base/uuid.h"
#include "registry/registry.h"
#include "registry/upload.h"

#define BLOCK ((size_t)1 << 20)
#define BESIDE \
	((size_t)256 << 10) /* of so many bytes hashing and writing are worth a thread each */
#define LOOK_EVERY ((uint64_t)16 << 20) /* bytes that arrive between two looks for room */

static struct dd_place place_of(const struct dd_upload *upload)
{
	return (struct dd_place){ .kind = DD_AT_UPLOAD,
				  .repository = upload->repository,
				  .upload = upload->id };
}

/*
 * What a client was told is there in this repository is what it needs when the upload is through. So an
 * upload that takes long renews the leases; one that is over in no time need not.
 */
static void renew_leases(const struct dd_upload *upload)
{
	dd_lease_renew(upload->registry->leases, upload->repository);
}

/* Nobody collects it while it is in somebody's hands, nor for a lease's length afterwards. */
static void pin(struct dd_registry *registry, const char *repository, const char *id)
{
	struct dd_digest key;

	dd_lease_name(DD_LEASE_UPLOAD, id, &key);
	dd_lease_pin(registry->leases, repository, &key);
}

static void unpin(struct dd_registry *registry, const char *repository, const char *id)
{
	struct dd_digest key;

	dd_lease_name(DD_LEASE_UPLOAD, id, &key);
	dd_lease_unpin(registry->leases, repository, &key);
}

/* ---- beginning, finding, leaving ---- */

int dd_upload_begin(struct dd_registry *registry, const char *repository, const char *owner,
		    const char *client, struct dd_upload **out, struct dd_error *err)
{
	char id[DD_UUID_TEXT], startedat[DD_UNIT_TEXT];
	struct dd_upload *upload;
	struct dd_info info;
	int rc = dd_registry_check_name(repository, err);

	*out = NULL;
	if (rc == 0)
		rc = dd_registry_check_room(registry, 0, err);
	if (rc == 0)
		rc = dd_uuid_make(id, err);
	if (rc < 0)
		return rc;
	upload = dd_upload_new(registry, repository, id, owner);
	if (!upload)
		return dd_fail(err, DD_ENOMEM, 0, "begin an upload");
	rc = dd_upload_table_add(upload, client, err);
	if (rc < 0) {
		dd_upload_free(upload);
		return rc;
	}
	pin(registry, repository, id);
	rc = dd_store_begin_upload(registry->store, repository, id,
				   dd_time_format_utc(dd_time_now(), startedat), &upload->writer,
				   &info, err);
	if (rc < 0) {
		unpin(registry, repository, id);
		dd_upload_table_remove(upload);
		return dd_wrap(err, rc, "begin an upload");
	}
	upload->stamp = info.stamp;
	*out = upload;
	return 0;
}

/* It is in the caller's hands; what the file says counts. DD_ENOENT: it is gone, and then so is it. */
static int open_file(struct dd_upload *upload, struct dd_error *err)
{
	struct dd_place place = place_of(upload);
	struct dd_info info;
	int rc = dd_store_open_writer(upload->registry->store, &place, &upload->writer, &info, err);

	if (rc < 0)
		return rc;
	/* Another registry, or a crash of ours, wrote to it: what was hashed may not be what is there. */
	if (!dd_stamp_equal(&info.stamp, &upload->stamp)) {
		dd_hasher_closep(&upload->hasher);
		upload->hashed = 0;
	}
	upload->size = info.size;
	upload->stamp = info.stamp;
	return 0;
}

/* One that an earlier process, or another registry, has begun. */
static int adopt(struct dd_registry *registry, const char *repository, const char *id,
		 struct dd_upload **out, struct dd_error *err)
{
	struct dd_place place = { .kind = DD_AT_UPLOAD, .repository = repository, .upload = id };
	struct dd_upload *upload;
	struct dd_info info;
	int rc = dd_store_stat(registry->store, &place, &info, err);

	if (rc < 0)
		return rc;
	upload = dd_upload_new(registry, repository, id, NULL);
	if (!upload)
		return dd_fail(err, DD_ENOMEM, 0, "go on with an upload");
	rc = dd_upload_table_add(upload, NULL, err);
	if (rc < 0) {
		dd_upload_free(upload);
		/* Another request has just done the same. */
		return rc == DD_EEXIST ? DD_ELOCKED : rc;
	}
	*out = upload;
	return 0;
}

static int take(struct dd_registry *registry, const char *repository, const char *id,
		const char *owner, struct dd_upload **upload, struct dd_error *err)
{
	int rc = dd_upload_table_take(registry, repository, id, owner, upload, err);

	if (rc != DD_ENOENT)
		return rc == DD_EACCES ? DD_ENOENT : rc;
	dd_error_clear(err);
	return adopt(registry, repository, id, upload, err);
}

int dd_upload_find(struct dd_registry *registry, const char *repository, const char *id,
		   const char *owner, struct dd_upload **out, struct dd_error *err)
{
	struct dd_upload *upload = NULL;
	int rc = dd_registry_check_name(repository, err);

	*out = NULL;
	if (rc < 0)
		return rc;
	if (!dd_upload_valid(id))
		return dd_fail(err, DD_ENOENT, 0, "no upload is called so");
	rc = take(registry, repository, id, owner, &upload, err);
	if (rc < 0)
		return rc;
	pin(registry, repository, id);
	rc = open_file(upload, err);
	if (rc < 0)
		unpin(registry, repository, id);
	if (rc == DD_ENOENT)
		dd_upload_table_remove(upload);
	else if (rc < 0)
		dd_upload_table_give(upload);
	if (rc < 0)
		return rc;
	renew_leases(upload);
	*out = upload;
	return 0;
}

void dd_upload_release(struct dd_upload *upload)
{
	renew_leases(upload);
	dd_writer_closep(&upload->writer);
	unpin(upload->registry, upload->repository, upload->id);
	dd_upload_table_give(upload);
}

void dd_upload_releasep(struct dd_upload **upload)
{
	if (*upload)
		dd_upload_release(*upload);
	*upload = NULL;
}

const char *dd_upload_get_id(const struct dd_upload *upload)
{
	return upload->id;
}

uint64_t dd_upload_get_offset(const struct dd_upload *upload)
{
	return upload->size;
}

/* ---- bytes ---- */

void dd_upload_expect(struct dd_upload *upload, const struct dd_digest *digest)
{
	if (upload->alg == (enum dd_algorithm)digest->alg)
		return;
	dd_hasher_closep(&upload->hasher);
	upload->alg = (enum dd_algorithm)digest->alg;
	upload->hashed = 0;
}

int dd_upload_announce(const struct dd_upload *upload, uint64_t len, struct dd_error *err)
{
	return dd_registry_check_room(upload->registry, len, err);
}

int dd_upload_catch_up(struct dd_upload *upload, struct dd_error *err)
{
	DD_AUTOFREE char *block = NULL;
	int rc = 0;

	if (!upload->hasher) {
		upload->hashed = 0;
		rc = dd_hasher_open(&upload->hasher, upload->alg, err);
	}
	if (rc < 0 || upload->hashed == upload->size)
		return rc;
	block = malloc(BLOCK);
	if (!block)
		return dd_fail(err, DD_ENOMEM, 0, "hash an upload");
	while (rc == 0 && upload->hashed < upload->size) {
		uint64_t left = upload->size - upload->hashed;
		int64_t got = dd_writer_read_at(upload->writer, upload->hashed, block,
						left < BLOCK ? (size_t)left : BLOCK, err);

		if (got == 0)
			return dd_fail(err, DD_ECHANGED, 0, "the upload became shorter");
		rc = got < 0 ? (int)got : dd_hasher_add(upload->hasher, block, (size_t)got, err);
		if (rc == 0)
			upload->hashed += (uint64_t)got;
	}
	return rc;
}

static int look_for_room(struct dd_upload *upload, size_t len, struct dd_error *err)
{
	int rc;

	if (upload->looked && upload->size + len - upload->looked < LOOK_EVERY)
		return 0;
	rc = dd_registry_check_room(upload->registry, len, err);
	if (rc < 0)
		return rc;
	upload->looked = upload->size + len;
	renew_leases(upload);
	return 0;
}

/* Bytes that came: what became of writing them, and of hashing them. */
struct piece {
	struct dd_upload *upload;
	const void *bytes;
	size_t len;
	int written, hashed;
	struct dd_error write_err, hash_err;
};

static void write_piece(void *arg)
{
	struct piece *piece = arg;

	piece->written = dd_writer_append(piece->upload->writer, piece->bytes, piece->len,
					  &piece->write_err);
}

static void hash_piece(void *arg)
{
	struct piece *piece = arg;

	piece->hashed =
		dd_hasher_add(piece->upload->hasher, piece->bytes, piece->len, &piece->hash_err);
}

static int add_piece(struct dd_upload *upload, const void *bytes, size_t len, struct dd_error *err)
{
	struct dd_registry *registry = upload->registry;
	struct piece piece = { .upload = upload, .bytes = bytes, .len = len };

	if (registry->both && len >= BESIDE) {
		registry->both(registry->both_arg, write_piece, hash_piece, &piece);
	} else {
		write_piece(&piece);
		if (piece.written == 0)
			hash_piece(&piece);
	}
	if (piece.written == 0 && piece.hashed == 0)
		return 0;
	/* The hash may be of more than the file has. */
	dd_hasher_closep(&upload->hasher);
	if (err)
		*err = piece.written < 0 ? piece.write_err : piece.hash_err;
	return piece.written < 0 ? piece.written : piece.hashed;
}

int dd_upload_append(struct dd_upload *upload, const void *bytes, size_t len, struct dd_error *err)
{
	struct dd_info info;
	int rc = look_for_room(upload, len, err);

	if (rc == 0)
		rc = dd_upload_catch_up(upload, err);
	if (rc == 0)
		rc = add_piece(upload, bytes, len, err);
	if (rc < 0)
		return dd_wrap(err, rc, "upload %s", upload->id);
	upload->size += len;
	upload->hashed += len;
	rc = dd_writer_stat(upload->writer, &info, err);
	if (rc == 0 && info.size != upload->size)
		rc = dd_fail(err, DD_ECHANGED, 0, "somebody else writes to upload %s", upload->id);
	upload->stamp = info.stamp;
	return rc;
}

/* ---- ends ---- */

int dd_upload_end(struct dd_upload **upload, struct dd_error *err)
{
	int rc = dd_store_remove_upload((*upload)->registry->store, (*upload)->repository,
					(*upload)->id, err);

	unpin((*upload)->registry, (*upload)->repository, (*upload)->id);
	dd_upload_table_remove(*upload);
	*upload = NULL;
	if (rc == DD_ENOENT)
		dd_error_clear(err);
	return rc == DD_ENOENT ? 0 : rc;
}

int dd_upload_cancel(struct dd_upload **upload, struct dd_error *err)
{
	return dd_upload_end(upload, err);
}
