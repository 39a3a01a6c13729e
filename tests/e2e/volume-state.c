/*
 * What is below a directory, a line a name and then a line a file's bytes, in the order of names: two
 * listings that agree say that nothing was written between them. One process for what find, sort and
 * sha256sum would say; the tests ask it some thousand times.
 *
 *   volume-state DIRECTORY	type, mode, owner, links, size, times, name, target
 *   volume-state -c DIRECTORY	type, mode, owner, name, target, and nothing of .drydock
 *
 * With -c each file has to be readable. Shares no code with the tool.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

static bool content_only;
static int status;
static FILE *sums; /* shown after all names */

static void complain(const char *path, int error)
{
	fprintf(stderr, "volume-state: %s: %s\n", path, strerror(error));
}

static char letter(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 'f';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	case S_IFCHR:
		return 'c';
	default:
		return 'b';
	}
}

static void show_name(const FTSENT *entry)
{
	const struct stat *st = entry->fts_statp;
	char target[4097] = "";

	if (S_ISLNK(st->st_mode))
		target[readlink(entry->fts_accpath, target, sizeof(target) - 1) < 0 ? 0 : 4096] =
			'\0';
	printf("%c %o %u:%u ", letter(st->st_mode), st->st_mode & 07777, st->st_uid, st->st_gid);
	if (!content_only)
		printf("%lu %ld %ld.%09ld %ld.%09ld ", (unsigned long)st->st_nlink,
		       (long)st->st_size, (long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		       (long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
	printf("%s %s\n", entry->fts_path, target);
}

/* Of the file as it is, in hexadecimal; 0 or an errno. */
static int sum_file(int fd, char hex[static 2 * EVP_MAX_MD_SIZE + 1])
{
	static EVP_MD_CTX *hasher;
	static char buffer[1 << 16];
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	ssize_t got;

	if (!hasher)
		hasher = EVP_MD_CTX_new();
	if (!hasher || EVP_DigestInit_ex(hasher, EVP_sha256(), NULL) != 1)
		return ENOMEM;
	while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
		if (EVP_DigestUpdate(hasher, buffer, (size_t)got) != 1)
			return ENOMEM;
	}
	if (got < 0)
		return errno;
	if (EVP_DigestFinal_ex(hasher, sum, &len) != 1)
		return ENOMEM;
	for (unsigned i = 0; i < len; i++)
		sprintf(hex + 2 * (size_t)i, "%02x", sum[i]);
	return 0;
}

static void sum_up(const FTSENT *entry)
{
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	int fd = open(entry->fts_accpath, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int error = fd < 0 ? errno : sum_file(fd, hex);

	if (fd >= 0)
		close(fd);
	if (error == 0) {
		fprintf(sums, "%s  %s\n", hex, entry->fts_path);
	} else if (content_only || error != EACCES) {
		complain(entry->fts_path, error);
		status = 1;
	}
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void visit(FTS *walk, FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_DP:
		return;
	case FTS_DNR: /* its name is known all the same */
		complain(entry->fts_path, entry->fts_errno);
		return;
	case FTS_NS:
	case FTS_ERR:
		complain(entry->fts_path, entry->fts_errno);
		return;
	default:
		break;
	}
	if (content_only && !strcmp(entry->fts_path, "./.drydock")) {
		fts_set(walk, entry, FTS_SKIP);
		return;
	}
	show_name(entry);
	if (S_ISREG(entry->fts_statp->st_mode))
		sum_up(entry);
}

int main(int argc, char **argv)
{
	char *here[] = { (char[]){ "." }, NULL };
	char *text = NULL;
	size_t len = 0;
	FTSENT *entry;
	FTS *walk;

	content_only = argc == 3 && !strcmp(argv[1], "-c");
	if (argc != 2 + content_only) {
		fprintf(stderr, "usage: volume-state [-c] DIRECTORY\n");
		return 2;
	}
	if (chdir(argv[argc - 1]) != 0) {
		complain(argv[argc - 1], errno);
		return 1;
	}
	sums = open_memstream(&text, &len);
	walk = fts_open(here, FTS_PHYSICAL, by_name);
	if (!sums || !walk) {
		complain(argv[argc - 1], errno);
		return 1;
	}
	while ((entry = fts_read(walk)))
		visit(walk, entry);
	fts_close(walk);
	fclose(sums);
	fwrite(text, 1, len, stdout);
	free(text);
	return fflush(stdout) == 0 ? status : 1;
}
