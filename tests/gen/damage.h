/*
 * What happens to volumes: crashes, full disks, bad sectors, operators. Each
 * kind of damage is done to one victim, another tag for each, and said.
 */
#ifndef TESTS_GEN_DAMAGE_H
#define TESTS_GEN_DAMAGE_H

#include "writer.h"

/* A tag, the manifest it points to, and a layer of it (or of its last child). */
struct victim {
	char repository[256];
	char tag[32];
	struct hex manifest;
	struct hex layer;
};

#define DAMAGE_PATH 768 /* below the volume; a repository's name is at most 255 bytes */

struct damaged {
	struct writer *w;
	const struct victim *victim;
	const char *kind;
};

/* One line for each change: the kind, the tag, what was done to which path. */
static void say(const struct damaged *d, const char *what, const char *path)
{
	printf("damage: %s: %s:%s: %s docker/registry/v2/%s\n", d->kind, d->victim->repository,
	       d->victim->tag, what, path);
}

/* The damage is as old as all else; a directory's time tells nothing of it. */
static void set_ages(const struct damaged *d, const char *path)
{
	char parent[DAMAGE_PATH];

	snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = '\0';
	if (faccessat(d->w->volume, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		set_age(d->w, d->w->volume, path);
	set_age(d->w, d->w->volume, parent);
}

static void rewrite(const struct damaged *d, const char *path, const char *content)
{
	size_t len = strlen(content);
	int fd = openat(d->w->volume, path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0 || write(fd, content, len) != (ssize_t)len || close(fd) < 0)
		err(3, "cannot damage %s", path);
	set_ages(d, path);
}

static void flip_byte(const struct damaged *d, const char *path)
{
	int fd = openat(d->w->volume, path, O_RDWR | O_CLOEXEC);
	unsigned char byte;

	if (fd < 0 || pread(fd, &byte, 1, 30) != 1)
		err(3, "cannot damage %s", path);
	byte ^= 1;
	if (pwrite(fd, &byte, 1, 30) != 1 || close(fd) < 0)
		err(3, "cannot damage %s", path);
	set_ages(d, path);
}

static void add_file(const struct damaged *d, const char *path)
{
	write_file(d->w, d->w->volume, path, "alien", 5);
	set_ages(d, path);
	say(d, "there is now", path);
}

static void remove_tree(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		err(3, "cannot open %s", name);
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(fd, entry->d_name, 0) < 0)
			remove_tree(fd, entry->d_name);
	}
	closedir(dir);
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0)
		err(3, "cannot remove %s", name);
}

static void remove_path(const struct damaged *d, const char *path)
{
	remove_tree(d->w->volume, path);
	set_ages(d, path);
	say(d, "gone is", path);
}

static void blob_path(char *path, const struct hex *hex, const char *file)
{
	snprintf(path, DAMAGE_PATH, "blobs/sha256/%.2s/%s%s", hex->text, hex->text, file);
}

static void tag_path(char *path, const struct victim *victim, const char *file)
{
	snprintf(path, DAMAGE_PATH, "repositories/%s/_manifests/tags/%s/%s", victim->repository,
		 victim->tag, file);
}

static void revision_path(char *path, const struct victim *victim, const char *file)
{
	snprintf(path, DAMAGE_PATH, "repositories/%s/_manifests/revisions/sha256/%s%s",
		 victim->repository, victim->manifest.text, file);
}

static void damage_empty_link(const struct damaged *d)
{
	char path[DAMAGE_PATH];

	tag_path(path, d->victim, "current/link");
	rewrite(d, path, "");
	say(d, "empty is", path);
}

static void damage_garbage_link(const struct damaged *d)
{
	char path[DAMAGE_PATH];

	revision_path(path, d->victim, "/link");
	rewrite(d, path, "sha256:../../../etc/passwd\n");
	say(d, "garbage is in", path);
}

static void damage_missing_manifest(const struct damaged *d)
{
	char path[DAMAGE_PATH];

	blob_path(path, &d->victim->manifest, "");
	remove_path(d, path);
}

static void damage_corrupt_manifest(const struct damaged *d)
{
	char path[DAMAGE_PATH];

	blob_path(path, &d->victim->manifest, "/data");
	flip_byte(d, path);
	say(d, "a bit is flipped in", path);
}

static void damage_empty_manifest(const struct damaged *d)
{
	char path[DAMAGE_PATH];

	blob_path(path, &d->victim->manifest, "/data");
	rewrite(d, path, "");
	say(d, "empty is", path);
}

static void damage_missing_layer(const struct damaged *d)
{
	char path[DAMAGE_PATH];

	blob_path(path, &d->victim->layer, "");
	remove_path(d, path);
}

static void damage_missing_current(const struct damaged *d)
{
	char path[DAMAGE_PATH];

	tag_path(path, d->victim, "current");
	remove_path(d, path);
}

static void damage_no_layers(const struct damaged *d)
{
	char path[DAMAGE_PATH];

	snprintf(path, sizeof(path), "repositories/%s/_layers", d->victim->repository);
	remove_path(d, path);
}

/* As registry 3.1 leaves them when it is killed between write and rename. */
static void damage_tmp(const struct damaged *d)
{
	static const char suffix[] = ".7f1c4f5e-9a0b-4c2d-8e3f-6a5b4c3d2e1f.tmp";
	char file[64], path[DAMAGE_PATH];

	snprintf(file, sizeof(file), "current/link%s", suffix);
	tag_path(path, d->victim, file);
	add_file(d, path);
	snprintf(file, sizeof(file), "/link%s", suffix);
	revision_path(path, d->victim, file);
	add_file(d, path);
}

static void damage_alien(const struct damaged *d)
{
	char path[DAMAGE_PATH];

	add_file(d, "repositories/.DS_Store");
	add_file(d, "blobs/sha256/README.txt");
	blob_path(path, &d->victim->manifest, "/data.orig");
	add_file(d, path);
	tag_path(path, d->victim, "lost+found");
	make_dir(d->w, d->w->volume, path);
	set_ages(d, path);
	say(d, "there is now", path);
	revision_path(path, d->victim, "");
	strcat(path, "/fifo");
	if (mkfifoat(d->w->volume, path, 0666) < 0)
		err(3, "cannot make %s", path);
	set_ages(d, path);
	say(d, "there is now", path);
}

static const struct {
	const char *name;
	void (*damage)(const struct damaged *);
	const char *help;
} damages[] = {
	{ "empty-link", damage_empty_link, "a tag's current link is empty" },
	{ "garbage-link", damage_garbage_link, "a revision link holds no digest" },
	{ "missing-manifest", damage_missing_manifest, "a tagged manifest's blob is gone" },
	{ "corrupt-manifest", damage_corrupt_manifest, "a bit of a tagged manifest is flipped" },
	{ "empty-manifest", damage_empty_manifest, "a tagged manifest's blob is empty" },
	{ "missing-layer", damage_missing_layer, "a layer's blob is gone" },
	{ "missing-current", damage_missing_current, "a tag has a history and no current link" },
	{ "no-layers", damage_no_layers, "a repository has no _layers" },
	{ "tmp", damage_tmp, "temporary files of a killed registry" },
	{ "alien", damage_alien, "files, a directory and a FIFO that nobody expects" },
};

#define DAMAGE_KINDS 10
_Static_assert(sizeof(damages) / sizeof(*damages) == DAMAGE_KINDS, "a victim for each kind");

/* A list of kinds as bits. */
static unsigned int read_damage(const char *list)
{
	unsigned int bits = 0;

	while (*list) {
		size_t len = strcspn(list, ","), kind = 0;

		while (kind < DAMAGE_KINDS && (strlen(damages[kind].name) != len ||
					       strncmp(damages[kind].name, list, len) != 0))
			kind++;
		if (kind == DAMAGE_KINDS)
			errx(2, "--damage: there is no %.*s", (int)len, list);
		bits |= 1u << kind;
		list += len + (list[len] == ',');
	}
	return bits;
}

static void do_damage(struct writer *w, unsigned int bits, const struct victim *victims)
{
	for (size_t kind = 0; kind < DAMAGE_KINDS; kind++) {
		const struct damaged d = { w, &victims[kind], damages[kind].name };

		if (bits & 1u << kind)
			damages[kind].damage(&d);
	}
}

#endif
