/*
 * Writes the files of a registry volume, fast: every call is relative to a
 * directory that is open already, and nothing is synced. The same calls in a
 * dry writer touch nothing and only count, so that what a volume needs is
 * known beforehand from the code that makes it.
 *
 * Code in a header, because each .c file here is a program of its own. Any
 * error ends the program with a message.
 */
#ifndef TESTS_GEN_WRITER_H
#define TESTS_GEN_WRITER_H

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHARDS 256
#define BLOCK 4096 /* what a small file or directory takes on most file systems */
#define INODE 256  /* and what its inode takes */

struct hex {
	char text[65];
};

struct writer {
	bool dry;
	struct timespec when; /* the mtime of all that is written */
	int volume;	      /* <root>/docker/registry/v2 */
	int blob_root;	      /* blobs/sha256 */
	int shards[SHARDS];   /* blobs/sha256/<xx>, if made */
	bool made[SHARDS];
	EVP_MD *sha256;
	EVP_MD_CTX *hashing;
	uint64_t inodes;
	uint64_t bytes; /* about: allocated, with inodes and names */
	uint64_t blobs;
	uint64_t manifests;
	uint64_t tags;
	uint64_t links;
};

static void count_inode(struct writer *w, const char *name, uint64_t size)
{
	/* A directory that was filled name by name is about two thirds full. */
	uint64_t in_parent = (strlen(name) + 8) * 3 / 2;

	w->inodes++;
	w->bytes += INODE + in_parent + (size + BLOCK - 1) / BLOCK * BLOCK;
}

static void set_age(const struct writer *w, int dir, const char *name)
{
	const struct timespec times[2] = { w->when, w->when };

	if (!w->dry && utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		err(3, "cannot set the time of %s", name);
}

/* Opens a directory that is there; to be left by leave_dir(). */
static int enter_dir(const struct writer *w, int parent, const char *name)
{
	int dir;

	if (w->dry)
		return -1;
	dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		err(3, "cannot open %s", name);
	return dir;
}

static void make_dir(struct writer *w, int parent, const char *name)
{
	count_inode(w, name, BLOCK);
	if (!w->dry && mkdirat(parent, name, 0777) < 0)
		err(3, "cannot make %s", name);
}

/* Makes a directory that is not there yet, and opens it. */
static int make_enter_dir(struct writer *w, int parent, const char *name)
{
	make_dir(w, parent, name);
	return enter_dir(w, parent, name);
}

/* What was written into a directory changed its time: set last, here. */
static void leave_dir(const struct writer *w, int dir)
{
	const struct timespec times[2] = { w->when, w->when };

	if (w->dry)
		return;
	if (futimens(dir, times) < 0)
		err(3, "cannot set the time of a directory");
	close(dir);
}

/* The path's last component is what counts towards the need. */
static void write_file(struct writer *w, int dir, const char *path, const void *data, size_t len)
{
	const struct timespec times[2] = { w->when, w->when };
	const char *slash = strrchr(path, '/');
	int fd;

	count_inode(w, slash ? slash + 1 : path, len);
	if (w->dry)
		return;
	fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0)
		err(3, "cannot make %s", path);
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, (const char *)data + done, len - done);

		if (n < 0 && errno != EINTR)
			err(3, "cannot write %s", path);
		if (n > 0)
			done += (size_t)n;
	}
	if (futimens(fd, times) < 0 || close(fd) < 0)
		err(3, "cannot finish %s", path);
}

static struct hex hash(const struct writer *w, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char md[EVP_MAX_MD_SIZE];
	struct hex hex;

	if (!EVP_DigestInit_ex2(w->hashing, w->sha256, NULL) ||
	    !EVP_DigestUpdate(w->hashing, data, len) || !EVP_DigestFinal_ex(w->hashing, md, NULL))
		errx(3, "libcrypto cannot hash");
	for (int i = 0; i < 32; i++) {
		hex.text[2 * i] = digits[md[i] >> 4];
		hex.text[2 * i + 1] = digits[md[i] & 15];
	}
	hex.text[64] = '\0';
	return hex;
}

/* The shard a blob lies in; like the registry, made when first needed. */
static int shard_of(struct writer *w, const struct hex *hex)
{
	char name[3] = { hex->text[0], hex->text[1], '\0' };
	unsigned long shard = strtoul(name, NULL, 16);

	if (!w->made[shard]) {
		w->shards[shard] = make_enter_dir(w, w->blob_root, name);
		w->made[shard] = true;
	}
	return w->shards[shard];
}

/* Stores a blob that is not there yet: blobs/sha256/<xx>/<hex>/data. */
static struct hex put_blob(struct writer *w, const void *data, size_t len)
{
	struct hex hex = hash(w, data, len);
	int shard = shard_of(w, &hex);
	char path[64 + sizeof("/data")];

	snprintf(path, sizeof(path), "%s/data", hex.text);
	make_dir(w, shard, hex.text);
	write_file(w, shard, path, data, len);
	set_age(w, shard, hex.text);
	w->blobs++;
	return hex;
}

/* Writes <name>/link below dir, holding the digest; mostly <name> is the hex. */
static void put_link(struct writer *w, int dir, const char *name, const struct hex *hex)
{
	char path[NAME_MAX + sizeof("/link")];
	char text[sizeof("sha256:") + 64];
	int len = snprintf(text, sizeof(text), "sha256:%s", hex->text);

	snprintf(path, sizeof(path), "%s/link", name);
	make_dir(w, dir, name);
	write_file(w, dir, path, text, (size_t)len);
	set_age(w, dir, name);
	w->links++;
}

/* Opens the root, made if it is not there; nothing may be in it. */
static int open_empty(const char *root)
{
	const struct dirent *entry;
	DIR *names;
	int dir;

	if (mkdir(root, 0777) < 0 && errno != EEXIST)
		err(3, "cannot make %s", root);
	names = opendir(root);
	if (!names)
		err(3, "cannot open %s", root);
	while ((entry = readdir(names)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			errx(2, "%s is not empty: it holds %s", root, entry->d_name);
	closedir(names);
	dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		err(3, "cannot open %s", root);
	return dir;
}

/* The caller has set dry and when, and all else to zero. */
static void writer_open(struct writer *w, const char *root)
{
	static const char *const parents[] = { "docker", "registry", "v2" };
	int dir = w->dry ? -1 : open_empty(root);

	w->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	w->hashing = EVP_MD_CTX_new();
	if (!w->sha256 || !w->hashing)
		errx(3, "libcrypto has no sha256");
	for (size_t i = 0; i < sizeof(parents) / sizeof(*parents); i++) {
		int below = make_enter_dir(w, dir, parents[i]);

		if (!w->dry)
			close(dir);
		dir = below;
	}
	w->volume = dir;
	make_dir(w, w->volume, "blobs");
	w->blob_root = make_enter_dir(w, w->volume, "blobs/sha256");
}

static void writer_close(struct writer *w)
{
	for (int i = 0; i < SHARDS; i++)
		if (w->made[i])
			leave_dir(w, w->shards[i]);
	leave_dir(w, w->blob_root);
	set_age(w, w->volume, "blobs");
	set_age(w, w->volume, "../../..");
	set_age(w, w->volume, "../..");
	set_age(w, w->volume, "..");
	leave_dir(w, w->volume);
	EVP_MD_CTX_free(w->hashing);
	EVP_MD_free(w->sha256);
}

#endif
