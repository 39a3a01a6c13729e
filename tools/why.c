/*
 * Why something is kept, goes or went, as sentences and chains.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/escape.h>

#include "cleanup.h"
#include "policy.h"
#include "render.h"
#include "why.h"

static void heading(enum render_style style, const char *text)
{
	printf("\n%s%s%s\n", style_on(style), text, style_off());
}

/* ---- a chain ---- */

static const char *noun_of(const struct dd_why_step *step)
{
	if (step->role && (!strcmp(step->role, "referrer") || !strcmp(step->role, "alias")))
		return step->role;
	if (step->type)
		return strstr(step->type, "index") || strstr(step->type, "list") ? "index" :
										   "manifest";
	return step->role ? step->role : "blob";
}

static void print_step(const struct dd_why_step *step, bool first)
{
	if (!first)
		fputs(" -> ", stdout);
	printf("%s %s", noun_of(step), render_digest(&step->digest));
	if (step->platform)
		printf(" (%s)", dd_escaped(step->platform));
}

static void print_root(const struct dd_why_path *path)
{
	const char *repository = path->repository ? dd_escaped(path->repository) : NULL;

	switch (path->root) {
	case DD_WHY_TAG:
		printf("tag %s:%s", repository, dd_escaped(path->tag));
		break;
	case DD_WHY_HISTORY:
		printf("history of tag %s:%s", repository, dd_escaped(path->tag));
		break;
	case DD_WHY_UNTAGGED:
		printf("untagged in %s", repository);
		break;
	case DD_WHY_YOUNG:
		printf("young%s%s", repository ? " in " : "", repository ? repository : "");
		if (path->until_ns)
			printf(" (could go %s)", render_when(path->until_ns));
		break;
	case DD_WHY_HELD:
		printf("held by doubt%s%s", repository ? " in " : " as all of the volume",
		       repository ? repository : "");
		break;
	default:
		printf("%s%s%s", dd_why_root_name(path->root), repository ? " in " : "",
		       repository ? repository : "");
	}
}

static void print_hold(const struct dd_hold *hold)
{
	AUTOFREE char *release = NULL;

	printf("      %s: %s%s%s%s%s\n", dd_doubt_name(hold->doubt),
	       hold->repository ? dd_escaped(hold->repository) : "",
	       hold->repository && hold->has_digest ? "@" : "",
	       hold->has_digest ? dd_digest_text(&hold->digest) : "", hold->detail[0] ? ": " : "",
	       dd_escaped(hold->detail));
	if (dd_hold_release(hold, &release) == 0)
		printf("      to release it: %s\n", dd_escaped(release));
}

static void print_path(const struct dd_why_answer *answer, const struct dd_why_path *path)
{
	fputs("  ", stdout);
	print_root(path);
	if (answer->policy && path->verdict)
		policy_print_verdict(answer->policy, path->verdict);
	for (size_t i = 0; i < path->count; i++)
		print_step(&path->steps[i], false);
	putchar('\n');
	if (path->hold)
		print_hold(path->hold);
}

/* ---- what it is ---- */

static void print_name(const struct dd_why_answer *answer)
{
	if (answer->repository)
		fputs(dd_escaped(answer->repository), stdout);
	if (answer->tag)
		printf(":%s", dd_escaped(answer->tag));
	if (answer->has_digest)
		printf("%s%s", answer->repository ? "@" : "", render_digest(&answer->digest));
	if (answer->type)
		printf(" (%s)", answer->type);
	if (answer->present)
		printf(", %s", render_size(answer->bytes));
}

static void print_paths(const struct dd_why_answer *answer)
{
	if (!answer->path_total)
		puts(": kept, by a chain that is too long to be shown.");
	else if (answer->path_total == UINT64_MAX)
		puts(": kept, in more ways than can be counted:");
	else
		printf(": kept%s%s:\n", answer->path_total == 1 ? "" : ", in ",
		       answer->path_total == 1 ? "" :
						 render_count(answer->path_total, "way", "ways"));
	for (size_t i = 0; i < answer->path_count; i++)
		print_path(answer, &answer->paths[i]);
	render_more(2, answer->path_total - answer->path_count, BY_VERBOSE);
	if (!answer->present)
		printf("Its bytes are not here%s.\n", answer->sparse ?
							      ", as is normal for a sparse index" :
							      ": drydock verify says what suffers");
}

/* ---- what goes, what went ---- */

static void print_going(const struct tool *tool, const struct dd_why_answer *answer,
			const char *policy)
{
	bool untagged = answer->going_count && answer->going[0].untagged;
	AUTOFREE char *file = policy ? tool_quote(&policy, 1) : NULL, *words = NULL;
	AUTOFREE char *command = NULL;

	if (!answer->going_count)
		return;
	if (asprintf(&words, "gc%s%s%s --apply", untagged ? " -m" : "", file ? " --policy " : "",
		     file ? file : "") < 0)
		words = NULL;
	command = words ? tool_suggest(tool, words) : NULL;
	heading(STYLE_HEADING, untagged ? "With -m a collection takes" : "A collection takes");
	for (size_t i = 0; i < answer->going_count; i++) {
		const struct dd_why_going *going = &answer->going[i];
		AUTOFREE char *name = render_place(&going->item.place);

		printf("  %s %s: %s", render_kind(&going->item.place),
		       name ? dd_escaped(name) : "?", dd_reason_text(going->item.reason));
		if (going->until_ns)
			printf(" (young: could go %s)", render_when(going->until_ns));
		putchar('\n');
	}
	if (command)
		printf("To be rid of it: %s%s%s\n", style_on(STYLE_HEADING), dd_escaped(command),
		       style_off());
}

/* What a person types to have it back, with all that it needs. */
static void print_back(const struct tool *tool, const struct dd_why_answer *answer)
{
	const struct dd_run *run = answer->gone[0].run;
	AUTOFREE char *reference = NULL, *quoted = NULL, *words = NULL, *command = NULL;
	const char *digest = answer->has_digest ? dd_digest_text(&answer->digest) : "";

	if (asprintf(&reference, "%s%s%s", answer->repository ? answer->repository : "",
		     !answer->repository ? "" :
		     answer->has_digest	 ? "@" :
					   ":",
		     answer->has_digest ? digest : answer->tag) < 0)
		reference = NULL;
	if (reference)
		quoted = tool_quote((const char *const *)&reference, 1);
	if (quoted && asprintf(&words, "trash restore %s %s --apply", run->name, quoted) < 0)
		words = NULL;
	if (words)
		command = tool_suggest(tool, words);
	if (command)
		printf("To have it back: %s%s%s\n", style_on(STYLE_HEADING), dd_escaped(command),
		       style_off());
}

static void print_gone(const struct tool *tool, const struct dd_why_answer *answer)
{
	size_t shown = answer->gone_count;

	if (!answer->gone_count)
		return;
	if (!tool->verbose && shown > WHY_SHOWN)
		shown = WHY_SHOWN;
	heading(STYLE_HEADING, "In the trash");
	for (size_t i = 0; i < shown; i++) {
		const struct dd_why_gone *gone = &answer->gone[i];
		AUTOFREE char *name = render_place(&gone->item->place);

		printf("  %s %s: since %s, run %s", render_kind(&gone->item->place),
		       name ? dd_escaped(name) : "?", render_time(gone->run->began_ns),
		       gone->run->name);
		if (gone->run->command)
			printf(" (%s)", dd_escaped(gone->run->command));
		printf(": %s\n", dd_reason_text(gone->item->reason));
	}
	render_more(2, answer->gone_count - shown, BY_VERBOSE);
	print_back(tool, answer);
}

void why_print(const struct tool *tool, const struct dd_why_answer *answer, const char *policy)
{
	print_name(answer);
	switch (answer->state) {
	case DD_WHY_KEPT:
		print_paths(answer);
		break;
	case DD_WHY_GOES:
		puts(": nothing keeps it.");
		break;
	case DD_WHY_GONE:
		puts(answer->present ? ": nothing keeps it, and nothing may take it now." :
				       ": gone.");
		break;
	}
	if (answer->policy && answer->verdict && dd_tag_verdict_goes(answer->verdict->reason)) {
		fputs("By the policy the tag goes", stdout);
		policy_print_verdict(answer->policy, answer->verdict);
		putchar('\n');
	}
	print_going(tool, answer, policy);
	print_gone(tool, answer);
	if (answer->unreadable)
		printf("\n%s could not be looked at: there may be more to it (drydock gc -v).\n",
		       render_count(answer->unreadable, "place", "places"));
}

/* ---- what would go ---- */

static void print_keeper(const struct dd_why_keeper *keeper, const char *size)
{
	printf("  %11s  ", size);
	if (keeper->tag)
		printf("%s:%s", dd_escaped(keeper->repository), dd_escaped(keeper->tag));
	else
		printf("%s@%s", dd_escaped(keeper->repository), render_digest(&keeper->digest));
	if (keeper->tags > 1)
		printf(" and %s of the same manifest",
		       render_count(keeper->tags - 1, "further tag", "further tags"));
	else if (!keeper->tag)
		fputs(" (untagged)", stdout);
	putchar('\n');
}

static void print_next(const struct dd_free_answer *answer)
{
	if (!answer->next_count)
		return;
	heading(STYLE_HEADING, "To free more of that, these would have to go next");
	for (size_t i = 0; i < answer->next_count; i++) {
		const struct dd_why_keeper *next = &answer->next[i];

		bool first = i == 0 || answer->next[i - 1].step != next->step;

		/* Those of one step free nothing alone. */
		print_keeper(next, first ? render_size(next->bytes) : "with");
	}
	render_more(2, answer->next_total - answer->next_count, BY_VERBOSE);
}

void why_print_keepers(const struct dd_free_answer *answer)
{
	if (answer->kept_blobs)
		printf("Something else keeps %s (%s).\n",
		       render_count(answer->kept_blobs, "blob", "blobs"),
		       render_size(answer->kept_bytes));
	if (answer->keeper_count) {
		heading(STYLE_HEADING, "Who keeps the rest");
		for (size_t i = 0; i < answer->keeper_count; i++)
			print_keeper(&answer->keepers[i], render_size(answer->keepers[i].bytes));
		render_more(2, answer->keeper_total - answer->keeper_count, BY_VERBOSE);
	}
	if (answer->held_bytes)
		printf("%s are kept by youth or doubt (drydock why DIGEST says by which).\n",
		       render_size(answer->held_bytes));
	print_next(answer);
}

void why_print_free(const struct dd_free_answer *answer)
{
	printf("%s and %s: ", render_count(answer->tags, "tag", "tags"),
	       render_count(answer->manifests, "manifest", "manifests"));
	printf("%s would go, %s%s%s freed.\n", render_count(answer->blobs, "blob", "blobs"),
	       style_on(STYLE_HEADING), render_size(answer->bytes), style_off());
	if (answer->linked_bytes)
		printf("%s of other blobs have other hard links: their going frees nothing.\n",
		       render_size(answer->linked_bytes));
	why_print_keepers(answer);
	if (answer->unreadable)
		printf("\n%s could not be looked at (drydock gc -v).\n",
		       render_count(answer->unreadable, "place", "places"));
}
