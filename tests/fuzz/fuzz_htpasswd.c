/*
 * Any bytes are a file of users whose hashes all can be computed, or an error with its line.
 */
#include <stdint.h>
#include <string.h>

#include "must.h"
#include "serve/htpasswd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dd_htpasswd *htpasswd = NULL;
	struct dd_context *ctx;
	struct dd_error err = { 0 };
	int rc;

	MUST(dd_context_open(&ctx, NULL) == 0);
	rc = dd_htpasswd_read(ctx, "users", (const char *)data, size, &htpasswd, &err);
	MUST(rc == 0 || (rc == DD_ECONFIG && !htpasswd && strstr(err.text, "users: line ")));
	for (uint64_t i = 0; rc == 0 && i < 4; i++) {
		const char *hash = dd_htpasswd_stand_in(htpasswd, i);

		MUST(strlen(hash) == DD_BCRYPT_TEXT - 1 && !strncmp(hash, "$2", 2));
	}
	if (rc == 0)
		MUST(!dd_htpasswd_find(htpasswd, "a:b") && !dd_htpasswd_find(htpasswd, ""));
	dd_htpasswd_closep(&htpasswd);
	dd_context_closep(&ctx);
	return 0;
}
