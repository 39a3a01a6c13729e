/*
 * oplog.h - an ordered record of what was done to the volume, for replay.py.
 *
 * One line an operation, fields parted by tabs, bytes outside of printable
 * ASCII as %XX. Objects are named by inode number, for a path stops being true
 * with the next rename; the last field is a path, for people.
 *
 *	create   DIR NAME INO PATH	a new empty file
 *	mkdir    DIR NAME INO PATH
 *	symlink  DIR NAME INO TARGET
 *	link     DIR NAME INO PATH
 *	unlink   DIR NAME INO PATH	rmdir the same
 *	rename   DIR NAME INO PATH TODIR TONAME TOPATH	exchange the same
 *	temp     INO PATH		a file without a name yet
 *	write    INO OFFSET DATA PATH
 *	truncate INO SIZE PATH
 *	fallocate INO MODE OFFSET LENGTH PATH
 *	touch    INO MTIME_NS PATH
 *	chmod    INO MODE PATH
 *	fsync    INO MTIME_NS PATH	of a file or directory, and its time
 *	syncfs
 */
#ifndef CRASH_OPLOG_H
#define CRASH_OPLOG_H

#include "place.h"
#include <stdint.h>
#include <sys/uio.h>

static int oplog_fd = -1;

/* Only under the lock of a changing call. */
static struct {
	char bytes[1 << 16];
	size_t used;
} oplog;

/* A name in a directory: by inode of the directory, with what it stands for. */
struct entry {
	unsigned long dir;
	unsigned long ino; /* 0: nothing there */
	const char *name;
	size_t name_length;
	uint64_t size;
};

static void oplog_flush(void)
{
	gate_write(oplog_fd, oplog.bytes, oplog.used);
	oplog.used = 0;
}

static void oplog_raw(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (oplog.used == sizeof(oplog.bytes))
			oplog_flush();
		oplog.bytes[oplog.used++] = text[i];
	}
}

static void oplog_coded(const void *bytes, size_t length)
{
	static const char hex[] = "0123456789ABCDEF";
	const unsigned char *from = bytes;

	for (size_t i = 0; i < length; i++) {
		char coded[3] = { (char)from[i], hex[from[i] >> 4], hex[from[i] & 15] };
		bool plain = from[i] > ' ' && from[i] < 0x7f && from[i] != '%';

		if (!plain)
			coded[0] = '%';
		oplog_raw(coded, plain ? 1 : 3);
	}
}

static void oplog_bytes(const void *bytes, size_t length)
{
	oplog_raw("\t", 1);
	oplog_coded(bytes, length);
}

static void oplog_number(unsigned long value)
{
	char text[24];

	oplog_bytes(text, (size_t)(put_number(text, value) - text));
}

static void oplog_op(const char *op)
{
	oplog_raw(op, strlen(op));
}

static void oplog_end(const char *path)
{
	if (path != NULL)
		oplog_bytes(path, strlen(path));
	oplog_raw("\n", 1);
	oplog_flush(); /* a kill may be next */
}

static unsigned long ino_of_descriptor(long fd)
{
	struct stat st;

	return gate_stat((int)fd, "", &st) == 0 ? st.st_ino : 0;
}

static unsigned long ino_of_path(long dirfd, const char *path)
{
	struct stat st;

	return gate_stat((int)dirfd, path, &st) == 0 ? st.st_ino : 0;
}

/* Looks the entry up; to be done before the call for what it takes away. */
static struct entry entry_of(long dirfd, const char *path)
{
	struct entry entry = { 0 };
	struct stat st;
	char parent[PATH_MAX];
	size_t end = strnlen(path, PATH_MAX - 1);

	while (end > 1 && path[end - 1] == '/')
		end--;
	entry.name = path + end;
	while (entry.name > path && entry.name[-1] != '/')
		entry.name--;
	entry.name_length = (size_t)(path + end - entry.name);

	memcpy(parent, path, (size_t)(entry.name - path));
	parent[entry.name - path] = '\0';
	if (parent[0] == '\0' && dirfd == AT_FDCWD)
		memcpy(parent, ".", 2);
	entry.dir = ino_of_path(dirfd, parent);
	if (gate_stat((int)dirfd, path, &st) == 0) {
		entry.ino = st.st_ino;
		entry.size = (uint64_t)st.st_size;
	}
	return entry;
}

static void oplog_entry(const char *op, const struct entry *entry, unsigned long ino,
			const char *path)
{
	oplog_op(op);
	oplog_number(entry->dir);
	oplog_bytes(entry->name, entry->name_length);
	oplog_number(ino);
	oplog_bytes(path, strlen(path));
}

static void oplog_rename(bool exchange, const struct entry *from, const char *from_path,
			 const struct entry *to, const char *to_path)
{
	oplog_entry(exchange ? "exchange" : "rename", from, from->ino, from_path);
	oplog_number(to->dir);
	oplog_bytes(to->name, to->name_length);
	oplog_end(to_path);
}

/* A descriptor's bytes as they were written, from one buffer or several. */
static void oplog_write(int fd, long offset, const struct iovec *iov, size_t written,
			const char *path)
{
	oplog_op("write");
	oplog_number(ino_of_descriptor(fd));
	oplog_number((unsigned long)offset);
	oplog_raw("\t", 1);
	for (; written > 0; iov++) {
		size_t part = iov->iov_len < written ? iov->iov_len : written;

		oplog_coded(iov->iov_base, part);
		written -= part;
	}
	oplog_end(path);
}

#endif
