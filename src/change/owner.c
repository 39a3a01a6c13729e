/*
 * Owning a volume, and handing over to who owns it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "change/change.h"
#include "change/errand.h"

/* ---- owning ---- */

/* Nobody may be at work by what held before: so the lock is taken for that moment. */
static int take_with_lock(struct dd_context *ctx, struct dd_store *store, const char *about,
			  int64_t lock_wait_ns, int64_t *died_ns, struct dd_error *err)
{
	const struct dd_place owner = { .kind = DD_AT_OWNER };
	struct dd_info before = { 0 };
	char text[DD_HOLDER_TEXT], since[DD_UNIT_TEXT], holder[DD_HOLDER_TEXT];
	int64_t deadline_ns;
	int rc;

	snprintf(text, sizeof(text), "%.180s, since %s\n", about,
		 dd_time_format_utc(dd_time_now(), since));
	deadline_ns = lock_wait_ns > 0 ? dd_time_after(dd_time_steady(), lock_wait_ns) : 0;
	rc = dd_store_lock(ctx, store, text, deadline_ns, holder, err);
	if (rc == DD_ELOCKED)
		dd_hint(err, "wait until that run is done: it began before the volume was served");
	if (rc < 0)
		return rc;
	dd_store_stat(store, &owner, &before, NULL);
	*died_ns = before.size ? before.mtime_ns : 0;
	rc = dd_store_own(ctx, store, text, holder, err);
	dd_store_unlock(store);
	return rc;
}

int dd_owner_take(struct dd_context *ctx, struct dd_store *store, const char *about,
		  int64_t lock_wait_ns, int64_t *since_ns, int64_t *died_ns, struct dd_error *err)
{
	const struct dd_place owner = { .kind = DD_AT_OWNER };
	struct dd_info info;
	int rc = dd_store_check_state(store, err);

	if (rc == 0)
		rc = dd_store_check_rename(store, err);
	if (rc == 0)
		rc = dd_store_make_state(store, err);
	if (rc == 0)
		rc = take_with_lock(ctx, store, about, lock_wait_ns, died_ns, err);
	if (rc == 0)
		rc = dd_store_stat(store, &owner, &info, err);
	if (rc == 0)
		*since_ns = info.mtime_ns;
	if (rc == 0 && *died_ns)
		dd_store_owe(store, *died_ns);
	return rc < 0 ? dd_change_hint(err, rc) : 0;
}

int dd_owner_look(struct dd_store *store, bool *owned, char who[static DD_HOLDER_TEXT],
		  struct dd_error *err)
{
	int rc = dd_store_look_at_owner_lock(store, owned, who, err);

	return rc < 0 ? dd_wrap(err, rc, "look who serves the volume") : 0;
}

/* ---- handing over ---- */

/* The words of both, in one block. */
static int write_words(const struct dd_errand *errand, char **bytes, size_t *len,
		       struct dd_error *err)
{
	struct dd_errand_head head = { DD_ERRAND_MAGIC, (uint32_t)errand->word_count, 0 };
	size_t total = sizeof(head), at = sizeof(head);
	char *block;

	for (size_t i = 0; i < errand->word_count; i++)
		total += strlen(errand->words[i]) + 1;
	for (size_t i = 0; i < errand->environment_count; i++)
		if (dd_errand_wants(errand->environment[i])) {
			total += strlen(errand->environment[i]) + 1;
			head.environment_count++;
		}
	if (total > sizeof(head) + DD_ERRAND_BYTES || errand->word_count > DD_ERRAND_WORDS_MAX ||
	    head.environment_count > DD_ERRAND_WORDS_MAX)
		return dd_fail(err, DD_EREFUSED, 0,
			       "a command line of %zu bytes is too long to be handed over", total);
	block = malloc(total);
	if (!block)
		return dd_fail(err, DD_ENOMEM, 0, "hand a command over");
	memcpy(block, &head, sizeof(head));
	for (size_t i = 0; i < errand->word_count; i++)
		at += (size_t)(stpcpy(block + at, errand->words[i]) - (block + at)) + 1;
	for (size_t i = 0; i < errand->environment_count; i++)
		if (dd_errand_wants(errand->environment[i]))
			at += (size_t)(stpcpy(block + at, errand->environment[i]) - (block + at)) +
			      1;
	*bytes = block;
	*len = total;
	return 0;
}

static int send_errand(int fd, const struct dd_errand *errand, struct dd_error *err)
{
	DD_AUTOFREE char *bytes = NULL;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(DD_ERRAND_DESCRIPTORS * sizeof(int))];
	} control = { 0 };
	int fds[DD_ERRAND_DESCRIPTORS] = { errand->directory, errand->streams[0],
					   errand->streams[1], errand->streams[2] };
	struct iovec part;
	struct msghdr head = { .msg_iov = &part,
			       .msg_iovlen = 1,
			       .msg_control = control.bytes,
			       .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&head);
	size_t len = 0;
	ssize_t sent;
	int rc = write_words(errand, &bytes, &len, err);

	if (rc < 0)
		return rc;
	part = (struct iovec){ bytes, len };
	*rights = (struct cmsghdr){ CMSG_LEN(sizeof(fds)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(rights), fds, sizeof(fds));
	do
		sent = sendmsg(fd, &head, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? dd_fail(err, DD_EIO, errno, "hand a command over") : 0;
}

static int pass_signal_on(int fd, int signal_fd, struct dd_error *err)
{
	struct signalfd_siginfo info;
	struct dd_errand_signal message;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return errno == EINTR || errno == EAGAIN ?
			       0 :
			       dd_fail(err, DD_EIO, errno, "receive a signal");
	message.number = (int32_t)info.ssi_signo;
	/* If nobody is there any more, that is told by what is received. */
	(void)!send(fd, &message, sizeof(message), MSG_NOSIGNAL);
	return 0;
}

static int receive_end(int fd, int *status, struct dd_error *err)
{
	struct dd_errand_end end;
	ssize_t got;

	do
		got = recv(fd, &end, sizeof(end), 0);
	while (got < 0 && errno == EINTR);
	if (got != sizeof(end)) {
		dd_fail(err, DD_EIO, got < 0 ? errno : 0,
			"the daemon that serves the volume is gone, and with it who knows what "
			"became of the command");
		dd_hint(err,
			"look at the daemon's log; what it had begun is in order, and the next "
			"run goes on from there");
		return DD_EIO;
	}
	*status = end.status;
	if (end.code >= 0)
		return 0;
	dd_fail(err, end.code, 0, "%.*s", (int)sizeof(end.text) - 1, end.text);
	if (end.hint[0])
		dd_hint(err, "%.*s", (int)sizeof(end.hint) - 1, end.hint);
	return end.code;
}

/* 1 when it has ended. */
static int wait_a_while(int fd, int signal_fd, int *status, struct dd_error *err)
{
	struct pollfd both[] = { { .fd = fd, .events = POLLIN },
				 { .fd = signal_fd, .events = POLLIN } };
	int rc = poll(both, 2, -1);

	if (rc < 0)
		return errno == EINTR ? 0 : dd_fail(err, DD_EIO, errno, "wait for the daemon");
	if (both[1].revents) {
		rc = pass_signal_on(fd, signal_fd, err);
		if (rc < 0)
			return rc;
	}
	if (!both[0].revents)
		return 0;
	rc = receive_end(fd, status, err);
	return rc < 0 ? rc : 1;
}

int dd_owner_hand_over(struct dd_store *store, const struct dd_errand *errand, int signal_fd,
		       int *status, struct dd_error *err)
{
	DD_AUTOCLOSE int fd = -1;
	int rc = dd_store_check_state(store, err);

	if (rc < 0)
		return rc;
	fd = dd_store_call(store, err);
	if (fd == DD_EACCES)
		dd_hint(err, "try again as root, or as the user whom the daemon runs as");
	else if (fd < 0)
		dd_hint(err,
			"it may be just starting or ending; if it is not, look at its log, and "
			"start it anew");
	if (fd < 0)
		return dd_wrap(err, DD_EREFUSED, "a daemon serves the volume and does not answer");
	rc = send_errand(fd, errand, err);
	while (rc == 0)
		rc = wait_a_while(fd, signal_fd, status, err);
	return rc < 0 ? rc : 0;
}
