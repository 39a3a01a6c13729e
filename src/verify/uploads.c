/*
 * The pass over what is unfinished: uploads, and the files of a crash.
 */
#include <stdio.h>

#include "verify/verify.h"

/* A registry that is at work has such files for a moment. */
#define TEMP_STALE (60 * DD_SECOND)

static int judge_upload(struct dd_verify *verify, uint32_t index, const struct dd_upload *upload,
			struct dd_error *err)
{
	const struct dd_place place = {
		.kind = upload->has_data ? DD_AT_UPLOAD : DD_AT_STARTEDAT,
		.repository = verify->survey->repositories.items[index]->name,
		.upload = upload->id,
	};
	int64_t began = upload->began_ns ? upload->began_ns : upload->newest_ns;
	struct dd_evidence evidence = { .finding = DD_FOUND_UPLOAD_STALE,
					.place = &place,
					.id = DD_NO_ID,
					.repository = index };
	char when[DD_UNIT_TEXT], detail[96];

	snprintf(detail, sizeof(detail), "begun %s, %llu bytes", dd_time_format_utc(began, when),
		 (unsigned long long)upload->bytes);
	evidence.detail = detail;
	if (verify->now_ns - upload->newest_ns < TEMP_STALE)
		return 0;
	if (!upload->began_ns)
		evidence.finding = DD_FOUND_UPLOAD_NO_START;
	else if (verify->now_ns - began < DD_VERIFY_UPLOAD_STALE)
		return 0;
	return dd_verify_report(verify, &evidence, err);
}

static int judge_temp(struct dd_verify *verify, const struct dd_temp *temp, struct dd_error *err)
{
	if (verify->now_ns - temp->info.mtime_ns < TEMP_STALE)
		return 0;
	return dd_verify_report(verify,
				&(struct dd_evidence){ .finding = DD_FOUND_TEMP_LEFT,
						       .place = &temp->place,
						       .id = DD_NO_ID,
						       .repository = DD_NO_ID },
				err);
}

int dd_verify_uploads(struct dd_verify *verify, struct dd_error *err)
{
	const struct dd_survey *survey = verify->survey;
	int rc = 0;

	for (uint32_t i = 0; i < survey->repositories.count && rc == 0; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];

		for (size_t k = 0; k < repo->uploads.count && rc == 0; k++)
			rc = judge_upload(verify, i, &repo->uploads.items[k], err);
	}
	for (size_t i = 0; i < survey->temps.count && rc == 0; i++)
		rc = judge_temp(verify, &survey->temps.items[i], err);
	return rc;
}
