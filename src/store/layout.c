/*
 * The layout, as templates that are filled in to make a path and matched to take one apart.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/layout.h>

#include "base/cleanup.h"

static const struct {
	const char *name, *template;
} places[] = {
#define X(kind, name, template) [kind] = { name, template },
	DD_PLACES(X)
#undef X
};

const char *dd_place_kind_name(enum dd_place_kind kind)
{
	return places[kind].name;
}

int dd_place_kind_parse(const char *name)
{
	for (size_t i = 0; i < DD_COUNT(places); i++)
		if (!strcmp(places[i].name, name))
			return (int)i;
	return -1;
}

bool dd_place_has_directory(const struct dd_place *place)
{
	return place->kind != DD_AT_TAG && !place->beside;
}

static char *format_first(uint8_t byte, char *buf)
{
	static const char digits[] = "0123456789abcdef";

	buf[0] = digits[byte >> 4];
	buf[1] = digits[byte & 15];
	buf[2] = '\0';
	return buf;
}

/* The part of a place that a letter of a template stands for; NULL if it has none that is safe. */
static const char *part(const struct dd_place *place, char letter, char buf[static DD_DIGEST_HEX])
{
	switch (letter) {
	case 'R':
		return place->repository && dd_repository_safe(place->repository) ?
			       place->repository :
			       NULL;
	case 'T':
		return place->tag && dd_name_safe(place->tag) ? place->tag : NULL;
	case 'U':
		return place->upload && dd_name_safe(place->upload) ? place->upload : NULL;
	case 'N':
		return place->name && dd_name_safe(place->name) ? place->name : NULL;
	case 'r':
		return place->run && dd_run_valid(place->run) ? place->run : NULL;
	case 'A':
		return dd_algorithm_name((enum dd_algorithm)place->digest.alg);
	case 'B':
		return dd_algorithm_name((enum dd_algorithm)place->second.alg);
	case 'H':
		return dd_digest_format_hex(&place->digest, buf);
	case 'I':
		return dd_digest_format_hex(&place->second, buf);
	case 'P':
		return format_first(place->digest.bytes[0], buf);
	}
	return NULL;
}

/* A stray blob below its own shard would be none: it would have the path of the blob. */
static bool is_astray(const struct dd_place *place)
{
	char hex[DD_DIGEST_HEX];

	format_first(place->digest.bytes[0], hex);
	return place->name && (strncmp(place->name, hex, 2) != 0 || place->name[2]);
}

/* Where a path is written. What does not fit is counted all the same. */
struct pen {
	char *buf;
	size_t room, len;
};

static void put(struct pen *pen, const char *bytes, size_t len)
{
	if (pen->len + len < pen->room)
		memcpy(pen->buf + pen->len, bytes, len);
	pen->len += len;
}

static void put_text(struct pen *pen, const char *text)
{
	put(pen, text, strlen(text));
}

static void put_base(struct pen *pen, const struct dd_place *place, bool is_volume)
{
	if (place->run) {
		put_text(pen, DD_STATE_BASE "/trash/");
		put_text(pen, place->run);
		put_text(pen, "/");
	}
	put_text(pen, is_volume ? DD_VOLUME_BASE : DD_VOLUME_BASE "/");
}

static int fill(struct pen *pen, const struct dd_place *place, struct dd_error *err)
{
	const char *template = places[place->kind].template;
	char buf[DD_DIGEST_HEX];

	if (template[0] == '/')
		template ++;
	else
		put_base(pen, place, !*template);
	while (*template) {
		size_t plain = (size_t)(strchrnul(template, '%') - template);
		const char *value;

		put(pen, template, plain);
		template += plain;
		if (!*template)
			break;
		value = part(place, template[1], buf);
		if (!value)
			return dd_fail(err, DD_EFORMAT, 0, "a %s has no path: its name is no name",
				       places[place->kind].name);
		put_text(pen, value);
		template += 2;
	}
	return 0;
}

/* Cut the last component off, the slash before it too if asked. */
static void cut(struct pen *pen, bool slash)
{
	const char *last = memrchr(pen->buf, '/', pen->len);

	if (last)
		pen->len = (size_t)(last - pen->buf) + (slash ? 0 : 1);
}

static int check(const struct dd_place *place, struct dd_error *err)
{
	if (place->run && !dd_run_valid(place->run))
		return dd_fail(err, DD_EFORMAT, 0, "no run is called like that");
	if (place->kind == DD_AT_STRAY && !is_astray(place))
		return dd_fail(err, DD_EFORMAT, 0, "a blob is not astray where it belongs");
	if (place->beside && !dd_name_safe(place->beside))
		return dd_fail(err, DD_EFORMAT, 0, "no file is called like that");
	return 0;
}

/* The room that it takes, its end included, is told also if that is more than there is. */
static int write_path(const struct dd_place *place, bool owner, char *buf, size_t room,
		      size_t *need, struct dd_error *err)
{
	struct pen pen = { buf, room, 0 };
	int rc = check(place, err);

	if (rc == 0)
		rc = fill(&pen, place, err);
	if (rc < 0)
		return rc;
	*need = pen.len + 1 + (place->beside ? strlen(place->beside) : 0);
	if (*need > room)
		return 0;
	if (place->beside) {
		cut(&pen, false);
		put_text(&pen, place->beside);
	} else if (owner && dd_place_has_directory(place)) {
		cut(&pen, true);
	}
	buf[pen.len] = '\0';
	return 0;
}

static int make(const struct dd_place *place, bool owner, char *usual, char **path,
		struct dd_error *err)
{
	size_t need;
	int rc = write_path(place, owner, usual, DD_LAYOUT_USUAL, &need, err);

	*path = NULL;
	if (rc < 0)
		return rc;
	if (need <= DD_LAYOUT_USUAL) {
		*path = usual;
		return 0;
	}
	*path = malloc(need);
	if (!*path)
		return dd_fail(err, DD_ENOMEM, 0, "make a path");
	return write_path(place, owner, *path, need, &need, err);
}

static int make_on_heap(const struct dd_place *place, bool owner, char **path, struct dd_error *err)
{
	char usual[DD_LAYOUT_USUAL];
	int rc = make(place, owner, usual, path, err);

	if (*path != usual)
		return rc;
	*path = strdup(usual);
	return *path ? 0 : dd_fail(err, DD_ENOMEM, 0, "make a path");
}

int dd_layout_path(const struct dd_place *place, char **path, struct dd_error *err)
{
	return make_on_heap(place, false, path, err);
}

int dd_layout_owner(const struct dd_place *place, char **path, struct dd_error *err)
{
	return make_on_heap(place, true, path, err);
}

int dd_layout_write(const struct dd_place *place, char usual[static DD_LAYOUT_USUAL], char **path,
		    struct dd_error *err)
{
	return make(place, false, usual, path, err);
}

/* Take one component's meaning from its bytes; text is NUL-terminated. */
static bool take(struct dd_place *place, char letter, const char *text)
{
	int alg;

	switch (letter) {
	case 'T':
		place->tag = text;
		return dd_name_safe(text);
	case 'U':
		place->upload = text;
		return dd_name_safe(text);
	case 'N':
		place->name = text;
		return dd_name_safe(text);
	case 'A':
	case 'B':
		alg = dd_algorithm_parse(text, strlen(text));
		(letter == 'A' ? &place->digest : &place->second)->alg = (uint8_t)alg;
		return alg >= 0;
	case 'P':
		place->name = text;
		return strlen(text) == 2;
	case 'H':
		return dd_digest_parse_hex(&place->digest, (enum dd_algorithm)place->digest.alg,
					   text, strlen(text)) == 0 &&
		       (place->kind != DD_AT_BLOB || !strncmp(place->name, text, 2));
	case 'I':
		return dd_digest_parse_hex(&place->second, (enum dd_algorithm)place->second.alg,
					   text, strlen(text)) == 0;
	}
	return false;
}

/* A repository's name ends before the first component that is reserved. */
static char *end_of_repository(char *s)
{
	for (char *slash = strchr(s, '/'); slash; slash = strchr(slash + 1, '/'))
		if (dd_repository_reserved(slash + 1, strcspn(slash + 1, "/")))
			return slash;
	return NULL;
}

/* Cuts path into NUL-terminated parts on the way. */
static bool match(const char *template, char *path, struct dd_place *place)
{
	while (*template) {
		char *end;

		if (*template != '%') {
			if (*template ++ != *path++)
				return false;
			continue;
		}
		if (template[1] == 'R') {
			end = end_of_repository(path);
			if (!end)
				return false;
			*end = '\0';
			place->repository = path;
			if (!dd_repository_safe(path))
				return false;
		} else {
			end = path + strcspn(path, "/");
			if (*end == '\0')
				return false;
			*end = '\0';
			if (!take(place, template[1], path))
				return false;
		}
		template += 2;
		if (*template ++ != '/')
			return false;
		path = end + 1;
	}
	return *path == '\0';
}

/* A file that the registry left beside one of its own: compare all but the last component. */
static bool match_beside(const char *template, char *path, struct dd_place *place)
{
	const char *file = strrchr(template, '/') + 1;
	char *slash = strrchr(path, '/'), *dot;

	if (!slash || !dd_temp_valid(slash + 1))
		return false;
	/* "link.<uuid>.tmp" belongs to "link" */
	dot = slash + 1 + strlen(file);
	if (strncmp(slash + 1, file, strlen(file)) || *dot != '.')
		return false;
	*dot = '\0';
	if (!match(template, path, place))
		return false;
	*dot = '.';
	place->beside = slash + 1;
	return true;
}

bool dd_temp_beside(const struct dd_place *place, const char *name)
{
	bool upload = place->kind == DD_AT_UPLOAD || place->kind == DD_AT_STARTEDAT;
	const char *file = strrchr(places[place->kind].template, '/');
	size_t len = strcspn(name, ".");

	if (!file || !dd_temp_valid(name))
		return false;
	/* One directory holds both files of an upload. */
	return upload ? name[0] != 'l' : strlen(file + 1) == len && !memcmp(name, file + 1, len);
}

typedef bool match_fn(const char *template, char *path, struct dd_place *place);

static bool try_kind(enum dd_place_kind kind, match_fn *fn, const char *path, size_t len,
		     char *scratch, struct dd_place *place)
{
	memcpy(scratch, path, len);
	memset(place, 0, sizeof(*place));
	place->kind = kind;
	if (!fn(places[kind].template, scratch, place))
		return false;
	if (kind == DD_AT_BLOB) /* was the prefix, which the digest must begin with */
		place->name = NULL;
	return true;
}

/* A file that a repair has ready in its run: "staged/17". */
static int take_staged(const char *name, const char *run, struct dd_place *place, char **memory,
		       struct dd_error *err)
{
	size_t len = strlen(name) + 1;
	char *bytes;

	if (!*name || strlen(name) > 9 || strspn(name, "0123456789") != strlen(name))
		return dd_fail(err, DD_EFORMAT, 0, "no file is called like that");
	bytes = malloc(len + strlen(run) + 1);
	if (!bytes)
		return dd_fail(err, DD_ENOMEM, 0, "read a path");
	place->kind = DD_AT_STAGED;
	place->name = memcpy(bytes, name, len);
	place->run = strcpy(bytes + len, run);
	*memory = bytes;
	return 0;
}

int dd_layout_parse(const char *path, struct dd_place *place, char **memory, struct dd_error *err)
{
	static const char base[] = DD_VOLUME_BASE "/", trash[] = DD_STATE_BASE "/trash/";
	DD_AUTOFREE char *scratch = NULL, *run = NULL;
	size_t len, run_len;
	const char *s = path;

	*memory = NULL;
	memset(place, 0, sizeof(*place));
	if (!strncmp(s, trash, strlen(trash))) {
		s += strlen(trash);
		run = strndup(s, strcspn(s, "/"));
		if (!run)
			return dd_fail(err, DD_ENOMEM, 0, "read a path");
		s += strlen(run) + (s[strlen(run)] == '/');
		if (!dd_run_valid(run))
			return dd_fail(err, DD_EFORMAT, 0, "%s is no path of a volume", path);
	}
	if (run && !strncmp(s, "staged/", 7))
		return take_staged(s + 7, run, place, memory, err);
	if (strncmp(s, base, strlen(base)))
		return dd_fail(err, DD_EFORMAT, 0, "%s is no path of a volume", path);
	s += strlen(base);
	len = strlen(s) + 1;
	run_len = run ? strlen(run) + 1 : 0;
	/* One block: the parts, then the run. */
	scratch = malloc(len + run_len);
	if (!scratch)
		return dd_fail(err, DD_ENOMEM, 0, "read a path");
	for (enum dd_place_kind kind = 0; kind <= DD_AT_STARTEDAT; kind++) {
		if (!try_kind(kind, match, s, len, scratch, place) &&
		    !try_kind(kind, match_beside, s, len, scratch, place))
			continue;
		if (run)
			place->run = memcpy(scratch + len, run, run_len);
		*memory = scratch;
		scratch = NULL;
		return 0;
	}
	memset(place, 0, sizeof(*place));
	return dd_fail(err, DD_EFORMAT, 0, "%s is no path of a volume", path);
}
