/*
 * The pass over repositories: what is in each, what it is called, and who owns the files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "verify/verify.h"

static int report(struct dd_verify *verify, uint32_t index, enum dd_finding finding,
		  const char *tag, const char *detail, struct dd_error *err)
{
	const struct dd_place place = {
		.kind = tag ? DD_IN_TAG : DD_IN_REPOSITORY,
		.repository = verify->survey->repositories.items[index]->name,
		.tag = tag,
	};

	return dd_verify_report(verify,
				&(struct dd_evidence){ .finding = finding,
						       .place = &place,
						       .id = DD_NO_ID,
						       .repository = index,
						       .detail = detail },
				err);
}

static bool has_manifests(const struct dd_repository *repo)
{
	for (size_t i = 0; i < repo->revisions.count; i++)
		if (repo->revisions.items[i].state != DD_LINK_ABSENT)
			return true;
	return repo->tags.count > 0;
}

static int judge_content(struct dd_verify *verify, uint32_t index, struct dd_error *err)
{
	const struct dd_repository *repo = verify->survey->repositories.items[index];

	/* What could not be listed may be what is missing. */
	if (has_manifests(repo) || repo->doubts.count || verify->survey->unreadable)
		return 0;
	if (repo->layers.count)
		return report(verify, index, DD_FOUND_REPOSITORY_INCOMPLETE, NULL, NULL, err);
	if (repo->uploads.count || repo->uploads_failed)
		return 0;
	return report(verify, index, DD_FOUND_REPOSITORY_EMPTY, NULL, NULL, err);
}

/* ---- names that differ in nothing but case ---- */

static int compare_names(const void *left, const void *right)
{
	return strcasecmp(*(const char *const *)left, *(const char *const *)right);
}

/* Sorts the names. */
static int judge_names(struct dd_verify *verify, const char **names, size_t count, uint32_t index,
		       bool tags, struct dd_error *err)
{
	int rc = 0;

	if (count)
		qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 1; i < count && rc == 0; i++) {
		char detail[600];

		if (strcasecmp(names[i - 1], names[i]))
			continue;
		snprintf(detail, sizeof(detail), "beside %s", names[i - 1]);
		rc = report(verify,
			    tags ? index : dd_survey_repository_index(verify->survey, names[i]),
			    DD_FOUND_NAME_CASE, tags ? names[i] : NULL, detail, err);
	}
	return rc;
}

static int judge_tag_names(struct dd_verify *verify, uint32_t index, struct dd_error *err)
{
	const struct dd_repository *repo = verify->survey->repositories.items[index];
	DD_AUTOFREE const char **names = malloc((repo->tags.count + 1) * sizeof(*names));

	if (!names)
		return dd_fail(err, DD_ENOMEM, 0, "compare names");
	for (size_t i = 0; i < repo->tags.count; i++)
		names[i] = repo->tags.items[i].name;
	return judge_names(verify, names, repo->tags.count, index, true, err);
}

static int judge_repository_names(struct dd_verify *verify, struct dd_error *err)
{
	size_t count = verify->survey->repositories.count;
	DD_AUTOFREE const char **names = malloc((count + 1) * sizeof(*names));

	if (!names)
		return dd_fail(err, DD_ENOMEM, 0, "compare names");
	for (size_t i = 0; i < count; i++)
		names[i] = verify->survey->repositories.items[i]->name;
	return judge_names(verify, names, count, 0, false, err);
}

/* ---- owners ---- */

/* One finding for each kind of them that is not as most are, with an example. */
static int judge_owners(struct dd_verify *verify, const struct dd_owners *owners,
			enum dd_finding finding, const char *what, struct dd_error *err)
{
	const struct dd_owner *usual = dd_owners_usual(owners);
	int rc = 0;

	for (size_t i = 0; i < owners->count && rc == 0; i++) {
		const struct dd_owner *kind = &owners->kinds[i];
		char expected[64], found[64], detail[64];

		if (kind == usual)
			continue;
		snprintf(expected, sizeof(expected), "%u:%u, mode %04o", usual->owner, usual->group,
			 usual->mode);
		snprintf(found, sizeof(found), "%u:%u, mode %04o", kind->owner, kind->group,
			 kind->mode);
		snprintf(detail, sizeof(detail), "%llu of these %s",
			 (unsigned long long)kind->count, what);
		rc = dd_verify_report(verify,
				      &(struct dd_evidence){ .finding = finding,
							     .place = kind->example,
							     .id = DD_NO_ID,
							     .repository = DD_NO_ID,
							     .expected = expected,
							     .found = found,
							     .detail = detail },
				      err);
	}
	return rc;
}

int dd_verify_repositories(struct dd_verify *verify, struct dd_error *err)
{
	int rc = judge_repository_names(verify, err);

	for (uint32_t i = 0; i < verify->survey->repositories.count && rc == 0; i++) {
		rc = judge_content(verify, i, err);
		if (rc == 0)
			rc = judge_tag_names(verify, i, err);
	}
	if (rc == 0)
		rc = judge_owners(verify, &verify->owners, DD_FOUND_OWNER_DIFFERS, "files", err);
	return rc < 0 ? rc :
			judge_owners(verify, &verify->directories, DD_FOUND_DIRECTORY_OWNER_DIFFERS,
				     "directories", err);
}
