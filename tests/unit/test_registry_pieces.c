/*
 * Large pieces of an upload are hashed beside their writing: whichever ends first, or fails, the hash is
 * of what is in the file.
 */
#include <signal.h>
#include <sys/resource.h>

#include "registry.h"

#define LEN (2 * MIB + 7)

/* One after the other, in either order, or in two threads. */
enum order { IN_ORDER, TURNED, AT_ONCE };

struct half {
	void (*run)(void *of);
	void *of;
};

static void *run_half(void *arg)
{
	const struct half *half = arg;

	half->run(half->of);
	return NULL;
}

static void run_both(void *arg, void (*one)(void *of), void (*other)(void *of), void *of)
{
	enum order order = *(enum order *)arg;
	struct half half = { other, of };
	pthread_t thread;

	switch (order) {
	case IN_ORDER:
		one(of);
		other(of);
		break;
	case TURNED:
		other(of);
		one(of);
		break;
	case AT_ONCE:
		assert_int_equal(pthread_create(&thread, NULL, run_half, &half), 0);
		one(of);
		pthread_join(thread, NULL);
		break;
	}
}

static void open_with(struct registry *reg, enum order *order)
{
	open_registry(reg);
	reg->options.both = run_both;
	reg->options.both_arg = order;
	restart(reg);
}

static void what_is_hashed_beside_its_writing_is_pulled(void **state)
{
	struct registry reg;
	enum order order;

	(void)state;
	open_with(&reg, &order);
	for (order = IN_ORDER; order <= AT_ONCE; order++) {
		DD_AUTOFREE unsigned char *bytes = make_bytes(LEN, order);
		struct dd_digest digest = push(&reg, APP, bytes, LEN);

		assert_pulls(&reg, APP, &digest, bytes, LEN);
	}
	close_registry(&reg);
}

/* Whatever was hashed of a piece that did not get onto the disk. */
static void a_piece_that_cannot_be_written_is_sent_again(void **state)
{
	const struct rlimit tight = { MIB + KIB, RLIM_INFINITY },
			    wide = { RLIM_INFINITY, RLIM_INFINITY };
	struct registry reg;
	enum order order;

	(void)state;
	open_with(&reg, &order);
	signal(SIGXFSZ, SIG_IGN);
	for (order = IN_ORDER; order <= AT_ONCE; order++) {
		DD_AUTOFREE unsigned char *bytes = make_bytes(LEN, order);
		struct dd_upload *upload;
		struct dd_digest digest;
		int rc;

		assert_int_equal(dd_digest_of(&digest, DD_SHA256, bytes, LEN, NULL), 0);
		assert_int_equal(dd_upload_begin(reg.registry, APP, NULL, NULL, &upload, NULL), 0);
		assert_int_equal(dd_upload_append(upload, bytes, MIB, NULL), 0);
		setrlimit(RLIMIT_FSIZE, &tight);
		rc = dd_upload_append(upload, bytes + MIB, LEN - MIB, reg.err);
		setrlimit(RLIMIT_FSIZE, &wide);
		assert_true(rc < 0);
		assert_int_equal(dd_upload_get_offset(upload), MIB);
		assert_int_equal(dd_upload_append(upload, bytes + MIB, LEN - MIB, NULL), 0);
		assert_int_equal(dd_upload_commit(&upload, &digest, NULL), 0);
		assert_pulls(&reg, APP, &digest, bytes, LEN);
	}
	close_registry(&reg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_hashed_beside_its_writing_is_pulled),
		cmocka_unit_test(a_piece_that_cannot_be_written_is_sent_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
