/*
 * What a verification found, for people: what is broken, the worst first, with the evidence and who
 * suffers; then what was looked at, and what it comes to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/escape.h>
#include <drydock/units.h>

#include "audit.h"
#include "cleanup.h"
#include "render.h"

#define SHOWN 8	       /* of a kind, unless -v */
#define IMAGES_SHOWN 6 /* of one that is broken, likewise */

static bool verbose;

static const struct {
	const char *heading;
	enum render_style style;
} severities[] = {
	[DD_SEVERITY_ERROR] = { "Damage", STYLE_BAD },
	[DD_SEVERITY_WARNING] = { "Not as it should be", STYLE_WARN },
	[DD_SEVERITY_NOTE] = { "Also seen", STYLE_HEADING },
};

/* ---- one finding ---- */

/* What is found is the repository itself, not something in it. */
static bool is_repository(const struct dd_found *found)
{
	size_t len = found->repository ? strlen(found->repository) : 0,
	       path_len = found->path ? strlen(found->path) : 0;

	return len && (!path_len || (path_len > len &&
				     !strcmp(found->path + path_len - len, found->repository)));
}

/* "app:v1@sha256:…", or its path where it has no such name. Heap memory. */
static char *name_of(const struct dd_found *found)
{
	const char *digest = found->has_digest ? render_digest(&found->digest) : "";
	char *name = NULL;
	int rc;

	if (!found->has_digest && !found->tag && !is_repository(found))
		return strdup(found->path ? found->path : "?");
	if (!found->repository)
		return strdup(digest);
	rc = asprintf(&name, "%s%s%s%s%s", found->repository, found->tag ? ":" : "",
		      found->tag ? found->tag : "", digest[0] ? "@" : "", digest);
	return rc < 0 ? NULL : name;
}

static void print_fact(const char *label, const char *text)
{
	if (text)
		printf("      %s%-9s%s %s\n", style_on(STYLE_FAINT), label, style_off(),
		       dd_escaped(text));
}

static void print_images(const struct dd_found *found)
{
	size_t shown = found->image_count;

	if (!found->image_count) {
		print_fact("breaks", "no image");
		return;
	}
	if (!verbose && shown > IMAGES_SHOWN)
		shown = IMAGES_SHOWN;
	printf("      %s%-9s%s", style_on(STYLE_FAINT), "breaks", style_off());
	for (size_t i = 0; i < shown; i++)
		printf("%s %s", i ? "," : "", dd_escaped(found->images[i]));
	if (found->image_total > shown)
		printf(", and %llu more", (unsigned long long)(found->image_total - shown));
	putchar('\n');
}

static void print_found(const struct dd_found *found)
{
	AUTOFREE char *name = name_of(found);
	bool damage = dd_finding_severity(found->finding) == DD_SEVERITY_ERROR;

	printf("    %s\n", name ? dd_escaped(name) : "?");
	print_fact("expected", found->expected);
	print_fact("found", found->found);
	print_fact("remark", found->detail);
	if (found->path && (!name || strcmp(name, found->path) != 0) && (damage || verbose))
		print_fact("path", found->path);
	if (damage)
		print_images(found);
}

/* ---- in groups ---- */

/* How many follow each other that are of one kind. */
static size_t group_at(const struct dd_verify *verify, size_t at)
{
	size_t count = dd_verify_get_count(verify), end = at;
	enum dd_finding finding = dd_verify_get_found(verify, at)->finding;

	while (end < count && dd_verify_get_found(verify, end)->finding == finding)
		end++;
	return end - at;
}

static void print_group(const struct dd_verify *verify, size_t at, size_t count)
{
	enum dd_finding finding = dd_verify_get_found(verify, at)->finding;
	enum dd_severity severity = dd_finding_severity(finding);
	size_t shown = severity == DD_SEVERITY_NOTE ? 0 : SHOWN;

	if (verbose || shown > count)
		shown = count;
	printf("  %s%s%s, %zu: %s\n", style_on(severities[severity].style),
	       dd_finding_name(finding), style_off(), count, dd_finding_text(finding));
	for (size_t i = 0; i < shown; i++)
		print_found(dd_verify_get_found(verify, at + i));
	if (shown)
		render_more(4, count - shown, BY_VERBOSE);
}

/* Up to and including a severity; *hidden is set if notes were counted and not listed. */
static void print_findings(const struct dd_verify *verify, enum dd_severity least, bool *hidden)
{
	size_t count = dd_verify_get_count(verify);
	int last = -1;

	*hidden = false;
	for (size_t at = 0; at < count; at += group_at(verify, at)) {
		enum dd_severity severity =
			dd_finding_severity(dd_verify_get_found(verify, at)->finding);

		if (severity > least)
			return;
		if ((int)severity != last)
			printf("\n%s%s%s\n", style_on(severities[severity].style),
			       severities[severity].heading, style_off());
		last = (int)severity;
		print_group(verify, at, group_at(verify, at));
		*hidden |= severity == DD_SEVERITY_NOTE && !verbose;
	}
}

/* ---- what it comes to ---- */

static void print_rate(const struct dd_verify_summary *summary)
{
	char took[DD_UNIT_TEXT];
	double seconds = (double)summary->reading_ns / (double)DD_SECOND;

	printf("  %-10s %s in %s", "read", render_size(summary->read_bytes),
	       render_count(summary->read_blobs, "blob", "blobs"));
	if (seconds >= 0.01)
		printf(", %s/s, took %s",
		       render_size((uint64_t)((double)summary->read_bytes / seconds)),
		       summary->reading_ns < DD_SECOND ?
			       "less than a second" :
			       dd_duration_format(summary->reading_ns, took));
	putchar('\n');
	if (summary->waited_ns >= DD_SECOND / 10)
		printf("  %-10s %s, until the machine's load was low enough\n", "waited",
		       summary->waited_ns < DD_SECOND ?
			       "less than a second" :
			       dd_duration_format(summary->waited_ns, took));
}

/* How many more nights: limits are chosen by that. Each run gets through one blob at least. */
static uint64_t runs_left(const struct dd_verify_summary *summary, uint64_t per_run)
{
	uint64_t runs = (summary->left_bytes + per_run - 1) / per_run;

	return runs < summary->left_blobs ? runs : summary->left_blobs;
}

static void print_left(const struct dd_verify_summary *summary, bool ended_early, uint64_t per_run)
{
	if (!summary->left_blobs)
		return;
	printf("  %-10s %s, about %s: %s", "not read",
	       render_count(summary->left_blobs, "blob", "blobs"), render_size(summary->left_bytes),
	       ended_early ? "the run ended before" : "a limit of this run was reached");
	if (!ended_early && per_run && summary->left_bytes)
		printf("; about %s to go",
		       render_count(runs_left(summary, per_run), "such run", "such runs"));
	putchar('\n');
}

static void print_summary(const struct dd_verify_summary *summary, bool ended_early,
			  uint64_t per_run)
{
	printf("\n%sVerified%s\n", style_on(STYLE_HEADING), style_off());
	if (!summary->quick) {
		printf("  %-10s %llu of %llu, %s\n", "blobs",
		       (unsigned long long)summary->verified_blobs,
		       (unsigned long long)summary->blobs, render_size(summary->verified_bytes));
		print_rate(summary);
	}
	if (summary->remembered_blobs)
		printf("  %-10s %s in %s, verified by earlier runs and unchanged since\n",
		       "remembered", render_size(summary->remembered_bytes),
		       render_count(summary->remembered_blobs, "blob", "blobs"));
	if (summary->oldest_ns && (summary->remembered_blobs || summary->left_blobs))
		printf("  %-10s read %s\n", "oldest", render_when(summary->oldest_ns));
	if (summary->never_blobs)
		printf("  %-10s %s\n", "never read",
		       render_count(summary->never_blobs, "blob", "blobs"));
	printf("  %-10s %s, ", "structure", render_count(summary->links, "link", "links"));
	printf("%s, %s, %s\n", render_count(summary->manifests, "manifest", "manifests"),
	       render_count(summary->tags, "tag", "tags"),
	       render_count(summary->repositories, "repository", "repositories"));
	print_left(summary, ended_early, per_run);
	if (summary->changed_blobs)
		printf("  %-10s %s: written to meanwhile\n", "changed",
		       render_count(summary->changed_blobs, "blob", "blobs"));
	if (summary->quick)
		printf("  %-10s no blob was read (--quick): rotten bytes are not noticed so\n",
		       "contents");
}

static void print_verdict(const struct dd_verify_summary *summary, bool ended_early)
{
	bool partly = summary->left_blobs || summary->changed_blobs;
	const char *whole = partly	   ? "Nothing is wrong with what was looked at." :
			    summary->quick ? "The structure is whole." :
					     "Whole: every byte is as it was stored.";

	putchar('\n');
	if (ended_early)
		printf("%sThe run ended early:%s this is what it found until then.\n",
		       style_on(STYLE_BAD), style_off());
	if (summary->errors) {
		printf("%sDamaged:%s %s", style_on(STYLE_BAD), style_off(),
		       render_count(summary->errors, "error", "errors"));
		/* None: nobody needs it, or no image was looked at. */
		if (summary->images)
			printf(", %s cannot be pulled whole",
			       render_count(summary->images, "image", "images"));
		puts(".");
	} else if (summary->unseen) {
		printf("%sNot all could be seen:%s %s not verified.\n", style_on(STYLE_WARN),
		       style_off(), render_count(summary->unseen, "place was", "places were"));
	} else if (!ended_early) {
		printf("%s%s%s\n", style_on(STYLE_GOOD), whole, style_off());
	}
}

static void print_what_next(const struct tool *tool, const struct dd_verify_summary *summary)
{
	AUTOFREE char *command = summary->errors ? tool_suggest(tool, "repair") : NULL;

	if (command)
		printf("\nWhat can be mended, and from where: %s%s%s\n", style_on(STYLE_HEADING),
		       dd_escaped(command), style_off());
}

void audit_print(const struct tool *tool, const struct dd_verify *verify, bool ended_early,
		 uint64_t per_run)
{
	const struct dd_verify_summary *summary = dd_verify_get_summary(verify);
	bool needs_person = dd_verify_exit(summary) != DD_EXIT_DONE, hidden;

	verbose = tool->verbose;
	if (tool->quiet) {
		if (!needs_person)
			return;
		printf("%s needs a person.\n", dd_escaped(dd_store_get_root(tool->store)));
		print_findings(verify, DD_SEVERITY_WARNING, &hidden);
		print_verdict(summary, ended_early);
		print_what_next(tool, summary);
		return;
	}
	printf("%s\n", dd_escaped(dd_store_get_root(tool->store)));
	print_findings(verify, DD_SEVERITY_NOTE, &hidden);
	if (hidden)
		printf("  %sNobody needs to act on these; -v lists them.%s\n",
		       style_on(STYLE_FAINT), style_off());
	print_summary(summary, ended_early, per_run);
	print_verdict(summary, ended_early);
	print_what_next(tool, summary);
}
