/*
 * A snapshot's file: whatever its bytes, it is refused with a reason, or it is a list whose every name
 * and number is good, which is written and read as the same, and does not differ from itself. Lines that
 * the bytes name are given their sums as well, so that a search gets behind them.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/diff.h>
#include <drydock/layout.h>

#include "base/cleanup.h"
#include "must.h"
#include "record/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_numbers(const struct dd_snapshot *snapshot, const uint32_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		MUST(numbers[i] < snapshot->blob_count && (!i || numbers[i - 1] < numbers[i]));
}

static void check(const struct dd_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->blob_count; i++)
		MUST(!i || dd_digest_compare(&snapshot->blobs[i - 1].digest,
					     &snapshot->blobs[i].digest) < 0);
	for (size_t i = 0; i < snapshot->repository_count; i++) {
		const struct dd_snapshot_repository *repository = &snapshot->repositories[i];

		MUST(dd_repository_safe(repository->name));
		check_numbers(snapshot, repository->manifests, repository->manifest_count);
		check_numbers(snapshot, repository->layers, repository->layer_count);
		for (size_t k = 0; k < repository->tag_count; k++)
			MUST(dd_name_safe(repository->tags[k].name) &&
			     (repository->tags[k].blob == DD_SNAPSHOT_NONE ||
			      repository->tags[k].blob < snapshot->blob_count));
	}
}

static void check_again(const struct dd_snapshot *snapshot)
{
	DD_AUTOFREE char *bytes = NULL, *copy = NULL;
	DD_CLEANUP(dd_snapshot_release) struct dd_snapshot again = { 0 };
	DD_CLEANUP(dd_diff_volumes_release) struct dd_diff_volumes diff = { 0 };
	size_t len;

	MUST(dd_snapshot_format(snapshot, &bytes, &len, NULL) == 0);
	copy = malloc(len + 1);
	MUST(copy);
	memcpy(copy, bytes, len + 1);
	MUST(dd_snapshot_parse(&again, copy, len, NULL) == 0);
	MUST(dd_diff_volumes(snapshot, &again, true, &diff, NULL) == 0 && !diff.count);
}

static void read_it(const void *bytes, size_t size)
{
	DD_CLEANUP(dd_snapshot_release) struct dd_snapshot snapshot = { 0 };
	DD_AUTOFREE char *copy = malloc(size + 1);
	struct dd_error err = { 0 };
	int rc;

	MUST(copy);
	if (size)
		memcpy(copy, bytes, size);
	copy[size] = '\0';
	rc = dd_snapshot_parse(&snapshot, copy, size, &err);
	MUST(rc == 0 || (rc == err.code && err.text[0]));
	if (rc < 0)
		return;
	check(&snapshot);
	check_again(&snapshot);
}

static void end(struct dd_hasher *hasher, struct dd_text *lines, struct dd_text *payload,
		unsigned count)
{
	char hex[DD_DIGEST_HEX];
	struct dd_digest sum;

	MUST(dd_digest_of(&sum, DD_SHA256, lines->bytes ? lines->bytes : "", lines->len, NULL) == 0);
	dd_text_cut(payload, 0);
	MUST(dd_text_printf(payload, "end %u %s", count, dd_digest_format_hex(&sum, hex)) == 0);
	MUST(dd_line_end(hasher, lines, payload, NULL) == 0);
}

static void read_with_sums(const uint8_t *data, size_t size)
{
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	struct dd_text lines = { 0 }, payload = { 0 };
	unsigned count = 0;

	MUST(dd_hasher_open(&hasher, DD_SHA256, NULL) == 0);
	for (size_t at = 0; at < size;) {
		const uint8_t *newline = memchr(data + at, '\n', size - at);
		size_t len = newline ? (size_t)(newline - (data + at)) : size - at;

		dd_text_cut(&payload, 0);
		MUST(dd_text_add(&payload, (const char *)data + at, len) == 0);
		if (len && len < DD_LINE_MAX / 2 && !memchr(data + at, '\0', len)) {
			MUST(dd_line_end(hasher, &lines, &payload, NULL) == 0);
			count++;
		}
		at += len + 1;
	}
	end(hasher, &lines, &payload, count);
	read_it(lines.bytes, lines.len);
	dd_text_release(&lines);
	dd_text_release(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_it(data, size);
	read_with_sums(data, size);
	return 0;
}
