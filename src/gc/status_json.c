/*
 * A status in JSON: schema/status.json.
 */
#include <drydock/units.h>

#include "gc/status.h"

static const char *const parts[] = {
#define X(constant, name) name,
	DD_STATUS_PARTS(X)
#undef X
};

static const char *const outcomes[DD_COLLECTION_OUTCOME_COUNT] = {
	[DD_COLLECTION_NEVER] = "never",
	[DD_COLLECTION_RUNNING] = "running",
	[DD_COLLECTION_DIED] = "died",
	[DD_COLLECTION_DONE] = "done",
	[DD_COLLECTION_ATTENTION] = "attention",
	[DD_COLLECTION_BRAKED] = "stopped",
	[DD_COLLECTION_INTERRUPTED] = "interrupted",
	[DD_COLLECTION_FAILED] = "failed",
};

const char *dd_status_part_name(enum dd_status_part part)
{
	return parts[part];
}

const char *dd_status_outcome_name(enum dd_status_outcome outcome)
{
	return outcomes[outcome];
}

static void put_time(struct dd_json_out *out, const char *key, int64_t ns)
{
	if (ns)
		dd_json_time(out, key, ns);
	else
		dd_json_null(out, key);
}

static void put_volume(const struct dd_status *status, struct dd_json_out *out)
{
	const struct dd_status_volume *volume = &status->volume;

	if (!volume->known) {
		dd_json_null(out, "volume");
		dd_json_null(out, "uploads");
		return;
	}
	dd_json_object(out, "volume");
	dd_json_bool(out, "estimated", !status->gc);
	dd_json_time(out, "seen", volume->seen_ns);
	dd_json_uint(out, "repositories", volume->repositories);
	dd_json_uint(out, "tags", volume->tags);
	dd_json_uint(out, "manifests", volume->manifests);
	dd_json_uint(out, "blobs", volume->blobs);
	dd_json_uint(out, "bytes", volume->bytes);
	dd_json_uint(out, "unsized_blobs", volume->unsized_blobs);
	dd_json_end(out);
	if (!status->gc) {
		dd_json_null(out, "uploads");
		return;
	}
	dd_json_object(out, "uploads");
	dd_json_uint(out, "count", volume->uploads);
	dd_json_uint(out, "bytes", volume->upload_bytes);
	put_time(out, "oldest", volume->oldest_upload_ns);
	dd_json_end(out);
}

static void put_space(const struct dd_status *status, struct dd_json_out *out)
{
	if (!status->space.size) {
		dd_json_null(out, "space");
		return;
	}
	dd_json_object(out, "space");
	dd_json_uint(out, "free", status->space.free);
	dd_json_uint(out, "size", status->space.size);
	dd_json_end(out);
}

static void put_collection(const struct dd_status *status, struct dd_json_out *out)
{
	const struct dd_collection *last = &status->collections.last;

	if (!last->began_ns) {
		dd_json_null(out, "collection");
	} else {
		dd_json_object(out, "collection");
		dd_json_text(out, "outcome", dd_status_outcome_name(status->outcome));
		dd_json_text(out, "run", last->run);
		dd_json_text(out, "made_by", last->command[0] ? last->command : NULL);
		dd_json_time(out, "began", last->began_ns);
		put_time(out, "ended", last->ended_ns);
		dd_json_text(out, "reason", last->reason[0] ? last->reason : NULL);
		if (last->ended_ns)
			dd_json_uint(out, "status", last->status);
		else
			dd_json_null(out, "status");
		if (last->ended_ns) {
			dd_json_object(out, "totals");
#define X(name, member) dd_json_uint(out, name, last->member);
			DD_COLLECTION_NUMBERS(X)
#undef X
			dd_json_end(out);
		} else {
			dd_json_null(out, "totals");
		}
		dd_json_end(out);
	}
	put_time(out, "last_success", status->collections.good_ns);
}

static void put_verification(const struct dd_status *status, struct dd_json_out *out)
{
	const struct dd_verify_run *run = &status->verification;

	if (!status->verified) {
		dd_json_null(out, "verification");
		return;
	}
	dd_json_object(out, "verification");
	dd_json_time(out, "began", run->began_ns);
	dd_json_time(out, "ended", run->ended_ns);
	dd_json_uint(out, "errors", run->errors);
	dd_json_uint(out, "read_blobs", run->read_blobs);
	dd_json_uint(out, "read_bytes", run->read_bytes);
	dd_json_uint(out, "left_blobs", run->left_blobs);
	dd_json_uint(out, "never_blobs", run->never_blobs);
	dd_json_uint(out, "unseen", run->unseen);
	put_time(out, "oldest", run->oldest_ns);
	dd_json_end(out);
}

static void put_plan(const struct dd_status *status, struct dd_json_out *out)
{
	const struct dd_gc_plan *plan = status->gc ? &status->gc->plan : NULL;

	if (!plan) {
		dd_json_null(out, "plan");
		dd_json_null(out, "holds");
		return;
	}
	dd_json_object(out, "plan");
	dd_json_bool(out, "estimated", plan->estimated);
	dd_json_uint(out, "items", plan->totals.items);
	dd_json_uint(out, "bytes", plan->totals.bytes);
	dd_json_uint(out, "untagged_items", plan->totals.untagged_items);
	dd_json_uint(out, "untagged_bytes", plan->totals.untagged_bytes);
	dd_json_uint(out, "young_items", plan->totals.young_items);
	dd_json_uint(out, "young_bytes", plan->totals.young_bytes);
	put_time(out, "young_until", plan->totals.young_until_ns);
	dd_json_uint(out, "held_bytes", plan->totals.held_bytes);
	dd_json_uint(out, "revivals", plan->revival_count);
	dd_json_uint(out, "unreadable", plan->totals.unreadable);
	dd_json_end(out);
	dd_json_array(out, "holds");
	for (size_t i = 0; i < plan->hold_count; i++)
		dd_hold_json(&plan->holds[i], out);
	dd_json_end(out);
}

static void put_run(const struct dd_status *status, const struct dd_run *run,
		    struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	dd_json_text(out, "run", run->name);
	dd_json_time(out, "began", run->began_ns);
	dd_json_text(out, "made_by", run->command);
	dd_json_uint(out, "objects", run->count);
	dd_json_uint(out, "bytes", dd_run_bytes(run));
	dd_json_time(out, "expires", dd_status_expires(status, run));
	dd_json_end(out);
}

static void put_trash(const struct dd_status *status, struct dd_json_out *out)
{
	if (!status->trash) {
		dd_json_null(out, "trash");
		return;
	}
	dd_json_object(out, "trash");
	dd_json_uint(out, "bytes", status->trash_bytes);
	dd_json_uint(out, "keep_seconds", (uint64_t)(status->trash_keep_ns / DD_SECOND));
	dd_json_array(out, "runs");
	for (size_t i = 0; i < status->trash->count; i++)
		put_run(status, &status->trash->runs[i], out);
	dd_json_end(out);
	dd_json_end(out);
}

static void put_holder(struct dd_json_out *out, const char *key, bool held, const char *holder,
		       int64_t since_ns)
{
	dd_json_object(out, key);
	dd_json_bool(out, "held", held);
	dd_json_text(out, "by", holder[0] ? holder : NULL);
	put_time(out, "since", since_ns);
	dd_json_end(out);
}

static void put_locks(const struct dd_status *status, struct dd_json_out *out)
{
	if (status->trouble[DD_PART_LOCK].code) {
		dd_json_null(out, "lock");
		dd_json_null(out, "server");
		return;
	}
	put_holder(out, "lock", status->locked, status->holder, status->locked_ns);
	put_holder(out, "server", status->served, status->server, status->served_ns);
}

static void put_problems(const struct dd_status *status, struct dd_json_out *out)
{
	dd_json_array(out, "problems");
	for (size_t i = 0; i < status->problem_count; i++) {
		const struct dd_problem *problem = &status->problems[i];

		dd_json_object(out, NULL);
		dd_json_text(out, "problem", dd_problem_name(problem->kind));
		dd_json_text(out, "text", dd_problem_text(problem->kind));
		dd_json_text(out, "detail", problem->detail);
		dd_json_text(out, "command", dd_problem_command(problem->kind));
		dd_json_end(out);
	}
	dd_json_end(out);
	dd_json_array(out, "trouble");
	for (size_t i = 0; i < DD_STATUS_PART_COUNT; i++) {
		const struct dd_error *trouble = &status->trouble[i];

		if (!trouble->code)
			continue;
		dd_json_object(out, NULL);
		dd_json_text(out, "part", dd_status_part_name((enum dd_status_part)i));
		dd_json_text(out, "text", trouble->text);
		dd_json_text(out, "hint", trouble->hint[0] ? trouble->hint : NULL);
		dd_json_end(out);
	}
	dd_json_end(out);
}

void dd_status_json(const struct dd_status *status, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	dd_json_text(out, "command", "status");
	dd_json_text(out, "root", status->root);
	dd_json_time(out, "now", status->now_ns);
	dd_json_bool(out, "quick", status->quick);
	put_volume(status, out);
	put_space(status, out);
	put_collection(status, out);
	put_verification(status, out);
	put_plan(status, out);
	put_trash(status, out);
	put_locks(status, out);
	put_problems(status, out);
	dd_json_end(out);
}
