/*
 * htpasswd files, and bcrypt by libcrypt.
 */
#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/escape.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "base/secret.h"
#include "serve/htpasswd.h"

struct user {
	char *name;
	size_t line;
	char hash[DD_BCRYPT_TEXT];
};

struct dd_htpasswd {
	DD_LIST(struct user) users; /* by name */
};

/* "$2y$10$", 22 characters of salt, 31 of hash. $2x$ is how one library once did it wrong. */
static const char *why_no_bcrypt(const char *hash, size_t len)
{
	static const char letters[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789";
	int cost;

	if (len < 4 || hash[0] != '$' || hash[1] != '2' || !strchr("aby", hash[2]) ||
	    hash[3] != '$')
		return "is not bcrypt's";
	if (len != DD_BCRYPT_TEXT - 1 || hash[6] != '$' || strspn(hash + 7, letters) < 53 ||
	    strspn(hash + 4, "0123456789") != 2)
		return "is damaged";
	cost = (hash[4] - '0') * 10 + hash[5] - '0';
	if (cost < 4 || cost > 31)
		return "is damaged";
	return cost > DD_BCRYPT_COST_MAX ? "takes too long to check" : NULL;
}

static int wrong_line(const char *name, size_t line, const char *why, struct dd_error *err)
{
	return dd_fail(err, DD_ECONFIG, 0, "%s: line %zu: %s", name, line, why);
}

static int read_user(struct dd_context *ctx, const char *name, size_t line, const char *text,
		     size_t len, struct dd_htpasswd *htpasswd, struct dd_error *err)
{
	const char *colon = memchr(text, ':', len), *why;
	DD_AUTOFREE char *hash = NULL;
	struct user *user;

	if (memchr(text, '\0', len))
		return wrong_line(name, line, "there is a NUL in it", err);
	if (!colon || colon == text)
		return wrong_line(name, line, "not a name, a colon and a hash", err);
	hash = strndup(colon + 1, len - (size_t)(colon + 1 - text));
	if (!hash)
		return dd_fail(err, DD_ENOMEM, 0, "read %s", name);
	why = why_no_bcrypt(hash, strlen(hash));
	if (why) {
		dd_log(ctx, DD_LOG_WARNING,
		       "%s: line %zu: the hash %s: this user cannot log in (htpasswd -B makes "
		       "hashes that count)",
		       name, line, why);
		return 0;
	}
	user = dd_list_add(&htpasswd->users);
	if (user)
		user->name = strndup(text, (size_t)(colon - text));
	if (!user || !user->name)
		return dd_fail(err, DD_ENOMEM, 0, "read %s", name);
	user->line = line;
	memcpy(user->hash, hash, sizeof(user->hash));
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int read_lines(struct dd_context *ctx, const char *name, const char *bytes, size_t len,
		      struct dd_htpasswd *htpasswd, struct dd_error *err)
{
	const char *at = bytes, *end = bytes + len;
	int rc = 0;

	for (size_t line = 1; at < end && rc == 0; line++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *next = newline ? newline + 1 : end, *last = newline ? newline : end;

		while (at < last && is_blank(*at))
			at++;
		while (last > at && is_blank(last[-1]))
			last--;
		if (last > at && *at != '#')
			rc = read_user(ctx, name, line, at, (size_t)(last - at), htpasswd, err);
		at = next;
	}
	return rc;
}

static int by_name(const void *a, const void *b)
{
	const struct user *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : (left->line > right->line) - (left->line < right->line);
}

/* Sorted, and of one name only the last line. */
static void settle(struct dd_context *ctx, const char *name, struct dd_htpasswd *htpasswd)
{
	struct user *users = htpasswd->users.items;
	size_t kept = 0;

	if (!htpasswd->users.count)
		return;
	qsort(users, htpasswd->users.count, sizeof(*users), by_name);
	for (size_t i = 0; i < htpasswd->users.count; i++) {
		if (i + 1 < htpasswd->users.count && !strcmp(users[i].name, users[i + 1].name)) {
			dd_log(ctx, DD_LOG_WARNING,
			       "%s: line %zu does not count: line %zu is "
			       "about the same user",
			       name, users[i].line, users[i + 1].line);
			free(users[i].name);
			continue;
		}
		users[kept++] = users[i];
	}
	htpasswd->users.count = kept;
}

int dd_htpasswd_read(struct dd_context *ctx, const char *name, const char *bytes, size_t len,
		     struct dd_htpasswd **out, struct dd_error *err)
{
	DD_CLEANUP(dd_htpasswd_closep) struct dd_htpasswd *htpasswd = calloc(1, sizeof(*htpasswd));
	int rc;

	*out = NULL;
	if (!htpasswd)
		return dd_fail(err, DD_ENOMEM, 0, "read %s", name);
	rc = read_lines(ctx, name, bytes, len, htpasswd, err);
	if (rc < 0)
		return rc;
	settle(ctx, name, htpasswd);
	*out = htpasswd;
	htpasswd = NULL;
	return 0;
}

void dd_htpasswd_closep(struct dd_htpasswd **htpasswd)
{
	if (!*htpasswd)
		return;
	for (size_t i = 0; i < (*htpasswd)->users.count; i++)
		free((*htpasswd)->users.items[i].name);
	dd_list_release(&(*htpasswd)->users);
	free(*htpasswd);
	*htpasswd = NULL;
}

size_t dd_htpasswd_count(const struct dd_htpasswd *htpasswd)
{
	return htpasswd->users.count;
}

static int is_named(const void *name, const void *user)
{
	return strcmp(name, ((const struct user *)user)->name);
}

const char *dd_htpasswd_find(const struct dd_htpasswd *htpasswd, const char *name)
{
	const struct user *user = htpasswd->users.count ?
					  bsearch(name, htpasswd->users.items,
						  htpasswd->users.count, sizeof(*user), is_named) :
					  NULL;

	return user ? user->hash : NULL;
}

const char *dd_htpasswd_stand_in(const struct dd_htpasswd *htpasswd, uint64_t number)
{
	/* Of nothing that anybody knows. */
	static const char nobody[] = "$2y$10$"
				     "w6eTKE/P9sS2rxC.GbXO/.OK0fvBdAy7OyglEdt19rSdMnkVrciWC";

	if (!htpasswd->users.count)
		return nobody;
	return htpasswd->users.items[number % htpasswd->users.count].hash;
}

int dd_bcrypt_check(const char *hash, const char *password, bool *matches, struct dd_error *err)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *got;

	if (!data)
		return dd_fail(err, DD_ENOMEM, 0, "check a password");
	got = crypt_r(password, hash, data);
	*matches = got && strlen(got) == strlen(hash) && dd_secret_equal(got, hash, strlen(hash));
	explicit_bzero(data, sizeof(*data));
	free(data);
	return 0;
}
