/*
 * -exec: a command for each name, or for as many as fit on a command line.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "find.h"

extern char **environ;

/* As xargs(1) has it: more does not make a command quicker. */
#define BYTES_MAX ((size_t)128 << 10)

/* The names that a "{} +" has gathered. */
struct batch {
	const struct dd_find_action *action;
	char **names;
	size_t count, room, bytes;
};

struct find_commands {
	struct batch *batches;
	size_t count;
	bool failed;
};

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "run a command");
}

int find_commands_open(struct find_commands **commands, struct dd_error *err)
{
	*commands = calloc(1, sizeof(**commands));
	return *commands ? 0 : no_memory(err);
}

static void empty(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		free(batch->names[i]);
	batch->count = batch->bytes = 0;
}

void find_commands_closep(struct find_commands **pointer)
{
	struct find_commands *commands = *pointer;

	if (!commands)
		return;
	for (size_t i = 0; i < commands->count; i++) {
		empty(&commands->batches[i]);
		free(commands->batches[i].names);
	}
	free(commands->batches);
	free(commands);
	*pointer = NULL;
}

/* 1: it ended well. A closed pipe is its own affair, as it is in a shell. */
static int run(char *const *words, struct dd_error *err)
{
	posix_spawnattr_t attributes;
	sigset_t defaults;
	int status = 0, sys;
	pid_t child;

	fflush(stdout);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGXFSZ);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	sys = posix_spawnp(&child, words[0], NULL, &attributes, words, environ);
	posix_spawnattr_destroy(&attributes);
	if (sys)
		return dd_fail(err, sys == ENOENT ? DD_EUSAGE : dd_code_of_errno(sys), sys,
			       "-exec %s", words[0]);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return dd_fail(err, DD_EIO, errno, "-exec %s", words[0]);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Every "{}" in a word becomes the name. */
static char *fill(const char *word, const char *name)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const char *braces;

	if (!out)
		return NULL;
	while ((braces = strstr(word, "{}"))) {
		fwrite(word, 1, (size_t)(braces - word), out);
		fputs(name, out);
		word = braces + 2;
	}
	fputs(word, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static int run_one(const struct dd_find_action *action, const char *name, struct dd_error *err)
{
	AUTOFREE char **words = calloc(action->word_count + 1, sizeof(*words));
	int rc = words ? 0 : no_memory(err);

	for (size_t i = 0; i < action->word_count && rc == 0; i++) {
		words[i] = fill(action->words[i], name);
		rc = words[i] ? 0 : no_memory(err);
	}
	if (rc == 0)
		rc = run(words, err);
	for (size_t i = 0; words && i < action->word_count; i++)
		free(words[i]);
	return rc;
}

static int run_batch(struct find_commands *commands, struct batch *batch, struct dd_error *err)
{
	size_t own = batch->action->word_count;
	AUTOFREE char **words = calloc(own + batch->count + 1, sizeof(*words));
	int rc;

	if (!words)
		return no_memory(err);
	memcpy(words, batch->action->words, own * sizeof(*words));
	memcpy(words + own, batch->names, batch->count * sizeof(*words));
	rc = run(words, err);
	empty(batch);
	commands->failed |= rc == 0;
	return rc < 0 ? rc : 0;
}

static struct batch *batch_of(struct find_commands *commands, const struct dd_find_action *action)
{
	struct batch *batches;

	for (size_t i = 0; i < commands->count; i++)
		if (commands->batches[i].action == action)
			return &commands->batches[i];
	batches = reallocarray(commands->batches, commands->count + 1, sizeof(*batches));
	if (!batches)
		return NULL;
	commands->batches = batches;
	batches[commands->count] = (struct batch){ .action = action };
	return &batches[commands->count++];
}

static int add(struct find_commands *commands, struct batch *batch, const char *name,
	       struct dd_error *err)
{
	size_t cost = strlen(name) + 1 + sizeof(char *);
	char **names;

	if (batch->count && batch->bytes + cost > BYTES_MAX) {
		int rc = run_batch(commands, batch, err);

		if (rc < 0)
			return rc;
	}
	if (batch->count == batch->room) {
		size_t room = batch->room ? 2 * batch->room : 64;

		names = reallocarray(batch->names, room, sizeof(*names));
		if (!names)
			return no_memory(err);
		batch->names = names;
		batch->room = room;
	}
	batch->names[batch->count] = strdup(name);
	if (!batch->names[batch->count])
		return no_memory(err);
	batch->count++;
	batch->bytes += cost;
	return 1;
}

int find_command(struct find_commands *commands, const struct dd_find_action *action,
		 const char *name, struct dd_error *err)
{
	struct batch *batch;

	if (!action->many)
		return run_one(action, name, err);
	batch = batch_of(commands, action);
	return batch ? add(commands, batch, name, err) : no_memory(err);
}

int find_commands_finish(struct find_commands *commands, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < commands->count && rc == 0; i++)
		if (commands->batches[i].count)
			rc = run_batch(commands, &commands->batches[i], err);
	return rc < 0 ? rc : commands->failed;
}
