/*
 * The trash in JSON: schema/trash.json.
 */
#include <stdlib.h>

#include <drydock/restore.h>

static const char *const states[] = {
	[DD_RUN_DONE] = "done",
	[DD_RUN_INTERRUPTED] = "interrupted",
	[DD_RUN_DAMAGED] = "damaged",
};

const char *dd_run_state_name(enum dd_run_state state)
{
	return states[state];
}

static bool has_digest(const struct dd_place *place)
{
	return !place->beside && place->kind != DD_AT_UPLOAD && place->kind != DD_AT_STARTEDAT;
}

/* An upload is one thing, whichever of its files it is known by. */
static const char *kind_name(const struct dd_place *place)
{
	if (place->beside)
		return "temp";
	return dd_place_kind_name(place->kind == DD_AT_STARTEDAT ? DD_AT_UPLOAD : place->kind);
}

/* The members of an object that say which one it is. */
static void write_place(const struct dd_place *place, struct dd_json_out *out)
{
	struct dd_place in_volume = *place;
	char *path = NULL;
	bool blob = place->kind == DD_AT_BLOB;

	in_volume.run = NULL;
	dd_layout_path(&in_volume, &path, NULL);
	dd_json_text(out, "kind", kind_name(place));
	dd_json_text(out, "path", path);
	dd_json_text(out, "repository", blob ? NULL : place->repository);
	dd_json_text(out, "tag", blob || place->kind != DD_AT_HISTORY ? NULL : place->tag);
	dd_json_digest(out, "digest", has_digest(place) ? &place->digest : NULL);
	free(path);
}

static void write_run(const struct dd_run *run, struct dd_json_out *out)
{
	uint64_t changed = 0;

	for (size_t i = 0; i < run->count; i++)
		changed += run->changed[i];
	dd_json_text(out, "run", run->name);
	dd_json_time(out, "began", run->began_ns);
	dd_json_text(out, "state", dd_run_state_name(run->state));
	dd_json_text(out, "made_by", run->command);
	dd_json_uint(out, "objects", run->count);
	dd_json_uint(out, "bytes", dd_run_bytes(run));
	dd_json_uint(out, "changed", changed);
	dd_json_uint(out, "gone", run->gone);
	dd_json_uint(out, "put", run->put_count);
	dd_json_uint(out, "owners_set", run->dress_count);
}

void dd_trash_json(const struct dd_trash *trash, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	dd_json_text(out, "command", "trash list");
	dd_json_array(out, "runs");
	for (size_t i = 0; i < trash->count; i++) {
		dd_json_object(out, NULL);
		write_run(&trash->runs[i], out);
		dd_json_end(out);
	}
	dd_json_end(out);
	dd_json_end(out);
}

void dd_run_json(const struct dd_run *run, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	dd_json_text(out, "command", "trash show");
	write_run(run, out);
	dd_json_array(out, "items");
	for (size_t i = 0; i < run->count; i++) {
		dd_json_object(out, NULL);
		write_place(&run->items[i].place, out);
		dd_json_text(out, "reason", dd_reason_name(run->items[i].reason));
		dd_json_uint(out, "bytes", run->items[i].bytes);
		dd_json_bool(out, "changed", run->changed[i]);
		dd_json_end(out);
	}
	dd_json_end(out);
	dd_json_array(out, "puts");
	for (size_t i = 0; i < run->put_count; i++) {
		dd_json_object(out, NULL);
		write_place(&run->puts[i].place, out);
		dd_json_bool(out, "replaces", run->puts[i].replaces);
		dd_json_uint(out, "bytes", run->puts[i].bytes);
		dd_json_end(out);
	}
	dd_json_end(out);
	dd_json_end(out);
}

void dd_restore_json(const struct dd_restore *restore, struct dd_json_out *out)
{
	const struct dd_restore_plan *plan = dd_restore_get_plan(restore);

	dd_json_object(out, NULL);
	dd_json_text(out, "command", "trash restore");
	dd_json_text(out, "run", plan->run);
	dd_json_bool(out, "applied", plan->applied);
	dd_json_array(out, "items");
	for (size_t i = 0; i < plan->count; i++) {
		const struct dd_restored *item = &plan->items[i];

		dd_json_object(out, NULL);
		write_place(&item->place, out);
		dd_json_text(out, "run", item->place.run);
		dd_json_uint(out, "bytes", item->bytes);
		dd_json_text(out, "outcome", dd_outcome_name(item->outcome));
		dd_json_bool(out, "needs_person", dd_outcome_needs_person(item->outcome));
		dd_json_digest(out, "needed_by", item->needed ? &item->needed_by : NULL);
		dd_json_end(out);
	}
	dd_json_end(out);
	dd_json_object(out, "totals");
	dd_json_uint(out, "back", plan->back);
	dd_json_uint(out, "bytes", plan->bytes);
	dd_json_uint(out, "taken_away", plan->taken);
	dd_json_uint(out, "set_back", plan->reset);
	dd_json_uint(out, "unresolved", plan->unresolved);
	dd_json_uint(out, "emptied_runs", plan->emptied_runs);
	dd_json_end(out);
	dd_json_end(out);
}

void dd_empty_json(const struct dd_empty *empty, struct dd_json_out *out)
{
	const struct dd_empty_plan *plan = dd_empty_get_plan(empty);

	dd_json_object(out, NULL);
	dd_json_text(out, "command", "trash empty");
	dd_json_bool(out, "applied", plan->applied);
	dd_json_array(out, "runs");
	for (size_t i = 0; i < plan->count; i++) {
		dd_json_object(out, NULL);
		dd_json_text(out, "run", plan->runs[i].run);
		dd_json_uint(out, "objects", plan->runs[i].objects);
		dd_json_uint(out, "bytes", plan->runs[i].bytes);
		dd_json_text(out, "why", dd_expiry_name(plan->runs[i].why));
		dd_json_bool(out, "removed", plan->runs[i].removed);
		dd_json_end(out);
	}
	dd_json_end(out);
	dd_json_array(out, "revivals");
	for (size_t i = 0; i < plan->revival_count; i++) {
		dd_json_object(out, NULL);
		write_place(&plan->revivals[i].place, out);
		dd_json_text(out, "run", plan->revivals[i].place.run);
		dd_json_bool(out, "changed", plan->revivals[i].changed);
		dd_json_end(out);
	}
	dd_json_end(out);
	dd_json_object(out, "totals");
	dd_json_uint(out, "bytes", plan->bytes);
	dd_json_uint(out, "kept", plan->kept);
	dd_json_uint(out, "short_bytes", plan->short_bytes);
	dd_json_end(out);
	dd_json_end(out);
}
