/*
 * Secrets, as far as no library is needed for them.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

#include "base/secret.h"

int dd_secret_random(void *bytes, size_t len, struct dd_error *err)
{
	for (size_t at = 0; at < len;) {
		ssize_t got = getrandom((uint8_t *)bytes + at, len - at, 0);

		if (got < 0 && errno != EINTR)
			return dd_fail(err, dd_code_of_errno(errno), errno, "get random bytes");
		if (got > 0)
			at += (size_t)got;
	}
	return 0;
}

bool dd_secret_equal(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *left = a, *right = b;
	uint8_t differ = 0;

	for (size_t i = 0; i < len; i++)
		differ |= left[i] ^ right[i];
	return !differ;
}
