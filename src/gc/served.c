/*
 * A volume that a daemon serves meanwhile: what its clients may know, and whether it alone writes.
 */
#include <drydock/units.h>

#include "base/list.h"
#include "gc/plan.h"

#define TEMPS_OLDER (3600 * DD_SECOND) /* nobody takes so long to write a link */

int dd_gc_heed(struct dd_gc *gc, const struct dd_gate_terms *terms, struct dd_error *err)
{
	struct dd_gc_options *options = &gc->options;
	char until[DD_UNIT_TEXT];

	if (terms->since_ns)
		gc->temps_older_ns = TEMPS_OLDER;
	if (options->grace_ns < terms->least_grace_ns)
		options->grace_ns = terms->least_grace_ns;
	if (options->uploads_older_ns < terms->least_grace_ns)
		options->uploads_older_ns = terms->least_grace_ns;
	/* What a person names goes; what only that reaches is leased until then. */
	if (dd_gc_is_removal(options) || terms->quiet_until_ns <= dd_time_now())
		return 0;
	dd_fail(err, DD_EAGAIN, 0,
		"the daemon that serves the volume began only lately, and what clients were told "
		"before it did is not known: nothing is collected until %s",
		dd_time_format_local(terms->quiet_until_ns, until));
	dd_hint(err, "run it again then");
	return DD_EAGAIN;
}

struct traces {
	DD_LIST(struct dd_trace) list;
	int64_t since_ns;
};

static int add(struct traces *traces, uint64_t sum, int64_t written_ns, struct dd_error *err)
{
	struct dd_trace *trace;

	if (written_ns < traces->since_ns)
		return 0;
	trace = dd_list_add(&traces->list);
	if (!trace)
		return dd_fail(err, DD_ENOMEM, 0, "see who writes to the volume");
	*trace = (struct dd_trace){ sum, written_ns };
	return 0;
}

/* What goes, and every tag: whoever pushes writes one, or leaves something that nothing needs. */
static int gather(const struct dd_gc *gc, struct traces *traces, struct dd_error *err)
{
	static const struct dd_stamp none;
	int rc = 0;

	for (size_t i = 0; i < gc->order.count && rc == 0; i++) {
		const struct dd_candidate *candidate =
			&gc->candidates.list.items[gc->order.items[i]];
		const struct dd_stamp *stamp = &candidate->stamp;

		/* An upload changes with every piece of it, and is leased as long as it does. */
		if (candidate->kind == DD_AT_UPLOAD || candidate->kind == DD_AT_STARTEDAT ||
		    candidate->reason == DD_REASON_TEMP_STALE)
			continue;
		if (!dd_stamp_equal(stamp, &none))
			rc = add(traces, dd_stamp_sum(stamp), dd_stamp_time(stamp), err);
	}
	for (size_t i = 0; i < gc->survey->repositories.count && rc == 0; i++) {
		const struct dd_repository *repo = gc->survey->repositories.items[i];

		for (size_t k = 0; k < repo->tags.count && rc == 0; k++)
			rc = add(traces, repo->tags.items[k].sum, repo->tags.items[k].moved_ns,
				 err);
	}
	return rc;
}

int dd_gc_show(const struct dd_gc *gc, struct dd_change *change, struct dd_error *err)
{
	const struct dd_gate_terms *terms = dd_change_get_terms(change);
	struct traces traces = { .since_ns = terms->since_ns };
	int64_t least_grace_ns = 0;
	char grace[DD_UNIT_TEXT];
	int rc;

	/* It is known already, or nobody is there to be shown anything. */
	if (!terms->since_ns || terms->least_grace_ns)
		return 0;
	rc = gather(gc, &traces, err);
	if (rc == 0)
		rc = dd_change_show(change, traces.list.items, traces.list.count, &least_grace_ns,
				    err);
	dd_list_release(&traces.list);
	/* What a person named, or nothing at all, is taken in any case. */
	if (rc < 0 || least_grace_ns <= gc->options.grace_ns || !gc->order.count)
		return rc;
	dd_fail(err, DD_EAGAIN, 0,
		"somebody else than the daemon that serves the volume writes to it: nothing was "
		"taken, and from now on what is younger than %s stays",
		dd_duration_format(least_grace_ns, grace));
	dd_hint(err, "run it again; or see to it that the daemon alone writes, and start it anew");
	return DD_EAGAIN;
}
