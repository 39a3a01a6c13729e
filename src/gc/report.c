/*
 * The plan as JSON: schema/gc.json.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "gc/plan.h"

/* nameless: what it points to is not known */
static void put_named(struct dd_json_out *out, const struct dd_place *place, bool nameless)
{
	DD_AUTOFREE char *path = NULL;
	bool names_digest = place->kind == DD_AT_BLOB || place->kind == DD_AT_LAYER ||
			    place->kind == DD_AT_REVISION || place->kind == DD_AT_HISTORY ||
			    place->kind == DD_AT_TAG;

	dd_json_text(out, "kind",
		     place->beside		    ? "temp" :
		     place->kind == DD_AT_STARTEDAT ? dd_place_kind_name(DD_AT_UPLOAD) :
						      dd_place_kind_name(place->kind));
	if (dd_layout_path(place, &path, NULL) == 0)
		dd_json_text(out, "path", path);
	dd_json_text(out, "repository", place->repository);
	dd_json_text(out, "tag", place->tag);
	dd_json_digest(out, "digest", names_digest && !nameless ? &place->digest : NULL);
}

static void put_place(struct dd_json_out *out, const struct dd_place *place)
{
	put_named(out, place, false);
}

static void put_items(const struct dd_gc *gc, struct dd_json_out *out)
{
	dd_json_array(out, "items");
	for (size_t i = 0; i < gc->plan.item_count && !dd_json_failed(out); i++) {
		struct dd_item item;

		dd_gc_get_item(gc, i, &item);
		dd_json_object(out, NULL);
		put_place(out, &item.place);
		dd_json_text(out, "reason", dd_reason_name(item.reason));
		dd_json_uint(out, "bytes", item.bytes);
		dd_json_uint(out, "freed", item.links > 1 ? 0 : item.bytes);
		dd_json_end(out);
	}
	dd_json_end(out);
}

static void put_young(const struct dd_gc *gc, struct dd_json_out *out)
{
	dd_json_array(out, "young");
	for (size_t i = 0; i < gc->plan.young_count && !dd_json_failed(out); i++) {
		struct dd_young young;

		dd_gc_get_young(gc, i, &young);
		dd_json_object(out, NULL);
		put_place(out, &young.place);
		dd_json_uint(out, "bytes", young.bytes);
		dd_json_time(out, "until", young.until_ns);
		dd_json_end(out);
	}
	dd_json_end(out);
}

int dd_hold_release(const struct dd_hold *hold, char **text)
{
	const char *pattern = dd_doubt_release(hold->doubt), *gap = strstr(pattern, "%s");
	DD_CLEANUP(dd_text_release) struct dd_text made = { 0 };
	int rc = dd_text_add(&made, pattern, gap ? (size_t)(gap - pattern) : strlen(pattern));

	*text = NULL;
	if (rc == 0 && gap)
		rc = dd_text_printf(&made, "%s@%s%s", hold->repository ? hold->repository : "?",
				    dd_digest_text(&hold->digest), gap + 2);
	if (rc == 0)
		*text = dd_text_take(&made);
	return rc;
}

void dd_hold_json(const struct dd_hold *hold, struct dd_json_out *out)
{
	DD_AUTOFREE char *release = NULL;

	dd_json_object(out, NULL);
	dd_json_text(out, "doubt", dd_doubt_name(hold->doubt));
	dd_json_text(out, "reason", dd_doubt_text(hold->doubt));
	dd_json_text(out, "detail", hold->detail);
	dd_json_text(out, "repository", hold->repository);
	dd_json_digest(out, "digest", hold->has_digest ? &hold->digest : NULL);
	dd_json_bool(out, "everything", hold->everything);
	dd_json_bool(out, "acknowledged", hold->acknowledged);
	if (dd_hold_release(hold, &release) == 0)
		dd_json_text(out, "release", release);
	dd_json_end(out);
}

static void put_lists(const struct dd_gc_plan *plan, struct dd_json_out *out)
{
	dd_json_array(out, "holds");
	for (size_t i = 0; i < plan->hold_count; i++)
		dd_hold_json(&plan->holds[i], out);
	dd_json_end(out);
	dd_json_array(out, "revivals");
	for (size_t i = 0; i < plan->revival_count; i++) {
		dd_json_object(out, NULL);
		put_place(out, &plan->revivals[i].place);
		dd_json_text(out, "run", plan->revivals[i].place.run);
		dd_json_text(out, "why", plan->revivals[i].changed ? "changed" : "reachable");
		dd_json_end(out);
	}
	dd_json_end(out);
	dd_json_array(out, "emptied");
	for (size_t i = 0; i < plan->emptied_count; i++)
		dd_json_text(out, NULL, plan->emptied[i]);
	dd_json_end(out);
	dd_json_bool(out, "estimated", plan->estimated);
	dd_json_array(out, "strange");
	for (size_t i = 0; i < plan->strange_count; i++)
		dd_json_text(out, NULL, plan->strange[i]);
	dd_json_end(out);
	dd_json_array(out, "unread");
	for (size_t i = 0; i < plan->unread_count; i++)
		dd_json_text(out, NULL, plan->unread[i]);
	dd_json_end(out);
}

static void put_left(const struct dd_gc_plan *plan, struct dd_json_out *out)
{
	dd_json_array(out, "left");
	for (size_t i = 0; i < plan->left_count && !dd_json_failed(out); i++) {
		dd_json_object(out, NULL);
		put_place(out, &plan->left[i].place);
		dd_json_uint(out, "bytes", plan->left[i].bytes);
		dd_json_text(out, "why", dd_left_name(plan->left[i].why));
		dd_json_end(out);
	}
	dd_json_end(out);
}

static void put_refusals(const struct dd_gc_plan *plan, struct dd_json_out *out)
{
	dd_json_array(out, "refused");
	for (size_t i = 0; i < plan->refusal_count && !dd_json_failed(out); i++) {
		dd_json_object(out, NULL);
		put_named(out, plan->refusals[i].place, plan->refusals[i].place->kind == DD_AT_TAG);
		dd_json_text(out, "why", plan->refusals[i].why);
		dd_json_end(out);
	}
	dd_json_end(out);
}

/* Runs that leave the trash for good; this one has no name before it began. */
static void put_expiring(const struct dd_gc_plan *plan, struct dd_json_out *out)
{
	dd_json_array(out, "expiring");
	for (size_t i = 0; i < plan->expiring_count; i++) {
		const struct dd_emptied *run = &plan->expiring[i];

		dd_json_object(out, NULL);
		dd_json_text(out, "run", run->run[0] ? run->run : NULL);
		dd_json_uint(out, "objects", run->objects);
		dd_json_uint(out, "bytes", run->bytes);
		dd_json_text(out, "why", dd_expiry_name(run->why));
		dd_json_bool(out, "removed", run->removed);
		dd_json_end(out);
	}
	dd_json_end(out);
	dd_json_bool(out, "trash_doubted", plan->trash_doubted);
	dd_json_uint(out, "short_bytes", plan->short_bytes);
}

static void put_totals(const struct dd_gc_totals *totals, struct dd_json_out *out)
{
	dd_json_object(out, "totals");
#define X(name, member) dd_json_uint(out, name, totals->member);
	DD_GC_TOTALS(X)
#undef X
	if (totals->young_until_ns)
		dd_json_time(out, "young_until", totals->young_until_ns);
	dd_json_end(out);
}

void dd_gc_json(const struct dd_gc *gc, struct dd_json_out *out)
{
	const struct dd_gc_plan *plan = &gc->plan;

	dd_json_object(out, NULL);
	dd_json_text(out, "command",
		     gc->options.object_count ? "find" :
		     gc->options.remove_count ? "rm" :
						"gc");
	dd_json_bool(out, "applied", plan->applied);
	dd_json_bool(out, "purged", plan->purged);
	dd_json_text(out, "brake", plan->brake);
	dd_json_text(out, "run", plan->applied && plan->totals.withdrawn_items ? plan->run : NULL);
	put_items(gc, out);
	put_young(gc, out);
	put_lists(plan, out);
	if (dd_gc_is_removal(&gc->options))
		put_refusals(plan, out);
	if (!dd_gc_is_removal(&gc->options)) {
		put_left(plan, out);
		put_expiring(plan, out);
		dd_retain_put(gc, out);
	}
	put_totals(&plan->totals, out);
	dd_json_end(out);
}
