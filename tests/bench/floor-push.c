/*
 * The floor for pushing blobs: as many threads as are asked for do the system calls that a push cannot do
 * without, and nothing else: no digest is made, nothing is looked at, nobody asks.
 *
 *	floor-push small THREADS COUNT BYTES DIRECTORY
 *	floor-push large BYTES DIRECTORY
 *
 * small: for each blob an upload's directory with a startedat and the bytes, which are synced and
 * renamed to their place in blobs/, whose directory and shard are synced; then a link, written beside its
 * place, synced, renamed, and both directories above it synced; then the upload's directory goes. Each
 * thread syncs for itself. large: one file of so many bytes, written by the MiB and synced.
 *
 * DIRECTORY must not be there yet. Prints the seconds, then blobs or MB a second.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workers.h"

#define MIB ((size_t)1 << 20)
#define LINK 71 /* bytes of a link */

static struct {
	int root;
	unsigned count;
	size_t bytes;
	char *content;
	atomic_uint next;
} f;

static void make_directory(const char *path)
{
	if (mkdirat(f.root, path, 0755) < 0 && errno != EEXIST)
		err(3, "make %s", path);
}

static void write_file(const char *path, const char *bytes, size_t len, int sync)
{
	int fd = openat(f.root, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || (sync && fsync(fd) < 0))
		err(3, "write %s", path);
	close(fd);
}

static void sync_directory(const char *path)
{
	int fd = openat(f.root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		err(3, "sync %s", path);
	close(fd);
}

static void move(const char *from, const char *to)
{
	if (renameat(f.root, from, f.root, to) < 0)
		err(3, "rename %s", from);
}

/* Names that spread as digests do. */
static void name_of(unsigned number, char name[65])
{
	uint64_t state = number;

	for (int i = 0; i < 4; i++) {
		state += UINT64_C(0x9e3779b97f4a7c15);
		state = (state ^ state >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		state = (state ^ state >> 27) * UINT64_C(0x94d049bb133111eb);
		snprintf(name + 16L * i, 17, "%016llx", (unsigned long long)(state ^ state >> 31));
	}
}

static void push_one(unsigned number)
{
	char name[65], upload[128], path[4][256];

	name_of(number, name);
	snprintf(upload, sizeof(upload), "r/_uploads/%.36s", name);
	snprintf(path[0], sizeof(path[0]), "%s/startedat", upload);
	snprintf(path[1], sizeof(path[1]), "%s/data", upload);
	make_directory(upload);
	write_file(path[0], "2026-01-01T00:00:00Z", 20, 0);
	write_file(path[1], f.content, f.bytes, 1);

	snprintf(path[2], sizeof(path[2]), "blobs/%.2s/%s", name, name);
	snprintf(path[3], sizeof(path[3]), "blobs/%.2s/%s/data", name, name);
	make_directory(path[2]);
	move(path[1], path[3]);
	sync_directory(path[2]);
	snprintf(path[2], sizeof(path[2]), "blobs/%.2s", name);
	sync_directory(path[2]);

	snprintf(path[2], sizeof(path[2]), "r/_layers/%s", name);
	snprintf(path[3], sizeof(path[3]), "r/_layers/%s/link.tmp", name);
	make_directory(path[2]);
	write_file(path[3], f.content, LINK, 1);
	snprintf(path[1], sizeof(path[1]), "r/_layers/%s/link", name);
	move(path[3], path[1]);
	sync_directory(path[2]);
	sync_directory("r/_layers");

	if (unlinkat(f.root, path[0], 0) < 0 || unlinkat(f.root, upload, AT_REMOVEDIR) < 0)
		err(3, "remove %s", upload);
}

static void *work(void *arg)
{
	unsigned number;

	while ((number = f.next++) < f.count)
		push_one(number);
	return arg;
}

static void push_small(unsigned threads)
{
	static const char *const directories[] = { "blobs", "r", "r/_uploads", "r/_layers" };
	char shard[16];
	double began;

	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++)
		make_directory(directories[i]);
	for (unsigned i = 0; i < 256; i++) {
		snprintf(shard, sizeof(shard), "blobs/%02x", i);
		make_directory(shard);
	}
	syncfs(f.root);
	began = seconds();
	run_workers(threads, work);
	began = seconds() - began;
	printf("%.3f s, %.0f blobs a second\n", began, f.count / began);
}

static void push_large(void)
{
	double began = seconds();
	int fd = openat(f.root, "data", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0)
		err(3, "make data");
	for (size_t at = 0; at < f.bytes; at += MIB)
		if (write(fd, f.content, MIB) != (ssize_t)MIB)
			err(3, "write");
	if (fsync(fd) < 0)
		err(3, "sync");
	close(fd);
	began = seconds() - began;
	printf("%.3f s, %.0f MB a second\n", began, (double)f.bytes / began / 1e6);
}

int main(int argc, char **argv)
{
	int small = argc == 6 && !strcmp(argv[1], "small");
	const char *directory = argc > 1 ? argv[argc - 1] : "";

	if (!small && (argc != 4 || strcmp(argv[1], "large") != 0))
		errx(2, "usage: floor-push small THREADS COUNT BYTES DIRECTORY | large BYTES DIRECTORY");
	if (mkdir(directory, 0755) < 0)
		err(3, "make %s", directory);
	f.root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f.count = small ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
	f.bytes = strtoul(argv[small ? 4 : 2], NULL, 10);
	f.content = malloc(f.bytes + MIB);
	if (f.root < 0 || !f.content)
		err(3, "begin");
	memset(f.content, 'x', f.bytes + MIB);
	if (small)
		push_small((unsigned)strtoul(argv[2], NULL, 10));
	else
		push_large();
	free(f.content);
	return 0;
}
