/*
 * What a scan reports: why it stops, what it passed over, what it doubts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/scan.h"

void dd_scan_stop(struct dd_scan *scan, int rc, const struct dd_error *err)
{
	int none = 0;

	dd_scan_lock(scan);
	if (atomic_compare_exchange_strong(&scan->rc, &none, rc) && err)
		scan->error = *err;
	dd_scan_unlock(scan);
}

bool dd_scan_stopped(struct dd_scan *scan)
{
	struct dd_error err;
	int rc;

	if (atomic_load_explicit(&scan->rc, memory_order_relaxed))
		return true;
	if (!dd_context_cancelled(scan->ctx))
		return false;
	dd_error_clear(&err);
	rc = dd_context_check(scan->ctx, &err);
	if (rc < 0)
		dd_scan_stop(scan, rc, &err);
	return rc < 0;
}

static const char *const what_texts[] = {
	[DD_STRANGE_ALIEN] = "not of a registry; passed over",
	[DD_STRANGE_SYMLINK] = "a symbolic link; not followed",
	[DD_STRANGE_UNREADABLE] = "cannot be read",
	[DD_STRANGE_NAME] = "not a valid repository name; its content counts all the same",
};

int dd_scan_describe(struct dd_text *text, const struct dd_place *directory, const char *name)
{
	DD_AUTOFREE char *path = NULL;

	if (dd_layout_path(directory, &path, NULL) < 0)
		return dd_text_printf(text, "%s", name ? name : "?");
	return dd_text_printf(text, name ? "%s/%s" : "%s", path, name);
}

int dd_scan_note(struct dd_scan *scan, enum dd_strange what, const struct dd_place *directory,
		 const char *name, const struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	const struct dd_onlooker *onlooker = scan->options->onlooker;
	struct dd_survey *survey = scan->survey;
	char **note = NULL;

	if (onlooker && onlooker->strange) {
		int rc = onlooker->strange(onlooker->arg, what, directory, name, err);

		if (rc)
			return rc;
	}

	if (dd_scan_describe(&text, directory, name) < 0 ||
	    (err && err->sys_errno ? dd_text_printf(&text, ": %s", strerror(err->sys_errno)) :
				     dd_text_printf(&text, ": %s", what_texts[what])) < 0)
		return DD_ENOMEM;
	dd_scan_lock(scan);
	*(what == DD_STRANGE_UNREADABLE ? &survey->unreadable : &survey->strange) += 1;
	if (what == DD_STRANGE_UNREADABLE && survey->unread.count < DD_SURVEY_NOTES)
		note = dd_list_add(&survey->unread);
	else if (what != DD_STRANGE_UNREADABLE && survey->notes.count < DD_SURVEY_NOTES)
		note = dd_list_add(&survey->notes);
	if (note)
		*note = dd_text_take(&text);
	dd_scan_unlock(scan);
	return 0;
}

int dd_scan_doubt(struct dd_scan *scan, struct dd_repository *repo, enum dd_doubt doubt,
		  const struct dd_digest *digest, const char *detail)
{
	struct dd_found_doubt found = { .doubt = doubt, .id = DD_NO_ID, .detail = strdup(detail) };
	struct dd_found_doubt *added = NULL;

	dd_scan_lock(scan);
	if (found.detail &&
	    (!digest || (found.id = dd_graph_intern(scan->graph, digest)) != DD_NO_ID))
		added = repo ? dd_list_add(&repo->doubts) : dd_list_add(&scan->survey->doubts);
	if (added)
		*added = found;
	dd_scan_unlock(scan);
	if (!added)
		free(found.detail);
	return added ? 0 : DD_ENOMEM;
}

int dd_scan_listed(struct dd_scan *scan, struct dd_repository *repo, int rc,
		   const struct dd_place *directory, const struct dd_error *err, bool *failed)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	bool link = rc == DD_ESYMLINK;

	if (rc == 0 || rc == DD_ENOENT)
		return 0;
	if (rc > 0 || rc == DD_ENOMEM || rc == DD_ECANCELLED)
		return rc;
	if (failed)
		*failed = true;
	if (dd_scan_describe(&text, directory, NULL) < 0 ||
	    (!link && dd_text_printf(&text, ": %s", strerror(err->sys_errno)) < 0))
		return DD_ENOMEM;
	rc = dd_scan_note(scan, link ? DD_STRANGE_SYMLINK : DD_STRANGE_UNREADABLE, directory, NULL,
			  err);
	if (rc == 0)
		rc = dd_scan_doubt(scan, repo, link ? DD_DOUBT_SYMLINK : DD_DOUBT_DIRECTORY, NULL,
				   text.bytes);
	return rc;
}
