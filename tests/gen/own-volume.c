/*
 * Owns a volume as the daemon does, with its leases, its gate and its control socket, and nothing else:
 * what clients would do is said on standard input, a line each, so that a test forces every step.
 *
 *   own-volume ROOT DRYDOCK [LEASE-MS [COLLECT-EVERY-MS [WORD…]]]
 *
 *   take|pin|unpin REPO DIGEST	a client's lease; DIGEST may be tag:NAME or upload:ID
 *   renew REPO			an upload at work
 *   wrote PATH			the file below the root is our own
 *   pause REPO			whatever of it is granted next waits until "go"
 *   paused				wait until something does
 *   go
 *   waiting			wait until a client waits
 *   background			the next command runs in a thread of its own
 *   join			until those have ended
 *   counts
 *   quit
 *
 * Each is answered by a line: "ok", or what was asked for.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/owner.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "serve/control.h"

#define MILLISECOND INT64_C(1000000)

static struct dd_store *store;
static struct dd_watch watch;
static struct dd_control *control;

/* ---- steps ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static char pause_at[300];
static bool is_paused, go_on;
static unsigned taken_count;

static void taken(void *arg, const char *repository)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	taken_count++;
	if (pause_at[0] && !strcmp(pause_at, repository)) {
		pause_at[0] = '\0';
		is_paused = true;
		pthread_cond_broadcast(&changed);
		while (!go_on)
			pthread_cond_wait(&changed, &lock);
		is_paused = go_on = false;
	}
	pthread_mutex_unlock(&lock);
}

static void noticed(void *arg)
{
	(void)arg;
	fprintf(stderr, "somebody else writes to the volume\n");
}

static void log_line(void *arg, enum dd_log_level level, const char *text)
{
	(void)arg;
	(void)level;
	fprintf(stderr, "%s\n", text);
}

/* ---- what clients do ---- */

struct step {
	char verb[16], repository[300], what[300];
};

static bool parse_digest(const char *text, struct dd_digest *digest)
{
	if (!strncmp(text, "tag:", 4))
		dd_lease_name(DD_LEASE_TAG, text + 4, digest);
	else if (!strncmp(text, "upload:", 7))
		dd_lease_name(DD_LEASE_UPLOAD, text + 7, digest);
	else
		return dd_digest_parse(digest, text, strlen(text)) == 0;
	return true;
}

static const char *remember_written(const char *path)
{
	DD_AUTOFREE char *memory = NULL;
	struct dd_place place;
	struct dd_info info;

	if (dd_layout_parse(path, &place, &memory, NULL) < 0 ||
	    dd_store_stat(store, &place, &info, NULL) < 0)
		return "no such file";
	dd_written_add(watch.written, &info.stamp);
	return "ok";
}

static const char *do_step(const struct step *step)
{
	struct dd_digest digest;

	if (!strcmp(step->verb, "renew")) {
		dd_lease_renew(watch.leases, step->repository);
		return "ok";
	}
	if (!strcmp(step->verb, "wrote"))
		return remember_written(step->repository);
	if (!parse_digest(step->what, &digest))
		return "no digest";
	if (!strcmp(step->verb, "take"))
		dd_lease_take(watch.leases, step->repository, &digest);
	else if (!strcmp(step->verb, "pin"))
		dd_lease_pin(watch.leases, step->repository, &digest);
	else if (!strcmp(step->verb, "unpin"))
		dd_lease_unpin(watch.leases, step->repository, &digest);
	else
		return "no such command";
	return "ok";
}

static void *do_in_background(void *arg)
{
	do_step(arg);
	free(arg);
	return NULL;
}

static pthread_t threads[16];
static size_t thread_count;

static const char *start(const struct step *step)
{
	struct step *own = malloc(sizeof(*own));

	if (!own || thread_count == DD_COUNT(threads))
		return "too many";
	*own = *step;
	if (pthread_create(&threads[thread_count], NULL, do_in_background, own) != 0)
		return "no thread";
	thread_count++;
	return "ok";
}

/* ---- and what the test wants to know ---- */

static void print_counts(void)
{
	struct dd_control_counts counts;

	dd_control_get_counts(control, &counts);
	printf("leases=%llu taken=%u errands=%llu refused=%llu collections=%llu failed=%llu "
	       "foreign=%d\n",
	       (unsigned long long)dd_leases_count(watch.leases), taken_count,
	       (unsigned long long)counts.errands, (unsigned long long)counts.refused,
	       (unsigned long long)counts.collections,
	       (unsigned long long)counts.collections_failed, watch.foreign);
}

#define PATIENCE 60 /* seconds, after which a test has failed */

static const char *wait_until_paused(void)
{
	struct timespec deadline;
	int sys = 0;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += PATIENCE;
	pthread_mutex_lock(&lock);
	while (!is_paused && !sys)
		sys = pthread_cond_timedwait(&changed, &lock, &deadline);
	pthread_mutex_unlock(&lock);
	return sys ? "nothing came" : "ok";
}

static void let_go(void)
{
	pthread_mutex_lock(&lock);
	go_on = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* False: it was "quit". */
static bool obey(const struct step *step, bool *background)
{
	const char *answer = "ok";

	if (!strcmp(step->verb, "quit"))
		return false;
	if (!strcmp(step->verb, "counts")) {
		print_counts();
		return true;
	}
	if (!strcmp(step->verb, "background")) {
		*background = true;
	} else if (!strcmp(step->verb, "pause")) {
		pthread_mutex_lock(&lock);
		snprintf(pause_at, sizeof(pause_at), "%s", step->repository);
		pthread_mutex_unlock(&lock);
	} else if (!strcmp(step->verb, "paused")) {
		answer = wait_until_paused();
	} else if (!strcmp(step->verb, "go")) {
		let_go();
	} else if (!strcmp(step->verb, "waiting")) {
		while (!dd_leases_waiting(watch.leases))
			sched_yield();
	} else if (!strcmp(step->verb, "join")) {
		while (thread_count)
			pthread_join(threads[--thread_count], NULL);
	} else {
		answer = *background ? start(step) : do_step(step);
		*background = false;
	}
	printf("%s\n", answer);
	return true;
}

static void obey_all(void)
{
	char line[700];
	bool background = false;

	while (fgets(line, sizeof(line), stdin)) {
		struct step step = { 0 };

		if (sscanf(line, "%15s %299s %299s", step.verb, step.repository, step.what) < 1)
			continue;
		if (!obey(&step, &background))
			return;
		fflush(stdout);
	}
}

static int begin(struct dd_context *ctx, int argc, char **argv, struct dd_error *err)
{
	const struct dd_store_options where = { .root = argv[1] };
	struct dd_control_options options = { .ctx = ctx,
					      .watch = &watch,
					      .program = argv[2],
					      .collect_every_ns =
						      argc > 4 ? atoll(argv[4]) * MILLISECOND : 0,
					      .collect_words = (const char *const *)argv + 5,
					      .collect_word_count = argc > 5 ? argc - 5 : 0 };
	int64_t since_ns, died_ns;
	int rc = dd_store_open(ctx, &where, &store, err);

	if (rc == 0)
		rc = dd_owner_take(ctx, store, "own-volume", 0, &since_ns, &died_ns, err);
	if (rc == 0)
		rc = dd_leases_open(argc > 3 ? atoll(argv[3]) * MILLISECOND : 0, &watch.leases,
				    err);
	if (rc == 0)
		rc = dd_written_open(since_ns, DD_WRITTEN_MOST, &watch.written, err);
	if (rc == 0)
		rc = dd_beside_open(&watch.beside, err);
	options.store = store;
	watch.taken = taken;
	watch.noticed = noticed;
	return rc < 0 ? rc : dd_control_open(&options, &control, err);
}

int main(int argc, char **argv)
{
	struct dd_context *ctx = NULL;
	struct dd_error err = { 0 };
	int rc;

	if (argc < 3) {
		fprintf(stderr, "usage: own-volume ROOT DRYDOCK [LEASE-MS [EVERY-MS [WORD…]]]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	rc = dd_context_open(&ctx, &err);
	if (rc == 0) {
		dd_context_set_log(ctx, log_line, NULL, DD_LOG_NOTE);
		rc = begin(ctx, argc, argv, &err);
	}
	if (rc == 0) {
		puts("ready");
		fflush(stdout);
		obey_all();
	} else {
		fprintf(stderr, "own-volume: %s\n", err.text);
	}
	dd_control_closep(&control);
	dd_beside_closep(&watch.beside);
	dd_written_closep(&watch.written);
	dd_leases_closep(&watch.leases);
	dd_store_closep(&store);
	dd_context_closep(&ctx);
	return rc == 0 ? 0 : 1;
}
