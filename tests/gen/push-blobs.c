/*
 * Pushes blobs by the library, in this process, as a daemon's threads would.
 *
 *	push-blobs small THREADS COUNT BYTES VOLUME
 *	push-blobs large BYTES VOLUME
 *	push-blobs told VOLUME TEXT…
 *
 * VOLUME must be one, empty or not. The first two are to be held against floor-push, which takes the
 * same arguments: they print the seconds, then blobs or MB a second. The last one pushes each text, in
 * three pieces with a release and a search between them, by one thread; once one is acknowledged it makes
 * the directory VOLUME/ack.<hex>, so that whoever records what happens below VOLUME sees when that was.
 */
#include <err.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <drydock/registry.h>

#include "../bench/workers.h"

#define MIB ((size_t)1 << 20)

static struct {
	struct dd_registry *registry;
	unsigned count;
	size_t bytes;
	atomic_uint next;
} f;

static void check(int rc, const struct dd_error *error)
{
	if (rc < 0)
		errx(3, "%s", error->text);
}

static void push_one(const struct dd_digest *digest, const char *bytes, size_t len)
{
	struct dd_upload *upload = NULL;
	struct dd_error error = { 0 };
	int rc = dd_upload_begin(f.registry, "r", NULL, NULL, &upload, &error);

	check(rc, &error);
	for (size_t at = 0; at < len; at += MIB)
		check(dd_upload_append(upload, bytes + at, len - at < MIB ? len - at : MIB, &error),
		      &error);
	check(dd_upload_commit(&upload, digest, &error), &error);
}

static void *work(void *arg)
{
	char *bytes = malloc(f.bytes + 1);
	struct dd_digest digest;
	unsigned number;

	if (!bytes)
		errx(3, "no memory");
	memset(bytes, 'x', f.bytes);
	while ((number = f.next++) < f.count) {
		snprintf(bytes, f.bytes, "%u", number);
		dd_digest_of(&digest, DD_SHA256, bytes, f.bytes, NULL);
		push_one(&digest, bytes, f.bytes);
	}
	free(bytes);
	return arg;
}

static void push_small(unsigned threads)
{
	double began = seconds();

	run_workers(threads, work);
	began = seconds() - began;
	printf("%.3f s, %.0f blobs a second\n", began, f.count / began);
}

static void push_large(void)
{
	char *bytes = malloc(f.bytes + 1);
	struct dd_digest digest;
	double began;

	if (!bytes)
		errx(3, "no memory");
	memset(bytes, 'x', f.bytes);
	snprintf(bytes, f.bytes, "%.9f", seconds());
	dd_digest_of(&digest, DD_SHA256, bytes, f.bytes, NULL);
	began = seconds();
	push_one(&digest, bytes, f.bytes);
	began = seconds() - began;
	free(bytes);
	printf("%.3f s, %.0f MB a second\n", began, (double)f.bytes / began / 1e6);
}

static void acknowledge(const char *volume, const struct dd_digest *digest)
{
	char path[4096], hex[DD_DIGEST_HEX];

	snprintf(path, sizeof(path), "%s/ack.%s", volume, dd_digest_format_hex(digest, hex));
	mkdir(path, 0755);
}

static void push_text(const char *volume, const char *text)
{
	size_t len = strlen(text), at = 0;
	struct dd_upload *upload = NULL;
	struct dd_error error = { 0 };
	struct dd_digest digest;
	char id[DD_UPLOAD_ID];

	dd_digest_of(&digest, DD_SHA256, text, len, NULL);
	check(dd_upload_begin(f.registry, "team/app", NULL, NULL, &upload, &error), &error);
	snprintf(id, sizeof(id), "%s", dd_upload_get_id(upload));
	for (int piece = 0; piece < 3; piece++) {
		size_t more = piece < 2 ? len / 3 : len - at;

		check(dd_upload_append(upload, text + at, more, &error), &error);
		at += more;
		dd_upload_release(upload);
		check(dd_upload_find(f.registry, "team/app", id, NULL, &upload, &error), &error);
	}
	check(dd_upload_commit(&upload, &digest, &error), &error);
	acknowledge(volume, &digest);
}

static void usage(void)
{
	errx(2, "usage: push-blobs small THREADS COUNT BYTES VOLUME | large BYTES VOLUME | "
		"told VOLUME TEXT...");
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	bool small = argc == 6 && !strcmp(mode, "small"), large = argc == 4 && !strcmp(mode, "large");
	bool told = argc > 3 && !strcmp(mode, "told");
	const struct dd_registry_options options = { .prove_first = DD_PROVE_FIRST_DEFAULT,
						     .keep_free = MIB };
	struct dd_store_options where = { 0 };
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_error error = { 0 };

	if (!small && !large && !told)
		usage();
	where.root = told ? argv[2] : argv[argc - 1];
	check(dd_context_open(&ctx, &error), &error);
	check(dd_store_open(ctx, &where, &store, &error), &error);
	check(dd_registry_open(ctx, store, &options, &f.registry, &error), &error);
	f.count = small ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
	f.bytes = told ? 0 : strtoul(argv[small ? 4 : 2], NULL, 10);
	if (small)
		push_small((unsigned)strtoul(argv[2], NULL, 10));
	if (large)
		push_large();
	for (int i = 3; told && i < argc; i++)
		push_text(argv[2], argv[i]);
	dd_registry_close(f.registry);
	dd_store_close(store);
	dd_context_close(ctx);
	return 0;
}
