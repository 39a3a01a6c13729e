/*
 * The file, and when it was last looked at.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <drydock/escape.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "serve/passwords.h"
#include "serve/read_file.h"

struct dd_passwords {
	struct dd_context *ctx;
	char *path;
	pthread_mutex_t looking;
	pthread_rwlock_t lock; /* of htpasswd */
	struct dd_htpasswd *htpasswd;
	struct stat seen;  /* by whoever is looking */
	int64_t looked_ns; /* atomic; CLOCK_MONOTONIC */
};

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return dd_time_of(&now);
}

static int read_htpasswd(struct dd_passwords *passwords, struct dd_error *err)
{
	struct dd_htpasswd *htpasswd, *before;
	struct dd_text text = { 0 };
	int rc = dd_read_file(passwords->path, DD_HTPASSWD_MAX, &text, err);

	if (rc == 0)
		rc = dd_htpasswd_read(passwords->ctx, passwords->path, text.bytes, text.len,
				      &htpasswd, err);
	if (text.bytes)
		explicit_bzero(text.bytes, text.len);
	dd_text_release(&text);
	if (rc < 0)
		return rc;
	pthread_rwlock_wrlock(&passwords->lock);
	before = passwords->htpasswd;
	passwords->htpasswd = htpasswd;
	pthread_rwlock_unlock(&passwords->lock);
	dd_htpasswd_closep(&before);
	return 0;
}

int dd_passwords_open(struct dd_context *ctx, const char *path, struct dd_passwords **out,
		      struct dd_error *err)
{
	struct dd_passwords *passwords = calloc(1, sizeof(*passwords));
	int rc;

	*out = NULL;
	if (passwords)
		passwords->path = strdup(path);
	if (!passwords || !passwords->path) {
		free(passwords);
		return dd_fail(err, DD_ENOMEM, 0, "read %s", path);
	}
	passwords->ctx = ctx;
	pthread_mutex_init(&passwords->looking, NULL);
	pthread_rwlock_init(&passwords->lock, NULL);
	/* Before it is read: what is written meanwhile is then seen by the next look. */
	if (stat(path, &passwords->seen) < 0)
		memset(&passwords->seen, 0, sizeof(passwords->seen));
	rc = read_htpasswd(passwords, err);
	if (rc < 0) {
		dd_passwords_closep(&passwords);
		return dd_wrap(err, rc, "auth.htpasswd.path");
	}
	if (!dd_htpasswd_count(passwords->htpasswd))
		dd_log(ctx, DD_LOG_WARNING, "%s: there is nobody in it who could log in", path);
	passwords->looked_ns = monotonic_ns();
	*out = passwords;
	return 0;
}

void dd_passwords_closep(struct dd_passwords **passwords)
{
	if (!*passwords)
		return;
	dd_htpasswd_closep(&(*passwords)->htpasswd);
	pthread_mutex_destroy(&(*passwords)->looking);
	pthread_rwlock_destroy(&(*passwords)->lock);
	free((*passwords)->path);
	free(*passwords);
	*passwords = NULL;
}

bool dd_passwords_are_fresh(const struct dd_passwords *passwords)
{
	return monotonic_ns() - __atomic_load_n(&passwords->looked_ns, __ATOMIC_RELAXED) <
	       DD_SECOND;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       !memcmp(&a->st_mtim, &b->st_mtim, sizeof(a->st_mtim)) &&
	       !memcmp(&a->st_ctim, &b->st_ctim, sizeof(a->st_ctim));
}

static void look(struct dd_passwords *passwords)
{
	struct dd_error err = { 0 };
	struct stat now;

	if (stat(passwords->path, &now) < 0)
		memset(&now, 0, sizeof(now));
	if (same_file(&now, &passwords->seen))
		return;
	passwords->seen = now;
	if (read_htpasswd(passwords, &err) < 0)
		dd_log(passwords->ctx, DD_LOG_ERROR, "%s; what it said before goes on to count",
		       err.text);
	else
		dd_log(passwords->ctx, DD_LOG_NOTE, "%s: read again, for it has changed",
		       passwords->path);
}

void dd_passwords_look(struct dd_passwords *passwords)
{
	pthread_mutex_lock(&passwords->looking);
	if (!dd_passwords_are_fresh(passwords)) {
		look(passwords);
		__atomic_store_n(&passwords->looked_ns, monotonic_ns(), __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&passwords->looking);
}

bool dd_passwords_find(struct dd_passwords *passwords, const char *user,
		       char hash[static DD_BCRYPT_TEXT])
{
	const char *found;

	pthread_rwlock_rdlock(&passwords->lock);
	found = dd_htpasswd_find(passwords->htpasswd, user);
	if (found)
		memcpy(hash, found, DD_BCRYPT_TEXT);
	pthread_rwlock_unlock(&passwords->lock);
	return found;
}

void dd_passwords_stand_in(struct dd_passwords *passwords, uint64_t number,
			   char hash[static DD_BCRYPT_TEXT])
{
	pthread_rwlock_rdlock(&passwords->lock);
	memcpy(hash, dd_htpasswd_stand_in(passwords->htpasswd, number), DD_BCRYPT_TEXT);
	pthread_rwlock_unlock(&passwords->lock);
}
