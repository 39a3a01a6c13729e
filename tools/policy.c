/*
 * Policies: read, and told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/escape.h>
#include <drydock/units.h>

#include "cleanup.h"
#include "policy.h"
#include "read_file.h"
#include "render.h"

#define SHOWN 10 /* repositories to be emptied */
#define RULE_TEXT 160

static int open_policy(struct dd_policy **policy, const char *path, struct dd_error *err)
{
	AUTOFREE char *bytes = NULL;
	size_t len;
	int rc = read_file(path, DD_POLICY_MAX, &bytes, &len, err);

	if (rc < 0)
		return dd_wrap(err, rc, "the policy");
	rc = dd_policy_read(bytes, len, policy, err);
	return rc < 0 ? dd_wrap(err, rc, "%s", path) : 0;
}

static int open_keep(struct dd_keep **keep, const char *path, struct dd_error *err)
{
	AUTOFREE char *bytes = NULL;
	size_t len;
	int rc = read_file(path, DD_KEEP_MAX, &bytes, &len, err);

	if (rc < 0)
		return dd_wrap(err, rc, "--keep-from");
	rc = dd_keep_read(bytes, len, keep, err);
	return rc < 0 ? dd_wrap(err, rc, "--keep-from %s", path) : 0;
}

int policy_open(struct policy_files *files, const char *policy, const char *keep,
		struct dd_error *err)
{
	int rc = policy ? open_policy(&files->policy, policy, err) : 0;

	return rc == 0 && keep ? open_keep(&files->keep, keep, err) : rc;
}

void policy_close(struct policy_files *files)
{
	dd_policy_closep(&files->policy);
	dd_keep_closep(&files->keep);
}

/* ---- what is to be pointed out ---- */

/* "rule 2 (\"releases\", line 14)" */
static const char *rule_text(const struct dd_policy *policy, size_t at, char buf[static RULE_TEXT])
{
	const struct dd_policy_rule *rule = dd_policy_get_rule(policy, at);

	snprintf(buf, RULE_TEXT, "rule %zu (%s%.80s%sline %zu)", at + 1, rule->name ? "\"" : "",
		 rule->name ? dd_escaped(rule->name) : "", rule->name ? "\", " : "", rule->line);
	return buf;
}

void policy_print_verdict(const struct dd_policy *policy, const struct dd_tag_verdict *verdict)
{
	char rule[RULE_TEXT], detail[DD_VERDICT_DETAIL];

	dd_tag_verdict_detail(policy, verdict, detail);
	printf(" [%s%s%s]",
	       verdict->rule == DD_NO_RULE ? "" : rule_text(policy, verdict->rule, rule),
	       verdict->rule == DD_NO_RULE ? "" : ": ",
	       detail[0] ? dd_escaped(detail) : dd_tag_verdict_text(verdict->reason));
}

static void point_out(const char *text)
{
	printf("  %s%s%s\n", style_on(STYLE_WARN), text, style_off());
}

static void print_rules(const struct dd_policy *policy, const struct dd_rule_count *counts)
{
	char rule[RULE_TEXT], text[2 * RULE_TEXT];

	for (size_t i = 0; i < dd_policy_count(policy); i++) {
		if (counts[i].tags)
			continue;
		snprintf(text, sizeof(text), "%s %s", rule_text(policy, i, rule),
			 counts[i].matches ?
				 "is never reached: rules before it are about all that it matches" :
				 "matches nothing");
		point_out(text);
	}
}

static void print_spared(const struct dd_gc_retention *report, bool allow_empty)
{
	for (size_t i = 0; i < report->spared_count && i < SHOWN; i++)
		printf("  %s%s: no rule keeps any of its tags%s%s\n", style_on(STYLE_WARN),
		       dd_escaped(report->spared[i]),
		       allow_empty ? "" : "; they stay (--allow-empty: they go)", style_off());
	if (report->spared_count > SHOWN)
		printf("  … and %zu more repositories without a tag to be kept\n",
		       report->spared_count - SHOWN);
}

static void print_fit(const struct dd_gc_retention *report)
{
	if (!report->left_bytes)
		return;
	printf("  %s will be left", render_size(report->left_bytes));
	if (report->fit_bytes && report->left_bytes > report->fit_bytes)
		printf(", %smore than the %s that should be: what else there is the rules keep%s",
		       style_on(STYLE_WARN), render_size(report->fit_bytes), style_off());
	else if (report->fit_bytes)
		printf(", of %s at most", render_size(report->fit_bytes));
	putchar('\n');
}

static void print_pulls(const struct dd_policy *policy, const struct dd_gc_retention *report)
{
	if (!dd_policy_wants_pulls(policy))
		return;
	if (report->pulls_to_ns)
		printf("  pulls are known from %s to %s\n", render_time(report->pulls_from_ns),
		       render_time(report->pulls_to_ns));
	else
		point_out("no pulls are known: drydock policy import-pulls reads a registry's log; "
			  "until then what pulled-within is about stays");
}

void policy_print_summary(const struct dd_gc_options *options, const struct dd_gc_plan *plan)
{
	const struct dd_gc_retention *report = plan->retention;

	if (options->keep) {
		uint64_t lines, found;

		dd_keep_count(options->keep, &lines, &found);
		printf("\n%sKept by list%s: %s, %llu of them name something here\n",
		       style_on(STYLE_HEADING), style_off(), render_count(lines, "line", "lines"),
		       (unsigned long long)found);
	}
	if (!report)
		return;
	printf("\n%sPolicy%s: %llu of %s %s\n", style_on(STYLE_HEADING), style_off(),
	       (unsigned long long)report->going, render_count(report->tag_count, "tag", "tags"),
	       plan->applied ? "went" : "to go");
	print_fit(report);
	print_pulls(options->policy, report);
	print_rules(options->policy, report->rules);
	print_spared(report, options->allow_empty);
}

size_t policy_print_check(const struct dd_policy *policy, const char *path)
{
	char rule[RULE_TEXT], earlier[RULE_TEXT], text[3 * RULE_TEXT];
	size_t count = dd_policy_count(policy), found = 0;

	printf("%s: %s, in order.\n", dd_escaped(path), render_count(count, "rule", "rules"));
	for (size_t i = 0; i < count; i++) {
		uint32_t shadow = dd_policy_shadow(policy, i);

		if (shadow == DD_NO_RULE)
			continue;
		found++;
		snprintf(text, sizeof(text), "%s is never reached: %s is about all of it",
			 rule_text(policy, i, rule), rule_text(policy, shadow, earlier));
		point_out(text);
	}
	return found;
}

/* ---- every tag ---- */

static void add_row(struct table *table, const struct dd_policy *policy,
		    const struct dd_gc_tag *tag, bool pulls)
{
	bool goes = dd_tag_verdict_goes(tag->verdict.reason);
	char detail[DD_VERDICT_DETAIL], number[32] = "-";
	const char *cells[7], **cell = cells;
	const char *name = NULL;

	if (tag->verdict.rule != DD_NO_RULE) {
		name = dd_policy_get_rule(policy, tag->verdict.rule)->name;
		snprintf(number, sizeof(number), "%u", tag->verdict.rule + 1);
	}
	dd_tag_verdict_detail(policy, &tag->verdict, detail);
	*cell++ = tag->repository;
	*cell++ = tag->tag;
	*cell++ = render_when(tag->pushed_ns);
	if (pulls)
		*cell++ = render_when(tag->pulled_ns);
	*cell++ = goes ? "goes" : "stays";
	*cell++ = name ? name : number;
	*cell++ = detail[0] ? detail : dd_tag_verdict_text(tag->verdict.reason);
	table_add(table, goes ? STYLE_BAD : STYLE_PLAIN, cells);
}

int policy_print_tags(const struct dd_gc_options *options, const struct dd_gc *gc,
		      struct dd_error *err)
{
	static const struct column columns[] = {
		{ "REPOSITORY", COLUMN_NAME }, { "TAG", COLUMN_NAME },	{ "PUSHED", 0 }, { "", 0 },
		{ "RULE", COLUMN_SHRINK },     { "WHY", COLUMN_SHRINK }
	};
	static const struct column with_pulls[] = { { "REPOSITORY", COLUMN_NAME },
						    { "TAG", COLUMN_NAME },
						    { "PUSHED", 0 },
						    { "PULLED", 0 },
						    { "", 0 },
						    { "RULE", COLUMN_SHRINK },
						    { "WHY", COLUMN_SHRINK } };
	const struct dd_gc_retention *report = dd_gc_get_plan(gc)->retention;
	bool pulls = report->pulls_to_ns != 0;
	CLEANUP(table_closep)
	struct table *table = table_open(pulls ? with_pulls : columns, pulls ? 7 : 6);

	for (size_t i = 0; i < report->tag_count; i++) {
		struct dd_gc_tag tag;

		dd_gc_get_tag(gc, i, &tag);
		add_row(table, options->policy, &tag, pulls);
	}
	return table_print(table, err);
}
