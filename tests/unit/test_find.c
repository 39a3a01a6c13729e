/*
 * Expressions of find: parsing, blame, and what the optimiser makes of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "inspect/find.h"

#define WORDS_MAX 600

/* Words apart by spaces; the result lives as long as its text. */
struct words {
	char text[4096];
	const char *items[WORDS_MAX];
	size_t count;
};

static void split(struct words *words, const char *text)
{
	char *rest = NULL;

	assert_true(strlen(text) < sizeof(words->text));
	strcpy(words->text, text);
	words->count = 0;
	for (char *word = strtok_r(words->text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		words->items[words->count++] = word;
}

static int open_words(const char *text, struct words *words, struct dd_find **find, size_t *wrong,
		      struct dd_error *err)
{
	split(words, text);
	return dd_find_open(words->items, words->count, DD_FIND_PRINT, find, wrong, err);
}

static void becomes(const char *text, const char *expected)
{
	DD_CLEANUP(dd_find_closep) struct dd_find *find = NULL;
	DD_CLEANUP(dd_text_release) struct dd_text described = { 0 };
	struct dd_error err = { 0 };
	struct words words;
	size_t wrong;

	if (open_words(text, &words, &find, &wrong, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	assert_int_equal(dd_find_describe(find, &described), 0);
	assert_string_equal(described.bytes, expected);
}

static void blames(const char *text, size_t expected, const char *says)
{
	struct dd_find *find = NULL;
	struct dd_error err = { 0 };
	struct words words;
	size_t wrong;

	assert_int_equal(open_words(text, &words, &find, &wrong, &err), DD_EUSAGE);
	assert_null(find);
	assert_int_equal(wrong, expected);
	if (!strstr(err.text, says) && !strstr(err.hint, says))
		fail_msg("%s: \"%s\" and \"%s\" do not say \"%s\"", text, err.text, err.hint, says);
}

static void and_binds_closer_than_or_and_not_closer_than_both(void **state)
{
	(void)state;
	becomes("-name a -o -name b -name c -print",
		"(or (name a) (and (name b) (name c) print))");
	becomes("! -name a -o -name b", "(and (or (not (name a)) (name b)) print)");
	becomes("! ( -name a -o -name b ) -ls", "(and (not (or (name a) (name b))) ls)");
	becomes("-name a -a ! -name b -and -name c", "(and (name a) (not (name b)) (name c) print)");
}

static void without_an_action_what_matches_is_printed(void **state)
{
	(void)state;
	becomes("", "print");
	becomes("-type tag", "(and (type tag) print)");
	becomes("-type tag -o -name x", "(and (or (type tag) (name x)) print)");
	becomes("-type tag -print0", "(and (type tag) print0)");
	becomes("-type tag -quit", "(and (type tag) quit)");
	becomes("-type tag -delete -o -print", "(or (and (type tag) delete) print)");
}

static void several_types_are_any_of_them(void **state)
{
	(void)state;
	becomes("-type tag,manifest", "(and (or (type tag) (type manifest)) print)");
	becomes("-type blob,layer -name x", "(and (name x) (or (type layer) (type blob)) print)");
}

static void chains_become_flat(void **state)
{
	(void)state;
	becomes("( -name a ( -name b ( -name c ) ) )", "(and (name a) (name b) (name c) print)");
	becomes("( -name a -o ( -name b -o -name c ) )",
		"(and (or (name a) (name b) (name c)) print)");
}

static void constants_and_double_negations_go(void **state)
{
	(void)state;
	becomes("! ! -name a", "(and (name a) print)");
	becomes("! ! ! -name a", "(and (not (name a)) print)");
	becomes("-true -name a -true", "(and (name a) print)");
	becomes("-name a -o -true", "print");
	becomes("-name a -false", "false");
	becomes("! -false", "print");
	becomes("-false -o -name a", "(and (name a) print)");
	becomes("-false -print", "false");
	becomes("-print -false", "(and print false)");
	becomes("-true -o -print", "true");
}

static void cheap_tests_come_first(void **state)
{
	(void)state;
	becomes("-label a -size +1 -mediatype x -name y -type tag",
		"(and (type tag) (name y) (mediatype x) (size +1) (label a) print)");
}

static void nothing_is_moved_across_an_action(void **state)
{
	(void)state;
	becomes("-size +1 -print -name a -ls", "(and (size +1) print (name a) ls)");
	becomes("-size +1 -name a -print -mtime +1 -tag b",
		"(and (name a) (size +1) print (tag b) (mtime +1))");
	becomes("-size +1 -o -print -o -name a", "(or (size +1) print (name a))");
	becomes("-size +1 ( -name a -print ) -type tag",
		"(and (name a) (size +1) print (type tag))");
}

static void the_word_to_blame_is_told(void **state)
{
	(void)state;
	blames("-type tag -nmae x", 2, "-name");
	blames("-type tga", 1, "tag");
	blames("-type tag,", 1, "no type");
	blames("-type", 0, "needs an argument");
	blames("-size x", 1, "size");
	blames("-refs -x", 1, "no number");
	blames("-mtime 3h", 1, "needs a sign");
	blames("-digest xyz", 1, "no beginning of a digest");
	blames("-platform linux", 1, "no platform");
	blames("-platform /linux", 1, "no platform");
	blames("-annotation =x", 1, "no key");
	blames("-contains app:v1", 1, "no digest");
	blames("-layer-of app", 1, "a repository as a whole");
	blames("-newer yesterday", 1, "no time and no reference");
	blames("( -name a", 0, "never closed");
	blames("-name a ( -name b", 2, "never closed");
	blames("-name a )", 2, "never opened");
	blames(")", 0, "never opened");
	blames("( )", 1, "nothing between");
	blames("-name a -o", 2, "missing after");
	blames("!", 0, "missing after");
	blames("-o -name a", 0, "nothing in front");
	blames("-name a -a -o -name b", 3, "nothing in front");
	blames("-printf %Q", 1, "no directive");
	blames("-printf %{nothing}", 1, "no directive");
	blames("-printf %9999p", 1, "width");
	blames("-exec", 0, "no end");
	blames("-exec echo", 0, "no end");
	blames("-exec ;", 0, "no command");
	blames("-exec {} +", 0, "no command");
	blames("-exec a{} {} +", 0, "one {} only");
	blames("-exec echo +", 0, "no end");
	blames("library/app", 0, "-repo 'library/app'");
	blames("-maxdepth", 0, "tree");
}

static void an_argument_may_look_like_anything(void **state)
{
	(void)state;
	becomes("-name -print", "(and (name -print) print)");
	becomes("-name ( -name )", "(and (name () (name )) print)");
	becomes("-exec -name ; -name ;", "(and exec (name ;))");
}

static void depth_is_bounded(void **state)
{
	char text[4096] = "";

	(void)state;
	for (int i = 0; i < 150; i++)
		strcat(text, "! ( ");
	blames(text, DD_FIND_DEPTH + 1, "nested too deeply");
	text[0] = '\0';
	for (int i = 0; i < 500; i++)
		strcat(text, "! ");
	blames(text, DD_FIND_DEPTH + 1, "nested too deeply");
}

static void words_that_belong_together_are_counted(void **state)
{
	static const struct {
		const char *text;
		size_t length;
	} cases[] = {
		{ "-name x y", 2 },	    { "-name", 1 },	       { "-print x", 1 },
		{ "( x", 1 },		    { "! x", 1 },	       { "-exec a {} ; b", 4 },
		{ "-exec a {} + b", 4 },    { "-exec a + b", 4 },      { "-printf x", 2 },
		{ "-type x", 2 },	    { "--root x", 0 },	       { "-q", 0 },
		{ "word", 0 },		    { "-nmae x", 0 },
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++) {
		struct words words;

		split(&words, cases[i].text);
		assert_int_equal(dd_find_word_length(words.items, words.count), cases[i].length);
	}
	assert_int_equal(dd_find_word_length(NULL, 0), 0);
}

static void what_is_read_is_what_is_asked_for(void **state)
{
	static const struct {
		const char *text;
		bool verified, surveyed;
	} cases[] = {
		{ "-type tag -name x", false, false },
		{ "-type blob -size +1", false, false },
		{ "-type blob -unreferenced", false, true },
		{ "-type tag -unreferenced", false, false }, /* never true of a tag */
		{ "-type blob -corrupt", true, false },
		{ "-type tag -false -corrupt", false, false },
		{ "-type blob -printf %v", true, false },
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++) {
		DD_CLEANUP(dd_find_closep) struct dd_find *find = NULL;
		struct dd_error err = { 0 };
		struct words words;
		size_t wrong;

		assert_int_equal(open_words(cases[i].text, &words, &find, &wrong, &err), 0);
		assert_int_equal(dd_find_needs_verified(find), cases[i].verified);
		assert_int_equal(dd_find_needs_surveyed(find), cases[i].surveyed);
	}
}

static void platforms_match_with_any_variant_unless_one_is_given(void **state)
{
	(void)state;
	assert_true(dd_find_platform_matches("linux/arm64", "linux", "arm64", "v8"));
	assert_true(dd_find_platform_matches("linux/arm64/v8", "linux", "arm64", "v8"));
	assert_false(dd_find_platform_matches("linux/arm64/v8", "linux", "arm64", NULL));
	assert_false(dd_find_platform_matches("linux/arm64/v7", "linux", "arm64", "v8"));
	assert_true(dd_find_platform_matches("*/arm*", "linux", "arm64", NULL));
	assert_false(dd_find_platform_matches("linux/*", "windows", "amd64", NULL));
	assert_true(dd_find_platform_matches("unknown/unknown", NULL, NULL, NULL));
}

static void numbers_compare_by_their_sign(void **state)
{
	const struct dd_find_number more = { '+', 5, 0 }, less = { '-', 5, 0 }, same = { 0, 5, 0 },
				    day = { 0, 10, 4 };

	(void)state;
	assert_true(dd_find_compare(&more, 6));
	assert_false(dd_find_compare(&more, 5));
	assert_true(dd_find_compare(&less, 4));
	assert_false(dd_find_compare(&less, 5));
	assert_true(dd_find_compare(&same, 5));
	assert_false(dd_find_compare(&same, 6));
	assert_true(dd_find_compare(&day, 14));
	assert_false(dd_find_compare(&day, 15));
	assert_false(dd_find_compare(&day, 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(and_binds_closer_than_or_and_not_closer_than_both),
		cmocka_unit_test(without_an_action_what_matches_is_printed),
		cmocka_unit_test(several_types_are_any_of_them),
		cmocka_unit_test(chains_become_flat),
		cmocka_unit_test(constants_and_double_negations_go),
		cmocka_unit_test(cheap_tests_come_first),
		cmocka_unit_test(nothing_is_moved_across_an_action),
		cmocka_unit_test(the_word_to_blame_is_told),
		cmocka_unit_test(an_argument_may_look_like_anything),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(words_that_belong_together_are_counted),
		cmocka_unit_test(what_is_read_is_what_is_asked_for),
		cmocka_unit_test(platforms_match_with_any_variant_unless_one_is_given),
		cmocka_unit_test(numbers_compare_by_their_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
