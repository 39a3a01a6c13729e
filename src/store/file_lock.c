/*
 * Locks: the one that serialises whoever changes the volume, and the one of who serves it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include <drydock/units.h>

#include "store/beneath.h"
#include "store/file.h"

#define LOOKS_MAX 20 /* in a row, of others at the lock */

static void read_holder(int fd, char holder[static DD_HOLDER_TEXT])
{
	ssize_t got = pread(fd, holder, DD_HOLDER_TEXT - 1, 0);

	holder[got > 0 ? got : 0] = '\0';
	holder[strcspn(holder, "\n")] = '\0';
}

/*
 * Somebody only looks whether it is held (dd_store_look_at_lock()), which is over in no time: but a
 * process can be stopped anywhere, so that this is not hoped for without end.
 */
static bool only_looked_at(int fd, unsigned *looks)
{
	if (++*looks > LOOKS_MAX || flock(fd, LOCK_SH | LOCK_NB) < 0)
		return false;
	flock(fd, LOCK_UN);
	return true;
}

static int take_lock(struct dd_context *ctx, int fd, int64_t deadline_ns, struct dd_error *err)
{
	static const struct timespec pause = { 0, 50 * 1000 * 1000 };
	unsigned looks = 0;

	for (;;) {
		struct timespec now;
		int rc = dd_context_check(ctx, err);

		if (rc < 0)
			return rc;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return dd_fail(err, dd_code_of_errno(errno), errno, "lock the volume");
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec * DD_SECOND + now.tv_nsec >= deadline_ns &&
		    !only_looked_at(fd, &looks))
			return dd_fail(err, DD_ELOCKED, 0, "the volume is locked");
		nanosleep(&pause, NULL);
	}
}

/* A descriptor that holds it. */
static int lock_file(struct dd_context *ctx, struct dd_store *store, const char *path,
		     const char *about, int64_t deadline_ns, char holder[static DD_HOLDER_TEXT],
		     struct dd_error *err)
{
	DD_AUTOCLOSE int fd = -1;
	struct stat st;
	bool is_new;
	int rc;

	holder[0] = '\0';
	fd = dd_file_open_own(store, path, O_RDWR, &st, &is_new, err);
	if (fd < 0)
		return fd;
	rc = take_lock(ctx, fd, deadline_ns, err);
	if (rc == DD_ELOCKED)
		read_holder(fd, holder);
	if (rc < 0)
		return rc;
	/* Who holds it is a courtesy: a full disk must not stop the run that frees it. */
	if (ftruncate(fd, 0) < 0 || pwrite(fd, about, strlen(about), 0) < 0)
		dd_log(ctx, DD_LOG_DEBUG, "who holds %s could not be written: %s", path,
		       strerror(errno));
	rc = fd;
	fd = -1;
	return rc;
}

int dd_store_lock(struct dd_context *ctx, struct dd_store *store, const char *about,
		  int64_t deadline_ns, char holder[static DD_HOLDER_TEXT], struct dd_error *err)
{
	int fd = lock_file(ctx, store, DD_STATE_BASE "/lock", about, deadline_ns, holder, err);

	if (fd == DD_ELOCKED)
		return holder[0] ? dd_fail(err, fd, 0, "%s is locked by %s", store->root, holder) :
				   dd_fail(err, fd, 0, "%s is locked by another run", store->root);
	if (fd < 0)
		return dd_wrap(err, fd, "%s", store->root);
	store->lock_fd = fd;
	return 0;
}

int dd_store_own(struct dd_context *ctx, struct dd_store *store, const char *about,
		 char holder[static DD_HOLDER_TEXT], struct dd_error *err)
{
	struct stat st;
	int fd = lock_file(ctx, store, DD_STATE_BASE "/owner", about, 0, holder, err);

	if (fd == DD_ELOCKED)
		return dd_fail(err, fd, 0, "%s is served by %s", store->root,
			       holder[0] ? holder : "another process");
	if (fd < 0)
		return dd_wrap(err, fd, "%s", store->root);
	store->owner_fd = fd;
	store->owned_ns = fstat(fd, &st) == 0 ? dd_time_of(&st.st_mtim) : dd_time_now();
	return 0;
}

/* The file's time says since when, to whoever finds the line of one that was killed. */
void dd_store_owe(struct dd_store *store, int64_t since_ns)
{
	int64_t at_ns = since_ns ? since_ns : store->owned_ns;
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
					  { at_ns / DD_SECOND, at_ns % DD_SECOND } };

	store->owes = since_ns != 0;
	if (store->owner_fd >= 0)
		(void)!futimens(store->owner_fd, times);
}

void dd_store_disown(struct dd_store *store)
{
	if (store->owner_fd < 0)
		return;
	/* In good order: who dies leaves what it wrote about itself. */
	if (!store->owes)
		(void)!ftruncate(store->owner_fd, 0);
	close(store->owner_fd);
	store->owner_fd = -1;
}

void dd_store_set_gate(struct dd_store *store, const struct dd_gate *gate)
{
	store->gate = gate;
}

const struct dd_gate *dd_store_get_gate(const struct dd_store *store)
{
	return store->gate;
}

/* Without taking it for longer than the look. */
static int look_at(struct dd_store *store, enum dd_place_kind kind, const char *path, bool *held,
		   char holder[static DD_HOLDER_TEXT], struct dd_error *err)
{
	const struct dd_place lock = { .kind = kind };
	DD_AUTOCLOSE int fd = -1;
	struct dd_info info;
	int rc = dd_store_stat(store, &lock, &info, err);

	*held = false;
	holder[0] = '\0';
	if (rc == DD_ENOENT) {
		dd_error_clear(err);
		return 0;
	}
	if (rc == 0 && info.type != DD_ENTRY_FILE)
		rc = dd_fail(err, DD_EIRREGULAR, 0, "%s/%s is not a regular file", store->root,
			     path);
	if (rc < 0)
		return rc;
	fd = dd_beneath_open(store->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return dd_file_fail(store, err, -fd, "open", path);
	do
		rc = flock(fd, LOCK_SH | LOCK_NB);
	while (rc < 0 && errno == EINTR);
	if (rc == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return dd_file_fail(store, err, errno, "look at", path);
	*held = true;
	read_holder(fd, holder);
	return 0;
}

int dd_store_look_at_lock(struct dd_store *store, bool *held, char holder[static DD_HOLDER_TEXT],
			  struct dd_error *err)
{
	return look_at(store, DD_AT_LOCK, DD_STATE_BASE "/lock", held, holder, err);
}

int dd_store_look_at_owner_lock(struct dd_store *store, bool *held,
				char holder[static DD_HOLDER_TEXT], struct dd_error *err)
{
	return look_at(store, DD_AT_OWNER, DD_STATE_BASE "/owner", held, holder, err);
}

void dd_store_unlock(struct dd_store *store)
{
	/* The next holder may change what is remembered. */
	dd_file_forget_recent(store);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	store->lock_fd = -1;
}
