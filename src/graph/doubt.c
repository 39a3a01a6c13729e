/*
 * The table of doubts.
 */
#include <drydock/doubt.h>

static const struct {
	const char *name, *text, *release;
} doubts[] = {
#define X(constant, name, text, release) [constant] = { name, text, release },
	DD_DOUBTS(X)
#undef X
};

const char *dd_doubt_name(enum dd_doubt doubt)
{
	return doubts[doubt].name;
}

const char *dd_doubt_text(enum dd_doubt doubt)
{
	return doubts[doubt].text;
}

const char *dd_doubt_release(enum dd_doubt doubt)
{
	return doubts[doubt].release;
}
