/*
 * Pulls from a log into the volume's records.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/change.h>
#include <drydock/pulls.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "record/access_log.h"

#define SETTLE 65536 /* so many more pulls before those of one name become one */

struct dd_import {
	struct dd_context *ctx;
	struct dd_store *store;
	const char *const *ignore_agents;
	size_t ignore_count;
	struct dd_json_reader *json;
	struct dd_pulls seen; /* in the log */
	size_t settled;
	struct dd_pulls fresh;
	int64_t from_ns, to_ns;
	struct dd_import_report report;
};

int dd_import_open(struct dd_context *ctx, struct dd_store *store, const char *const *ignore_agents,
		   size_t ignore_count, struct dd_import **out, struct dd_error *err)
{
	DD_CLEANUP(dd_import_closep) struct dd_import *import = calloc(1, sizeof(*import));
	int rc;

	*out = NULL;
	if (!import)
		return dd_fail(err, DD_ENOMEM, 0, "read a log");
	import->ctx = ctx;
	import->store = store;
	import->ignore_agents = ignore_agents;
	import->ignore_count = ignore_count;
	import->report.fresh = &import->fresh;
	rc = dd_json_reader_open(&import->json, err);
	if (rc < 0)
		return rc;
	*out = import;
	import = NULL;
	return 0;
}

void dd_import_closep(struct dd_import **import)
{
	if (!*import)
		return;
	dd_json_reader_closep(&(*import)->json);
	dd_pulls_release(&(*import)->seen);
	dd_pulls_release(&(*import)->fresh);
	free(*import);
	*import = NULL;
}

const struct dd_import_report *dd_import_get(const struct dd_import *import)
{
	return &import->report;
}

static bool is_ignored(const struct dd_import *import, const char *agent)
{
	for (size_t i = 0; i < import->ignore_count; i++)
		if (fnmatch(import->ignore_agents[i], agent, 0) == 0)
			return true;
	return false;
}

static void cover(struct dd_import *import, int64_t time_ns)
{
	if (!import->from_ns || time_ns < import->from_ns)
		import->from_ns = time_ns;
	if (time_ns > import->to_ns)
		import->to_ns = time_ns;
}

int dd_import_line(struct dd_import *import, const char *line, size_t len, struct dd_error *err)
{
	struct dd_import_report *report = &import->report;
	struct dd_access access;
	int rc = dd_context_check(import->ctx, err);

	report->lines++;
	if (rc == 0 && len <= DD_LOG_LINE)
		rc = dd_access_parse(import->json, line, len, &access, err);
	if (rc <= 0)
		return rc;
	report->requests++;
	if (access.time_ns <= 0 || access.time_ns > dd_time_now()) {
		report->future++;
		return 0;
	}
	cover(import, access.time_ns);
	if (!access.pull)
		return 0;
	report->pulls++;
	if (is_ignored(import, access.agent)) {
		report->ignored++;
		return 0;
	}
	rc = dd_pulls_put(&import->seen, access.repository, access.reference, access.time_ns, err);
	if (rc == 0 && import->seen.count > 2 * import->settled + SETTLE) {
		dd_pulls_settle(&import->seen);
		import->settled = import->seen.count;
	}
	return rc;
}

/* What cannot be told counts as there. */
static bool is_here(const struct dd_import *import, const struct dd_pull *pull)
{
	struct dd_place place = { .kind = DD_AT_TAG,
				  .repository = pull->repository,
				  .tag = pull->reference };
	struct dd_info info;

	if (dd_digest_parse(&place.digest, pull->reference, strlen(pull->reference)) == 0)
		place.kind = DD_AT_REVISION;
	return dd_store_stat(import->store, &place, &info, NULL) != DD_ENOENT;
}

static int find_news(struct dd_import *import, struct dd_error *err)
{
	DD_CLEANUP(dd_pulls_release) struct dd_pulls known = { 0 };
	struct dd_import_report *report = &import->report;
	int rc = dd_pulls_load(import->store, &known, err);

	dd_pulls_release(&import->fresh);
	report->gone = report->known = 0;
	report->names = import->seen.count;
	for (size_t i = 0; i < import->seen.count && rc == 0; i++) {
		const struct dd_pull *pull = &import->seen.items[i];

		if (!is_here(import, pull))
			report->gone++;
		else if (dd_pulls_find(&known, pull->repository, pull->reference) >= pull->time_ns)
			report->known++;
		else
			rc = dd_pulls_put(&import->fresh, pull->repository, pull->reference,
					  pull->time_ns, err);
	}
	if (import->to_ns)
		dd_pulls_cover(&import->fresh, import->from_ns, import->to_ns);
	return rc;
}

int dd_import_settle(struct dd_import *import, struct dd_error *err)
{
	int rc;

	dd_pulls_settle(&import->seen);
	if (import->report.requests)
		return find_news(import, err);
	rc = dd_fail(err, DD_EUSAGE, 0, "not one request in %llu lines: is this an access log?",
		     (unsigned long long)import->report.lines);
	dd_hint(err, "the registry's own log, at level info, or the combined format of nginx");
	return rc;
}

int dd_import_apply(struct dd_import *import, const char *command, int64_t lock_wait_ns,
		    struct dd_error *err)
{
	const struct dd_change_options options = { .command = command,
						   .lock_wait_ns = lock_wait_ns };
	DD_CLEANUP(dd_change_closep) struct dd_change *change = NULL;
	int rc, end;

	if (!import->to_ns)
		return 0;
	rc = dd_change_begin(import->ctx, import->store, &options, &change, err);
	if (rc == 0)
		rc = find_news(import, err);
	if (rc == 0)
		rc = dd_pulls_add(import->store, &import->fresh, err);
	import->report.applied = rc == 0;
	if (rc == 0)
		rc = dd_records_compact(import->store, err);
	if (!change)
		return rc;
	end = dd_change_finish(change, false, rc == 0 ? err : NULL);
	return rc < 0 ? rc : end;
}

void dd_import_json(const struct dd_import *import, struct dd_json_out *out)
{
	const struct dd_import_report *report = &import->report;

	dd_json_object(out, NULL);
	dd_json_text(out, "command", "policy import-pulls");
	dd_json_bool(out, "applied", report->applied);
#define X(name, member) dd_json_uint(out, name, report->member);
	DD_IMPORT_COUNTS(X)
#undef X
	if (import->to_ns) {
		dd_json_time(out, "from", import->from_ns);
		dd_json_time(out, "to", import->to_ns);
	}
	dd_json_array(out, "news");
	for (size_t i = 0; i < report->fresh->count; i++) {
		dd_json_object(out, NULL);
		dd_json_text(out, "repository", report->fresh->items[i].repository);
		dd_json_text(out, "reference", report->fresh->items[i].reference);
		dd_json_time(out, "pulled", report->fresh->items[i].time_ns);
		dd_json_end(out);
	}
	dd_json_end(out);
	dd_json_end(out);
}
