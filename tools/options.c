/*
 * Options by popt.
 */
#include <popt.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "option_numbers.h"
#include "options.h"

#define HELP_COLUMN 32
#define HELP_WIDTH 80

static void free_context(poptContext *popt)
{
	if (*popt)
		poptFreeContext(*popt);
}

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "read the options");
}

/* Takes the block, also on error. */
static int keep(struct options *options, void *block, struct dd_error *err)
{
	void **memory = NULL;

	if (block)
		memory = reallocarray(options->memory, options->memory_count + 1, sizeof(*memory));
	if (!memory) {
		free(block);
		return no_memory(err);
	}
	options->memory = memory;
	memory[options->memory_count++] = block;
	return 0;
}

void options_release(struct options *options)
{
	for (size_t i = 0; i < options->memory_count; i++)
		free(options->memory[i]);
	free(options->memory);
	*options = (struct options){ 0 };
}

static int set_texts(struct options *options, struct option_texts *texts, const char *text,
		     struct dd_error *err)
{
	size_t count = texts->count;

	/* Full at each power of two; what it grew out of goes with the rest. */
	if ((count & (count - 1)) == 0) {
		const char **items = calloc(count ? 2 * count : 1, sizeof(*items));
		int rc = keep(options, items, err);

		if (rc < 0)
			return rc;
		if (count)
			memcpy(items, texts->items, count * sizeof(*items));
		texts->items = items;
	}
	texts->items[texts->count++] = text;
	return 0;
}

static int set_choice(const struct option *option, const char *text, struct dd_error *err)
{
	for (unsigned i = 0; option->choices[i]; i++)
		if (!strcmp(option->choices[i], text)) {
			*(unsigned *)option->value = i;
			return 0;
		}
	return dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is not one of %s", text, option->argument);
}

/* text is NULL for what takes no argument, else it lives in options. */
static int set(struct options *options, const struct option *option, const char *text,
	       struct dd_error *err)
{
	switch (option->kind) {
	case OPTION_FLAG:
	case OPTION_SWITCH:
		*(bool *)option->value = true;
		return 0;
	case OPTION_COUNT:
		++*(unsigned *)option->value;
		return 0;
	case OPTION_TEXT:
		*(const char **)option->value = text;
		return 0;
	case OPTION_TEXTS:
		return set_texts(options, option->value, text, err);
	case OPTION_DURATION:
		return option_set_duration(option->value, text, err);
	case OPTION_SIZE:
		return option_set_size(option->value, text, err);
	case OPTION_NUMBER:
		return option_set_number(option->value, text, err);
	case OPTION_PERCENT:
		return option_set_percent(option->value, text, err);
	case OPTION_AMOUNT:
		return option_set_amount(option->value, text, err);
	case OPTION_FRACTION:
		return option_set_fraction(option->value, text, err);
	case OPTION_SPACE:
		return option_set_space(option->value, text, err);
	case OPTION_CHOICE:
		return set_choice(option, text, err);
	}
	return 0;
}

static size_t table_length(const struct option *table)
{
	size_t length = 0;

	while (table[length].name)
		length++;
	return length;
}

static void translate(struct poptOption *row, const struct option *option, int number)
{
	*row = (struct poptOption){
		.longName = option->name,
		.shortName = option->letter,
		.argInfo = option->argument ? POPT_ARG_STRING : POPT_ARG_NONE,
		.val = number,
	};
}

/* One row a option, numbered from 1 on; by_number leads back. */
static struct poptOption *translate_tables(const struct option *const *tables, size_t count,
					   const struct option ***by_number)
{
	struct poptOption *rows;
	size_t total = 0, at = 0;

	for (size_t i = 0; i < count; i++)
		total += table_length(tables[i]);
	rows = calloc(total + 1, sizeof(*rows));
	*by_number = calloc(total + 1, sizeof(**by_number));
	if (!rows || !*by_number) {
		free(rows);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		for (const struct option *option = tables[i]; option->name; option++) {
			(*by_number)[at] = option;
			translate(&rows[at], option, (int)at + 1);
			at++;
		}
	return rows;
}

/* ---- switches ---- */

/* What stands behind the "=" if the word sets this switch, by either of its names; or NULL. */
static const char *switch_value(const struct option *option, const char *word)
{
	size_t len = strlen(option->name);

	if (option->kind != OPTION_SWITCH || word[0] != '-')
		return NULL;
	if (word[1] == '-' && !strncmp(word + 2, option->name, len) && word[2 + len] == '=')
		return word + 2 + len + 1;
	return word[1] == option->letter && word[2] == '=' ? word + 3 : NULL;
}

static int parse_switch(const struct option *option, const char *text, bool *value,
			struct dd_error *err)
{
	static const char *const words[] = { "0",     "1",    "f",     "t",    "F",	"T",
					     "false", "true", "False", "True", "FALSE", "TRUE" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(text, words[i])) {
			*value = i % 2;
			return 0;
		}
	return dd_fail(err, DD_EUSAGE, 0, "--%s: \"%.200s\" is neither true nor false",
		       option->name, text);
}

/* Takes them out, for popt knows nothing of them: 1 if the word was one. */
static int take_switch(const char *word, const struct option *const *tables, size_t count,
		       struct dd_error *err)
{
	for (size_t i = 0; i < count; i++)
		for (const struct option *option = tables[i]; option->name; option++) {
			const char *value = switch_value(option, word);
			int rc;

			if (!value)
				continue;
			rc = parse_switch(option, value, option->value, err);
			return rc < 0 ? rc : 1;
		}
	return 0;
}

static int take_switches(const char **arguments, int *argc, const struct option *const *tables,
			 size_t count, struct dd_error *err)
{
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		int rc = take_switch(arguments[i], tables, count, err);

		if (rc < 0)
			return rc;
		if (!rc)
			arguments[kept++] = arguments[i];
		if (!strcmp(arguments[i], "--")) {
			while (++i < *argc)
				arguments[kept++] = arguments[i];
		}
	}
	*argc = *argc ? kept : 0;
	arguments[*argc] = NULL;
	return 0;
}

static int take_words(struct options *options, poptContext popt, struct dd_error *err)
{
	const char **left = poptGetArgs(popt);
	size_t count = 0;
	int rc;

	while (left && left[count])
		count++;
	options->word_count = 0;
	options->words = calloc(count + 1, sizeof(*options->words));
	rc = keep(options, options->words, err);
	for (; rc == 0 && options->word_count < count; options->word_count++) {
		char *word = strdup(left[options->word_count]);

		rc = keep(options, word, err);
		if (rc == 0)
			options->words[options->word_count] = word;
	}
	return rc;
}

static int take_option(struct options *options, poptContext popt, const struct option *option,
		       struct dd_error *err)
{
	char *text = NULL;
	int rc;

	if (option->argument) {
		text = poptGetOptArg(popt);
		rc = keep(options, text, err);
		if (rc < 0)
			return rc;
	}
	rc = set(options, option, text, err);
	return rc < 0 ? dd_wrap(err, rc, "--%s", option->name) : 0;
}

int options_parse(struct options *options, const struct option *const *tables, size_t count,
		  const char *const *arguments, bool in_front, struct dd_error *err)
{
	AUTOFREE const struct option **by_number = NULL;
	AUTOFREE struct poptOption *rows = translate_tables(tables, count, &by_number);
	AUTOFREE const char **words = NULL;
	CLEANUP(free_context) poptContext popt = NULL;
	int argc = 0, number, rc;

	while (arguments[argc])
		argc++;
	words = calloc((size_t)argc + 1, sizeof(*words));
	if (!rows || !words)
		return no_memory(err);
	memcpy(words, arguments, (size_t)argc * sizeof(*words));
	rc = take_switches(words, &argc, tables, count, err);
	if (rc < 0)
		return rc;
	popt = poptGetContext(NULL, argc, words, rows,
			      POPT_CONTEXT_NO_EXEC | (in_front ? POPT_CONTEXT_POSIXMEHARDER : 0));
	if (!popt)
		return no_memory(err);
	while ((number = poptGetNextOpt(popt)) > 0) {
		rc = take_option(options, popt, by_number[number - 1], err);
		if (rc < 0)
			return rc;
	}
	if (number < -1)
		return dd_fail(err, DD_EUSAGE, 0, "%s: %s",
			       poptBadOption(popt, POPT_BADOPTION_NOALIAS), poptStrerror(number));
	return take_words(options, popt, err);
}

/* ---- a language of a command's own ---- */

static const struct option *by_letter(const struct option *const *tables, size_t count, char letter)
{
	for (size_t i = 0; i < count; i++)
		for (const struct option *option = tables[i]; option->name; option++)
			if (option->letter == letter)
				return option;
	return NULL;
}

static const struct option *by_name(const struct option *const *tables, size_t count,
				    const char *name)
{
	for (size_t i = 0; i < count; i++)
		for (const struct option *option = tables[i]; option->name; option++)
			if (!strcmp(option->name, name))
				return option;
	return NULL;
}

/* How many words an option takes with its argument; 0: it is none. */
static size_t option_length(const struct option *const *tables, size_t count, const char *word)
{
	const struct option *option = NULL;

	if (!strncmp(word, "--", 2)) {
		option = by_name(tables, count, word + 2);
		return option && option->argument ? 2 : 1;
	}
	if (word[0] != '-' || !word[1])
		return 0;
	for (const char *letter = word + 1; *letter; letter++) {
		option = by_letter(tables, count, *letter);
		if (!option)
			return 0;
		if (option->argument)
			return letter[1] ? 1 : 2;
	}
	return 1;
}

int options_split(struct options *options, const struct option *const *tables, size_t count,
		  options_own_fn *own, struct dd_error *err)
{
	const char **words = calloc(options->word_count + 1, sizeof(*words));
	size_t kept = 0, at = 0, length;
	int rc = keep(options, words, err);

	if (rc == 0) {
		options->own = calloc(options->word_count + 1, sizeof(*options->own));
		rc = keep(options, options->own, err);
	}
	if (rc < 0)
		return rc;
	for (; at < options->word_count; at += length) {
		const char *const *here = (const char *const *)options->words + at;
		size_t left = options->word_count - at;
		bool is_own;

		length = at ? own(here, left) : 1;
		is_own = length > 0;
		if (!length)
			length = option_length(tables, count, here[0]);
		is_own |= !length;
		length = !length ? 1 : length > left ? left : length;
		for (size_t i = 0; i < length; i++)
			if (is_own && at)
				options->own[options->own_count++] = here[i];
			else
				words[kept++] = here[i];
	}
	options->words = words;
	options->word_count = kept;
	return 0;
}

/* ---- help ---- */

/* Words of text from a column on, broken before the width. */
static void print_wrapped(FILE *out, const char *text, int column)
{
	int at = column;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (at > column && at + 1 + len > HELP_WIDTH) {
			fprintf(out, "\n%*s", column, "");
			at = column;
		} else if (at > column) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", len, text);
		at += len;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

void options_print(FILE *out, const struct option *table)
{
	for (const struct option *option = table; option->name; option++) {
		int used;

		if (option->letter)
			used = fprintf(out, "  -%c, --%s", option->letter, option->name);
		else
			used = fprintf(out, "      --%s", option->name);
		if (option->argument)
			used += fprintf(out, "=%s", option->argument);
		if (used + 2 > HELP_COLUMN) {
			fputc('\n', out);
			used = 0;
		}
		fprintf(out, "%*s", HELP_COLUMN - used, "");
		print_wrapped(out, option->help, HELP_COLUMN);
	}
}
