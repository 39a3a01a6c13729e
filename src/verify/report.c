/*
 * Reports: what passes found, put in order at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "verify/verify.h"

/* With the lock held. NULL stays NULL. */
static const char *keep(struct dd_verify *verify, const char *text, bool *failed)
{
	const char *kept = text ? dd_arena_copy(&verify->strings, text, strlen(text)) : NULL;

	*failed |= text && !kept;
	return kept;
}

static int describe(const struct dd_evidence *evidence, struct dd_text *text)
{
	DD_AUTOFREE char *path = NULL;
	int rc;

	if (!evidence->place)
		return 0;
	rc = dd_layout_path(evidence->place, &path, NULL);
	if (rc < 0) /* of a name that is none there is no path to tell */
		return rc == DD_ENOMEM ? rc : 0;
	return dd_text_printf(text, evidence->name ? "%s/%s" : "%s", path, evidence->name);
}

static bool place_has_digest(const struct dd_place *place)
{
	return place->kind == DD_AT_BLOB || place->kind == DD_AT_LAYER ||
	       place->kind == DD_AT_REVISION || place->kind == DD_AT_HISTORY ||
	       place->kind == DD_AT_TARSUM || place->kind == DD_AT_SIGNATURE;
}

static void fill_digest(struct dd_verify *verify, const struct dd_evidence *evidence,
			struct dd_found *found)
{
	found->has_digest = true;
	if (evidence->id != DD_NO_ID)
		dd_ids_get(&verify->graph->ids, evidence->id, &found->digest);
	else if (evidence->digest)
		found->digest = *evidence->digest;
	else if (evidence->place && place_has_digest(evidence->place))
		found->digest = evidence->place->digest;
	else
		found->has_digest = false;
}

int dd_verify_report(struct dd_verify *verify, const struct dd_evidence *evidence,
		     struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text path = { 0 };
	const struct dd_place *place = evidence->place;
	struct dd_report *report = NULL;
	struct dd_found found = { .finding = evidence->finding };
	bool failed = describe(evidence, &path) < 0;

	fill_digest(verify, evidence, &found);
	found.has_other = evidence->other;
	if (evidence->other)
		found.other = *evidence->other;
	pthread_mutex_lock(&verify->lock);
	if (!failed)
		report = dd_list_add(&verify->reports);
	if (report) {
		found.repository = keep(verify, place ? place->repository : NULL, &failed);
		found.tag = keep(verify, place ? place->tag : NULL, &failed);
		found.path = keep(verify, path.bytes, &failed);
		found.expected = keep(verify, evidence->expected, &failed);
		found.found = keep(verify, evidence->found, &failed);
		found.detail = keep(verify, evidence->detail, &failed);
		*report = (struct dd_report){ found, evidence->id, evidence->repository };
	}
	pthread_mutex_unlock(&verify->lock);
	return report && !failed ? 0 : dd_fail(err, DD_ENOMEM, 0, "remember what was found");
}

int dd_verify_report_failure(struct dd_verify *verify, const struct dd_evidence *evidence, int rc,
			     const struct dd_error *why, struct dd_error *err)
{
	struct dd_evidence failure = *evidence;

	if (rc == DD_ENOMEM || rc == DD_ECANCELLED)
		return rc;
	if (rc == DD_EACCES)
		failure.finding = DD_FOUND_UNSEEN;
	if (rc == DD_ESYMLINK)
		failure.finding = DD_FOUND_SYMLINK;
	failure.found = why && why->sys_errno ? strerror(why->sys_errno) : dd_code_text(rc);
	return dd_verify_report(verify, &failure, err);
}

/* ---- at the end ---- */

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_reports(const void *left, const void *right)
{
	const struct dd_found *a = &((const struct dd_report *)left)->found,
			      *b = &((const struct dd_report *)right)->found;
	int result = (int)dd_finding_severity(a->finding) - (int)dd_finding_severity(b->finding);

	if (!result)
		result = (int)a->finding - (int)b->finding;
	if (!result)
		result = compare_texts(a->repository, b->repository);
	if (!result)
		result = compare_texts(a->tag, b->tag);
	if (!result)
		result = compare_texts(a->path, b->path);
	if (!result && a->has_digest && b->has_digest)
		result = dd_digest_compare(&a->digest, &b->digest);
	return result;
}

bool dd_verify_has_report(const struct dd_reports *reports, const struct dd_report *report)
{
	return reports->count &&
	       bsearch(report, reports->items, reports->count, sizeof(*report), compare_reports);
}

/* Of a tag or a digest only what is about it, or about what it reaches. */
static bool concerns(const struct dd_verify *verify, const struct dd_report *report)
{
	const struct dd_reference *reference = verify->options.reference;

	if (!verify->scope)
		return true;
	/* Where a tag points that leads to a part of it is nothing to who asks by digest. */
	if (reference->digest[0] && report->found.tag && report->id != verify->start)
		return false;
	if (report->id != DD_NO_ID)
		return verify->scope[report->id] & dd_verify_felt(report->found.finding);
	return report->found.tag && !strcmp(report->found.tag, reference->tag);
}

static void count(struct dd_verify_summary *summary, const struct dd_found *found)
{
	switch (dd_finding_severity(found->finding)) {
	case DD_SEVERITY_ERROR:
		summary->errors++;
		break;
	case DD_SEVERITY_WARNING:
		summary->warnings++;
		break;
	default:
		summary->notes++;
	}
	summary->unseen += found->finding == DD_FOUND_UNSEEN || found->finding == DD_FOUND_SYMLINK;
}

void dd_verify_settle(struct dd_verify *verify)
{
	struct dd_report *reports = verify->reports.items;
	size_t kept = 0;

	if (verify->reports.count)
		qsort(reports, verify->reports.count, sizeof(*reports), compare_reports);
	for (size_t i = 0; i < verify->reports.count; i++) {
		if (!concerns(verify, &reports[i]) ||
		    (kept && compare_reports(&reports[kept - 1], &reports[i]) == 0))
			continue;
		reports[kept++] = reports[i];
		count(&verify->summary, &reports[i].found);
	}
	verify->reports.count = kept;
}
