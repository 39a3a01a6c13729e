/*
 * Whether two trees are the same.
 */
#ifndef FUZZ_SAME_JSON_H
#define FUZZ_SAME_JSON_H

#include <string.h>

#include "text/json.h"

static bool same_json(const struct dd_json *a, const struct dd_json *b)
{
	if (a->type != b->type || a->key_len != b->key_len || !a->key != !b->key)
		return false;
	if (a->key && memcmp(a->key, b->key, a->key_len + 1) != 0)
		return false;
	switch (a->type) {
	case DD_JSON_BOOL:
		return a->boolean == b->boolean;
	case DD_JSON_INTEGER:
		return a->integer == b->integer;
	case DD_JSON_STRING:
		return a->len == b->len && !memcmp(a->text, b->text, a->len + 1);
	case DD_JSON_ARRAY:
	case DD_JSON_OBJECT:
		if (a->len != b->len)
			return false;
		for (a = a->first, b = b->first; a && b; a = a->next, b = b->next)
			if (!same_json(a, b))
				return false;
		return !a && !b;
	default:
		return true;
	}
}

#endif
