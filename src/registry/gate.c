/*
 * Answering at the gate.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "registry/gate.h"

struct dd_watch_gate {
	struct dd_gate gate;
	struct dd_watch *watch;
	uint64_t mark; /* 0: no change has begun */
	DD_LIST(struct dd_digest) held;
};

static int say_deleting(struct dd_error *err)
{
	return dd_fail(err, DD_ELOCKED, 0, "a deletion by a client is under way");
}

static int begin(void *arg, struct dd_gate_terms *terms, struct dd_error *err)
{
	struct dd_watch_gate *gate = arg;
	struct dd_watch *watch = gate->watch;
	int64_t quiet = dd_leases_quiet(watch->leases);

	/* Those that began beside the run before: this one ends what is half done. */
	if (!dd_beside_wait(watch->beside))
		return say_deleting(err);
	if (atomic_exchange(&watch->collecting, true))
		return dd_fail(err, DD_ELOCKED, 0, "another run is under way");
	gate->mark = dd_leases_begin_mark(watch->leases);
	*terms = (struct dd_gate_terms){
		.quiet_until_ns = quiet ? dd_time_after(dd_time_now(), quiet) : 0,
		.least_grace_ns = watch->foreign ? DD_GATE_FOREIGN_GRACE : 0,
		.since_ns = dd_written_since(watch->written),
	};
	return 0;
}

static int let_in(void *arg, bool open, struct dd_error *err)
{
	struct dd_watch_gate *gate = arg;

	if (!gate->mark)
		return 0;
	dd_beside_let_in(gate->watch->beside, open);
	return open || dd_beside_wait(gate->watch->beside) ? 0 : say_deleting(err);
}

/* As the leases know it. */
static void digest_of(const struct dd_gate_key *key, struct dd_digest *digest)
{
	*digest = key->digest;
	if (key->kind == DD_KEY_TAG)
		dd_lease_name(DD_LEASE_TAG, key->name, digest);
	else if (key->kind == DD_KEY_UPLOAD)
		dd_lease_name(DD_LEASE_UPLOAD, key->name, digest);
}

static int hold(void *arg, const struct dd_gate_key *keys, size_t count, bool *granted,
		struct dd_error *err)
{
	struct dd_watch_gate *gate = arg;
	/* What it saw deleted has to stay so. */
	bool may_go = gate->mark && dd_beside_wait(gate->watch->beside);

	for (size_t i = 0; i < count; i++) {
		const char *repository = keys[i].kind == DD_KEY_BLOB ? NULL : keys[i].repository;
		/* Room first: what is held must be known to be given back. */
		struct dd_digest *held = dd_list_add(&gate->held);

		if (!held)
			return dd_fail(err, DD_ENOMEM, 0, "hold what is to go");
		digest_of(&keys[i], held);
		granted[i] = may_go && dd_leases_hold(gate->watch->leases, gate->mark, repository,
						      held, keys[i].named);
		gate->held.count -= !granted[i];
		if (granted[i] && repository && gate->watch->taken)
			gate->watch->taken(gate->watch->arg, repository);
	}
	return 0;
}

static int give_back(void *arg, struct dd_error *err)
{
	struct dd_watch_gate *gate = arg;

	(void)err;
	for (size_t i = 0; i < gate->held.count; i++)
		dd_leases_give_back(gate->watch->leases, &gate->held.items[i]);
	gate->held.count = 0;
	return 0;
}

static int show(void *arg, const struct dd_trace *traces, size_t count, int64_t *least_grace_ns,
		struct dd_error *err)
{
	struct dd_watch *watch = ((struct dd_watch_gate *)arg)->watch;

	(void)err;
	for (size_t i = 0; i < count && !watch->foreign; i++) {
		if (dd_written_is_ours(watch->written, &traces[i]))
			continue;
		if (!atomic_exchange(&watch->foreign, true) && watch->noticed)
			watch->noticed(watch->arg);
	}
	*least_grace_ns = watch->foreign ? DD_GATE_FOREIGN_GRACE : 0;
	return 0;
}

static int wrote(void *arg, const struct dd_trace *traces, size_t count, struct dd_error *err)
{
	struct dd_watch_gate *gate = arg;

	(void)err;
	for (size_t i = 0; i < count; i++)
		dd_written_add_trace(gate->watch->written, &traces[i]);
	return 0;
}

static void end(void *arg)
{
	struct dd_watch_gate *gate = arg;

	if (!gate->mark)
		return;
	dd_beside_let_in(gate->watch->beside, false);
	dd_leases_end_mark(gate->watch->leases, gate->mark);
	give_back(gate, NULL);
	gate->mark = 0;
	gate->watch->collecting = false;
}

int dd_watch_gate_open(struct dd_watch *watch, struct dd_watch_gate **out, struct dd_error *err)
{
	struct dd_watch_gate *gate = calloc(1, sizeof(*gate));

	*out = gate;
	if (!gate)
		return dd_fail(err, DD_ENOMEM, 0, "keep a gate");
	gate->watch = watch;
	gate->gate = (struct dd_gate){ gate, begin, let_in, hold, give_back, show, wrote, end };
	return 0;
}

const struct dd_gate *dd_watch_gate_get(const struct dd_watch_gate *gate)
{
	return &gate->gate;
}

void dd_watch_gate_closep(struct dd_watch_gate **gate)
{
	if (!*gate)
		return;
	end(*gate);
	dd_list_release(&(*gate)->held);
	free(*gate);
	*gate = NULL;
}
