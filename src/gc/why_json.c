/*
 * Answers as JSON: schema/why.json.
 */
#include "base/cleanup.h"
#include "gc/why.h"

static void put_place(struct dd_json_out *out, const struct dd_place *place)
{
	struct dd_place here = *place;
	DD_AUTOFREE char *path = NULL;

	here.run = NULL;
	dd_json_text(out, "kind", dd_place_kind_name(place->kind));
	if (dd_layout_path(&here, &path, NULL) == 0)
		dd_json_text(out, "path", path);
}

static void put_step(const struct dd_why_step *step, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	dd_json_digest(out, "digest", &step->digest);
	dd_json_text(out, "role", step->role);
	dd_json_text(out, "type", step->type);
	dd_json_text(out, "platform", step->platform);
	dd_json_end(out);
}

/* Nothing where no policy was given. */
static void put_verdict(const struct dd_policy *policy, const struct dd_tag_verdict *verdict,
			struct dd_json_out *out)
{
	char detail[DD_VERDICT_DETAIL];

	if (!policy || !verdict)
		return;
	dd_json_object(out, "policy");
	dd_json_bool(out, "kept", !dd_tag_verdict_goes(verdict->reason));
	dd_json_text(out, "reason", dd_tag_verdict_name(verdict->reason));
	if (verdict->rule == DD_NO_RULE)
		dd_json_null(out, "rule");
	else
		dd_json_uint(out, "rule", verdict->rule + 1);
	dd_tag_verdict_detail(policy, verdict, detail);
	dd_json_text(out, "detail", detail[0] ? detail : NULL);
	dd_json_end(out);
}

static void put_path(const struct dd_policy *policy, const struct dd_why_path *path,
		     struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	dd_json_text(out, "root", dd_why_root_name(path->root));
	dd_json_text(out, "repository", path->repository);
	dd_json_text(out, "tag", path->tag);
	put_verdict(policy, path->verdict, out);
	if (path->until_ns)
		dd_json_time(out, "until", path->until_ns);
	if (path->hold) {
		dd_json_text(out, "doubt", dd_doubt_name(path->hold->doubt));
		dd_json_digest(out, "doubtful",
			       path->hold->has_digest ? &path->hold->digest : NULL);
		dd_json_bool(out, "acknowledged", path->hold->acknowledged);
	}
	dd_json_array(out, "steps");
	for (size_t i = 0; i < path->count; i++)
		put_step(&path->steps[i], out);
	dd_json_end(out);
	dd_json_end(out);
}

static void put_going(const struct dd_why_going *going, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	put_place(out, &going->item.place);
	dd_json_text(out, "reason", dd_reason_name(going->item.reason));
	dd_json_uint(out, "bytes", going->item.bytes);
	dd_json_bool(out, "untagged", going->untagged);
	if (going->until_ns)
		dd_json_time(out, "until", going->until_ns);
	dd_json_end(out);
}

static void put_gone(const struct dd_why_gone *gone, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	put_place(out, &gone->item->place);
	dd_json_text(out, "run", gone->run->name);
	dd_json_time(out, "since", gone->run->began_ns);
	dd_json_text(out, "by", gone->run->command);
	dd_json_text(out, "reason", dd_reason_name(gone->item->reason));
	dd_json_uint(out, "bytes", gone->item->bytes);
	dd_json_end(out);
}

void dd_why_json(const struct dd_why *why, struct dd_json_out *out)
{
	static const char *const states[] = {
		[DD_WHY_KEPT] = "kept", [DD_WHY_GOES] = "goes", [DD_WHY_GONE] = "gone"
	};
	const struct dd_why_answer *answer = &why->answer;

	dd_json_object(out, NULL);
	dd_json_text(out, "command", "why");
	dd_json_text(out, "state", states[answer->state]);
	dd_json_text(out, "repository", answer->repository);
	dd_json_text(out, "tag", answer->tag);
	put_verdict(answer->policy, answer->verdict, out);
	dd_json_digest(out, "digest", answer->has_digest ? &answer->digest : NULL);
	dd_json_text(out, "type", answer->type);
	dd_json_bool(out, "present", answer->present);
	dd_json_bool(out, "sparse", answer->sparse);
	dd_json_uint(out, "bytes", answer->bytes);
	dd_json_uint(out, "path_total", answer->path_total);
	dd_json_array(out, "paths");
	for (size_t i = 0; i < answer->path_count && !dd_json_failed(out); i++)
		put_path(answer->policy, &answer->paths[i], out);
	dd_json_end(out);
	dd_json_array(out, "going");
	for (size_t i = 0; i < answer->going_count; i++)
		put_going(&answer->going[i], out);
	dd_json_end(out);
	dd_json_array(out, "gone");
	for (size_t i = 0; i < answer->gone_count; i++)
		put_gone(&answer->gone[i], out);
	dd_json_end(out);
	dd_json_uint(out, "unreadable", answer->unreadable);
	dd_json_end(out);
}

static void put_keepers(struct dd_json_out *out, const char *name,
			const struct dd_why_keeper *keepers, size_t count)
{
	dd_json_array(out, name);
	for (size_t i = 0; i < count && !dd_json_failed(out); i++) {
		const struct dd_why_keeper *keeper = &keepers[i];

		dd_json_object(out, NULL);
		dd_json_text(out, "repository", keeper->repository);
		dd_json_text(out, "tag", keeper->tag);
		dd_json_uint(out, "tags", keeper->tags);
		dd_json_digest(out, "digest", keeper->has_digest ? &keeper->digest : NULL);
		dd_json_uint(out, "bytes", keeper->bytes);
		if (keeper->step)
			dd_json_uint(out, "step", keeper->step);
		dd_json_end(out);
	}
	dd_json_end(out);
}

void dd_free_json(const struct dd_free *free, struct dd_json_out *out)
{
	const struct dd_free_answer *answer = dd_free_get(free);

	dd_json_object(out, NULL);
	dd_json_text(out, "command", "why");
	dd_json_object(out, "free");
	dd_json_uint(out, "tags", answer->tags);
	dd_json_uint(out, "manifests", answer->manifests);
	dd_json_uint(out, "blobs", answer->blobs);
	dd_json_uint(out, "bytes", answer->bytes);
	dd_json_uint(out, "linked_bytes", answer->linked_bytes);
	dd_json_uint(out, "kept_blobs", answer->kept_blobs);
	dd_json_uint(out, "kept_bytes", answer->kept_bytes);
	dd_json_uint(out, "held_bytes", answer->held_bytes);
	put_keepers(out, "keepers", answer->keepers, answer->keeper_count);
	dd_json_uint(out, "keeper_total", answer->keeper_total);
	put_keepers(out, "next", answer->next, answer->next_count);
	dd_json_uint(out, "next_total", answer->next_total);
	dd_json_end(out);
	dd_json_uint(out, "unreadable", answer->unreadable);
	dd_json_end(out);
}
