/*
 * Authorization in, WWW-Authenticate out.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "serve/auth_header.h"

/* What comes after the scheme's name; NULL: it is another one. */
static const char *after_scheme(const char *header, const char *scheme)
{
	size_t len = strlen(scheme);

	if (strncasecmp(header, scheme, len) != 0 || header[len] != ' ')
		return NULL;
	return header + len + strspn(header + len, " ");
}

static size_t trimmed_length(const char *text)
{
	size_t len = strlen(text);

	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	return len;
}

static int read_basic(const char *text, struct dd_credentials *credentials)
{
	size_t text_len = trimmed_length(text), len;
	char *colon;

	credentials->memory = malloc(DD_BASE64_ROOM(text_len));
	if (!credentials->memory)
		return DD_ENOMEM;
	if (dd_base64_decode(DD_BASE64, text, text_len, credentials->memory, &len) < 0 ||
	    memchr(credentials->memory, '\0', len))
		return 0;
	colon = strchr(credentials->memory, ':');
	if (!colon)
		return 0;
	*colon = '\0';
	credentials->user = credentials->memory;
	credentials->password = colon + 1;
	/* Some clients answer a challenge like this if they have nothing to answer. */
	credentials->kind =
		*credentials->user || *credentials->password ? DD_BASIC : DD_NO_CREDENTIALS;
	return 0;
}

static void read_bearer(const char *text, struct dd_credentials *credentials)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-._~+/=";

	credentials->token = text;
	credentials->token_len = trimmed_length(text);
	if (credentials->token_len && strspn(text, letters) == credentials->token_len)
		credentials->kind = DD_BEARER;
}

int dd_credentials_read(const char *header, struct dd_credentials *credentials)
{
	const char *rest;

	memset(credentials, 0, sizeof(*credentials));
	if (!header)
		return 0;
	header += strspn(header, " \t");
	if (!*header)
		return 0;
	credentials->kind = DD_BAD_CREDENTIALS;
	if (strnlen(header, DD_AUTHORIZATION_MAX) == DD_AUTHORIZATION_MAX)
		return 0;
	rest = after_scheme(header, "Basic");
	if (rest)
		return read_basic(rest, credentials);
	rest = after_scheme(header, "Bearer");
	if (rest)
		read_bearer(rest, credentials);
	return 0;
}

void dd_credentials_release(struct dd_credentials *credentials)
{
	if (credentials->password)
		explicit_bzero(credentials->password, strlen(credentials->password));
	free(credentials->memory);
	memset(credentials, 0, sizeof(*credentials));
}

int dd_auth_write_quoted(struct dd_text *text, const char *name, const char *value)
{
	int rc = dd_text_printf(text, "%s=\"", name);

	for (; *value && rc == 0; value++) {
		if (*value == '"' || *value == '\\')
			rc = dd_text_add(text, "\\", 1);
		/* A line's end would begin another header. */
		if (rc == 0 && (unsigned char)*value >= ' ' && *value != 0x7f)
			rc = dd_text_add(text, value, 1);
	}
	return rc < 0 ? rc : dd_text_add(text, "\"", 1);
}

/* Whoever pushes looks first, so a token to push with is one to pull with. */
static const char *actions_text(unsigned wanted)
{
	bool push = wanted & DD_AUTH_PUSH, removes = wanted & DD_AUTH_DELETE;

	if (push)
		return removes ? "pull,push,delete" : "pull,push";
	if (wanted & DD_AUTH_PULL)
		return removes ? "pull,delete" : "pull";
	return "delete";
}

int dd_auth_write_scope(struct dd_text *text, const struct dd_auth_request *request)
{
	DD_CLEANUP(dd_text_release) struct dd_text scope = { 0 };
	unsigned in_repository = request->wanted & ~(unsigned)DD_AUTH_CATALOG;
	int rc = 0;

	if (request->wanted & DD_AUTH_CATALOG)
		rc = dd_text_printf(&scope, "registry:catalog:*");
	if (rc == 0 && request->repository && in_repository)
		rc = dd_text_printf(&scope, "%srepository:%s:%s", scope.len ? " " : "",
				    request->repository, actions_text(in_repository));
	if (rc == 0 && request->from)
		rc = dd_text_printf(&scope, "%srepository:%s:pull", scope.len ? " " : "",
				    request->from);
	if (rc < 0 || !scope.len)
		return rc;
	rc = dd_text_add(text, ",", 1);
	return rc < 0 ? rc : dd_auth_write_quoted(text, "scope", scope.bytes);
}
