/*
 * -printf: a format is parsed once into pieces; each is a text or a directive.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <drydock/escape.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "inspect/find.h"

#define WIDTH_MAX 999

typedef int value_fn(const struct dd_find_object *object, struct dd_text *text);

struct piece {
	value_fn *value; /* NULL: text */
	char letter;	 /* of a time: what of it; 0: all of it */
	bool left, zero, cut, stop;
	unsigned width, precision;
	char *text;
	size_t len;
};

struct dd_find_format {
	DD_LIST(struct piece) pieces;
	uint32_t facts;
	bool raw; /* has a NUL: whoever reads it takes names as they are */
};

/* ---- values ---- */

static int text_of(struct dd_text *text, const char *value)
{
	return value ? dd_text_add(text, value, strlen(value)) : 0;
}

#define VALUE(name, expression)                                                    \
	static int name(const struct dd_find_object *object, struct dd_text *text) \
	{                                                                          \
		return text_of(text, expression);                                  \
	}
#define NUMBER(name, condition, expression)                                                     \
	static int name(const struct dd_find_object *object, struct dd_text *text)              \
	{                                                                                       \
		return condition ?                                                              \
			       dd_text_printf(text, "%llu", (unsigned long long)(expression)) : \
			       0;                                                               \
	}

VALUE(value_name, object->name)
VALUE(value_base, object->base)
VALUE(value_type, dd_find_type_name(object->type))
VALUE(value_repository, object->repository)
VALUE(value_tag, object->tag)
VALUE(value_media_type, object->media_type)
VALUE(value_artifact_type, object->artifact_type)
VALUE(value_platform, object->platform)
VALUE(value_problem, object->problem)
NUMBER(value_size, object->has_size, object->size)
NUMBER(value_kib, object->has_size, object->size / 1024 + (object->size % 1024 != 0))
NUMBER(value_refs, object->counted, object->refs)
NUMBER(value_repos, object->counted, object->repos)

static int value_path(const struct dd_find_object *object, struct dd_text *text)
{
	DD_AUTOFREE char *path = NULL;
	int rc = dd_layout_path(&object->place, &path, NULL);

	return rc < 0 ? (rc == DD_ENOMEM ? rc : 0) : text_of(text, path);
}

static int value_digest(const struct dd_find_object *object, struct dd_text *text)
{
	char digest[DD_DIGEST_TEXT];

	return object->has_digest ? text_of(text, dd_digest_format(&object->digest, digest)) : 0;
}

static int value_hex(const struct dd_find_object *object, struct dd_text *text)
{
	char hex[DD_DIGEST_HEX];

	return object->has_digest ? text_of(text, dd_digest_format_hex(&object->digest, hex)) : 0;
}

static int value_state(const struct dd_find_object *object, struct dd_text *text)
{
	static const char *const states[] = { [DD_FIND_UNVERIFIED] = "unverified",
					      [DD_FIND_GOOD] = "good",
					      [DD_FIND_CORRUPT] = "corrupt" };

	return object->has_digest ? text_of(text, states[object->state]) : 0;
}

/* Only named: their values are made by add_time(). */
static int value_mtime(const struct dd_find_object *object, struct dd_text *text)
{
	char time[DD_UNIT_TEXT];

	return object->mtime_ns ? text_of(text, dd_time_format_utc(object->mtime_ns, time)) : 0;
}

static int value_created(const struct dd_find_object *object, struct dd_text *text)
{
	char time[DD_UNIT_TEXT];

	return object->created_ns ? text_of(text, dd_time_format_utc(object->created_ns, time)) : 0;
}

/* X(letter, long name, value, facts): drydock-find(1) has the table, script/lint compares them */
#define DIRECTIVES(X)                                                 \
	X('p', "name", value_name, 0)                                 \
	X('P', "path", value_path, 0)                                 \
	X('f', "base", value_base, 0)                                 \
	X('y', "type", value_type, DD_FACT_KIND)                      \
	X('r', "repository", value_repository, 0)                     \
	X('g', "tag", value_tag, 0)                                   \
	X('d', "digest", value_digest, DD_FACT_DIGEST)                \
	X('x', "hex", value_hex, DD_FACT_DIGEST)                      \
	X('s', "size", value_size, DD_FACT_SIZE)                      \
	X('k', "kib", value_kib, DD_FACT_SIZE)                        \
	X('t', "time", value_mtime, DD_FACT_LOOK)                     \
	X('c', "created", value_created, DD_FACT_CONFIG)              \
	X('m', "mediatype", value_media_type, DD_FACT_READ)           \
	X('a', "artifact-type", value_artifact_type, DD_FACT_READ)    \
	X('o', "platform", value_platform, DD_FACT_PLATFORM)          \
	X('n', "refs", value_refs, DD_FACT_COUNT)                     \
	X('N', "repos", value_repos, DD_FACT_COUNT)                   \
	X('v', "verified", value_state, DD_FACT_STATE | DD_FACT_LOOK) \
	X('q', "problem", value_problem, DD_FACT_LOOK | DD_FACT_READ)

static const struct directive {
	char letter;
	const char *name;
	value_fn *value;
	uint32_t facts;
} directives[] = {
#define X(letter, name, value, facts) { letter, name, value, facts },
	DIRECTIVES(X)
#undef X
	/* Times by parts, as find(1) has them. */
	{ 'T', NULL, value_mtime, DD_FACT_LOOK },
	{ 'C', NULL, value_created, DD_FACT_CONFIG },
};

/* ---- parsing ---- */

static struct piece *add_piece(struct dd_find_format *format)
{
	return dd_list_add(&format->pieces);
}

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "read a format");
}

static int add_byte(struct dd_find_format *format, char byte, struct dd_error *err)
{
	struct piece *last =
		format->pieces.count ? &format->pieces.items[format->pieces.count - 1] : NULL;
	char *grown;

	if (!last || last->value || last->stop)
		last = add_piece(format);
	grown = last ? realloc(last->text, last->len + 1) : NULL;
	if (!grown)
		return no_memory(err);
	last->text = grown;
	grown[last->len++] = byte;
	format->raw |= !byte;
	return 0;
}

/* At a backslash; *at is behind the escape then. */
static int parse_escape(struct dd_find_format *format, const char **at, struct dd_error *err)
{
	static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
	const char *text = *at + 1, *known = *text ? strchr(from, *text) : NULL;
	unsigned value = 0, digits = 0;

	if (known) {
		*at = text + 1;
		return add_byte(format, to[known - from], err);
	}
	if (*text == 'c') {
		struct piece *piece = add_piece(format);

		*at = text + 1;
		if (!piece)
			return no_memory(err);
		piece->stop = true;
		return 0;
	}
	for (; digits < 3 && text[digits] >= '0' && text[digits] <= '7'; digits++)
		value = value * 8 + (unsigned)(text[digits] - '0');
	if (!digits || value > 255) {
		dd_fail(err, DD_EUSAGE, 0, "\"\\%.1s\" is no escape", text);
		dd_hint(err, "there are \\a \\b \\c \\f \\n \\r \\t \\v \\\\ and \\NNN in octal");
		return DD_EUSAGE;
	}
	*at = text + digits;
	return add_byte(format, (char)value, err);
}

static int parse_number(const char **at, unsigned *number, struct dd_error *err)
{
	for (*number = 0; isdigit((unsigned char)**at); ++*at) {
		*number = *number * 10 + (unsigned)(**at - '0');
		if (*number > WIDTH_MAX)
			return dd_fail(err, DD_EUSAGE, 0, "a width is over %d", WIDTH_MAX);
	}
	return 0;
}

static const struct directive *by_letter(char letter)
{
	for (size_t i = 0; i < DD_COUNT(directives); i++)
		if (directives[i].letter == letter)
			return &directives[i];
	return NULL;
}

static const struct directive *by_name(const char *name, size_t len)
{
	for (size_t i = 0; i < DD_COUNT(directives); i++)
		if (directives[i].name && strlen(directives[i].name) == len &&
		    !strncmp(directives[i].name, name, len))
			return &directives[i];
	return NULL;
}

static int unknown(const char *text, size_t len, struct dd_error *err)
{
	dd_fail(err, DD_EUSAGE, 0, "\"%%%.*s\" is no directive", (int)len, text);
	dd_hint(err, "drydock-find(1) has a table; %%%% is a percent sign");
	return DD_EUSAGE;
}

/* The letter of a directive, or {name}. */
static int parse_name(struct piece *piece, const char **at, uint32_t *facts, struct dd_error *err)
{
	const struct directive *found;
	const char *text = *at;

	if (*text == '{') {
		size_t len = strcspn(text + 1, "}");

		found = text[1 + len] ? by_name(text + 1, len) : NULL;
		if (!found)
			return unknown(text, len + 1 + (text[1 + len] != 0), err);
		*at = text + len + 2;
	} else {
		found = *text ? by_letter(*text) : NULL;
		if (!found)
			return unknown(text, *text != 0, err);
		*at = text + 1;
	}
	if (!found->name) {
		if (!**at || !strchr("@aAbBcdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ", **at))
			return unknown(text, 1 + (**at != 0), err);
		piece->letter = *(*at)++;
	}
	piece->value = found->value;
	*facts |= found->facts;
	return 0;
}

/* At a percent sign. */
static int parse_directive(struct dd_find_format *format, const char **at, struct dd_error *err)
{
	struct piece piece = { 0 }, *added;
	int rc;

	if ((*at)[1] == '%') {
		*at += 2;
		return add_byte(format, '%', err);
	}
	for (++*at; **at == '-' || **at == '0'; ++*at) {
		piece.left |= **at == '-';
		piece.zero |= **at == '0';
	}
	rc = parse_number(at, &piece.width, err);
	if (rc == 0 && **at == '.') {
		++*at;
		piece.cut = true;
		rc = parse_number(at, &piece.precision, err);
	}
	if (rc == 0)
		rc = parse_name(&piece, at, &format->facts, err);
	if (rc < 0)
		return rc;
	added = add_piece(format);
	if (!added)
		return no_memory(err);
	*added = piece;
	return 0;
}

void dd_find_format_free(struct dd_find_format *format)
{
	if (!format)
		return;
	for (size_t i = 0; i < format->pieces.count; i++)
		free(format->pieces.items[i].text);
	dd_list_release(&format->pieces);
	free(format);
}

int dd_find_format_parse(const char *text, struct dd_find_format **out, struct dd_error *err)
{
	struct dd_find_format *format = calloc(1, sizeof(*format));
	int rc = format ? 0 : no_memory(err);

	while (rc == 0 && *text)
		rc = *text == '\\' ? parse_escape(format, &text, err) :
		     *text == '%'  ? parse_directive(format, &text, err) :
				     add_byte(format, *text++, err);
	*out = format; /* freed with its action, in any case */
	return rc;
}

uint32_t dd_find_format_facts(const struct dd_find_format *format)
{
	return format->facts;
}

/* ---- printing ---- */

static int add_time(const struct piece *piece, const struct dd_find_object *object,
		    struct dd_text *text)
{
	int64_t ns = piece->value == value_mtime ? object->mtime_ns : object->created_ns;
	int64_t rest = ns % DD_SECOND, second = ns / DD_SECOND - (rest < 0);
	time_t when = (time_t)second;
	char spec[] = { '%', piece->letter, '\0' }, buf[128];
	struct tm parts;

	if (!ns)
		return 0;
	if (piece->letter == '@')
		return dd_text_printf(text, "%lld.%09lld", (long long)second,
				      (long long)(rest < 0 ? rest + DD_SECOND : rest));
		/* One conversion, whose letter was checked. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (!localtime_r(&when, &parts) || !strftime(buf, sizeof(buf), spec, &parts))
		return 0;
#pragma GCC diagnostic pop
	return text_of(text, buf);
}

static int escape(struct dd_text *text)
{
	size_t len = dd_escape(NULL, 0, text->bytes, text->len);
	struct dd_text escaped = { 0 };

	if (len == text->len) /* every escape is longer than what it stands for */
		return 0;
	if (dd_text_reserve(&escaped, len + 1) < 0)
		return DD_ENOMEM;
	dd_escape(escaped.bytes, len + 1, text->bytes, text->len);
	escaped.len = len;
	dd_text_release(text);
	*text = escaped;
	return 0;
}

static int add_value(const struct piece *piece, bool raw, const struct dd_find_object *object,
		     struct dd_text *out)
{
	DD_CLEANUP(dd_text_release) struct dd_text value = { 0 };
	int rc = piece->letter ? add_time(piece, object, &value) : piece->value(object, &value);
	size_t len, pad;

	if (rc == 0 && !raw && value.len)
		rc = escape(&value);
	len = piece->cut && piece->precision < value.len ? piece->precision : value.len;
	/* A character is never cut in two. */
	while (len < value.len && len && ((unsigned char)value.bytes[len] & 0xc0) == 0x80)
		len--;
	pad = piece->width > len ? piece->width - len : 0;
	for (size_t i = 0; i < pad && rc == 0 && !piece->left; i++)
		rc = dd_text_add(out, piece->zero ? "0" : " ", 1);
	if (rc == 0 && len)
		rc = dd_text_add(out, value.bytes, len);
	for (size_t i = 0; i < pad && rc == 0 && piece->left; i++)
		rc = dd_text_add(out, " ", 1);
	return rc;
}

int dd_find_printf(const struct dd_find_format *format, const struct dd_find_object *object,
		   dd_json_sink_fn *sink, void *arg, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text out = { 0 };
	int rc = 0;

	for (size_t i = 0; i < format->pieces.count && rc == 0; i++) {
		const struct piece *piece = &format->pieces.items[i];

		if (piece->stop)
			break;
		rc = piece->value ? add_value(piece, format->raw, object, &out) :
				    dd_text_add(&out, piece->text, piece->len);
	}
	if (rc < 0)
		return dd_fail(err, rc, 0, "print what was found");
	rc = out.len ? sink(arg, out.bytes, out.len) : 0;
	return rc ? dd_fail(err, DD_EIO, rc, "print what was found") : 0;
}
