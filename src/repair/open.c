/*
 * A repair's life.
 */
#include <search.h>
#include <stdlib.h>

#include "repair/repair.h"

static const struct {
	const char *name, *text;
} mendings[] = {
#define X(constant, name, text) { name, text },
	DD_MENDINGS(X)
#undef X
},
  outcomes[] = {
#define X(constant, name, text) { name, text },
	  DD_MEND_OUTCOMES(X)
#undef X
  };

const char *dd_mending_name(enum dd_mending mending)
{
	return mendings[mending].name;
}

const char *dd_mending_text(enum dd_mending mending)
{
	return mendings[mending].text;
}

const char *dd_mend_outcome_name(enum dd_mend_outcome outcome)
{
	return outcomes[outcome].name;
}

const char *dd_mend_outcome_text(enum dd_mend_outcome outcome)
{
	return outcomes[outcome].text;
}

/* ---- life ---- */

static int open_repair(struct dd_context *ctx, struct dd_store *store,
		       const struct dd_repair_options *options, struct dd_repair **out,
		       struct dd_error *err)
{
	struct dd_repair *repair = calloc(1, sizeof(*repair));

	*out = repair;
	if (!repair)
		return dd_fail(err, DD_ENOMEM, 0, "repair");
	pthread_mutex_init(&repair->lock, NULL);
	repair->ctx = ctx;
	repair->store = store;
	repair->options = *options;
	return 0;
}

int dd_repair_plan(struct dd_context *ctx, struct dd_store *store,
		   const struct dd_repair_options *options, struct dd_repair **repair,
		   struct dd_error *err)
{
	int rc = open_repair(ctx, store, options, repair, err);

	return rc < 0 ? rc : dd_repair_make(*repair, err);
}

int dd_repair_apply(struct dd_context *ctx, struct dd_store *store,
		    const struct dd_repair_options *options, struct dd_repair **repair,
		    struct dd_error *err)
{
	int rc = open_repair(ctx, store, options, repair, err);

	if (rc == 0)
		rc = dd_repair_make(*repair, err);
	if (rc == 0)
		rc = dd_repair_carry_out(*repair, err);
	if (rc < 0 && *repair)
		dd_repair_count(*repair);
	return rc;
}

const struct dd_repair_plan *dd_repair_get_plan(const struct dd_repair *repair)
{
	return &repair->plan;
}

const struct dd_verify *dd_repair_get_verify(const struct dd_repair *repair)
{
	return repair->verify;
}

void dd_repair_close(struct dd_repair *repair)
{
	if (!repair)
		return;
	tdestroy(repair->places, free);
	dd_list_release(&repair->trashed);
	dd_list_release(&repair->strays);
	dd_list_release(&repair->twins);
	dd_list_release(&repair->hashed);
	dd_list_release(&repair->steps);
	dd_list_release(&repair->mends);
	dd_list_release(&repair->differing);
	dd_trash_release(&repair->trash);
	dd_verify_close(repair->verify);
	for (size_t i = 0; i < DD_ALGORITHM_COUNT; i++)
		dd_hasher_closep(&repair->hashers[i]);
	free(repair->block);
	dd_arena_release(&repair->strings);
	pthread_mutex_destroy(&repair->lock);
	free(repair);
}

void dd_repair_closep(struct dd_repair **repair)
{
	dd_repair_close(*repair);
	*repair = NULL;
}
