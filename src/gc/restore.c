/*
 * A restore's life, what is in its plan, and what may become of that.
 */
#include <search.h>
#include <stdlib.h>

#include "gc/restore.h"

static const struct {
	const char *name, *text;
	bool person;
} outcomes[] = {
#define X(constant, name, person, text) { name, text, person },
	DD_OUTCOMES(X)
#undef X
};

const char *dd_outcome_name(enum dd_outcome outcome)
{
	return outcomes[outcome].name;
}

const char *dd_outcome_text(enum dd_outcome outcome)
{
	return outcomes[outcome].text;
}

bool dd_outcome_needs_person(enum dd_outcome outcome)
{
	return outcomes[outcome].person;
}

int dd_restore_open(struct dd_context *ctx, struct dd_store *store, struct dd_restore **out,
		    struct dd_error *err)
{
	struct dd_restore *restore = calloc(1, sizeof(*restore));

	*out = restore;
	if (!restore)
		return dd_fail(err, DD_ENOMEM, 0, "restore");
	restore->ctx = ctx;
	restore->store = store;
	return dd_manifest_parser_open(&restore->parser, err);
}

int dd_restore_step(const struct dd_place *place)
{
	static const int steps[DD_PLACE_COUNT] = {
		[DD_AT_BLOB] = 0,      [DD_AT_LAYER] = 1,     [DD_AT_TARSUM] = 1,
		[DD_AT_REVISION] = 2,  [DD_AT_HISTORY] = 3,   [DD_AT_UPLOAD] = 5,
		[DD_AT_STARTEDAT] = 5, [DD_AT_SIGNATURE] = 1, [DD_AT_TAG] = 4,
	};

	return place->beside ? 6 : steps[place->kind];
}

int dd_restore_turn(const struct dd_restored *item)
{
	if (item->put)
		return -1 - dd_restore_step(&item->place) - (item->place.kind == DD_AT_TAG ? 9 : 0);
	return item->dress ? 9 : dd_restore_step(&item->place);
}

void dd_restore_count(struct dd_restore *restore)
{
	struct dd_restore_plan *plan = &restore->plan;

	plan->items = restore->items.items;
	plan->count = restore->items.count;
	plan->back = plan->bytes = plan->unresolved = plan->taken = plan->reset = 0;
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->items[i].outcome == DD_OUTCOME_BACK) {
			plan->back++;
			plan->bytes += plan->items[i].bytes;
		}
		plan->taken += plan->items[i].outcome == DD_OUTCOME_TAKEN;
		plan->reset += plan->items[i].outcome == DD_OUTCOME_RESET;
		plan->unresolved += dd_outcome_needs_person(plan->items[i].outcome);
	}
}

/*
 * Whether what a link names was gone already when it went. Where a damaged journal does not tell, a
 * layer link gets the benefit: one that dangles harms nothing, and the next collection takes it.
 */
static bool dangled(const struct dd_item *item)
{
	return item->reason == DD_REASON_LINK_DANGLING || dd_reason_damage(item->reason) ||
	       (item->reason == DD_REASON_UNREFERENCED && item->place.kind == DD_AT_LAYER);
}

int dd_restore_take(struct dd_restore *restore, struct dd_object *object,
		    const struct dd_digest *needed_by, struct dd_error *err)
{
	struct dd_restored *item;

	if (object->taken)
		return 0;
	item = dd_list_add(&restore->items);
	if (!item)
		return dd_fail(err, DD_ENOMEM, 0, "plan what comes back");
	object->taken = true;
	item->place = object->item->place;
	item->bytes = object->item->bytes;
	item->outcome = DD_OUTCOME_BACK;
	item->dangled = dangled(object->item);
	item->damage = dd_reason_damage(object->item->reason);
	item->fresh = !item->damage && !(object->run == restore->run && object->run->mended);
	item->reason = object->item->reason;
	item->needed = needed_by != NULL;
	if (needed_by)
		item->needed_by = *needed_by;
	return 0;
}

int dd_restore_take_put(struct dd_restore *restore, const struct dd_put *put,
			enum dd_outcome outcome, struct dd_error *err)
{
	struct dd_restored *item = dd_list_add(&restore->items);

	if (!item)
		return dd_fail(err, DD_ENOMEM, 0, "plan what comes back");
	item->place = put->place;
	item->bytes = put->bytes;
	item->put = put;
	/* By whoever undid a collection of it, or by a client: who was told that it is there keeps it. */
	item->outcome = put->again ? DD_OUTCOME_AGAIN : outcome;
	return 0;
}

int dd_restore_take_dress(struct dd_restore *restore, const struct dd_dress *dress,
			  struct dd_error *err)
{
	struct dd_restored *item = dd_list_add(&restore->items);

	if (!item)
		return dd_fail(err, DD_ENOMEM, 0, "plan what comes back");
	item->place = dress->place;
	item->dress = dress;
	item->outcome = DD_OUTCOME_RESET;
	return 0;
}

const struct dd_restore_plan *dd_restore_get_plan(const struct dd_restore *restore)
{
	return &restore->plan;
}

void dd_restore_close(struct dd_restore *restore)
{
	if (!restore)
		return;
	tdestroy(restore->asked, free);
	dd_list_release(&restore->items);
	dd_list_release(&restore->visits);
	dd_manifest_parser_close(restore->parser);
	dd_buffer_release(&restore->buffer);
	dd_trash_index_release(&restore->index);
	dd_trash_release(&restore->trash);
	free(restore);
}

void dd_restore_closep(struct dd_restore **restore)
{
	dd_restore_close(*restore);
	*restore = NULL;
}
