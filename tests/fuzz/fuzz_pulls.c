/*
 * Any bytes are lines of an access log, whose pulls have names that a registry gives; and a list of
 * what is kept, or an error.
 */
#include <stdint.h>
#include <string.h>

#include <drydock/policy.h>

#include "must.h"
#include "record/access_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_log(const char *bytes, size_t size)
{
	struct dd_json_reader *json;
	const char *end = bytes + size;

	MUST(dd_json_reader_open(&json, NULL) == 0);
	while (bytes < end) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *stop = newline ? newline : end;
		struct dd_access access;
		int rc = dd_access_parse(json, bytes, (size_t)(stop - bytes), &access, NULL);

		MUST(rc == 0 || rc == 1);
		if (rc == 1 && access.pull)
			MUST(dd_repository_valid(access.repository) && access.reference[0] &&
			     !strpbrk(access.reference, "/%\n ") &&
			     strlen(access.agent) <= DD_AGENT_MAX);
		bytes = newline ? newline + 1 : end;
	}
	dd_json_reader_closep(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dd_keep *keep = NULL;
	struct dd_error err = { 0 };
	uint64_t lines, found;
	int rc;

	read_log((const char *)data, size);
	rc = dd_keep_read((const char *)data, size, &keep, &err);
	MUST(rc == 0 || ((rc == DD_EREFUSED || rc == DD_EUSAGE) && err.text[0] && !keep));
	if (rc == 0) {
		dd_keep_has_tag(keep, "team/app", "v1");
		for (size_t i = 0; i < dd_keep_digest_count(keep); i++)
			dd_keep_found(keep, i);
		dd_keep_count(keep, &lines, &found);
		MUST(lines && found <= lines);
	}
	dd_keep_closep(&keep);
	return 0;
}
