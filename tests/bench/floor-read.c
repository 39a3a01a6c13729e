/*
 * The floor for planning a collection: what it costs to see a volume at all,
 * with one thread and nothing but system calls.
 *
 * It lists, each once:
 *   repositories/ and each directory below it that is part of a name,
 *   <name>/_layers and <name>/_layers/<alg>,
 *   <name>/_manifests/revisions and <name>/_manifests/revisions/<alg>,
 *   <name>/_manifests/tags,
 *   <name>/_manifests/tags/<tag>/index and <name>/_manifests/tags/<tag>/index/<alg>,
 *   blobs/, blobs/<alg> and blobs/<alg>/<xx>;
 * and it reads, each once:
 *   <name>/_manifests/tags/<tag>/current/link,
 *   blobs/<alg>/<xx>/<hex>/data of each digest that a revision directory names.
 * It lists no <hex> directory, nor <tag>, current or _manifests (their entries
 * are known), nor _uploads; it reads no link whose own name says what it holds.
 * It stats, hashes and parses nothing, and keeps of each manifest only that it
 * was read.
 *
 * Prints the seconds, then what it saw.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HEX_LEN 64
#define DEEPEST 16 /* components of a repository's name, and more */

struct floor {
	int blobs;
	uint64_t listed, names, links, manifests, bytes;
	uint64_t *seen; /* the first 8 bytes of each digest that was read; 0 is free */
	size_t room;	/* a power of two */
	char bytes_read[1 << 16];
};

/* What is done with each name of a directory. */
typedef void visit_fn(struct floor *f, int dir, const char *name, int depth);

struct linux_dirent {
	uint64_t inode;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

static int open_dir(int parent, const char *path)
{
	return openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Lists a directory that is there; one that is not is no error. */
static void list(struct floor *f, int parent, const char *path, visit_fn *visit, int depth)
{
	_Alignas(struct linux_dirent) char buffer[1 << 15];
	int dir = open_dir(parent, path);
	long n;

	if (dir < 0 && (errno == ENOENT || errno == ENOTDIR))
		return;
	if (dir < 0)
		err(3, "cannot open %s", path);
	f->listed++;
	while ((n = syscall(SYS_getdents64, dir, buffer, sizeof(buffer))) > 0)
		for (long at = 0; at < n;) {
			const struct linux_dirent *entry = (void *)(buffer + at);

			at += entry->length;
			if (entry->name[0] == '.')
				continue;
			f->names++;
			visit(f, dir, entry->name, depth);
		}
	if (n < 0)
		err(3, "cannot list %s", path);
	close(dir);
}

static bool read_whole(struct floor *f, int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	while ((n = read(fd, f->bytes_read, sizeof(f->bytes_read))) > 0) {
		f->bytes += (uint64_t)n;
		if ((size_t)n < sizeof(f->bytes_read))
			break;
	}
	if (n < 0)
		err(3, "cannot read %s", path);
	close(fd);
	return true;
}

static void grow_seen(struct floor *f)
{
	size_t room = f->room ? f->room * 2 : 1 << 12;
	uint64_t *seen = calloc(room, sizeof(*seen));

	if (!seen)
		err(3, "no memory");
	for (size_t i = 0; i < f->room; i++) {
		size_t at = f->seen[i] & (room - 1);

		while (f->seen[i] && seen[at])
			at = (at + 1) & (room - 1);
		if (f->seen[i])
			seen[at] = f->seen[i];
	}
	free(f->seen);
	f->seen = seen;
	f->room = room;
}

static bool first_time(struct floor *f, const char *hex)
{
	char start[17];
	uint64_t key;
	size_t at;

	memcpy(start, hex, 16);
	start[16] = '\0';
	key = strtoull(start, NULL, 16) | 1;
	if (f->manifests * 2 >= f->room)
		grow_seen(f);
	for (at = key & (f->room - 1); f->seen[at]; at = (at + 1) & (f->room - 1))
		if (f->seen[at] == key)
			return false;
	f->seen[at] = key;
	return true;
}

static void visit_nothing(struct floor *f, int dir, const char *name, int depth)
{
	(void)f;
	(void)dir;
	(void)name;
	(void)depth;
}

/* Lists what is below, and `depth` levels further down. */
static void visit_levels(struct floor *f, int dir, const char *name, int depth)
{
	list(f, dir, name, depth > 0 ? visit_levels : visit_nothing, depth - 1);
}

static void visit_revision(struct floor *f, int dir, const char *name, int depth)
{
	char path[2 * HEX_LEN];

	(void)dir;
	(void)depth;
	if (strlen(name) != HEX_LEN || !first_time(f, name))
		return;
	snprintf(path, sizeof(path), "sha256/%.2s/%s/data", name, name);
	if (read_whole(f, f->blobs, path))
		f->manifests++;
}

static void visit_revision_alg(struct floor *f, int dir, const char *name, int depth)
{
	list(f, dir, name, visit_revision, depth);
}

static void visit_tag(struct floor *f, int dir, const char *name, int depth)
{
	char path[NAME_MAX + sizeof("/current/link")];

	(void)depth;
	snprintf(path, sizeof(path), "%s/current/link", name);
	if (read_whole(f, dir, path))
		f->links++;
	snprintf(path, sizeof(path), "%s/index", name);
	list(f, dir, path, visit_levels, 0);
}

static void visit_repository(struct floor *f, int dir, const char *name, int depth)
{
	if (!strcmp(name, "_layers")) {
		list(f, dir, name, visit_levels, 0);
	} else if (!strcmp(name, "_manifests")) {
		list(f, dir, "_manifests/revisions", visit_revision_alg, 0);
		list(f, dir, "_manifests/tags", visit_tag, 0);
	} else if (name[0] != '_') {
		if (depth > DEEPEST)
			errx(3, "%s lies too deep", name);
		list(f, dir, name, visit_repository, depth + 1);
	}
}

int main(int argc, char **argv)
{
	static struct floor f;
	struct timespec start, end;
	int root, volume;

	if (argc != 2)
		errx(2, "usage: floor-read ROOT");
	clock_gettime(CLOCK_MONOTONIC, &start);
	root = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	volume = root < 0 ? -1 : open_dir(root, "docker/registry/v2");
	f.blobs = volume < 0 ? -1 : open_dir(volume, "blobs");
	if (f.blobs < 0)
		err(3, "%s is no volume", argv[1]);
	list(&f, volume, "repositories", visit_repository, 0);
	list(&f, volume, "blobs", visit_levels, 1);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%.6f seconds, %llu directories, %llu names, %llu current links, %llu manifests\n",
	       (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9,
	       (unsigned long long)f.listed, (unsigned long long)f.names,
	       (unsigned long long)f.links, (unsigned long long)f.manifests);
	return 0;
}
