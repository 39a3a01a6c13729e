/*
 * The table of reasons.
 */
#include <string.h>

#include <drydock/change.h>

static const struct {
	const char *name, *text;
} reasons[] = {
#define X(constant, name, text) [constant] = { name, text },
	DD_REASONS(X)
#undef X
};

const char *dd_reason_name(enum dd_reason reason)
{
	return reasons[reason].name;
}

const char *dd_reason_text(enum dd_reason reason)
{
	return reasons[reason].text;
}

bool dd_reason_damage(enum dd_reason reason)
{
	return reason == DD_REASON_DAMAGED || reason == DD_REASON_REPLACED ||
	       reason == DD_REASON_DUPLICATE || reason == DD_REASON_EMPTY;
}

int dd_reason_parse(const char *name)
{
	for (int i = 0; i < DD_REASON_COUNT; i++)
		if (!strcmp(reasons[i].name, name))
			return i;
	return -1;
}
