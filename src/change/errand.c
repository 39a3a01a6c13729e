/*
 * Receiving an errand. Whoever sent it may be root, and its bytes are looked at all the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "change/errand.h"

bool dd_errand_wants(const char *variable)
{
	static const char *const names[] = { "PATH",	     "HOME",	       "TERM",
					     "COLUMNS",	     "NO_COLOR",       "LANG",
					     "TZ",	     "XDG_CACHE_HOME", "DRYDOCK_ROOT",
					     "DRYDOCK_CACHE" };
	static const char *const prefixes[] = { "LC_", "REGISTRY_" };
	size_t len = strcspn(variable, "=");

	for (size_t i = 0; i < DD_COUNT(names); i++)
		if (strlen(names[i]) == len && !strncmp(variable, names[i], len))
			return true;
	for (size_t i = 0; i < DD_COUNT(prefixes); i++)
		if (!strncmp(variable, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

/* All descriptors that came along become ours, or are closed. Returns how many fit. */
static size_t take_descriptors(struct msghdr *head, int fds[DD_ERRAND_DESCRIPTORS])
{
	size_t count = 0;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(head); part; part = CMSG_NXTHDR(head, part)) {
		size_t bytes = part->cmsg_len - CMSG_LEN(0);

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(part) + at, sizeof(fd));
			if (count < DD_ERRAND_DESCRIPTORS)
				fds[count++] = fd;
			else
				close(fd);
		}
	}
	return count;
}

/* A vector of so many texts, which lie one behind the other. NULL: there are not so many. */
static char **split(char **at, const char *end, size_t count)
{
	char **texts = calloc(count + 1, sizeof(*texts));

	for (size_t i = 0; texts && i < count; i++) {
		char *nul = memchr(*at, '\0', (size_t)(end - *at));

		if (!nul) {
			free(texts);
			return NULL;
		}
		texts[i] = *at;
		*at = nul + 1;
	}
	return texts;
}

static int read_words(struct dd_received_errand *received, size_t len, struct dd_error *err)
{
	struct dd_errand *errand = &received->errand;
	char *at = received->bytes + sizeof(struct dd_errand_head), *end = received->bytes + len;
	struct dd_errand_head head;

	if (len < sizeof(head))
		return dd_fail(err, DD_EFORMAT, 0, "an errand that makes no sense");
	memcpy(&head, received->bytes, sizeof(head));
	if (head.magic != DD_ERRAND_MAGIC || !head.word_count ||
	    head.word_count > DD_ERRAND_WORDS_MAX || head.environment_count > DD_ERRAND_WORDS_MAX)
		return dd_fail(err, DD_EFORMAT, 0, "an errand of another version");
	received->words = split(&at, end, head.word_count);
	if (received->words)
		received->environment = split(&at, end, head.environment_count);
	if (!received->words || !received->environment || at != end)
		return dd_fail(err, DD_EFORMAT, 0, "an errand that makes no sense");
	errand->words = (const char *const *)received->words;
	errand->word_count = head.word_count;
	errand->environment = (const char *const *)received->environment;
	errand->environment_count = head.environment_count;
	return 0;
}

int dd_errand_receive(int fd, struct dd_received_errand *received, struct dd_error *err)
{
	const size_t room = sizeof(struct dd_errand_head) + DD_ERRAND_BYTES;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(DD_ERRAND_DESCRIPTORS * sizeof(int))];
	} control;
	int fds[DD_ERRAND_DESCRIPTORS] = { -1, -1, -1, -1 };
	struct iovec part;
	struct msghdr head = { .msg_iov = &part,
			       .msg_iovlen = 1,
			       .msg_control = control.bytes,
			       .msg_controllen = sizeof(control.bytes) };
	size_t count;
	ssize_t got;

	memset(received, 0, sizeof(*received));
	for (int i = 0; i < 3; i++)
		received->errand.streams[i] = -1;
	received->errand.directory = -1;
	received->bytes = malloc(room);
	if (!received->bytes)
		return dd_fail(err, DD_ENOMEM, 0, "receive an errand");
	part = (struct iovec){ received->bytes, room };
	do
		got = recvmsg(fd, &head, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return dd_fail(err, DD_EIO, errno, "receive an errand");
	count = take_descriptors(&head, fds);
	received->errand.directory = fds[0];
	for (int i = 0; i < 3; i++)
		received->errand.streams[i] = fds[i + 1];
	if (got == 0 && !count)
		return dd_fail(err, DD_ENOENT, 0, "the caller is gone");
	if (head.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || count != DD_ERRAND_DESCRIPTORS)
		return dd_fail(err, DD_EFORMAT, 0, "an errand that makes no sense");
	return read_words(received, (size_t)got, err);
}

void dd_errand_release(struct dd_received_errand *received)
{
	dd_fd_closep(&received->errand.directory);
	for (int i = 0; i < 3; i++)
		dd_fd_closep(&received->errand.streams[i]);
	free(received->words);
	free(received->environment);
	free(received->bytes);
}
