/*
 * The floor for withdrawing and for purging blobs: nothing but the system
 * calls that change something, one after the other, and the syncs without
 * which a crash could undo them.
 *
 *   floor-withdraw withdraw ROOT N
 *	moves N blob directories, blobs/sha256/<xx>/<hex>, to the same path below
 *	ROOT/.floor-trash, whose directories it makes and syncs first; then syncs
 *	each shard that got or lost one.
 *   floor-withdraw purge ROOT
 *	removes what is there, file by file and directory by directory, and syncs
 *	the one directory that is left, ROOT.
 *
 * Which blobs there are is listed before the clock starts. No journal, no
 * second look, no link is read. Prints the seconds, then the count.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SHARDS 256
#define HEX_LEN 64
#define BLOBS "docker/registry/v2/blobs/sha256"
#define TRASH ".floor-trash"

/* A shard and the blobs in it that are to be moved or removed. */
struct shard {
	int dir;
	size_t n;
	char (*names)[HEX_LEN + 1];
};

static struct shard shards[SHARDS];

static void shard_name(char name[3], int i)
{
	snprintf(name, 3, "%02x", (unsigned int)i & 0xff);
}

static int open_dir(int parent, const char *path)
{
	int dir = openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		err(3, "cannot open %s", path);
	return dir;
}

static size_t list_shard(struct shard *shard, size_t most)
{
	DIR *dir = fdopendir(dup(shard->dir));
	const struct dirent *entry;
	size_t room = 0;

	if (!dir)
		err(3, "cannot list a shard");
	while (shard->n < most && (entry = readdir(dir))) {
		if (strlen(entry->d_name) != HEX_LEN)
			continue;
		if (shard->n == room) {
			room = room * 2 + 64;
			shard->names = reallocarray(shard->names, room, sizeof(*shard->names));
			if (!shard->names)
				err(3, "no memory");
		}
		memcpy(shard->names[shard->n++], entry->d_name, HEX_LEN + 1);
	}
	closedir(dir);
	return shard->n;
}

/* Opens and lists all shards that are there, until there are enough names. */
static size_t list_shards(int blobs, size_t most)
{
	size_t n = 0;

	for (int i = 0; i < SHARDS; i++) {
		char name[3];

		shard_name(name, i);
		shards[i].dir = openat(blobs, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (shards[i].dir >= 0)
			n += list_shard(&shards[i], most - n);
		else if (errno != ENOENT)
			err(3, "cannot open %s", name);
	}
	return n;
}

static void sync_dir(int dir)
{
	if (fsync(dir) < 0)
		err(3, "cannot sync a directory");
}

/* Makes the directories of a path one by one, each synced into its parent. */
static int make_path(int root, const char *path)
{
	char *copy = strdup(path);
	char *rest = copy;
	char *name;
	int dir = dup(root);

	while ((name = strsep(&rest, "/"))) {
		int below;

		if (mkdirat(dir, name, 0777) < 0)
			err(3, "cannot make %s", name);
		sync_dir(dir);
		below = open_dir(dir, name);
		close(dir);
		dir = below;
	}
	free(copy);
	return dir;
}

static void withdraw(int root)
{
	int trash = make_path(root, TRASH "/" BLOBS);
	int to[SHARDS];

	for (int i = 0; i < SHARDS; i++) {
		char name[3];

		shard_name(name, i);
		if (shards[i].n == 0)
			continue;
		if (mkdirat(trash, name, 0777) < 0)
			err(3, "cannot make %s", name);
		to[i] = open_dir(trash, name);
	}
	sync_dir(trash);
	for (int i = 0; i < SHARDS; i++)
		for (size_t j = 0; j < shards[i].n; j++) {
			const char *name = shards[i].names[j];

			if (renameat(shards[i].dir, name, to[i], name) < 0)
				err(3, "cannot move %s", name);
		}
	for (int i = 0; i < SHARDS; i++)
		if (shards[i].n > 0) {
			sync_dir(to[i]);
			sync_dir(shards[i].dir);
		}
}

/* Removes the shards, and each directory above them up to the trash's own. */
static void purge(int root, int blobs)
{
	char path[] = TRASH "/" BLOBS;

	for (int i = 0; i < SHARDS; i++) {
		char name[3];

		shard_name(name, i);
		for (size_t j = 0; j < shards[i].n; j++) {
			char data[HEX_LEN + sizeof("/data")];

			snprintf(data, sizeof(data), "%s/data", shards[i].names[j]);
			if (unlinkat(shards[i].dir, data, 0) < 0 ||
			    unlinkat(shards[i].dir, shards[i].names[j], AT_REMOVEDIR) < 0)
				err(3, "cannot remove %s", shards[i].names[j]);
		}
		if (shards[i].dir >= 0 && unlinkat(blobs, name, AT_REMOVEDIR) < 0)
			err(3, "cannot remove %s", name);
	}
	for (char *end = path + strlen(path); end; end = strrchr(path, '/')) {
		*end = '\0';
		if (unlinkat(root, path, AT_REMOVEDIR) < 0)
			err(3, "cannot remove %s", path);
	}
	sync_dir(root);
}

static double seconds_between(const struct timespec *a, const struct timespec *b)
{
	return (double)(b->tv_sec - a->tv_sec) + (double)(b->tv_nsec - a->tv_nsec) / 1e9;
}

int main(int argc, char **argv)
{
	bool purging = argc == 3 && !strcmp(argv[1], "purge");
	size_t wanted = SIZE_MAX, n;
	struct timespec start, end;
	int root, blobs;

	if (!purging && (argc != 4 || strcmp(argv[1], "withdraw") != 0))
		errx(2, "usage: floor-withdraw withdraw ROOT N | floor-withdraw purge ROOT");
	if (!purging)
		wanted = strtoull(argv[3], NULL, 10);
	root = open_dir(AT_FDCWD, argv[2]);
	blobs = open_dir(root, purging ? TRASH "/" BLOBS : BLOBS);
	n = list_shards(blobs, wanted);
	if (!purging && n < wanted)
		errx(3, "there are %zu blobs, not %zu", n, wanted);
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (purging)
		purge(root, blobs);
	else
		withdraw(root);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%.6f seconds, %zu blobs\n", seconds_between(&start, &end), n);
	return 0;
}
