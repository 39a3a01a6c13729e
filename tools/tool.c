/*
 * What all subcommands share.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drydock/gate.h>

#include "cleanup.h"
#include "interrupt.h"
#include "owner.h"
#include "progress.h"
#include "render.h"
#include "talk.h"
#include "tool.h"

static const char *const whens[] = {
	[WHEN_AUTO] = "auto", [WHEN_ALWAYS] = "always", [WHEN_NEVER] = "never", NULL
};

static const char *const formats[] = { [TALK_TEXT] = "text", [TALK_JSON] = "json", NULL };

const struct option *tool_common_options(struct tool *tool)
{
	static struct option table[14];
	const struct option rows[] = {
		{ "root", 0, OPTION_TEXT, &tool->root, "DIR",
		  "the volume, named at any level of itself", NULL },
		{ "config", 0, OPTION_TEXT, &tool->config, "FILE",
		  "the registry's config.yml, which says where the volume is", NULL },
		{ "jobs", 'j', OPTION_NUMBER, &tool->jobs, "N",
		  "threads at most (default: enough to keep a cold disk busy)", NULL },
		{ "json", 0, OPTION_FLAG, &tool->json, NULL, "print the result as a JSON document",
		  NULL },
		{ "dry-run", 'n', OPTION_FLAG, &tool->dry_run, NULL,
		  "change nothing, whatever else is given", NULL },
		{ "quiet", 'q', OPTION_FLAG, &tool->quiet, NULL, "silent unless a person is needed",
		  NULL },
		{ "verbose", 'v', OPTION_COUNT, &tool->verbose, NULL,
		  "say more; twice: what is done, step by step", NULL },
		{ "color", 0, OPTION_CHOICE, &tool->color, "auto|always|never",
		  "colour in the result (auto: on a terminal)", whens },
		{ "progress", 0, OPTION_CHOICE, &tool->progress, "auto|always|never",
		  "a progress line on standard error (auto: on a terminal)", whens },
		{ "log-format", 0, OPTION_CHOICE, &tool->log_format, "text|json",
		  "json: each message on standard error is a JSON object in a line", formats },
		{ "help", 0, OPTION_FLAG, &tool->help, NULL, "this help", NULL },
		{ "version", 0, OPTION_FLAG, &tool->version, NULL, "the version", NULL },
		{ 0 },
	};

	_Static_assert(sizeof(rows) <= sizeof(table), "room for all rows");
	memcpy(table, rows, sizeof(rows));
	return table;
}

/* Whether something for a terminal is wanted on this stream. */
static bool wanted(unsigned when, int fd)
{
	const char *terminal = getenv("TERM");

	if (when != WHEN_AUTO)
		return when == WHEN_ALWAYS;
	return isatty(fd) && terminal && strcmp(terminal, "dumb") != 0;
}

static bool wants_colour(const struct tool *tool)
{
	const char *no_colour = getenv("NO_COLOR");

	if (tool->color == WHEN_AUTO && no_colour && *no_colour)
		return false;
	return wanted(tool->color, STDOUT_FILENO);
}

static enum dd_log_level log_level(const struct tool *tool)
{
	if (tool->quiet)
		return DD_LOG_ERROR;
	if (tool->verbose >= 2)
		return DD_LOG_DEBUG;
	return tool->verbose ? DD_LOG_NOTE : DD_LOG_WARNING;
}

static const char *get_environment(const char *name)
{
	return getenv(name);
}

void tool_begin(struct tool *tool)
{
	struct render_options rendering = {
		.colour = wants_colour(tool),
		.bytes = tool->bytes,
		.whole = tool->verbose || !isatty(STDOUT_FILENO),
	};

	talk_set_format(tool->log_format);
	render_init(&rendering);
	dd_context_set_log(tool->ctx, talk_log, NULL, log_level(tool));
	dd_context_set_jobs(tool->ctx, tool->jobs);
	/* What is drawn is no JSON. */
	if (!tool->quiet && tool->log_format == TALK_TEXT && wanted(tool->progress, STDERR_FILENO))
		tool->bar = progress_start(tool->ctx);
}

int tool_open(struct tool *tool, struct dd_error *err)
{
	struct dd_store_options where = { tool->root, tool->config,
					  tool->no_environment ? NULL : get_environment };

	int rc;

	tool_begin(tool);
	rc = dd_store_open(tool->ctx, &where, &tool->store, err);
	return rc == 0 && tool->changes ? owner_settle(tool, err) : rc;
}

void tool_results(struct tool *tool)
{
	progress_stop(&tool->bar);
}

void tool_release(struct tool *tool)
{
	tool_results(tool);
	dd_store_closep(&tool->store);
	dd_gate_socket_closep(&tool->gate);
	free(tool->typed);
	free(tool->command);
	tool->typed = tool->command = NULL;
}

int tool_status(const struct tool *tool, int code)
{
	int signal = interrupted_by();

	if (code == DD_ECANCELLED && !signal && dd_context_time_is_up(tool->ctx))
		return DD_EXIT_FAILED;
	if (code == DD_ECANCELLED && signal)
		return 128 + signal;
	return code < 0 ? (int)dd_code_exit(code) : code;
}

int tool_named(int rc)
{
	return rc == DD_ENOENT ? DD_EUSAGE : rc;
}

int tool_check_words(const struct options *options, size_t max, struct dd_error *err)
{
	if (options->word_count <= max)
		return 0;
	return dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is one argument too many",
		       options->words[max]);
}

/* ---- command lines for a person to type ---- */

static bool plain_word(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_./:@%+=,";

	return *word && !word[strspn(word, plain)];
}

static void quote(FILE *out, const char *word)
{
	if (plain_word(word)) {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	fputc('\'', out);
}

char *tool_quote(const char *const *words, size_t count)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (i)
			fputc(' ', out);
		quote(out, words[i]);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

char *tool_suggest(const struct tool *tool, const char *command)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fputs("drydock ", out);
	if (tool->root || tool->config) {
		fputs(tool->root ? "--root " : "--config ", out);
		quote(out, tool->root ? tool->root : tool->config);
		fputc(' ', out);
	}
	fputs(command, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

char *tool_retype(const struct tool *tool, const char *more)
{
	char *text;

	return asprintf(&text, "drydock %s %s", tool->typed, more) < 0 ? NULL : text;
}

/* ---- JSON ---- */

static int to_stdout(void *arg, const char *bytes, size_t len)
{
	(void)arg;
	return fwrite(bytes, 1, len, stdout) == len ? 0 : errno;
}

static int print_json(tool_write_fn *write, const void *thing, unsigned flags, struct dd_error *err)
{
	CLEANUP(dd_json_closep) struct dd_json_out *out = NULL;
	int rc = dd_json_open(&out, to_stdout, NULL, flags, err);

	if (rc < 0)
		return rc;
	write(thing, out);
	/* Whether it could be written is asked of standard output, at the end. */
	dd_json_finish(out, NULL);
	return 0;
}

int tool_print_json(tool_write_fn *write, const void *thing, struct dd_error *err)
{
	return print_json(write, thing, DD_JSON_PRETTY, err);
}

int tool_print_json_lines(tool_write_fn *write, const void *thing, struct dd_error *err)
{
	return print_json(write, thing, DD_JSON_LINES, err);
}

int tool_looked(const struct tool *tool, uint64_t problems)
{
	AUTOFREE char *command = NULL;

	if (!problems)
		return DD_EXIT_DONE;
	command = tool_suggest(tool, "verify --quick");
	talk_line(DD_LOG_WARNING, "%llu %s not here, or could not be looked at or understood%s%s",
		  (unsigned long long)problems, problems == 1 ? "thing is" : "things are",
		  command ? "; to see what: " : "", command ? command : "");
	return DD_EXIT_ATTENTION;
}
