/*
 * drydock trash: what collections took, how to get it back, how to be rid of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/restore.h>

#include "cleanup.h"
#include "render.h"
#include "tool.h"
#include "trash.h"

static struct {
	bool apply, bytes;
	int64_t older_ns, lock_wait_ns;
	uint64_t max;
	struct option_space min_free;
} settings = { .older_ns = -1 };

static const struct option table[] = {
	{ "apply", 0, OPTION_FLAG, &settings.apply, NULL,
	  "restore, empty: do it; without it nothing is changed", NULL },
	{ "older-than", 0, OPTION_DURATION, &settings.older_ns, "DURATION",
	  "empty: only runs that are older (default: all)", NULL },
	{ "trash-max", 0, OPTION_SIZE, &settings.max, "SIZE",
	  "empty: only the oldest runs, until the rest takes no more", NULL },
	{ "min-free", 0, OPTION_SPACE, &settings.min_free, "SIZE|PERCENT",
	  "empty: only the oldest runs, until so much is free", NULL },
	{ "lock-wait", 0, OPTION_DURATION, &settings.lock_wait_ns, "DURATION",
	  "restore, empty: wait so long for another run to end (default: 0)", NULL },
	{ "bytes", 'b', OPTION_FLAG, &settings.bytes, NULL, "sizes in bytes", NULL },
	{ 0 },
};

static bool applies(const struct tool *tool)
{
	return settings.apply && !tool->dry_run;
}

/* ---- list, show ---- */

static void write_trash(const void *trash, struct dd_json_out *out)
{
	dd_trash_json(trash, out);
}

static void write_run(const void *run, struct dd_json_out *out)
{
	dd_run_json(run, out);
}

static int list(struct tool *tool, const struct options *options, struct dd_error *err)
{
	CLEANUP(dd_trash_release) struct dd_trash trash = { 0 };
	int rc = dd_trash_load(tool->ctx, tool->store, &trash, err);

	(void)options;
	if (rc < 0)
		return rc;
	tool_results(tool);
	return tool->json ? tool_print_json(write_trash, &trash, err) :
			    trash_print_runs(&trash, err);
}

static int show(struct tool *tool, const struct options *options, struct dd_error *err)
{
	CLEANUP(dd_trash_release) struct dd_trash trash = { 0 };
	const struct dd_run *run;
	int rc = dd_trash_load(tool->ctx, tool->store, &trash, err);

	if (rc == 0)
		rc = tool_named(dd_trash_find(&trash, options->words[1], &run, err));
	if (rc < 0)
		return rc;
	tool_results(tool);
	return tool->json ? tool_print_json(write_run, run, err) : trash_print_run(tool, run, err);
}

/* ---- restore ---- */

static int parse_choices(struct dd_reference **choices, const struct options *options,
			 struct dd_error *err)
{
	size_t count = options->word_count - 2;
	int rc = 0;

	*choices = calloc(count + 1, sizeof(**choices));
	if (!*choices)
		return dd_fail(err, DD_ENOMEM, 0, "restore");
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = dd_reference_parse(&(*choices)[i], options->words[i + 2], err);
	return rc;
}

static void write_restore(const void *restore, struct dd_json_out *out)
{
	dd_restore_json(restore, out);
}

static int restore_run(struct tool *tool, const struct options *options, struct dd_error *err)
{
	AUTOFREE struct dd_reference *choices = NULL;
	CLEANUP(dd_restore_closep) struct dd_restore *restore = NULL;
	const struct dd_restore_plan *plan;
	bool apply = applies(tool);
	int rc = parse_choices(&choices, options, err);
	const struct dd_restore_options wanted = {
		.run = options->words[1],
		.choices = choices,
		.choice_count = options->word_count - 2,
		.lock_wait_ns = settings.lock_wait_ns,
		.command = tool->command,
	};

	if (rc == 0)
		rc = (apply ? dd_restore_apply : dd_restore_plan)(tool->ctx, tool->store, &wanted,
								  &restore, err);
	if (!restore)
		return tool_named(rc);
	tool_results(tool);
	plan = dd_restore_get_plan(restore);
	if (tool->json)
		tool_print_json(write_restore, restore, NULL);
	else
		trash_print_restore(tool, plan, settings.apply);
	return rc < 0 ? rc : plan->unresolved ? DD_EXIT_ATTENTION : DD_EXIT_DONE;
}

/* ---- empty ---- */

static void write_empty(const void *empty, struct dd_json_out *out)
{
	dd_empty_json(empty, out);
}

static int empty(struct tool *tool, const struct options *options, struct dd_error *err)
{
	CLEANUP(dd_empty_closep) struct dd_empty *emptied = NULL;
	const struct dd_empty_options wanted = {
		.older_ns = settings.older_ns < 0 ? 0 : settings.older_ns,
		.bounds = { settings.max, settings.min_free.bytes, settings.min_free.percent },
		.lock_wait_ns = settings.lock_wait_ns,
		.command = tool->command,
	};
	int rc = (applies(tool) ? dd_empty_apply : dd_empty_plan)(tool->ctx, tool->store, &wanted,
								  &emptied, err);

	(void)options;
	if (!emptied)
		return rc;
	tool_results(tool);
	if (tool->json)
		tool_print_json(write_empty, emptied, NULL);
	else
		trash_print_empty(tool, dd_empty_get_plan(emptied), &wanted, settings.apply);
	return rc < 0 ? rc : DD_EXIT_DONE;
}

/* ---- which of them ---- */

static const struct verb {
	const char *name, *arguments;
	size_t least, most; /* words behind the verb */
	bool changes, has_age;
	int (*run)(struct tool *tool, const struct options *options, struct dd_error *err);
} verbs[] = {
	{ "list", "", 0, 0, false, false, list },
	{ "show", " RUN", 1, 1, false, false, show },
	{ "restore", " RUN [REF…]", 1, SIZE_MAX, true, false, restore_run },
	{ "empty", "", 0, 0, true, true, empty },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static int check_verb(const struct verb *verb, size_t words, struct dd_error *err)
{
	if (words < verb->least)
		return dd_fail(err, DD_EUSAGE, 0,
			       "%s wants a run: \"latest\", or one that drydock trash "
			       "list shows",
			       verb->name);
	if (words > verb->most)
		return dd_fail(err, DD_EUSAGE, 0, "too many arguments: drydock trash %s%s",
			       verb->name, verb->arguments);
	if (settings.apply && !verb->changes)
		return dd_fail(err, DD_EUSAGE, 0, "--apply: %s changes nothing", verb->name);
	if (settings.older_ns >= 0 && !verb->has_age)
		return dd_fail(err, DD_EUSAGE, 0, "--older-than is for drydock trash empty alone");
	if ((settings.max || settings.min_free.given) && !verb->has_age)
		return dd_fail(err, DD_EUSAGE, 0, "--%s is for drydock trash empty alone",
			       settings.max ? "trash-max" : "min-free");
	/* That would be to ask for nothing, and to be understood as asking for everything. */
	if (settings.min_free.given && !settings.min_free.bytes && !settings.min_free.percent)
		return dd_fail(err, DD_EUSAGE, 0, "--min-free: so much is free in any case");
	return 0;
}

static int run(struct tool *tool, const struct options *options, struct dd_error *err)
{
	const struct verb *verb;
	int rc;

	if (!options->word_count)
		return dd_fail(err, DD_EUSAGE, 0, "one of list, show, restore, empty is wanted");
	verb = find_verb(options->words[0]);
	if (!verb)
		return dd_fail(err, DD_EUSAGE, 0,
			       "\"%.200s\" is not one of list, show, restore, empty",
			       options->words[0]);
	rc = check_verb(verb, options->word_count - 1, err);
	if (rc < 0)
		return rc;
	tool->bytes = settings.bytes;
	tool->changes = verb->changes && applies(tool);
	rc = tool_open(tool, err);
	return rc < 0 ? rc : verb->run(tool, options, err);
}

const struct command command_trash = {
	.name = "trash",
	.arguments = "list | show RUN | restore RUN [REF…] [--apply] | empty [--apply]",
	.summary = "what collections took: look at it, put it back, or be rid of it",
	.description =
		"list      the runs whose objects are still in the trash\n"
		"show      what a run took, and why\n"
		"restore   put a run, or what REF names of it, back where it was, with all that\n"
		"          it needs; it counts as pushed now\n"
		"empty     remove runs for good\n"
		"\n"
		"RUN is \"latest\", a run's name, or a unique beginning of it. REF is REPO,\n"
		"REPO:TAG, REPO@DIGEST or DIGEST. restore and empty only print what they would\n"
		"do, unless --apply is given.\n",
	.examples = "  drydock trash list\n"
		    "  drydock trash show latest\n"
		    "  drydock trash restore latest --apply          undo the last collection\n"
		    "  drydock trash restore latest library/app --apply\n"
		    "                                                one repository of it\n"
		    "  drydock trash empty --older-than 3d --apply   free the space\n"
		    "  drydock trash empty --min-free 20% --apply    only as much as is needed\n",
	.options = table,
	.run = run,
};
