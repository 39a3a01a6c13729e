/*
 * Asking whoever serves the volume, at the gate.
 */
#include <assert.h>
#include <string.h>

#include "change/change.h"

static int check_owner(struct dd_change *change, struct dd_error *err)
{
	char holder[DD_HOLDER_TEXT];
	bool owned;
	int rc = dd_store_look_at_owner_lock(change->store, &owned, holder, err);

	if (rc < 0 || !owned)
		return rc < 0 ? dd_wrap(err, rc, "look who serves the volume") : 0;
	rc = dd_fail(err, DD_EREFUSED, 0, "%s is served by %s, which alone may change it",
		     dd_store_get_root(change->store), holder[0] ? holder : "another process");
	dd_hint(err,
		"try again: drydock has it done by the daemon, unless that is just starting or "
		"ending");
	return rc;
}

int dd_change_pass_gate(struct dd_change *change, struct dd_error *err)
{
	const struct dd_gate *gate = dd_store_get_gate(change->store);
	int rc = 0;

	/* With the lock: nobody begins to serve the volume as long as we have it. */
	if (!gate)
		return check_owner(change, err);
	if (gate->begin)
		rc = gate->begin(gate->arg, &change->terms, err);
	if (rc == 0)
		change->gate = gate;
	return rc;
}

int dd_change_let_in(struct dd_change *change, bool open, struct dd_error *err)
{
	return change->gate && change->gate->let_in ?
		       change->gate->let_in(change->gate->arg, open, err) :
		       0;
}

int dd_change_outwait(struct dd_change *change, struct dd_error *err)
{
	int rc = dd_change_let_in(change, false, err);
	int open = dd_change_let_in(change, true, rc == 0 ? err : NULL);

	return rc < 0 ? rc : open;
}

/* Taken for its own sake, or because it does nobody any good: then no reader's lease keeps it. */
static bool is_named(const struct dd_item *item)
{
	/* Nobody is served by what a tag pointed to once; but what stays is to have its past. */
	if (item->place.kind == DD_AT_HISTORY)
		return item->reason != DD_REASON_HISTORY_DEAD;
	switch (item->reason) {
	case DD_REASON_REMOVED:
	case DD_REASON_DAMAGED:
	case DD_REASON_REPLACED:
	case DD_REASON_DUPLICATE:
		return true;
	default:
		return false;
	}
}

/* What protects a place, or what is written beside it. Returns how many of the two. */
static size_t keys_of(const struct dd_item *item, struct dd_gate_key keys[2])
{
	const struct dd_place *place = &item->place;
	struct dd_gate_key key = { .kind = DD_KEY_DIGEST,
				   .named = is_named(item),
				   .repository = place->repository,
				   .digest = place->digest };

	switch (place->kind) {
	case DD_AT_BLOB:
	case DD_AT_STRAY:
		key.kind = DD_KEY_BLOB;
		break;
	case DD_AT_UPLOAD:
	case DD_AT_STARTEDAT:
		key.kind = DD_KEY_UPLOAD;
		key.name = place->upload;
		break;
	case DD_AT_TAG:
		/* Whoever moves it pins its name; whoever pulls by it has leased what it leads to. */
		keys[1] = key;
		key.kind = DD_KEY_TAG;
		key.name = place->tag;
		keys[0] = key;
		return place->digest.alg < DD_ALGORITHM_COUNT && !place->beside &&
				       dd_digest_start(&place->digest) ?
			       2 :
			       1;
	default:
		break;
	}
	keys[0] = key;
	return 1;
}

int dd_change_ask(struct dd_change *change, const struct dd_item *items, size_t count,
		  bool *granted, struct dd_error *err)
{
	struct dd_gate_key keys[DD_GATE_MAX];
	bool one_by_one[DD_GATE_MAX];
	size_t ends[DD_CHANGE_ASK], asked = 0, at = 0;
	int rc;

	assert(count <= DD_CHANGE_ASK);
	for (size_t i = 0; i < count; i++) {
		granted[i] = true;
		asked += keys_of(&items[i], keys + asked);
		ends[i] = asked;
	}
	if (!change->gate || !change->gate->hold || !count)
		return 0;
	change->holding = true;
	change->held += count;
	rc = change->gate->hold(change->gate->arg, keys, asked, one_by_one, err);
	if (rc < 0)
		return dd_wrap(err, rc, "ask whether objects may go");
	for (size_t i = 0; i < count; i++)
		for (; at < ends[i]; at++)
			granted[i] &= one_by_one[at];
	return 0;
}

int dd_change_ask_one(struct dd_change *change, const struct dd_item *item, struct dd_error *err)
{
	bool granted = true;
	int rc = 0;

	/* Somebody may be waiting for the first of them. */
	if (change->holding && change->held >= DD_CHANGE_ASK)
		rc = dd_change_sync(change, err);
	if (rc == 0)
		rc = dd_change_ask(change, item, 1, &granted, err);
	if (rc < 0 || granted)
		return rc;
	return dd_fail(err, DD_EAGAIN, 0, "%s is leased: a client was told of it",
		       dd_place_kind_name(item->place.kind));
}

int dd_change_give_back(struct dd_change *change, struct dd_error *err)
{
	if (!change->holding)
		return 0;
	change->holding = false;
	change->held = 0;
	return change->gate->give_back ? change->gate->give_back(change->gate->arg, err) : 0;
}

/* What is taken for another's only makes collections more careful. */
void dd_change_tell(struct dd_change *change, const struct dd_place *place)
{
	struct dd_trace trace;
	struct dd_info info;

	if (!change->gate || !change->gate->wrote ||
	    dd_store_stat(change->store, place, &info, NULL) < 0)
		return;
	trace = (struct dd_trace){ dd_stamp_sum(&info.stamp), dd_stamp_time(&info.stamp) };
	change->gate->wrote(change->gate->arg, &trace, 1, NULL);
}

int dd_change_show(struct dd_change *change, const struct dd_trace *traces, size_t count,
		   int64_t *least_grace_ns, struct dd_error *err)
{
	int rc = 0;

	*least_grace_ns = 0;
	for (size_t at = 0;
	     change->gate && change->gate->show && at < count && rc == 0 && !*least_grace_ns;
	     at += DD_GATE_MAX)
		rc = change->gate->show(change->gate->arg, traces + at,
					count - at < DD_GATE_MAX ? count - at : DD_GATE_MAX,
					least_grace_ns, err);
	return rc;
}

void dd_change_leave_gate(struct dd_change *change)
{
	if (change->gate && change->gate->end)
		change->gate->end(change->gate->arg);
	change->gate = NULL;
}

/* Nobody waits any more for what went, once that is on the disk. */
int dd_change_sync(struct dd_change *change, struct dd_error *err)
{
	int rc;

	do
		rc = dd_store_sync(change->store, err);
	while (rc < 0 && dd_change_made_room(change, rc, err));
	/* What could not be synced is where it is all the same: nobody is to wait for it. */
	if (rc < 0)
		dd_change_give_back(change, NULL);
	else
		rc = dd_change_give_back(change, err);
	return rc < 0 ? dd_wrap(err, rc, "run %s", change->run) : 0;
}
