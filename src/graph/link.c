/*
 * What a link file says.
 */
#include <ctype.h>
#include <string.h>

#include "graph/link.h"

size_t dd_link_size(const struct dd_digest *digest)
{
	return strlen(dd_algorithm_name((enum dd_algorithm)digest->alg)) + 1 +
	       2 * dd_digest_size(digest);
}

enum dd_link_state dd_link_parse(const void *bytes, size_t len, struct dd_digest *digest,
				 bool *has_digest, const char **why)
{
	const char *text = bytes;

	*why = "";
	*has_digest = dd_digest_parse(digest, text, len) == 0;
	if (*has_digest)
		return DD_LINK_GOOD;
	if (len == 0) {
		*why = "it is empty";
		return DD_LINK_MALFORMED;
	}
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	while (len && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	*has_digest = len && dd_digest_parse(digest, text, len) == 0;
	*why = *has_digest ? "white space stands around its digest" : "it holds no digest";
	return DD_LINK_MALFORMED;
}
