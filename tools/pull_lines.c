/*
 * Access logs, a line at a time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/escape.h>
#include <drydock/pulls.h>

#include "cleanup.h"
#include "pull_lines.h"
#include "render.h"

static void close_log(FILE **file)
{
	if (*file && *file != stdin)
		fclose(*file);
}

/* The rest of a line that is too long is skipped; its beginning is handed on, and is too long. */
static int read_log(struct dd_import *import, const char *path, struct dd_error *err)
{
	CLEANUP(close_log) FILE *file = strcmp(path, "-") != 0 ? fopen(path, "re") : stdin;
	static char line[DD_LOG_LINE + 1];
	size_t len = 0;
	int rc = 0, c;

	if (!file)
		return dd_fail(err, DD_EUSAGE, errno, "%s", path);
	while (rc == 0 && (c = getc_unlocked(file)) != EOF) {
		if (c != '\n') {
			line[len] = (char)c;
			len += len < DD_LOG_LINE;
			continue;
		}
		rc = dd_import_line(import, line, len, err);
		len = 0;
	}
	if (rc == 0 && ferror(file))
		return dd_fail(err, DD_EUSAGE, errno, "%s", path);
	return rc == 0 && len ? dd_import_line(import, line, len, err) : rc;
}

static void write_json(const void *import, struct dd_json_out *out)
{
	dd_import_json(import, out);
}

static void print(const struct tool *tool, const struct dd_import *import, bool apply)
{
	const struct dd_import_report *report = dd_import_get(import);
	const struct dd_pulls *fresh = report->fresh;

	printf("%s, %s, ", render_count(report->lines, "line", "lines"),
	       render_count(report->requests, "request", "requests"));
	printf("%s of %s.\n", render_count(report->pulls, "pull", "pulls"),
	       render_count(report->names, "name", "names"));
	if (fresh->to_ns)
		printf("The log goes from %s to %s.\n", render_time(fresh->from_ns),
		       render_time(fresh->to_ns));
	if (report->ignored)
		printf("%s among these by user agents that do not count: left out.\n",
		       render_count(report->ignored, "pull", "pulls"));
	if (report->future)
		printf("%s of a time that has not come: passed over.\n",
		       render_count(report->future, "request", "requests"));
	if (report->gone)
		printf("%s not in the volume any more.\n",
		       render_count(report->gone, "name is", "names are"));
	if (report->known)
		printf("%s known to be pulled as late already.\n",
		       render_count(report->known, "name is", "names are"));
	printf("%s %s.\n", render_count(fresh->count, "name", "names"),
	       report->applied ? "remembered" : "to be remembered");
	for (size_t i = 0; i < fresh->count && tool->verbose; i++) {
		const struct dd_pull *pull = &fresh->items[i];

		printf("  %s  %s%s%s\n", render_time(pull->time_ns), dd_escaped(pull->repository),
		       strchr(pull->reference, ':') ? "@" : ":", dd_escaped(pull->reference));
	}
	if (!report->applied)
		printf("\nNothing was changed. To remember them: the same %s.\n",
		       apply ? "without --dry-run" : "with --apply");
}

int pulls_import(struct tool *tool, const struct pulls_wanted *wanted, struct dd_error *err)
{
	CLEANUP(dd_import_closep) struct dd_import *import = NULL;
	int rc = dd_import_open(tool->ctx, tool->store, wanted->ignore_agents, wanted->ignore_count,
				&import, err);

	for (size_t i = 0; i < wanted->file_count && rc == 0; i++)
		rc = read_log(import, wanted->files[i], err);
	if (rc == 0)
		rc = dd_import_settle(import, err);
	if (rc == 0 && wanted->apply)
		rc = dd_import_apply(import, tool->command, wanted->lock_wait_ns, err);
	if (rc < 0)
		return rc;
	tool_results(tool);
	if (tool->json)
		return tool_print_json(write_json, import, err);
	if (!tool->quiet)
		print(tool, import, wanted->apply || tool->dry_run);
	return DD_EXIT_DONE;
}
