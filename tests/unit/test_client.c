/*
 * Who a client is to the bounds.
 */
#include "serve/client.h"
#include "unit.h"

static void expect(const char *user, const char *peer, const char *name)
{
	char got[DD_CLIENT_TEXT];

	dd_client_name(user, peer, got);
	assert_string_equal(got, name);
}

static void a_client_is_its_user_or_its_address(void **state)
{
	(void)state;
	expect("alice", "192.0.2.1:55512", "user alice");
	expect("", "192.0.2.1:55512", "address 192.0.2.1");
	expect("", "192.0.2.1:1", "address 192.0.2.1");
	expect("", "@", "address @");
	expect("", "", "address ");
	/* No user's name makes it somebody else's address. */
	expect("address 192.0.2.1", "@", "user address 192.0.2.1");
}

static void of_ipv6_the_network_counts(void **state)
{
	(void)state;
	expect("", "[2001:db8:1:2:3:4:5:6]:55512", "address 2001:db8:1:2::");
	expect("", "[2001:db8:1:2::1]:1", "address 2001:db8:1:2::");
	expect("", "[::1]:1", "address ::");
	expect("", "[::ffff:192.0.2.1]:1", "address ::ffff:192.0.2.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_is_its_user_or_its_address),
		cmocka_unit_test(of_ipv6_the_network_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
