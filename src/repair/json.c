/*
 * A repair in JSON: schema/repair.json.
 */
#include "repair/repair.h"

static void put_mend(const struct dd_mend *mend, struct dd_json_out *out)
{
	const struct dd_found *found = mend->found;

	dd_json_object(out, NULL);
	dd_json_text(out, "action", dd_mending_name(mend->mending));
	dd_json_text(out, "outcome", dd_mend_outcome_name(mend->outcome));
	dd_json_text(out, "finding", dd_finding_name(found->finding));
	dd_json_text(out, "severity", dd_severity_name(dd_finding_severity(found->finding)));
	dd_json_uint(out, "findings", mend->findings);
	dd_json_text(out, "repository", found->repository);
	dd_json_text(out, "tag", found->tag);
	dd_json_text(out, "path", mend->path);
	dd_json_digest(out, "digest", mend->has_digest ? &mend->digest : NULL);
	dd_json_text(out, "reason",
		     mend->mending == DD_MEND_WITHDRAW ? dd_reason_name(mend->reason) : NULL);
	dd_json_uint(out, "bytes", mend->bytes);
	dd_json_text(out, "from", mend->from);
	dd_json_text(out, "why", mend->why);
	dd_json_array(out, "offers");
	for (size_t i = 0; i < mend->offer_count; i++)
		dd_json_text(out, NULL, mend->offers[i]);
	dd_json_end(out);
	dd_json_array(out, "images");
	for (size_t i = 0; i < mend->image_count; i++)
		dd_json_text(out, NULL, mend->images[i]);
	dd_json_end(out);
	dd_json_uint(out, "image_count", mend->image_total);
	dd_json_end(out);
}

void dd_repair_json(const struct dd_repair *repair, struct dd_json_out *out)
{
	const struct dd_repair_plan *plan = dd_repair_get_plan(repair);

	dd_json_object(out, NULL);
	dd_json_text(out, "command", "repair");
	dd_json_bool(out, "applied", plan->applied);
	dd_json_text(out, "run", plan->run);
	dd_json_array(out, "steps");
	for (size_t i = 0; i < plan->count && !dd_json_failed(out); i++)
		put_mend(&plan->mends[i], out);
	dd_json_end(out);
	dd_json_object(out, "totals");
#define X(name, member, text) dd_json_uint(out, name, plan->member);
	DD_REPAIR_TOTALS(X)
#undef X
	dd_json_end(out);
	dd_json_end(out);
}
