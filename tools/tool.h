/*
 * What all subcommands share: the common options, the context, the volume, and standard output.
 */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include <drydock/context.h>
#include <drydock/json.h>
#include <drydock/store.h>

#include "options.h"

struct progress;

enum tool_when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };

struct tool {
	/* common options */
	const char *root, *config;
	unsigned jobs; /* 0: not given */
	bool json, dry_run, quiet, help, version;
	bool no_environment; /* the volume is where the options say, and nowhere else */
	bool bytes;	     /* of the commands that have it: sizes exact */
	unsigned verbose;
	unsigned color, progress; /* enum tool_when */
	unsigned log_format;	  /* enum talk_format */

	/* this run */
	const char *const *arguments; /* as they came, the program's name among them */
	size_t argument_count;
	bool changes;  /* the command is to change the volume: set before it is opened */
	char *typed;   /* "--root /srv gc -m", quoted for a shell */
	char *command; /* the command and what came after it, likewise */
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_gate_socket *gate; /* NULL: we are not a daemon's worker */
	struct progress *bar;
};

/*
 * A subcommand. run() returns an exit status, or a negative enum dd_code with the error set. It
 * prints nothing but its result, and that only once the work is done.
 */
struct command {
	const char *name;
	const char *arguments;	 /* behind its name, in the help */
	const char *summary;	 /* one line, for the list of commands */
	const char *description; /* for its own help */
	const char *examples;
	const struct option *options;
	/*
	 * A command with a language of its own: how many words from the first on belong together in it
	 * (0: none). They, and what is no option either, become options->own. NULL: there is none.
	 */
	options_own_fn *own;
	int (*run)(struct tool *tool, const struct options *options, struct dd_error *err);
};

extern const struct command command_status;
extern const struct command command_ls, command_verify, command_repair, command_gc, command_trash,
	command_why, command_rm, command_garbage_collect, command_policy, command_tree,
	command_show, command_cat, command_du, command_find, command_log, command_diff,
	command_snapshot;

/* The exit status that a subcommand's result leads to. */
int tool_status(const struct tool *tool, int code);

/* The common options, filling *tool; the table is static. */
const struct option *tool_common_options(struct tool *tool);

/* Settle what the options left open, and show progress from here on. */
void tool_begin(struct tool *tool);
/*
 * The same, and find the volume. If a daemon serves it and the command is to change it, that is done by
 * the daemon, and this does not come back (owner.h).
 */
int tool_open(struct tool *tool, struct dd_error *err);
/* The work is done and results are to come: no progress over them. */
void tool_results(struct tool *tool);
void tool_release(struct tool *tool);

/*
 * For a name that a person gave: that it is not there is wrong usage, not a failure of ours.
 * Returns rc or DD_EUSAGE.
 */
int tool_named(int rc);
/* DD_EUSAGE if there are more words than max; what: "a reference", for the message. */
int tool_check_words(const struct options *options, size_t max, struct dd_error *err);

/* The status of a look that met so many problems; and a word on them, for a status is to be explained. */
int tool_looked(const struct tool *tool, uint64_t problems);

/* "drydock --root /srv trash restore RUN --apply": the same volume, another command; heap memory. */
char *tool_suggest(const struct tool *tool, const char *command);
/* What was typed, with something more; heap memory. */
char *tool_retype(const struct tool *tool, const char *more);

/* To standard output, one JSON document, indented, or a line each; write is one of the library's. */
typedef void tool_write_fn(const void *thing, struct dd_json_out *out);
int tool_print_json_lines(tool_write_fn *write, const void *thing, struct dd_error *err);
int tool_print_json(tool_write_fn *write, const void *thing, struct dd_error *err);

/* Words quoted for a shell where they need it, in heap memory; NULL without memory. */
char *tool_quote(const char *const *words, size_t count);

#endif
