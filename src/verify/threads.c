/*
 * What the threads of a pass share: a job for each repository, what they saw of a file, and that the first
 * error ends them all.
 */
#include <stdlib.h>

#include "verify/verify.h"

void dd_verify_stop(struct dd_verify *verify, int rc, const struct dd_error *err)
{
	pthread_mutex_lock(&verify->lock);
	if (!verify->rc) {
		verify->error = *err;
		__atomic_store_n(&verify->rc, rc, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&verify->lock);
}

bool dd_verify_stopped(struct dd_verify *verify)
{
	struct dd_error err;
	int rc;

	if (__atomic_load_n(&verify->rc, __ATOMIC_RELAXED))
		return true;
	if (!dd_context_cancelled(verify->ctx))
		return false;
	dd_error_clear(&err);
	rc = dd_context_check(verify->ctx, &err);
	if (rc < 0)
		dd_verify_stop(verify, rc, &err);
	return rc < 0;
}

int dd_verify_saw(struct dd_verify *verify, struct dd_owners *owners, const struct dd_info *info,
		  const struct dd_place *place)
{
	if (verify->options.see_file)
		verify->options.see_file(verify->options.arg, place, info);
	return dd_owners_add(owners, info, place);
}

/* ---- jobs for each repository ---- */

struct each {
	struct dd_verify *verify;
	dd_verify_repository_fn *fn;
	uint32_t index;
};

static void run_one(void *arg)
{
	struct each *each = arg;
	struct dd_error err = { 0 };
	int rc = dd_verify_stopped(each->verify) ? 0 : each->fn(each->verify, each->index, &err);

	if (rc < 0)
		dd_verify_stop(each->verify, rc, &err);
	dd_progress_add(each->verify->ctx, 1);
}

int dd_verify_each_repository(struct dd_verify *verify, const char *phase,
			      dd_verify_repository_fn *fn, struct dd_error *err)
{
	uint32_t count = (uint32_t)verify->survey->repositories.count;
	DD_AUTOFREE struct each *all = malloc((count + 1) * sizeof(*all));
	struct dd_jobs *jobs = NULL;
	int rc = all ? dd_jobs_open(verify->ctx, &jobs, err) :
		       dd_fail(err, DD_ENOMEM, 0, "look at repositories");

	if (rc < 0)
		return rc;
	dd_progress_begin(verify->ctx, phase, count);
	for (uint32_t i = 0; i < count; i++) {
		all[i] = (struct each){ verify, fn, i };
		dd_jobs_add(jobs, run_one, &all[i]);
	}
	dd_jobs_closep(&jobs);
	dd_progress_end(verify->ctx);
	if (verify->rc < 0 && err)
		*err = verify->error;
	return verify->rc;
}
