/*
 * Bytes on their way to a client.
 *
 * What is known to be good is read from wherever the client wants. What is not, and is too large to
 * be verified first, is hashed on the way: each block as it is read, and the last one is held back
 * until the digest is made out. Streams of the same file share one hash: it is fed by whoever is ahead
 * of it, so that a client that is slow or goes away keeps nobody waiting, and nothing is hashed twice.
 */
#include <string.h>

#include <drydock/units.h>

#include "registry/blob.h"
#include "registry/download.h"
#include "registry/prove.h"
#include "registry/registry.h"

#define LAST ((size_t)64 << 10)	  /* bytes that are held back */
#define BLOCK ((size_t)256 << 10) /* of what is read to catch up */

/* A file that is being verified while it is read. */
struct dd_joint {
	struct dd_joint *next;
	unsigned streams; /* under the list's lock */
	struct dd_digest digest;
	struct dd_info info; /* as it was when it was opened */
	int64_t read_ns;

	pthread_mutex_t lock; /* around all that follows */
	struct dd_hasher *hasher;
	uint64_t hashed; /* bytes */
	int verdict;	 /* 1: not yet; 0; DD_ECORRUPT */
};

struct dd_joints {
	pthread_mutex_t lock;
	struct dd_joint *first;
};

struct dd_download {
	struct dd_registry *registry;
	struct dd_reader *reader;
	struct dd_digest digest;
	struct dd_info info;
	struct dd_joint *joint; /* NULL: the bytes are proved */
	unsigned char *last;	/* the last block, once it may be given away */
};

int dd_joints_open(struct dd_registry *registry, struct dd_error *err)
{
	registry->joints = calloc(1, sizeof(*registry->joints));
	if (!registry->joints)
		return dd_fail(err, DD_ENOMEM, 0, "serve blobs");
	pthread_mutex_init(&registry->joints->lock, NULL);
	return 0;
}

void dd_joints_close(struct dd_registry *registry)
{
	if (registry->joints)
		pthread_mutex_destroy(&registry->joints->lock);
	free(registry->joints);
	registry->joints = NULL;
}

/* ---- joint verification ---- */

static struct dd_joint *make_joint(const struct dd_download *download, struct dd_error *err)
{
	struct dd_joint *joint = calloc(1, sizeof(*joint));

	if (!joint) {
		dd_fail(err, DD_ENOMEM, 0, "verify a blob");
		return NULL;
	}
	if (dd_hasher_open(&joint->hasher, (enum dd_algorithm)download->digest.alg, err) < 0) {
		free(joint);
		return NULL;
	}
	joint->digest = download->digest;
	joint->info = download->info;
	joint->read_ns = dd_time_now();
	joint->verdict = 1;
	pthread_mutex_init(&joint->lock, NULL);
	return joint;
}

/*
 * What changed just now may change again without a trace in its stamp: two who read such a file may
 * read different bytes, and do not share.
 */
static struct dd_joint *find_joint(const struct dd_joints *joints,
				   const struct dd_download *download)
{
	struct dd_joint *joint;

	for (joint = joints->first; joint; joint = joint->next)
		if (dd_digest_equal(&joint->digest, &download->digest) &&
		    dd_stamp_equal(&joint->info.stamp, &download->info.stamp) &&
		    dd_index_may_remember(&joint->info, joint->read_ns))
			return joint;
	return NULL;
}

static int join(struct dd_download *download, struct dd_error *err)
{
	struct dd_joints *joints = download->registry->joints;
	struct dd_joint *joint;

	pthread_mutex_lock(&joints->lock);
	joint = find_joint(joints, download);
	if (!joint) {
		joint = make_joint(download, err);
		if (joint) {
			joint->next = joints->first;
			joints->first = joint;
		}
	}
	if (joint)
		joint->streams++;
	pthread_mutex_unlock(&joints->lock);
	download->joint = joint;
	return joint ? 0 : DD_ENOMEM;
}

static void part(struct dd_download *download)
{
	struct dd_joints *joints = download->registry->joints;
	struct dd_joint *joint = download->joint;

	if (!joint)
		return;
	pthread_mutex_lock(&joints->lock);
	if (--joint->streams == 0) {
		for (struct dd_joint **at = &joints->first; *at; at = &(*at)->next)
			if (*at == joint) {
				*at = joint->next;
				break;
			}
	} else {
		joint = NULL;
	}
	pthread_mutex_unlock(&joints->lock);
	download->joint = NULL;
	if (!joint)
		return;
	dd_hasher_closep(&joint->hasher);
	pthread_mutex_destroy(&joint->lock);
	free(joint);
}

/* What is new of a block that was read at an offset. The lock is held. */
static int feed(struct dd_joint *joint, uint64_t offset, const unsigned char *bytes, size_t len,
		struct dd_error *err)
{
	uint64_t known = joint->hashed - offset;
	int rc;

	if (joint->verdict <= 0 || offset > joint->hashed || offset + len <= joint->hashed)
		return 0;
	rc = dd_hasher_add(joint->hasher, bytes + known, len - (size_t)known, err);
	if (rc == 0)
		joint->hashed = offset + len;
	return rc;
}

/* Up to an offset, if nobody has come so far. The lock is held. */
static int catch_up(struct dd_download *download, uint64_t offset, struct dd_error *err)
{
	struct dd_joint *joint = download->joint;
	DD_AUTOFREE unsigned char *block = NULL;
	int rc = 0;

	if (joint->hashed >= offset)
		return 0;
	block = malloc(BLOCK);
	if (!block)
		return dd_fail(err, DD_ENOMEM, 0, "verify a blob");
	while (rc == 0 && joint->hashed < offset) {
		int64_t got =
			dd_reader_read_at(download->reader, joint->hashed, block, BLOCK, true, err);

		if (got == 0)
			return dd_fail(err, DD_ECHANGED, 0, "it became shorter");
		rc = got < 0 ? (int)got : feed(joint, joint->hashed, block, (size_t)got, err);
	}
	return rc;
}

/* All of it is hashed: what is it? The lock is held. */
static int judge(struct dd_download *download, struct dd_error *err)
{
	struct dd_joint *joint = download->joint;
	struct dd_digest got;
	struct dd_info now;
	bool good;
	int rc = dd_reader_stat(download->reader, &now, err);

	if (rc == 0)
		rc = dd_hasher_final(joint->hasher, &got, err);
	if (rc < 0)
		return rc;
	good = dd_digest_equal(&got, &joint->digest) && joint->hashed == joint->info.size;
	dd_proof_put(download->registry, &joint->digest, &joint->info, &now, joint->read_ns,
		     good ? DD_VERDICT_GOOD : DD_VERDICT_CORRUPT);
	joint->verdict =
		good && dd_stamp_same_content(&now.stamp, &joint->info.stamp) ? 0 : DD_ECORRUPT;
	return 0;
}

static uint64_t start_of_last(const struct dd_download *download)
{
	return download->info.size > LAST ? download->info.size - LAST : 0;
}

static int read_last(struct dd_download *download, unsigned char *last, size_t len,
		     struct dd_error *err)
{
	uint64_t start = start_of_last(download);

	for (size_t at = 0; at < len;) {
		int64_t got = dd_reader_read_at(download->reader, start + at, last + at, len - at,
						true, err);

		if (got < 0)
			return (int)got;
		if (got == 0)
			return dd_fail(err, DD_ECHANGED, 0, "it became shorter");
		at += (size_t)got;
	}
	return 0;
}

/*
 * Bytes were read: do they belong to the file that is verified? What another stream has made out already
 * says nothing of what is written later, and what nobody has made out yet will be looked at then. The
 * lock is held.
 */
static int check_read(struct dd_download *download, struct dd_error *err)
{
	int verdict = download->joint->verdict;
	struct dd_info now;

	if (verdict == 0) {
		int rc = dd_reader_stat(download->reader, &now, err);

		if (rc < 0)
			return rc;
		if (!dd_stamp_same_content(&now.stamp, &download->info.stamp))
			verdict = DD_ECORRUPT;
	}
	return verdict >= 0 ? 0 :
			      dd_fail(err, DD_ECORRUPT, 0, "%s is not what it should be",
				      dd_digest_text(&download->digest));
}

/* What the whole of it is. A private copy of the last block is what is given away afterwards. */
static int make_out(struct dd_download *download, unsigned char *last, struct dd_error *err)
{
	struct dd_joint *joint = download->joint;
	uint64_t start = start_of_last(download);
	size_t len = (size_t)(download->info.size - start);
	int rc;

	pthread_mutex_lock(&joint->lock);
	rc = catch_up(download, start, err);
	if (rc == 0)
		rc = read_last(download, last, len, err);
	if (rc == 0)
		rc = feed(joint, start, last, len, err);
	if (rc == 0 && joint->verdict > 0)
		rc = judge(download, err);
	if (rc == 0)
		rc = check_read(download, err);
	if (rc == DD_ECHANGED) {
		dd_error_clear(err);
		rc = dd_fail(err, DD_ECORRUPT, 0, "%s became shorter while it was served",
			     dd_digest_text(&download->digest));
	}
	pthread_mutex_unlock(&joint->lock);
	return rc;
}

static int64_t give_last(struct dd_download *download, uint64_t offset, void *bytes, size_t len,
			 struct dd_error *err)
{
	uint64_t start = start_of_last(download);
	size_t all = (size_t)(download->info.size - start);

	if (!download->last) {
		DD_AUTOFREE unsigned char *last = malloc(all + 1);
		int rc = last ? make_out(download, last, err) :
				dd_fail(err, DD_ENOMEM, 0, "serve a blob");

		if (rc < 0)
			return rc;
		download->last = last;
		last = NULL;
	}
	if (len > download->info.size - offset)
		len = (size_t)(download->info.size - offset);
	memcpy(bytes, download->last + (offset - start), len);
	return (int64_t)len;
}

static int64_t read_unproved(struct dd_download *download, uint64_t offset, void *bytes, size_t len,
			     struct dd_error *err)
{
	uint64_t start = start_of_last(download);
	int64_t got;
	int rc;

	if (offset >= start)
		return give_last(download, offset, bytes, len, err);
	if (len > start - offset)
		len = (size_t)(start - offset);
	got = dd_reader_read_at(download->reader, offset, bytes, len, true, err);
	if (got <= 0)
		return got < 0 ? got : dd_fail(err, DD_ECORRUPT, 0, "it became shorter");
	pthread_mutex_lock(&download->joint->lock);
	rc = feed(download->joint, offset, bytes, (size_t)got, err);
	if (rc == 0)
		rc = check_read(download, err);
	pthread_mutex_unlock(&download->joint->lock);
	return rc < 0 ? rc : got;
}

/* The verdict was about the file as it was: what is written to it later is not covered. */
static int64_t read_proved(struct dd_download *download, uint64_t offset, void *bytes, size_t len,
			   bool may_wait, struct dd_error *err)
{
	int64_t got = dd_reader_read_at(download->reader, offset, bytes, len, may_wait, err);
	struct dd_info now;
	int rc;

	if (got < 0)
		return got;
	rc = dd_reader_stat(download->reader, &now, err);
	if (rc < 0)
		return rc;
	if (!dd_stamp_same_content(&now.stamp, &download->info.stamp))
		return dd_fail(err, DD_ECORRUPT, 0, "%s was written to while it was served",
			       dd_digest_text(&download->digest));
	return got;
}

int64_t dd_download_read(struct dd_download *download, uint64_t offset, void *bytes, size_t len,
			 bool may_wait, struct dd_error *err)
{
	if (offset >= download->info.size || !len)
		return 0;
	if (!download->joint)
		return read_proved(download, offset, bytes, len, may_wait, err);
	if (!may_wait)
		return dd_fail(err, DD_EAGAIN, 0, "%s is verified while it is read",
			       dd_digest_text(&download->digest));
	return read_unproved(download, offset, bytes, len, err);
}

uint64_t dd_download_get_size(const struct dd_download *download)
{
	return download->info.size;
}

void dd_download_closep(struct dd_download **download)
{
	if (!*download)
		return;
	part(*download);
	dd_reader_closep(&(*download)->reader);
	free((*download)->last);
	free(*download);
	*download = NULL;
}

/* ---- opening ---- */

/* The file that is open is the one that the proof is about; else it was replaced meanwhile. */
static int open_proved(struct dd_download *download, const struct dd_digest *stored, bool whole,
		       struct dd_error *err)
{
	struct dd_registry *registry = download->registry;
	struct dd_place place = dd_blob_place(stored);
	enum dd_verdict verdict;
	struct dd_info info;
	int rc;

	dd_reader_closep(&download->reader);
	rc = dd_store_open_reader(registry->store, &place, &download->reader, &download->info, err);
	if (rc < 0)
		return rc;
	if (dd_proof_get(registry, &download->digest, &download->info.stamp, &verdict))
		return verdict == DD_VERDICT_GOOD ? 0 : DD_ECORRUPT;
	if (whole && download->info.size > registry->prove_first && download->info.size)
		return join(download, err);
	rc = dd_prove(registry, &download->digest, stored, &info, err);
	if (rc == 0 && !dd_stamp_equal(&info.stamp, &download->info.stamp))
		rc = DD_ECHANGED;
	return rc;
}

/* The digest is pinned. */
static int open_pinned(struct dd_download *download, const char *repository, bool whole,
		       struct dd_error *err)
{
	struct dd_digest stored;
	int rc = dd_registry_find_blob(download->registry, repository, &download->digest, &stored,
				       &download->info, err);

	/* Replaced while it was looked at: the new one, and no more than a few times. */
	for (int i = 0; rc == 0 && i < 3; i++) {
		rc = open_proved(download, &stored, whole, err);
		if (rc != DD_ECHANGED)
			break;
		dd_error_clear(err);
		rc = i < 2 ? 0 : DD_ECHANGED;
	}
	return rc;
}

int dd_registry_open_blob(struct dd_registry *registry, const char *repository,
			  const struct dd_digest *digest, bool whole, struct dd_download **out,
			  struct dd_error *err)
{
	DD_CLEANUP(dd_download_closep) struct dd_download *download = calloc(1, sizeof(*download));
	int rc = dd_registry_check_name(repository, err);

	*out = NULL;
	if (!download)
		return dd_fail(err, DD_ENOMEM, 0, "serve a blob");
	download->registry = registry;
	download->digest = *digest;
	if (rc < 0)
		return rc;
	/* What is open stays readable, whatever becomes of its name. */
	dd_lease_pin(registry->leases, repository, digest);
	rc = open_pinned(download, repository, whole, err);
	dd_lease_unpin(registry->leases, repository, digest);
	if (rc == DD_ECORRUPT || rc == DD_ENOENT) {
		dd_error_clear(err);
		return dd_fail(err, DD_ENOENT, 0, "repository %s has no blob %s", repository,
			       dd_digest_text(digest));
	}
	if (rc < 0)
		return dd_wrap(err, rc, "serve %s", dd_digest_text(digest));
	*out = download;
	download = NULL;
	return 0;
}
