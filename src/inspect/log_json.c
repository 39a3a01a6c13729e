/*
 * Histories as JSON: schema/history.json.
 */
#include <drydock/history.h>

static void put_time(const char *key, int64_t ns, struct dd_json_out *out)
{
	if (ns)
		dd_json_time(out, key, ns);
	else
		dd_json_null(out, key);
}

static void put_entries(const struct dd_history_tag *tag, struct dd_json_out *out)
{
	dd_json_array(out, "entries");
	for (size_t i = 0; i < tag->count; i++) {
		const struct dd_history_entry *entry = &tag->entries[i];

		dd_json_object(out, NULL);
		dd_json_digest(out, "digest", &entry->digest);
		dd_json_digest(out, "before",
			       i + 1 < tag->count ? &tag->entries[i + 1].digest : NULL);
		put_time("set", entry->set_ns, out);
		dd_json_text(out, "state", dd_history_state_name(entry->state));
		dd_json_end(out);
	}
	dd_json_end(out);
}

void dd_history_json(const struct dd_history *history, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	dd_json_text(out, "command", "log");
	dd_json_text(out, "repository", history->repository);
	dd_json_text(out, "tag", history->tag);
	dd_json_array(out, "tags");
	for (size_t i = 0; i < history->count && !dd_json_failed(out); i++) {
		const struct dd_history_tag *tag = &history->tags[i];

		dd_json_object(out, NULL);
		dd_json_text(out, "repository", tag->repository);
		dd_json_text(out, "tag", tag->tag);
		dd_json_digest(out, "digest", tag->has_digest ? &tag->digest : NULL);
		put_time("moved", tag->moved_ns, out);
		dd_json_uint(out, "digests", tag->count);
		dd_json_uint(out, "here", tag->here);
		dd_json_uint(out, "same", tag->same);
		dd_json_bool(out, "unclear", tag->unclear);
		dd_json_text(out, "problem", tag->problem);
		put_entries(tag, out);
		dd_json_end(out);
	}
	dd_json_end(out);
	dd_json_uint(out, "hidden", history->hidden);
	dd_json_object(out, "total");
	dd_json_uint(out, "tags", history->looked);
	dd_json_uint(out, "moved", history->moved);
	dd_json_uint(out, "never", history->never);
	dd_json_uint(out, "shared", history->shared);
	dd_json_end(out);
	dd_json_uint(out, "problems", history->problems);
	dd_json_end(out);
}
