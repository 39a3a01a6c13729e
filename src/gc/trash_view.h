/*
 * The trash as the collector sees it: which blobs could come back, and which objects should.
 */
#ifndef GC_TRASH_VIEW_H
#define GC_TRASH_VIEW_H

#include <drydock/gc.h>

#include "graph/mark.h"

struct dd_trash_view {
	struct dd_trash trash;
	struct dd_ids blobs;		       /* digests of blobs in the trash */
	DD_LIST(const struct dd_item *) by_id; /* the newest one of each */
};

int dd_trash_view_open(struct dd_context *ctx, struct dd_store *store, struct dd_trash_view *view,
		       struct dd_error *err);
void dd_trash_view_release(struct dd_trash_view *view);

/* For struct dd_survey_options. */
bool dd_trash_view_has(void *view, const struct dd_digest *digest, struct dd_place *place);

/* Bytes that all of it would free. */
uint64_t dd_trash_view_bytes(const struct dd_trash_view *view);

struct dd_revivals {
	DD_LIST(struct dd_revival) list; /* in the order in which they come back: blobs first */
};

/*
 * What is reachable by the mark and not there, or was written to since it went. Strings are the
 * view's.
 */
int dd_revivals_find(const struct dd_trash_view *view, const struct dd_survey *survey,
		     struct dd_mark *mark, struct dd_revivals *revivals, struct dd_error *err);

#endif
