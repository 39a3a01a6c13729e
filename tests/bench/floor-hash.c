/*
 * The floor for verifying blobs: as many threads as are asked for do nothing but
 * open, read, hash and close the files of a volume's blobs, or of its blobs and
 * links, and know nothing of what they read.
 *
 *	floor-hash blobs THREADS ROOT	each blob is read and hashed
 *	floor-hash all THREADS ROOT	each blob and each link is opened, read and
 *					closed; nothing is hashed
 *	floor-hash prove THREADS ROOT	the same, but each file's owner and times are
 *					asked for and each blob is hashed: what a
 *					verification cannot do without
 *	floor-hash look THREADS ROOT	the same, but they are looked at only: what
 *					is left when all of it is known
 *
 * It lists repositories/ and blobs/ down to the directories whose names are hex,
 * and opens <hex>/data or <hex>/link in them by name, without a look at what else
 * lies there; tags' current links likewise. With "blobs" the largest files come
 * first, which it stats for that beforehand, and is not timed doing so.
 *
 * Prints the seconds, then what it saw.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <drydock/digest.h>

#include "workers.h"

#define BLOCK (1 << 20)

/* Work: directories to be listed. The newest is taken first. */
struct directory {
	char *path;
	char what; /* which directory: r, a level of names; a, algorithms; h, links; t, tags; b, s, d, blobs */
};

struct file {
	char *path;
	off_t size;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct directory *stack;
	size_t count, room, working;
	struct file *files; /* with "blobs" */
	size_t file_count, file_room;
	atomic_size_t next;
	bool blobs, look, prove;
	int root;
	atomic_ullong read_files, bytes;
} f = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

static void push(const char *base, const char *name, char what)
{
	struct directory one = { NULL, what };

	if (asprintf(&one.path, "%s/%s", base, name) < 0)
		err(3, "no memory");
	pthread_mutex_lock(&f.lock);
	if (f.count == f.room) {
		f.room = f.room ? 2 * f.room : 64;
		f.stack = reallocarray(f.stack, f.room, sizeof(*f.stack));
		if (!f.stack)
			err(3, "no memory");
	}
	f.stack[f.count++] = one;
	pthread_cond_signal(&f.more);
	pthread_mutex_unlock(&f.lock);
}

static void read_at(int dir, const char *path, unsigned char *block, struct dd_hasher *hasher)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	struct dd_digest digest;
	struct stat st;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0)
		err(3, "cannot open %s", path);
	if (f.prove && fstat(fd, &st) < 0)
		err(3, "cannot look at %s", path);
	while ((n = read(fd, block, BLOCK)) > 0) {
		atomic_fetch_add_explicit(&f.bytes, (unsigned long long)n, memory_order_relaxed);
		if (hasher)
			dd_hasher_add(hasher, block, (size_t)n, NULL);
		if (n < BLOCK && !f.blobs)
			break; /* its end, as good as seen */
	}
	if (n < 0)
		err(3, "cannot read %s", path);
	if (hasher)
		dd_hasher_final(hasher, &digest, NULL);
	close(fd);
	atomic_fetch_add_explicit(&f.read_files, 1, memory_order_relaxed);
}

static void look_at(int dir, const char *path)
{
	struct stat st;

	if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
		err(3, "cannot look at %s", path);
}

/* What a thread has for itself. */
struct hand {
	unsigned char *block;
	struct dd_hasher *hasher;
};

static void see_file(const struct hand *hand, int dir, const char *path, bool is_blob)
{
	if (f.look)
		look_at(dir, path);
	else
		read_at(dir, path, hand->block, is_blob && f.prove ? hand->hasher : NULL);
}

static void remember(const char *base, const char *name)
{
	struct file one = { 0 };
	struct stat st;

	if (asprintf(&one.path, "%s/%s/data", base, name) < 0)
		err(3, "no memory");
	if (fstatat(f.root, one.path, &st, 0) < 0)
		return;
	one.size = st.st_size;
	pthread_mutex_lock(&f.lock);
	if (f.file_count == f.file_room) {
		f.file_room = f.file_room ? 2 * f.file_room : 64;
		f.files = reallocarray(f.files, f.file_room, sizeof(*f.files));
		if (!f.files)
			err(3, "no memory");
	}
	f.files[f.file_count++] = one;
	pthread_mutex_unlock(&f.lock);
}

static void see(const struct directory *in, int dir, const char *name, const struct hand *hand)
{
	char path[2 * NAME_MAX];

	switch (in->what) {
	case 'r':
		if (!strcmp(name, "_layers")) {
			push(in->path, "_layers", 'a');
		} else if (!strcmp(name, "_manifests")) {
			push(in->path, "_manifests/revisions", 'a');
			push(in->path, "_manifests/tags", 't');
		} else if (name[0] != '_') {
			push(in->path, name, 'r');
		}
		return;
	case 'a':
		push(in->path, name, 'h');
		return;
	case 's':
		push(in->path, name, 'd');
		return;
	case 'b':
		push(in->path, name, 's');
		return;
	case 't':
		snprintf(path, sizeof(path), "%s/current/link", name);
		see_file(hand, dir, path, false);
		snprintf(path, sizeof(path), "%s/index", name);
		push(in->path, path, 'a');
		return;
	default:
		if (f.blobs) {
			remember(in->path, name);
			return;
		}
		snprintf(path, sizeof(path), "%s/%s", name, in->what == 'd' ? "data" : "link");
		see_file(hand, dir, path, in->what == 'd');
	}
}

static void list(const struct directory *in, const struct hand *hand)
{
	int fd = openat(f.root, in->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir && errno == ENOENT)
		return;
	if (!dir)
		err(3, "cannot list %s", in->path);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			see(in, fd, entry->d_name, hand);
	closedir(dir);
}

static void get_ready(struct hand *hand)
{
	hand->block = malloc(BLOCK);
	if (!hand->block || dd_hasher_open(&hand->hasher, DD_SHA256, NULL) < 0)
		errx(3, "cannot hash");
}

static void put_away(struct hand *hand)
{
	dd_hasher_closep(&hand->hasher);
	free(hand->block);
}

static void *walk(void *arg)
{
	struct hand hand;

	get_ready(&hand);
	pthread_mutex_lock(&f.lock);
	while (f.count || f.working) {
		struct directory one;

		if (!f.count) {
			pthread_cond_wait(&f.more, &f.lock);
			continue;
		}
		one = f.stack[--f.count];
		f.working++;
		pthread_mutex_unlock(&f.lock);
		list(&one, &hand);
		free(one.path);
		pthread_mutex_lock(&f.lock);
		f.working--;
		pthread_cond_broadcast(&f.more);
	}
	pthread_mutex_unlock(&f.lock);
	put_away(&hand);
	return arg;
}

static void *hash(void *arg)
{
	struct hand hand;
	size_t at;

	get_ready(&hand);
	while ((at = atomic_fetch_add(&f.next, 1)) < f.file_count)
		read_at(f.root, f.files[at].path, hand.block, hand.hasher);
	put_away(&hand);
	return arg;
}

static int compare(const void *left, const void *right)
{
	const struct file *a = left, *b = right;

	return a->size < b->size ? 1 : a->size > b->size ? -1 : 0;
}

int main(int argc, char **argv)
{
	unsigned threads = argc == 4 ? (unsigned)atoi(argv[2]) : 0;
	double began;

	if (threads < 1 || threads > 256)
		errx(2, "usage: floor-hash blobs|all|prove|look THREADS ROOT");
	f.blobs = !strcmp(argv[1], "blobs");
	f.prove = !strcmp(argv[1], "prove");
	f.look = !strcmp(argv[1], "look");
	f.root = open(argv[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f.root < 0)
		err(3, "cannot open %s", argv[3]);
	began = seconds();
	push("docker/registry/v2", "blobs", 'b');
	if (!f.blobs)
		push("docker/registry/v2", "repositories", 'r');
	run_workers(threads, walk);
	if (f.blobs) {
		qsort(f.files, f.file_count, sizeof(*f.files), compare);
		began = seconds();
		run_workers(threads, hash);
	}
	printf("%.6f seconds, %llu files, %llu bytes\n", seconds() - began,
	       (unsigned long long)f.read_files, (unsigned long long)f.bytes);
	return 0;
}
