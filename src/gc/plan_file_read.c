/*
 * A plan out of a file, line by line, believing nothing: each line is small, parsed within a budget,
 * and names something of the layout; the last one says how many there were, and their sum.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "gc/plan_file.h"
#include "record/line.h"
#include "text/json.h"

#define LINE_MAX_BYTES ((size_t)64 << 10) /* a path of 4096 bytes, each of them escaped, and more */
#define CHUNK ((size_t)64 << 10)

static const char not_one[] = "this is no plan that drydock gc --plan-out wrote";

struct reading {
	struct dd_plan_file *file;
	struct dd_json_reader *reader;
	struct dd_hasher *hasher;
	uint64_t line, bytes;
	bool ended;
};

static int refuse(struct dd_error *err, const char *why)
{
	return dd_fail(err, DD_EREFUSED, 0, "%s", why);
}

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "read a plan");
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool dd_plan_path_decode(char *path)
{
	char *to = path;

	for (const char *at = path; *at; at++) {
		int high, low;

		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
			return false;
		if (*at != '%') {
			*to++ = *at;
			continue;
		}
		high = hex_value(at[1]);
		low = high < 0 ? -1 : hex_value(at[2]);
		if (low < 0 || (high == 0 && low == 0))
			return false;
		*to++ = (char)(high << 4 | low);
		at += 2;
	}
	*to = '\0';
	return true;
}

/* ---- members ---- */

/* A whole string without a NUL in it; NULL: it is none. */
static const char *text_of(const struct dd_json *value)
{
	return value && value->type == DD_JSON_STRING && strlen(value->text) == value->len ?
		       value->text :
		       NULL;
}

static bool number_of(const struct dd_json *value, uint64_t *number)
{
	if (!value || value->type != DD_JSON_INTEGER || value->integer < 0)
		return false;
	*number = (uint64_t)value->integer;
	return true;
}

static bool big_number_of(const struct dd_json *value, uint64_t *number)
{
	const char *text = text_of(value);

	return text && dd_line_parse_number(text, number) == 0;
}

static bool flag_of(const struct dd_json *value, bool *flag)
{
	if (!value || value->type != DD_JSON_BOOL)
		return false;
	*flag = value->boolean;
	return true;
}

static bool duration_of(const struct dd_json *value, int64_t *ns)
{
	uint64_t number;

	if (!number_of(value, &number))
		return false;
	*ns = (int64_t)number;
	return true;
}

/* ---- lines ---- */

/* The format says what the other fields mean, and the version by which rules things were judged. */
static int check_version(const struct dd_json *format, const struct dd_json *version,
			 struct dd_error *err)
{
	const char *text = text_of(version);
	uint64_t number;

	if (!number_of(format, &number))
		return refuse(err, not_one);
	if (number == DD_PLAN_FORMAT && text && !strcmp(text, DD_VERSION))
		return 0;
	dd_fail(err, DD_EREFUSED, 0, "the plan is of drydock %.40s, and this is " DD_VERSION,
		text ? text : "?");
	dd_hint(err, "make a new plan: what goes may be judged by other rules");
	return DD_EREFUSED;
}

static int take_head(struct reading *reading, const struct dd_json *root, struct dd_error *err)
{
	enum {
		FORMAT,
		VERSION,
		MADE,
		VOLUME,
		DEVICE,
		INODE,
		UNTAGGED,
		LEFTOVERS,
		EMPTY,
		GRACE,
		UPLOADS,
		ITEMS,
		BYTES,
		COUNT
	};
	static const struct dd_json_name names[] = {
		DD_JSON_NAME("drydock_plan"),
		DD_JSON_NAME("version"),
		DD_JSON_NAME("made"),
		DD_JSON_NAME("volume"),
		DD_JSON_NAME("device"),
		DD_JSON_NAME("inode"),
		DD_JSON_NAME("delete_untagged"),
		DD_JSON_NAME("leftovers"),
		DD_JSON_NAME("allow_empty"),
		DD_JSON_NAME("grace_ns"),
		DD_JSON_NAME("uploads_older_ns"),
		DD_JSON_NAME("items"),
		DD_JSON_NAME("bytes"),
	};
	struct dd_plan_head *head = &reading->file->head;
	struct dd_gc_options *options = &reading->file->options;
	const struct dd_json *values[COUNT];
	const char *made, *volume;
	int rc = dd_json_fields(root, names, COUNT, values, err);

	if (rc == 0)
		rc = check_version(values[FORMAT], values[VERSION], err);
	if (rc < 0)
		return rc;
	made = text_of(values[MADE]);
	volume = text_of(values[VOLUME]);
	if (!made || dd_time_parse(&head->made_ns, made, strlen(made)) < 0 || !volume ||
	    !big_number_of(values[DEVICE], &head->identity[0]) ||
	    !big_number_of(values[INODE], &head->identity[1]) ||
	    !flag_of(values[UNTAGGED], &options->delete_untagged) ||
	    !flag_of(values[LEFTOVERS], &options->leftovers) ||
	    !flag_of(values[EMPTY], &options->allow_empty) ||
	    !duration_of(values[GRACE], &options->grace_ns) ||
	    !duration_of(values[UPLOADS], &options->uploads_older_ns) ||
	    !number_of(values[ITEMS], &head->items) || !number_of(values[BYTES], &head->bytes))
		return refuse(err, "the first line lacks something, or has it in another form");
	head->volume = dd_arena_copy(&reading->file->strings, volume, strlen(volume));
	return head->volume ? 0 : no_memory(err);
}

static int take_loss(struct reading *reading, const char *repository, const struct dd_json *digest,
		     struct dd_error *err)
{
	struct dd_reference_pair *pair;
	const char *text = text_of(digest);
	struct dd_digest parsed;
	char *name = dd_arena_copy(&reading->file->strings, repository, strlen(repository));

	if (!name)
		return no_memory(err);
	if (!dd_plan_path_decode(name) || !dd_repository_safe(name) || !text ||
	    dd_digest_parse(&parsed, text, strlen(text)) < 0)
		return refuse(err, "what is given up is no manifest of a repository");
	pair = dd_list_add(&reading->file->losses);
	if (!pair)
		return no_memory(err);
	*pair = (struct dd_reference_pair){ name, parsed };
	return 0;
}

static bool parse_stamp(const char *text, struct dd_stamp *stamp)
{
	char copy[120], *at = copy, *word;
	size_t count = 0;

	if (strlen(text) >= sizeof(copy))
		return false;
	strcpy(copy, text);
	while ((word = strsep(&at, " ")))
		if (count == DD_COUNT(stamp->word) ||
		    dd_line_parse_number(word, &stamp->word[count++]) < 0)
			return false;
	return count == DD_COUNT(stamp->word);
}

static int take_item(struct reading *reading, const char *text, const struct dd_json *bytes,
		     const struct dd_json *stamp, struct dd_error *err)
{
	const char *stamp_text = text_of(stamp);
	DD_AUTOFREE char *memory = NULL;
	struct dd_planned *item;
	struct dd_place place;
	char *path = dd_arena_copy(&reading->file->strings, text, strlen(text));

	if (!path)
		return no_memory(err);
	if (!dd_plan_path_decode(path) || dd_layout_parse(path, &place, &memory, NULL) < 0 ||
	    place.run)
		return refuse(err, "the path is none of a registry's");
	item = dd_list_add(&reading->file->items);
	if (!item)
		return no_memory(err);
	item->path = path;
	item->candidate = DD_NO_CANDIDATE;
	if (!number_of(bytes, &item->bytes) || !stamp_text ||
	    !parse_stamp(stamp_text, &item->stamp))
		return refuse(err, "what it was judged by is not there");
	return 0;
}

static int take_end(struct reading *reading, uint64_t items, const struct dd_json *sum,
		    struct dd_error *err)
{
	const char *hex = text_of(sum);
	struct dd_digest said, got;
	int rc = dd_hasher_final(reading->hasher, &got, err);

	if (rc < 0)
		return rc;
	if (!hex || dd_digest_parse_hex(&said, DD_SHA256, hex, strlen(hex)) < 0 ||
	    !dd_digest_equal(&said, &got) || items != reading->file->items.count ||
	    items != reading->file->head.items)
		return refuse(err, "the plan was damaged or edited: its sum is wrong");
	reading->ended = true;
	return 0;
}

static int take_later(struct reading *reading, const struct dd_json *root, struct dd_error *err)
{
	enum { PATH, BYTES, STAMP, LOSS, DIGEST, END, SUM, COUNT };
	static const struct dd_json_name names[] = {
		DD_JSON_NAME("path"),	     DD_JSON_NAME("bytes"),  DD_JSON_NAME("stamp"),
		DD_JSON_NAME("accept_loss"), DD_JSON_NAME("digest"), DD_JSON_NAME("end"),
		DD_JSON_NAME("sha256"),
	};
	const struct dd_json *values[COUNT];
	uint64_t items;
	int rc = dd_json_fields(root, names, COUNT, values, err);

	if (rc < 0)
		return rc;
	if (text_of(values[PATH]))
		return take_item(reading, values[PATH]->text, values[BYTES], values[STAMP], err);
	if (text_of(values[LOSS]))
		return take_loss(reading, values[LOSS]->text, values[DIGEST], err);
	if (number_of(values[END], &items))
		return take_end(reading, items, values[SUM], err);
	return refuse(err, "the line says nothing that a plan says");
}

static int take_line(struct reading *reading, const char *line, size_t len, struct dd_error *err)
{
	const struct dd_json *root;
	int rc;

	reading->line++;
	if (reading->ended)
		return refuse(err, "something follows the end of the plan");
	rc = dd_json_read(reading->reader, line, len, dd_json_budget(LINE_MAX_BYTES), &root, err);
	if (rc == 0 && root->type != DD_JSON_OBJECT)
		rc = refuse(err, "it is no object");
	if (rc == 0)
		rc = reading->line == 1 ? take_head(reading, root, err) :
					  take_later(reading, root, err);
	dd_json_reader_release(reading->reader);
	/* The last line holds the sum of those before it. */
	return rc < 0 || reading->ended ? rc : dd_hasher_add(reading->hasher, line, len + 1, err);
}

/* What is wrong with a file is no failure of ours, nor damage of a volume. */
static int refuse_line(const struct reading *reading, int rc, struct dd_error *err)
{
	if (reading->line <= 1 && rc == DD_EFORMAT)
		return refuse(err, not_one);
	if (rc == DD_EFORMAT || rc == DD_ETOOBIG)
		rc = DD_EREFUSED;
	if (err)
		err->code = rc;
	return reading->line > 1 && rc == DD_EREFUSED ?
		       dd_wrap(err, rc, "line %llu", (unsigned long long)reading->line) :
		       rc;
}

static int take_lines(struct reading *reading, struct dd_text *pending, struct dd_error *err)
{
	char *at = pending->bytes, *newline;
	size_t left = pending->len;
	int rc = 0;

	while (rc == 0 && left && (newline = memchr(at, '\n', left))) {
		size_t len = (size_t)(newline - at);

		rc = len > LINE_MAX_BYTES ? refuse(err, "a line is too long") :
					    take_line(reading, at, len, err);
		left -= len + 1;
		at = newline + 1;
	}
	if (rc == 0 && left > LINE_MAX_BYTES)
		rc = refuse(err, reading->line ? "a line is too long" : not_one);
	if (rc < 0)
		return refuse_line(reading, rc, err);
	if (pending->len) {
		memmove(pending->bytes, at, left);
		dd_text_cut(pending, left);
	}
	return 0;
}

static int read_all(struct reading *reading, dd_next_bytes_fn *next, void *arg,
		    struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text pending = { 0 };
	int64_t got;
	int rc = 0;

	do {
		if (dd_text_reserve(&pending, CHUNK) < 0)
			return no_memory(err);
		got = next(arg, pending.bytes + pending.len, CHUNK, err);
		if (got < 0)
			return (int)got;
		reading->bytes += (uint64_t)got;
		if (reading->bytes > DD_PLAN_MAX)
			return dd_fail(err, DD_EREFUSED, 0, "the plan is over %llu MiB",
				       (unsigned long long)(DD_PLAN_MAX >> 20));
		pending.len += (size_t)got;
		rc = take_lines(reading, &pending, err);
	} while (rc == 0 && got > 0);
	if (rc < 0)
		return rc;
	if (!reading->line && !pending.len)
		return refuse(err, "the file is empty");
	if (!reading->line)
		return refuse(err, not_one);
	return reading->ended && !pending.len ?
		       0 :
		       refuse(err, reading->ended ? "something follows the end of the plan" :
						    "the plan is cut short: its end is missing");
}

static int compare(const void *left, const void *right)
{
	const struct dd_planned *a = left, *b = right;

	return strcmp(a->path, b->path);
}

static int sort(struct dd_plan_file *file, struct dd_error *err)
{
	struct dd_planned *items = file->items.items;

	if (file->items.count)
		qsort(items, file->items.count, sizeof(*items), compare);
	for (size_t i = 1; i < file->items.count; i++)
		if (!strcmp(items[i - 1].path, items[i].path))
			return dd_fail(err, DD_EREFUSED, 0, "the plan names %.400s twice",
				       items[i].path);
	return 0;
}

int dd_plan_file_read(dd_next_bytes_fn *next, void *arg, struct dd_plan_file **out,
		      struct dd_error *err)
{
	DD_CLEANUP(dd_plan_file_closep) struct dd_plan_file *file = calloc(1, sizeof(*file));
	DD_CLEANUP(dd_json_reader_closep) struct dd_json_reader *reader = NULL;
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	struct reading reading = { .file = file };
	int rc;

	*out = NULL;
	if (!file)
		return no_memory(err);
	rc = dd_json_reader_open(&reader, err);
	if (rc == 0)
		rc = dd_hasher_open(&hasher, DD_SHA256, err);
	reading.reader = reader;
	reading.hasher = hasher;
	if (rc == 0)
		rc = read_all(&reading, next, arg, err);
	if (rc == 0)
		rc = sort(file, err);
	if (rc < 0)
		return rc;
	*out = file;
	file = NULL;
	return 0;
}

void dd_plan_file_close(struct dd_plan_file *file)
{
	if (!file)
		return;
	dd_list_release(&file->losses);
	dd_list_release(&file->items);
	dd_arena_release(&file->strings);
	free(file);
}

void dd_plan_file_closep(struct dd_plan_file **file)
{
	dd_plan_file_close(*file);
	*file = NULL;
}
