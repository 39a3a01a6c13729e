/*
 * The gate's messages: what goes through comes out, and nothing else is one.
 */
#include <stdlib.h>
#include <string.h>

#include "change/gate_wire.h"
#include "unit.h"

static void a_request_comes_through_as_it_was(void **state)
{
	static unsigned char message[DD_GATE_MESSAGE];
	static struct dd_gate_request sent, got;
	char longest[DD_GATE_NAME + 50];
	size_t len;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	sent.op = DD_GATE_HOLD;
	sent.count = DD_GATE_MAX;
	for (size_t i = 0; i < DD_GATE_MAX; i++) {
		sent.keys[i] = (struct dd_gate_key){ (enum dd_gate_key_kind)(i % DD_KEY_COUNT),
						     i % 3 == 0, i % 5 ? longest : NULL,
						     i % 7 ? "v1" : longest, { 0 } };
		memset(&sent.keys[i].digest, 1, sizeof(sent.keys[i].digest));
	}
	len = dd_gate_pack(&sent, message);
	assert_true(len <= sizeof(message));
	assert_int_equal(dd_gate_unpack(&got, message, len, NULL), 0);
	assert_int_equal(got.count, sent.count);
	for (size_t i = 0; i < DD_GATE_MAX; i++) {
		assert_int_equal(got.keys[i].kind, sent.keys[i].kind);
		assert_int_equal(got.keys[i].named, sent.keys[i].named);
		assert_true(dd_digest_equal(&got.keys[i].digest, &sent.keys[i].digest));
		assert_int_equal(strlen(got.keys[i].repository), i % 5 ? DD_GATE_NAME - 1 : 0);
		assert_int_equal(strlen(got.keys[i].name), i % 7 ? 2 : DD_GATE_NAME - 1);
	}
	/* Cut anywhere, or with something behind it, it is none. */
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(dd_gate_unpack(&got, message, cut, NULL), DD_EFORMAT);
	assert_int_equal(dd_gate_unpack(&got, message, len + 1, NULL), DD_EFORMAT);
}

static void bytes_that_make_no_sense_are_no_request(void **state)
{
	static struct dd_gate_request request;
	unsigned char message[300];
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t len = (size_t)rand_r(&seed) % sizeof(message);

		for (size_t i = 0; i < len; i++)
			message[i] = (unsigned char)rand_r(&seed);
		if (len > 1 && round % 2)
			message[0] %= DD_GATE_OP_COUNT, message[1] %= 4;
		if (dd_gate_unpack(&request, message, len, NULL) < 0)
			continue;
		assert_true(request.op < DD_GATE_OP_COUNT && request.count <= DD_GATE_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_comes_through_as_it_was),
		cmocka_unit_test(bytes_that_make_no_sense_are_no_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
