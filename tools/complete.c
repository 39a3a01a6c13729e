/*
 * Completion, out of the same tables that parse and make the help, and out of the volume.
 *
 * Of the volume only the directories are listed that the word leads through. Names that are not valid
 * are left out: nobody pulls by them, and no shell is to see them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "complete.h"

struct completing {
	struct tool *tool;
	const struct complete_commands *all;
	const struct command *command; /* NULL: not named yet */
	const struct option *pending;  /* waits for its value */
	bool only_words;	       /* after "--" */
	bool unknown;		       /* the command is none */
	size_t words;		       /* of the command, in front of the current one */
	const char *current;
};

static void offer(const struct completing *completing, const char *candidate, const char *what)
{
	if (!strncmp(candidate, completing->current, strlen(completing->current)))
		printf("%s%s%s\n", candidate, what ? "\t" : "", what ? what : "");
}

/* ---- what was typed so far ---- */

static const struct option *find_in(const struct option *table, const char *name, size_t len,
				    char letter)
{
	for (; table && table->name; table++)
		if (name ? strlen(table->name) == len && !strncmp(table->name, name, len) :
			   table->letter == letter)
			return table;
	return NULL;
}

static const struct option *find_option(const struct completing *completing, const char *name,
					size_t len, char letter)
{
	const struct option *found =
		completing->command ? find_in(completing->command->options, name, len, letter) :
				      NULL;

	return found ? found : find_in(completing->all->common, name, len, letter);
}

static const struct command *find_command(const struct completing *completing, const char *name)
{
	for (size_t i = 0; i < completing->all->count; i++)
		if (!strcmp(completing->all->commands[i]->name, name))
			return completing->all->commands[i];
	return NULL;
}

/* Where the volume is matters; other values do not. */
static void take_value(struct completing *completing, const struct option *option,
		       const char *value)
{
	if (option->value == &completing->tool->root || option->value == &completing->tool->config)
		*(const char **)option->value = value;
}

static void take_long(struct completing *completing, const char *name)
{
	size_t len = strcspn(name, "=");
	const struct option *option = find_option(completing, name, len, 0);

	if (!option || !option->argument)
		return;
	if (name[len])
		take_value(completing, option, name + len + 1);
	else
		completing->pending = option;
}

static void take_short(struct completing *completing, const char *letters)
{
	for (; *letters; letters++) {
		const struct option *option = find_option(completing, NULL, 0, *letters);

		if (!option || !option->argument)
			continue;
		if (letters[1])
			take_value(completing, option, letters + 1 + (letters[1] == '='));
		else
			completing->pending = option;
		return;
	}
}

static void take_word(struct completing *completing, const char *word)
{
	if (completing->pending) {
		take_value(completing, completing->pending, word);
		completing->pending = NULL;
	} else if (!completing->only_words && !strcmp(word, "--")) {
		completing->only_words = true;
	} else if (!completing->only_words && !strncmp(word, "--", 2)) {
		take_long(completing, word + 2);
	} else if (!completing->only_words && word[0] == '-' && word[1]) {
		take_short(completing, word + 1);
	} else if (!completing->command && !completing->unknown && strcmp(word, "help") != 0) {
		completing->command = find_command(completing, word);
		completing->unknown = !completing->command;
	} else if (completing->command) {
		completing->words++;
	}
}

/* ---- options and their values ---- */

static void offer_table(const struct completing *completing, const struct option *table)
{
	for (; table->name; table++) {
		AUTOFREE char *text = NULL;

		if (asprintf(&text, "--%s", table->name) < 0)
			text = NULL;
		if (text)
			offer(completing, text, table->help);
	}
}

static void offer_options(const struct completing *completing)
{
	if (completing->command)
		offer_table(completing, completing->command->options);
	offer_table(completing, completing->all->common);
}

/* before: what stands in front of the value in the same word ("--sort="). */
static void offer_values(const struct completing *completing, const struct option *option,
			 const char *before, size_t len)
{
	for (const char *const *choice = option->choices; choice && *choice; choice++) {
		AUTOFREE char *text = NULL;

		if (asprintf(&text, "%.*s%s", (int)len, before, *choice) < 0)
			text = NULL;
		if (text)
			offer(completing, text, NULL);
	}
}

static void offer_dashed(const struct completing *completing)
{
	const char *current = completing->current, *equals = strchr(current, '=');
	const struct option *option;

	if (!equals || strncmp(current, "--", 2) != 0) {
		offer_options(completing);
		return;
	}
	option = find_option(completing, current + 2, (size_t)(equals - current) - 2, 0);
	if (option)
		offer_values(completing, option, current, (size_t)(equals - current) + 1);
}

static void offer_commands(const struct completing *completing)
{
	for (size_t i = 0; i < completing->all->count; i++)
		offer(completing, completing->all->commands[i]->name,
		      completing->all->commands[i]->summary);
	offer(completing, "help", "show the help of a command");
}

/* ---- repositories and tags ---- */

struct looking {
	const struct completing *completing;
	const char *parent; /* "library", or nothing */
};

/* A repository below another one is there. Any return but 0 ends the listing. */
static int see_child(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	(void)arg;
	(void)err;
	return entry->type == DD_ENTRY_DIRECTORY &&
	       !dd_repository_reserved(entry->name, strlen(entry->name));
}

static void offer_repository(const struct completing *completing, const char *name)
{
	struct dd_place place = { .kind = DD_IN_MANIFESTS, .repository = name };
	AUTOFREE char *inside = NULL;
	struct dd_info info;

	if (!dd_repository_valid(name))
		return;
	if (dd_store_stat(completing->tool->store, &place, &info, NULL) == 0)
		offer(completing, name, NULL);
	place.kind = DD_IN_REPOSITORY;
	if (dd_store_list(completing->tool->store, &place, see_child, NULL, NULL) != 1)
		return;
	if (asprintf(&inside, "%s/", name) < 0)
		inside = NULL;
	else
		offer(completing, inside, NULL);
}

static int see_repository(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	const struct looking *looking = arg;
	const char *current = looking->completing->current;
	AUTOFREE char *name = NULL;

	(void)err;
	if (entry->type != DD_ENTRY_DIRECTORY ||
	    dd_repository_reserved(entry->name, strlen(entry->name)))
		return 0;
	if (asprintf(&name, "%s%s%s", looking->parent, looking->parent[0] ? "/" : "", entry->name) <
	    0)
		name = NULL;
	else if (!strncmp(name, current, strlen(current)))
		offer_repository(looking->completing, name);
	return 0;
}

static int see_tag(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	const struct looking *looking = arg;
	AUTOFREE char *name = NULL;

	(void)err;
	if (entry->type != DD_ENTRY_DIRECTORY || !dd_tag_valid(entry->name))
		return 0;
	if (asprintf(&name, "%s:%s", looking->parent, entry->name) < 0)
		name = NULL;
	else
		offer(looking->completing, name, NULL);
	return 0;
}

static void offer_references(struct completing *completing)
{
	AUTOFREE char *parent = strdup(completing->current);
	struct looking looking = { completing, parent };
	struct dd_place place = { .repository = parent };
	char *colon, *slash;

	/* Progress has no place on the line that somebody types. */
	completing->tool->quiet = true;
	if (!parent || tool_open(completing->tool, NULL) < 0)
		return;
	colon = strchr(parent, ':');
	slash = strrchr(parent, '/');
	if (colon)
		*colon = '\0';
	else
		*(slash ? slash : parent) = '\0';
	if (parent[0] && !dd_repository_valid(parent))
		return;
	place.kind = colon ? DD_IN_TAGS : parent[0] ? DD_IN_REPOSITORY : DD_IN_REPOSITORIES;
	dd_store_list(completing->tool->store, &place, colon ? see_tag : see_repository, &looking,
		      NULL);
}

/* As its usage says: "list | show RUN" has two words to begin with. */
static void offer_verbs(const struct completing *completing)
{
	const char *at = completing->command->arguments;

	while (at && *at >= 'a' && *at <= 'z') {
		AUTOFREE char *verb = strndup(at, strspn(at, "abcdefghijklmnopqrstuvwxyz-"));
		const char *bar = strstr(at, " | ");

		if (verb)
			offer(completing, verb, NULL);
		at = bar ? bar + 3 : NULL;
	}
}

static bool has_verbs(const struct command *command)
{
	return command->arguments[0] >= 'a' && command->arguments[0] <= 'z';
}

/* As its usage says: a word that names something of the volume. */
static bool takes_reference(const struct command *command)
{
	return strstr(command->arguments, "REF") || strstr(command->arguments, "REPO") ||
	       strstr(command->arguments, "PATTERN");
}

void complete(struct tool *tool, const struct complete_commands *all, const char *const *words,
	      size_t count)
{
	struct completing completing = { .tool = tool, .all = all, .current = "" };

	for (size_t i = 0; i + 1 < count; i++)
		take_word(&completing, words[i]);
	if (count)
		completing.current = words[count - 1];
	if (completing.unknown)
		return;
	if (completing.pending)
		offer_values(&completing, completing.pending, "", 0);
	else if (completing.current[0] == '-' && !completing.only_words)
		offer_dashed(&completing);
	else if (!completing.command)
		offer_commands(&completing);
	else if (has_verbs(completing.command) && !completing.words)
		offer_verbs(&completing);
	else if (takes_reference(completing.command) && completing.current[0] != '.' &&
		 completing.current[0] != '/')
		offer_references(&completing);
}
