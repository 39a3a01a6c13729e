/*
 * A plan as a file: drydock-plan(5). What a collection would take, with what each thing was judged by;
 * carried out later, it takes what is still so, and nothing else.
 *
 * A plan that was read only ever leaves things out: what goes is judged by a plan of today, by the
 * options that the file says, and what of that the file does not name, as it is, stays like something
 * young, with all that it reaches. So no file, whatever is in it, takes what a collection would not.
 */
#ifndef DRYDOCK_PLAN_FILE_H
#define DRYDOCK_PLAN_FILE_H

#include <drydock/gc.h>

#define DD_PLAN_FORMAT 1
#define DD_PLAN_MAX (UINT64_C(1) << 30) /* bytes of a file; some two million objects */

/* Lines of JSON, schema/plan.json. DD_ETOOBIG: it could not be read. */
int dd_plan_file_write(const struct dd_gc *gc, struct dd_store *store, dd_json_sink_fn *sink,
		       void *arg, struct dd_error *err);

/*
 * DD_EREFUSED: it is no plan, of another version, damaged, or over a bound; the text says which. What
 * next() returns ends it as well.
 */
int dd_plan_file_read(dd_next_bytes_fn *next, void *arg, struct dd_plan_file **file,
		      struct dd_error *err);
void dd_plan_file_close(struct dd_plan_file *file);
void dd_plan_file_closep(struct dd_plan_file **file);

/*
 * What decides about what goes, as the file says it, and the file itself. All is borrowed: the file
 * lives longer than what is planned by it, and is good for one plan.
 */
void dd_plan_file_settle(struct dd_plan_file *file, struct dd_gc_options *options);

struct dd_plan_head {
	int64_t made_ns;
	const char *volume;    /* its root then, for people */
	uint64_t identity[2];  /* of dd_store_identify() */
	uint64_t items, bytes; /* that were to go */
};
const struct dd_plan_head *dd_plan_file_get_head(const struct dd_plan_file *file);

#endif
