/*
 * A policy's verdicts as JSON: schema/policy-test.json; in short, in schema/gc.json.
 */
#include "gc/plan.h"

static void put_rule(const struct dd_gc *gc, uint32_t at, struct dd_json_out *out)
{
	const struct dd_policy_rule *rule = dd_policy_get_rule(gc->options.policy, at);
	const struct dd_rule_count *count = &gc->retain.report.rules[at];

	dd_json_object(out, NULL);
	dd_json_uint(out, "rule", at + 1);
	dd_json_text(out, "name", rule->name);
	dd_json_uint(out, "line", rule->line);
	dd_json_text(out, "state",
		     !count->matches ? "matches-nothing" :
		     !count->tags    ? "unreachable" :
				       "used");
	dd_json_uint(out, "tags", count->tags);
	dd_json_end(out);
}

void dd_retain_put(const struct dd_gc *gc, struct dd_json_out *out)
{
	const struct dd_gc_retention *report = gc->plan.retention;

	if (!report) {
		dd_json_null(out, "policy");
		return;
	}
	dd_json_object(out, "policy");
	dd_json_uint(out, "tags", report->tag_count);
	dd_json_uint(out, "going", report->going);
	dd_json_array(out, "rules");
	for (uint32_t i = 0; i < dd_policy_count(gc->options.policy); i++)
		put_rule(gc, i, out);
	dd_json_end(out);
	dd_json_array(out, "without_tags");
	for (size_t i = 0; i < report->spared_count; i++)
		dd_json_text(out, NULL, report->spared[i]);
	dd_json_end(out);
	if (report->pulls_to_ns) {
		dd_json_time(out, "pulls_from", report->pulls_from_ns);
		dd_json_time(out, "pulls_to", report->pulls_to_ns);
	}
	if (report->left_bytes) {
		if (report->fit_bytes)
			dd_json_uint(out, "fit_bytes", report->fit_bytes);
		dd_json_uint(out, "left_bytes", report->left_bytes);
	}
	dd_json_end(out);
}

static void put_tag(const struct dd_gc *gc, size_t at, struct dd_json_out *out)
{
	char detail[DD_VERDICT_DETAIL];
	struct dd_gc_tag tag;

	dd_gc_get_tag(gc, at, &tag);
	dd_json_object(out, NULL);
	dd_json_text(out, "repository", tag.repository);
	dd_json_text(out, "tag", tag.tag);
	dd_json_digest(out, "digest", tag.has_digest ? &tag.digest : NULL);
	if (tag.pushed_ns)
		dd_json_time(out, "pushed", tag.pushed_ns);
	else
		dd_json_null(out, "pushed");
	if (tag.pulled_ns)
		dd_json_time(out, "pulled", tag.pulled_ns);
	else
		dd_json_null(out, "pulled");
	dd_json_bool(out, "kept", !dd_tag_verdict_goes(tag.verdict.reason));
	dd_json_text(out, "reason", dd_tag_verdict_name(tag.verdict.reason));
	if (tag.verdict.rule == DD_NO_RULE)
		dd_json_null(out, "rule");
	else
		dd_json_uint(out, "rule", tag.verdict.rule + 1);
	dd_tag_verdict_detail(gc->options.policy, &tag.verdict, detail);
	dd_json_text(out, "detail", detail[0] ? detail : NULL);
	dd_json_end(out);
}

void dd_gc_policy_json(const struct dd_gc *gc, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	dd_json_text(out, "command", "policy test");
	dd_retain_put(gc, out);
	dd_json_array(out, "tags");
	for (size_t i = 0; i < gc->retain.tags.count && !dd_json_failed(out); i++)
		put_tag(gc, i, out);
	dd_json_end(out);
	dd_json_uint(out, "bytes", gc->plan.totals.bytes);
	dd_json_end(out);
}
