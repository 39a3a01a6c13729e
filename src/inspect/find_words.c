/*
 * The words of an expression: how many belong together, and what was meant by one that is none.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/nearest.h"
#include "inspect/find.h"

static const char *const action_names[] = {
#define X(constant, name) [constant] = name,
	DD_FIND_ACTIONS(X)
#undef X
};

static const char *const operators[] = { "(", ")", "!", "-not", "-a", "-and", "-o", "-or" };

/* ---- what a word is ---- */

int dd_find_action_of(const char *word)
{
	for (size_t i = 0; i < DD_COUNT(action_names); i++)
		if (!strcmp(action_names[i], word))
			return (int)i;
	return -1;
}

bool dd_find_is_operator(const char *word)
{
	for (size_t i = 0; i < DD_COUNT(operators); i++)
		if (!strcmp(operators[i], word))
			return true;
	return false;
}

/* Up to and with ";", or "+" behind "{}". */
static size_t exec_length(const char *const *words, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (!strcmp(words[i], ";") ||
		    (!strcmp(words[i], "+") && !strcmp(words[i - 1], "{}")))
			return i + 1;
	return count;
}

size_t dd_find_word_length(const char *const *words, size_t count)
{
	const struct dd_find_kind *kind;
	int action;
	bool takes;

	if (!count)
		return 0;
	if (dd_find_is_operator(words[0]))
		return 1;
	kind = dd_find_kind_of(words[0]);
	action = dd_find_action_of(words[0]);
	if (action == DD_FIND_EXEC)
		return exec_length(words, count);
	takes = !strcmp(words[0], "-type") || action == DD_FIND_PRINTF || (kind && kind->argument);
	if (!takes && !kind && action < 0)
		return 0;
	return takes && count > 1 ? 2 : 1;
}

/* ---- what was meant ---- */

static const char *nearest_word(const char *word)
{
	struct dd_nearest meant = { .word = word, .least = strlen(word) > 5 ? 4 : 3 };

	dd_nearest_try(&meant, "-type");
	for (size_t i = 0; dd_find_kind_at(i); i++)
		dd_nearest_try(&meant, dd_find_kind_at(i)->name);
	for (size_t i = 0; i < DD_COUNT(action_names); i++)
		dd_nearest_try(&meant, action_names[i]);
	return meant.best;
}

static const char *nearest_type(const char *word)
{
	struct dd_nearest meant = { .word = word, .least = 3 };

	for (unsigned i = 0; i < DD_FIND_TYPE_COUNT; i++)
		dd_nearest_try(&meant, dd_find_type_name(i));
	return meant.best;
}

/* What find(1) has and this has not, by another name; or what nearly is a word. */
void dd_find_hint_word(const char *word, struct dd_error *err)
{
	static const struct {
		const char *word, *instead;
	} others[] = {
		{ "-path", "-repo GLOB matches whole repository names" },
		{ "-iname", "-name 'GLOB' knows [aA]; tags differ by letter case" },
		{ "-maxdepth", "-type says what is listed; drydock tree --depth shows levels" },
		{ "-execdir", "objects are no paths: -exec is all there is" },
		{ "-media-type", "it is called -mediatype" },
		{ "-mmin", "-mtime takes units: -mtime -30m" },
		{ "-newermt", "-newer takes a time: -newer 2026-11-01" },
	};
	const char *nearest = nearest_word(word);

	for (size_t i = 0; i < DD_COUNT(others); i++)
		if (!strcmp(others[i].word, word)) {
			dd_hint(err, "%s", others[i].instead);
			return;
		}
	if (nearest)
		dd_hint(err, "did you mean %s?", nearest);
	else
		dd_hint(err, "drydock find --help lists them");
}

void dd_find_hint_type(const char *word, struct dd_error *err)
{
	const char *nearest = nearest_type(word);

	dd_hint(err,
		"%s%s%stypes are repository, tag, manifest, index, referrer, config, layer, "
		"blob, upload and link",
		nearest ? "did you mean " : "", nearest ? nearest : "", nearest ? "? " : "");
}
