/*
 * An errand as whoever serves the volume receives it: whole, or not at all, and no descriptor is lost.
 */
#include <dirent.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "unit.h"

#include "base/cleanup.h"
#include "change/errand.h"
#include "volume.h"

static int pair[2];

static int set_up(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int tear_down(void **state)
{
	(void)state;
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void send_bytes(const void *bytes, size_t len, unsigned descriptors)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)bytes, len };
	struct msghdr head = { .msg_iov = &part, .msg_iovlen = 1 };
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fds[8];

	for (int i = 0; i < 8; i++)
		fds[i] = null;
	if (descriptors) {
		struct cmsghdr *rights;

		head.msg_control = control.bytes;
		head.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
		rights = CMSG_FIRSTHDR(&head);
		*rights = (struct cmsghdr){ CMSG_LEN(descriptors * sizeof(int)), SOL_SOCKET,
					    SCM_RIGHTS };
		memcpy(CMSG_DATA(rights), fds, descriptors * sizeof(int));
	}
	assert_int_equal(sendmsg(pair[1], &head, MSG_NOSIGNAL), len);
	close(null);
}

/* Head, then "words" with their NULs; the length says how many bytes of them. */
static void send_words(uint32_t magic, uint32_t words, uint32_t variables, const char *text,
		       size_t len, unsigned descriptors)
{
	const struct dd_errand_head head = { magic, words, variables };
	char bytes[400];

	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), text, len);
	send_bytes(bytes, sizeof(head) + len, descriptors);
}

static void receive(int code)
{
	struct dd_received_errand received;
	unsigned before = count_descriptors();

	assert_int_equal(dd_errand_receive(pair[0], &received, NULL), code);
	dd_errand_release(&received);
	/* Those that came are gone with it. */
	assert_int_equal(count_descriptors(), before);
}

static void what_is_whole_comes_through(void **state)
{
	static const char text[] = "drydock\0gc\0\0TERM=dumb";
	struct dd_received_errand received;

	(void)state;
	send_words(DD_ERRAND_MAGIC, 3, 1, text, sizeof(text), DD_ERRAND_DESCRIPTORS);
	assert_int_equal(dd_errand_receive(pair[0], &received, NULL), 0);
	assert_int_equal(received.errand.word_count, 3);
	assert_string_equal(received.errand.words[0], "drydock");
	assert_string_equal(received.errand.words[1], "gc");
	assert_string_equal(received.errand.words[2], "");
	assert_null(received.errand.words[3]);
	assert_int_equal(received.errand.environment_count, 1);
	assert_string_equal(received.errand.environment[0], "TERM=dumb");
	assert_true(received.errand.directory >= 0 && received.errand.streams[2] >= 0);
	assert_true(fcntl(received.errand.streams[0], F_GETFD) & FD_CLOEXEC);
	dd_errand_release(&received);
}

static void what_is_not_is_refused_and_nothing_is_left_of_it(void **state)
{
	static const char text[] = "drydock\0gc";

	(void)state;
	/* too few or too many descriptors; too few or too many words; none; no NUL; another version */
	for (unsigned descriptors = 0; descriptors < 8; descriptors++) {
		if (descriptors == DD_ERRAND_DESCRIPTORS)
			continue;
		send_words(DD_ERRAND_MAGIC, 2, 0, text, sizeof(text), descriptors);
		receive(DD_EFORMAT);
	}
	for (uint32_t words = 0; words < 5; words++) {
		send_words(DD_ERRAND_MAGIC, words, 0, text, sizeof(text), 4);
		receive(words == 2 ? 0 : DD_EFORMAT);
		send_words(DD_ERRAND_MAGIC, words, 1, text, sizeof(text), 4);
		receive(words == 1 ? 0 : DD_EFORMAT);
	}
	send_words(DD_ERRAND_MAGIC, 2, 0, text, sizeof(text) - 1, 4);
	receive(DD_EFORMAT);
	send_words(DD_ERRAND_MAGIC + 1, 2, 0, text, sizeof(text), 4);
	receive(DD_EFORMAT);
	send_words(DD_ERRAND_MAGIC, UINT32_MAX, UINT32_MAX, text, sizeof(text), 4);
	receive(DD_EFORMAT);
	send_bytes("x", 1, 4);
	receive(DD_EFORMAT);
}

static void a_caller_that_is_gone_is_no_errand(void **state)
{
	(void)state;
	close(pair[1]);
	receive(DD_ENOENT);
	pair[1] = dup(pair[0]);
}

static void what_changes_how_programs_are_loaded_is_not_passed_on(void **state)
{
	static const char *const wanted[] = { "PATH=/bin",   "LC_ALL=C", "REGISTRY_STORAGE=x",
					      "DRYDOCK_CACHE=/c", "TZ=UTC", "HOME=" };
	static const char *const others[] = { "LD_PRELOAD=x.so", "LD_LIBRARY_PATH=.", "PATHS=x",
					      "DRYDOCK_GATE=7",	 "GCONV_PATH=.",      "MALLOC_X=1",
					      "=",		 "",		      "PAT" };

	(void)state;
	for (size_t i = 0; i < DD_COUNT(wanted); i++)
		assert_true(dd_errand_wants(wanted[i]));
	for (size_t i = 0; i < DD_COUNT(others); i++)
		assert_false(dd_errand_wants(others[i]));
}

/* ---- the names ---- */

static void whoever_calls_where_nobody_listens_is_told(void **state)
{
	struct volume volume;
	const char *const words[] = { "drydock", "gc" };
	struct dd_errand errand = { .words = words, .word_count = 2, .streams = { 0, 1, 2 } };
	int status, fd;

	(void)state;
	open_volume(&volume);
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	assert_code(dd_owner_hand_over(volume.store, &errand, -1, &status, &volume.err),
		    DD_EREFUSED);
	/* Somebody's file, or link, is neither called nor taken away. */
	put(&volume, ".drydock/control", "a file");
	assert_code(dd_owner_hand_over(volume.store, &errand, -1, &status, &volume.err),
		    DD_EREFUSED);
	assert_code(dd_store_listen(volume.store, &volume.err), DD_EIRREGULAR);
	assert_holds(&volume, ".drydock/control", "a file");
	assert_int_equal(unlink(below(&volume, ".drydock/control")), 0);
	assert_int_equal(symlink("/dev/null", below(&volume, ".drydock/control")), 0);
	assert_code(dd_owner_hand_over(volume.store, &errand, -1, &status, &volume.err),
		    DD_EREFUSED);
	assert_code(dd_store_listen(volume.store, &volume.err), DD_EIRREGULAR);
	assert_int_equal(unlink(below(&volume, ".drydock/control")), 0);
	/* What a daemon left that died is replaced. */
	for (int i = 0; i < 2; i++) {
		fd = dd_store_listen(volume.store, &volume.err);
		assert_true(fd >= 0);
		close(fd);
	}
	dd_store_stop_listening(volume.store);
	assert_false(exists(&volume, ".drydock/control"));
	close_volume(&volume);
}

static void what_is_too_long_is_refused_before_anything_is_sent(void **state)
{
	struct volume volume;
	char *word = calloc(1, DD_ERRAND_BYTES + 1);
	const char *words[] = { "drydock", word };
	struct dd_errand errand = { .words = words, .word_count = 2, .streams = { 0, 1, 2 } };
	int status, fd;

	(void)state;
	memset(word, 'x', DD_ERRAND_BYTES);
	open_volume(&volume);
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	fd = dd_store_listen(volume.store, &volume.err);
	assert_true(fd >= 0);
	assert_code(dd_owner_hand_over(volume.store, &errand, -1, &status, &volume.err),
		    DD_EREFUSED);
	close(fd);
	close_volume(&volume);
	free(word);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_whole_comes_through),
		CASE(what_is_not_is_refused_and_nothing_is_left_of_it),
		CASE(a_caller_that_is_gone_is_no_errand),
		cmocka_unit_test(what_changes_how_programs_are_loaded_is_not_passed_on),
		cmocka_unit_test(whoever_calls_where_nobody_listens_is_told),
		cmocka_unit_test(what_is_too_long_is_refused_before_anything_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
