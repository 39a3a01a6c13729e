/*
 * A verification as JSON: schema/verify.json.
 */
#include <drydock/verify.h>

static void put_found(const struct dd_found *found, struct dd_json_out *out)
{
	enum dd_severity severity = dd_finding_severity(found->finding);

	dd_json_object(out, NULL);
	dd_json_text(out, "finding", dd_finding_name(found->finding));
	dd_json_text(out, "severity", dd_severity_name(severity));
	dd_json_text(out, "text", dd_finding_text(found->finding));
	dd_json_text(out, "repair", dd_finding_repair(found->finding));
	dd_json_text(out, "repository", found->repository);
	dd_json_text(out, "tag", found->tag);
	dd_json_digest(out, "digest", found->has_digest ? &found->digest : NULL);
	dd_json_digest(out, "other", found->has_other ? &found->other : NULL);
	dd_json_text(out, "path", found->path);
	dd_json_text(out, "expected", found->expected);
	dd_json_text(out, "found", found->found);
	dd_json_text(out, "detail", found->detail);
	dd_json_array(out, "images");
	for (size_t i = 0; i < found->image_count; i++)
		dd_json_text(out, NULL, found->images[i]);
	dd_json_end(out);
	dd_json_uint(out, "image_count", found->image_total);
	dd_json_end(out);
	dd_json_newline(out);
}

void dd_verify_json(const struct dd_verify *verify, struct dd_json_out *out)
{
	const struct dd_verify_summary *summary = dd_verify_get_summary(verify);

	for (size_t i = 0; i < dd_verify_get_count(verify) && !dd_json_failed(out); i++)
		put_found(dd_verify_get_found(verify, i), out);
	dd_json_object(out, NULL);
	dd_json_text(out, "command", "verify");
	dd_json_object(out, "summary");
	dd_json_bool(out, "complete", summary->complete);
	dd_json_bool(out, "quick", summary->quick);
	dd_json_time(out, "began", summary->began_ns);
	dd_json_time(out, "ended", summary->ended_ns);
	dd_json_uint(out, "reading_milliseconds", (uint64_t)summary->reading_ns / 1000000);
	dd_json_uint(out, "waited_milliseconds", (uint64_t)summary->waited_ns / 1000000);
	if (summary->oldest_ns)
		dd_json_time(out, "oldest_read", summary->oldest_ns);
	else
		dd_json_null(out, "oldest_read");
#define X(name, member, text) dd_json_uint(out, name, summary->member);
	DD_VERIFY_TOTALS(X)
#undef X
	dd_json_end(out);
	dd_json_end(out);
	dd_json_newline(out);
}
