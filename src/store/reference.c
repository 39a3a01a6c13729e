/*
 * References as people write them: REPO, REPO:TAG, REPO@DIGEST, DIGEST.
 */
#include <stdio.h>
#include <string.h>

#include <drydock/reference.h>

#define SHORTEST_DIGEST 4 /* characters of hex */

static int take(char *to, size_t room, const char *from, size_t len, const char *what,
		struct dd_error *err)
{
	if (len == 0 || len >= room)
		return dd_fail(err, DD_EUSAGE, 0, "%s %s", what,
			       len ? "is too long" : "is missing");
	memcpy(to, from, len);
	to[len] = '\0';
	return 0;
}

/* "sha256:" and some of the hex. */
static bool is_digest(const char *text)
{
	const char *colon = strchr(text, ':');
	int alg = colon ? dd_algorithm_parse(text, (size_t)(colon - text)) : -1;
	size_t len = alg < 0 ? 0 : strlen(colon + 1);

	return alg >= 0 && len >= SHORTEST_DIGEST &&
	       len <= 2 * dd_algorithm_size((enum dd_algorithm)alg) &&
	       strspn(colon + 1, "0123456789abcdef") == len;
}

static int take_repository(struct dd_reference *reference, const char *text, size_t len,
			   struct dd_error *err)
{
	int rc = take(reference->repository, sizeof(reference->repository), text, len,
		      "the repository's name", err);

	if (rc == 0 && !dd_repository_safe(reference->repository))
		rc = dd_fail(err, DD_EUSAGE, 0, "no repository can be called '%s'",
			     reference->repository);
	return rc;
}

int dd_reference_parse(struct dd_reference *reference, const char *text, struct dd_error *err)
{
	const char *at = strrchr(text, '@'), *slash = strrchr(text, '/');
	const char *last = slash ? slash : text, *colon = strrchr(last, ':');
	int rc;

	memset(reference, 0, sizeof(*reference));
	if (at) {
		rc = take_repository(reference, text, (size_t)(at - text), err);
		/* As clients write it, who then go by the digest; here the tag might be what is meant. */
		if (rc == 0 && at > last && memchr(last, ':', (size_t)(at - last)))
			rc = dd_fail(err, DD_EUSAGE, 0,
				     "a tag and a digest: leave one of them away");
		if (rc == 0 && !is_digest(at + 1))
			rc = dd_fail(err, DD_EUSAGE, 0,
				     "'%s' is no digest, nor at least %d characters "
				     "of one",
				     at + 1, SHORTEST_DIGEST);
		if (rc == 0)
			rc = take(reference->digest, sizeof(reference->digest), at + 1,
				  strlen(at + 1), "the digest", err);
	} else if (is_digest(text)) {
		rc = take(reference->digest, sizeof(reference->digest), text, strlen(text),
			  "the digest", err);
	} else if (colon) {
		rc = take_repository(reference, text, (size_t)(colon - text), err);
		if (rc == 0)
			rc = take(reference->tag, sizeof(reference->tag), colon + 1,
				  strlen(colon + 1), "the tag", err);
		if (rc == 0 && !dd_name_safe(reference->tag))
			rc = dd_fail(err, DD_EUSAGE, 0, "no tag can be called '%s'",
				     reference->tag);
	} else {
		rc = take_repository(reference, text, strlen(text), err);
	}
	if (rc == DD_EUSAGE) {
		dd_wrap(err, rc, "reference '%s'", text);
		dd_hint(err, "write REPO, REPO:TAG, REPO@sha256:… or sha256:…");
	}
	return rc;
}
