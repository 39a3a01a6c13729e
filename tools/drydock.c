/*
 * drydock: finds the subcommand, lets it run, and answers for standard output and the exit status.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "complete.h"
#include "interrupt.h"
#include "owner.h"
#include "talk.h"
#include "tool.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct command *const commands[] = {
	&command_status, &command_ls,
	&command_tree,	 &command_show,
	&command_cat,	 &command_find,
	&command_du,	 &command_log,
	&command_diff,	 &command_snapshot,
	&command_verify, &command_repair,
	&command_gc,	 &command_garbage_collect,
	&command_trash,	 &command_why,
	&command_rm,	 &command_policy,
};

/* A file of the volume must never get the number of a closed standard stream. */
static void guard_streams(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			_exit(DD_EXIT_FAILED);
}

/* ---- help ---- */

static void print_commands(FILE *out)
{
	fputs("Commands:\n", out);
	for (size_t i = 0; i < COUNT(commands); i++)
		fprintf(out, "  %-17s%s\n", commands[i]->name, commands[i]->summary);
	fputs("  help             show the help of a command\n", out);
}

static void print_help(FILE *out, const struct option *common)
{
	fputs("Usage: drydock [OPTION…] COMMAND …\n\n"
	      "Looks after the volume of a container registry (registry:2, registry:3).\n"
	      "Nothing in it changes without --apply.\n\n",
	      out);
	print_commands(out);
	fputs("\nOptions, before or after the command:\n", out);
	options_print(out, common);
	fputs("\nThe volume is --root, or what --config says, or $DRYDOCK_ROOT, or what\n"
	      "/etc/docker/registry/config.yml says, or /var/lib/registry.\n\n"
	      "drydock COMMAND --help says more, with examples; so do the manual pages\n"
	      "drydock(1) and drydock-COMMAND(1).\n",
	      out);
}

static void print_command_help(const struct command *command, const struct option *common)
{
	printf("Usage: drydock %s %s\n\n%s\n", command->name, command->arguments,
	       command->description);
	if (command->options->name) {
		puts("Options:");
		options_print(stdout, command->options);
		putchar('\n');
	}
	puts("Common options:");
	options_print(stdout, common);
	printf("\nExamples:\n%s\nThe manual: drydock-%s(1), drydock(1)\n", command->examples,
	       command->name);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COUNT(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int unknown_command(const char *name, struct dd_error *err)
{
	int rc = dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is not a command", name);

	dd_hint(err, "drydock --help lists the commands");
	return rc;
}

/* drydock help [COMMAND] */
static int help(const struct options *options, const struct option *common, struct dd_error *err)
{
	const struct command *command;

	if (options->word_count < 2) {
		print_help(stdout, common);
		return DD_EXIT_DONE;
	}
	command = find_command(options->words[1]);
	if (!command)
		return unknown_command(options->words[1], err);
	print_command_help(command, common);
	return DD_EXIT_DONE;
}

/* ---- the run ---- */

static int run_command(struct tool *tool, const struct command *command, struct options *options,
		       const struct option *common, struct dd_error *err)
{
	const struct option *const tables[] = { command->options, common };
	int rc = 0;

	talk_set_command(command->name);
	tool->command = tool_quote(options->words, options->word_count);
	if (command->own)
		rc = options_split(options, tables, COUNT(tables), command->own, err);
	if (rc == 0)
		rc = options_parse(options, tables, COUNT(tables), options->words, false, err);
	if (rc < 0) {
		if (rc == DD_EUSAGE)
			dd_hint(err, "drydock %s --help lists the options", command->name);
		return rc;
	}
	if (tool->version) {
		puts("drydock " DD_VERSION);
		return DD_EXIT_DONE;
	}
	if (tool->help) {
		print_command_help(command, common);
		return DD_EXIT_DONE;
	}
	return command->run(tool, options, err);
}

static int dispatch(struct tool *tool, struct options *options, const char *const *arguments,
		    struct dd_error *err)
{
	const struct option *common = tool_common_options(tool);
	const struct command *command;
	int rc = options_parse(options, &common, 1, arguments, true, err);

	if (rc < 0) {
		if (rc == DD_EUSAGE)
			dd_hint(err,
				"options of a command come after it; drydock --help lists both");
		return rc;
	}
	if (tool->version) {
		puts("drydock " DD_VERSION);
		return DD_EXIT_DONE;
	}
	if (!options->word_count) {
		print_help(tool->help ? stdout : stderr, common);
		return tool->help ? DD_EXIT_DONE : DD_EXIT_USAGE;
	}
	if (!strcmp(options->words[0], "help"))
		return help(options, common, err);
	command = find_command(options->words[0]);
	if (!command)
		return unknown_command(options->words[0], err);
	return run_command(tool, command, options, common, err);
}

/* drydock --complete WORD…, for shells */
static int complete_words(struct tool *tool, const char *const *words, size_t count)
{
	const struct complete_commands all = { commands, COUNT(commands),
					       tool_common_options(tool) };

	complete(tool, &all, words, count);
	return DD_EXIT_DONE;
}

static int run(const char *const *arguments, size_t count)
{
	struct tool tool = { 0 };
	struct options options = { 0 };
	struct dd_error err = { 0 };
	int rc = dd_context_open(&tool.ctx, &err);

	if (rc == 0) {
		interrupt_begin(tool.ctx);
		tool.arguments = arguments;
		tool.argument_count = count;
		tool.typed = tool_quote(arguments + 1, count - 1);
		if (count > 1 && !strcmp(arguments[1], "--complete"))
			rc = complete_words(&tool, arguments + 2, count - 2);
		else
			rc = dispatch(&tool, &options, arguments, &err);
		/* Wrong usage is told as was asked for, as far as it was understood. */
		talk_set_format(tool.log_format);
	}
	tool_results(&tool);
	if (rc < 0)
		talk_error(&err);
	tool_release(&tool);
	options_release(&options);
	return tool_status(&tool, rc);
}

/* Whether the reader of standard output has gone away. */
static bool nobody_reads(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

/* The result is out only once the last byte of it is. */
static int finish(int status)
{
	bool failed = ferror(stdout) != 0, unread = nobody_reads();
	int reason = 0;

	/* Why is forgotten by now: what is written behind it fails for the same reason. */
	if (failed) {
		clearerr(stdout);
		if (fputc('\n', stdout) == EOF || fflush(stdout) != 0)
			reason = errno;
	}
	if (fclose(stdout) != 0) {
		failed = true;
		reason = errno;
	}
	if (!failed)
		return status;
	if (reason == EPIPE || unread) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	talk_line(DD_LOG_ERROR, "write the result: %s",
		  reason ? strerror(reason) : "an earlier write failed");
	return DD_EXIT_FAILED;
}

int main(int argc, char **argv)
{
	const char *const nothing[] = { "drydock", NULL };
	int status;

	/* Threads that wait for a disk need no heap each. */
	mallopt(M_ARENA_MAX, 2);
	guard_streams();
	owner_begin();
	setlocale(LC_CTYPE, "");
	if (argc > 0)
		status = run((const char *const *)argv, (size_t)argc);
	else
		status = run(nothing, 1);
	return finish(status);
}
