/*
 * A plan into a file: a head, a line for each thing that goes, and the sum of all that.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "gc/plan.h"
#include "gc/plan_file.h"

struct writing {
	struct dd_hasher *hasher;
	dd_json_sink_fn *sink;
	void *arg;
	uint64_t bytes;
};

int dd_plan_path_encode(const char *path, struct dd_text *out)
{
	int rc = 0;

	dd_text_cut(out, 0);
	for (const char *at = path; *at && rc == 0; at++) {
		unsigned char byte = (unsigned char)*at;

		rc = byte <= ' ' || byte == '%' || byte >= 0x7f ?
			     dd_text_printf(out, "%%%02X", byte) :
			     dd_text_add(out, at, 1);
	}
	return rc;
}

static int hand_on(void *arg, const char *bytes, size_t len)
{
	struct writing *writing = arg;

	writing->bytes += len;
	if (dd_hasher_add(writing->hasher, bytes, len, NULL) < 0)
		return ENOMEM;
	return writing->sink(writing->arg, bytes, len);
}

static int put_head(struct dd_json_out *out, const struct dd_gc *gc, struct dd_store *store,
		    struct dd_error *err)
{
	const struct dd_gc_options *options = &gc->options;
	char number[24];
	uint64_t identity[2];
	int rc = dd_store_identify(store, identity, err);

	dd_json_object(out, NULL);
	dd_json_uint(out, "drydock_plan", DD_PLAN_FORMAT);
	dd_json_text(out, "version", DD_VERSION);
	dd_json_text(out, "command", options->command);
	dd_json_time(out, "made", gc->now_ns);
	dd_json_text(out, "volume", dd_store_get_root(store));
	/* As text: not every reader of JSON keeps 64 bits of a number. */
	snprintf(number, sizeof(number), "%" PRIu64, identity[0]);
	dd_json_text(out, "device", number);
	snprintf(number, sizeof(number), "%" PRIu64, identity[1]);
	dd_json_text(out, "inode", number);
	dd_json_bool(out, "delete_untagged", options->delete_untagged);
	dd_json_bool(out, "leftovers", options->leftovers);
	dd_json_bool(out, "allow_empty", options->allow_empty);
	dd_json_int(out, "grace_ns", options->grace_ns);
	dd_json_int(out, "uploads_older_ns", options->uploads_older_ns);
	dd_json_uint(out, "items", gc->plan.totals.items);
	dd_json_uint(out, "bytes", gc->plan.totals.bytes);
	dd_json_end(out);
	dd_json_newline(out);
	return rc;
}

static int put_losses(struct dd_json_out *out, const struct dd_gc_options *options,
		      struct dd_text *encoded, struct dd_error *err)
{
	for (size_t i = 0; i < options->accept_loss_count; i++) {
		if (dd_plan_path_encode(options->accept_loss[i].repository, encoded) < 0)
			return dd_fail(err, DD_ENOMEM, 0, "write a plan");
		dd_json_object(out, NULL);
		dd_json_text(out, "accept_loss", encoded->bytes);
		dd_json_digest(out, "digest", &options->accept_loss[i].digest);
		dd_json_end(out);
		dd_json_newline(out);
	}
	return 0;
}

static int put_item(struct dd_json_out *out, const struct dd_item *item, struct dd_text *encoded,
		    struct dd_error *err)
{
	const uint64_t *word = item->stamp.word;
	DD_AUTOFREE char *path = NULL;
	char stamp[120];
	int rc = dd_layout_path(&item->place, &path, err);

	if (rc < 0)
		return rc;
	if (dd_plan_path_encode(path, encoded) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "write a plan");
	snprintf(stamp, sizeof(stamp), "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
		 word[0], word[1], word[2], word[3], word[4]);
	dd_json_object(out, NULL);
	dd_json_text(out, "path", encoded->bytes);
	dd_json_text(out, "reason", dd_reason_name(item->reason));
	dd_json_uint(out, "bytes", item->bytes);
	dd_json_uint(out, "freed", item->links > 1 ? 0 : item->bytes);
	dd_json_text(out, "stamp", stamp);
	dd_json_end(out);
	dd_json_newline(out);
	return 0;
}

static int put_end(const struct writing *writing, uint64_t items, struct dd_error *err)
{
	DD_CLEANUP(dd_json_closep) struct dd_json_out *out = NULL;
	char hex[DD_DIGEST_HEX];
	struct dd_digest sum;
	int rc = dd_hasher_final(writing->hasher, &sum, err);

	if (rc == 0)
		rc = dd_json_open(&out, writing->sink, writing->arg, DD_JSON_LINES, err);
	if (rc < 0)
		return rc;
	dd_json_object(out, NULL);
	dd_json_uint(out, "end", items);
	dd_json_text(out, "sha256", dd_digest_format_hex(&sum, hex));
	dd_json_end(out);
	dd_json_newline(out);
	return dd_json_finish(out, err);
}

int dd_plan_file_write(const struct dd_gc *gc, struct dd_store *store, dd_json_sink_fn *sink,
		       void *arg, struct dd_error *err)
{
	struct writing writing = { .sink = sink, .arg = arg };
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	DD_CLEANUP(dd_json_closep) struct dd_json_out *out = NULL;
	DD_CLEANUP(dd_text_release) struct dd_text encoded = { 0 };
	int rc = dd_hasher_open(&hasher, DD_SHA256, err);

	writing.hasher = hasher;
	if (rc == 0)
		rc = dd_json_open(&out, hand_on, &writing, DD_JSON_LINES, err);
	if (rc == 0)
		rc = put_head(out, gc, store, err);
	if (rc == 0)
		rc = put_losses(out, &gc->options, &encoded, err);
	for (size_t i = 0; i < gc->plan.item_count && rc == 0 && !dd_json_failed(out); i++) {
		struct dd_item item;

		dd_gc_get_item(gc, i, &item);
		rc = put_item(out, &item, &encoded, err);
		if (rc == 0 && writing.bytes > DD_PLAN_MAX - 4096)
			rc = dd_fail(err, DD_ETOOBIG, 0,
				     "the plan is over %llu MiB: collect without a file, or less "
				     "at a time",
				     (unsigned long long)(DD_PLAN_MAX >> 20));
	}
	if (rc == 0)
		rc = dd_json_finish(out, err);
	return rc < 0 ? rc : put_end(&writing, gc->plan.item_count, err);
}
