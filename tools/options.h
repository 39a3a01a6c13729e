/*
 * Options: tables of ours on one side, popt on the other.
 *
 * A table ends with an entry without a name. The same table parses and makes the help. What an
 * option sets is its value, of the type that its kind says; texts belong to the struct options that
 * parsed them. popt's own configuration files are never read: they would run somebody's aliases.
 */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <drydock/error.h>

enum option_kind {
	OPTION_FLAG,	 /* bool */
	OPTION_SWITCH,	 /* bool; --name=true and --name=false, too, as Go's programs have it */
	OPTION_COUNT,	 /* unsigned: how many times it was given */
	OPTION_TEXT,	 /* const char * */
	OPTION_TEXTS,	 /* struct option_texts: once for each time it was given */
	OPTION_DURATION, /* int64_t, nanoseconds; 0, or with a unit */
	OPTION_SIZE,	 /* uint64_t, bytes; not 0; up to 100 only with a unit */
	OPTION_NUMBER,	 /* unsigned, 1 to 9999 */
	OPTION_PERCENT,	 /* unsigned, 1 to 100; "20" and "20%" */
	OPTION_AMOUNT,	 /* uint64_t, at least 1 */
	OPTION_FRACTION, /* struct option_fraction, 0 to 9999.99 */
	OPTION_SPACE,	 /* struct option_space */
	OPTION_CHOICE	 /* unsigned, index into choices */
};

struct option_texts {
	const char **items;
	size_t count;
};

struct option_fraction {
	bool given;
	double value;
};

/* A size, or a share of all. */
struct option_space {
	bool given;
	uint64_t bytes;
	unsigned percent; /* up to 100 */
};

struct option {
	const char *name;
	char letter; /* 0: none */
	enum option_kind kind;
	void *value;
	const char *argument; /* as the help calls it; NULL for a flag and a count */
	const char *help;
	const char *const *choices; /* ends with NULL */
};

/* What parsing left: the words that are no options, and the memory of all texts. */
struct options {
	const char **words;
	size_t word_count;
	const char **own; /* of options_split() */
	size_t own_count;
	void **memory;
	size_t memory_count;
};

/*
 * Parse arguments (the first is the program's or command's name) by several tables, of which the
 * list ends with NULL. in_front: options end at the first word; what follows it is words, whatever
 * it looks like. DD_EUSAGE names the option. options: { 0 } or parsed before; words are replaced,
 * texts stay.
 */
int options_parse(struct options *options, const struct option *const *tables, size_t count,
		  const char *const *arguments, bool in_front, struct dd_error *err);
void options_release(struct options *options);

/*
 * Before that: take out of options->words (the first is the command's name) what belongs to a language
 * of the command's own, and what is no option of the tables. own says how many words from the first
 * on belong together (0: it knows none that begins so).
 */
typedef size_t options_own_fn(const char *const *words, size_t count);
int options_split(struct options *options, const struct option *const *tables, size_t count,
		  options_own_fn *own, struct dd_error *err);

/* The help of one table. */
void options_print(FILE *out, const struct option *table);

#endif
