/*
 * A ring of events, and a thread that tells them one after the other. The one that is being told
 * stays in its place until its fate is known, and is not among those that a full queue gives up.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "base/thread.h"
#include "serve/events_endpoint.h"
#include "serve/events_json.h"
#include "serve/events_send.h"

#define TIMEOUT_DEFAULT DD_SECOND
#define BACKOFF_DEFAULT DD_SECOND
#define THRESHOLD_DEFAULT 10
#define RETRY_FIRST (DD_SECOND / 10)

typedef DD_LIST(char *) texts;

struct dd_endpoint {
	struct dd_context *ctx;
	char *name, *url;
	texts headers, ignore_media_types, ignore_actions;
	int64_t timeout_ns, backoff_ns;
	uint64_t threshold;
	struct dd_event_sender *sender;

	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct dd_event_text **ring;
	size_t room, first, count;
	bool telling;	  /* the first one */
	bool stopping;	  /* once the queue is empty, or: */
	int64_t until_ns; /* atomic; when stopping at the latest */
	uint64_t told, failed, refused, dropped;
};

int64_t dd_events_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return dd_time_of(&now);
}

struct dd_event_text *dd_event_text_make(const char *bytes, size_t len)
{
	struct dd_event_text *text = malloc(sizeof(*text) + len);

	if (!text)
		return NULL;
	text->refs = 1;
	text->len = len;
	memcpy(text->bytes, bytes, len);
	return text;
}

void dd_event_text_unref(struct dd_event_text *text)
{
	if (!__atomic_sub_fetch(&text->refs, 1, __ATOMIC_ACQ_REL))
		free(text);
}

/* ---- the thread ---- */

static bool is_over(void *arg)
{
	const struct dd_endpoint *endpoint = arg;

	return dd_events_clock() >= __atomic_load_n(&endpoint->until_ns, __ATOMIC_RELAXED);
}

/* With the lock: until something changes, or for so long. */
static void wait_for(struct dd_endpoint *endpoint, int64_t ns)
{
	int64_t until_ns = dd_time_after(dd_events_clock(), ns);
	struct timespec until = { .tv_sec = until_ns / DD_SECOND, .tv_nsec = until_ns % DD_SECOND };

	pthread_cond_timedwait(&endpoint->changed, &endpoint->lock, &until);
}

/* How long after so many failures in a row: soon, later, and then as the operator says. */
static int64_t delay_after(const struct dd_endpoint *endpoint, uint64_t failures)
{
	int64_t delay = RETRY_FIRST;

	if (failures >= endpoint->threshold)
		return endpoint->backoff_ns;
	for (uint64_t i = 1; i < failures && delay < endpoint->backoff_ns; i++)
		delay *= 2;
	return delay < endpoint->backoff_ns ? delay : endpoint->backoff_ns;
}

/* With the lock. Being told to stop is no reason to hurry, but to look how long there is. */
static void wait_after(struct dd_endpoint *endpoint, uint64_t failures)
{
	int64_t until_ns = dd_time_after(dd_events_clock(), delay_after(endpoint, failures));

	for (;;) {
		int64_t now_ns = dd_events_clock();
		int64_t end_ns = endpoint->until_ns < until_ns ? endpoint->until_ns : until_ns;

		if (now_ns >= end_ns)
			return;
		wait_for(endpoint, end_ns - now_ns);
	}
}

static void forget_first(struct dd_endpoint *endpoint)
{
	dd_event_text_unref(endpoint->ring[endpoint->first]);
	endpoint->first = (endpoint->first + 1) % endpoint->room;
	endpoint->count--;
}

/* With the lock: what became of an attempt. *failures: those in a row. */
static void settle(struct dd_endpoint *endpoint, int rc, const struct dd_error *why,
		   uint64_t *failures)
{
	if (rc == 0) {
		if (*failures >= endpoint->threshold)
			dd_log(endpoint->ctx, DD_LOG_NOTE, "notifications: %s: takes events again",
			       endpoint->name);
		endpoint->told++;
		*failures = 0;
		forget_first(endpoint);
		return;
	}
	if (rc == DD_ECANCELLED)
		return;
	endpoint->failed++;
	if (rc == DD_EREFUSED) {
		dd_log(endpoint->ctx, DD_LOG_WARNING,
		       "notifications: %s: an event is passed over: %s", endpoint->name, why->text);
		endpoint->refused++;
		*failures = 0;
		forget_first(endpoint);
		return;
	}
	/* Once, not at each attempt. */
	if (++*failures == endpoint->threshold)
		dd_log(endpoint->ctx, DD_LOG_WARNING,
		       "notifications: %s: takes no events: %s; going on trying", endpoint->name,
		       why->text);
	wait_after(endpoint, *failures);
}

static void tell_all(struct dd_endpoint *endpoint, uint64_t *failures)
{
	while (endpoint->count && dd_events_clock() < endpoint->until_ns) {
		const struct dd_event_text *text = endpoint->ring[endpoint->first];
		struct dd_error why = { 0 };
		int rc;

		endpoint->telling = true;
		pthread_mutex_unlock(&endpoint->lock);
		rc = dd_event_sender_post(endpoint->sender, text->bytes, text->len, &why);
		pthread_mutex_lock(&endpoint->lock);
		settle(endpoint, rc, &why, failures);
		endpoint->telling = false;
	}
}

static void *run(void *arg)
{
	struct dd_endpoint *endpoint = arg;
	uint64_t failures = 0;

	pthread_mutex_lock(&endpoint->lock);
	while (!endpoint->stopping || (endpoint->count && !is_over(endpoint))) {
		if (endpoint->count)
			tell_all(endpoint, &failures);
		else
			pthread_cond_wait(&endpoint->changed, &endpoint->lock);
	}
	endpoint->dropped += endpoint->count;
	if (endpoint->count)
		dd_log(endpoint->ctx, DD_LOG_WARNING,
		       "notifications: %s: %zu events could not be told any more", endpoint->name,
		       endpoint->count);
	pthread_mutex_unlock(&endpoint->lock);
	return NULL;
}

/* ---- opening and closing ---- */

static int copy_texts(texts *to, const char *const *from, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char **text = dd_list_add(to);

		if (text)
			*text = strdup(from[i]);
		if (!text || !*text)
			return DD_ENOMEM;
	}
	return 0;
}

static void release_texts(texts *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	dd_list_release(list);
}

static int copy_options(struct dd_endpoint *endpoint, const struct dd_events_endpoint *options)
{
	endpoint->timeout_ns = options->timeout_ns > 0 ? options->timeout_ns : TIMEOUT_DEFAULT;
	endpoint->backoff_ns = options->backoff_ns > 0 ? options->backoff_ns : BACKOFF_DEFAULT;
	endpoint->threshold = options->threshold ? options->threshold : THRESHOLD_DEFAULT;
	endpoint->name = strdup(options->name);
	endpoint->url = strdup(options->url);
	if (!endpoint->name || !endpoint->url ||
	    copy_texts(&endpoint->headers, options->headers, options->header_count) < 0 ||
	    copy_texts(&endpoint->ignore_media_types, options->ignore_media_types,
		       options->ignore_media_type_count) < 0 ||
	    copy_texts(&endpoint->ignore_actions, options->ignore_actions,
		       options->ignore_action_count) < 0)
		return DD_ENOMEM;
	endpoint->ring = calloc(endpoint->room, sizeof(*endpoint->ring));
	return endpoint->ring ? 0 : DD_ENOMEM;
}

static struct dd_endpoint *make(struct dd_context *ctx, size_t queue_max)
{
	struct dd_endpoint *endpoint = calloc(1, sizeof(*endpoint));

	if (!endpoint)
		return NULL;
	endpoint->ctx = ctx;
	endpoint->room = queue_max;
	endpoint->until_ns = INT64_MAX;
	pthread_mutex_init(&endpoint->lock, NULL);
	dd_condition_init(&endpoint->changed);
	return endpoint;
}

int dd_endpoint_open(struct dd_context *ctx, const struct dd_events_endpoint *options,
		     size_t queue_max, struct dd_endpoint **out, struct dd_error *err)
{
	DD_CLEANUP(dd_endpoint_closep) struct dd_endpoint *endpoint = NULL;
	int rc;

	*out = NULL;
	if (!options->name || !options->name[0] || !options->url)
		return dd_fail(err, DD_ECONFIG, 0, "an endpoint needs a name and a url");
	endpoint = make(ctx, queue_max);
	if (!endpoint || copy_options(endpoint, options) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "set up an endpoint");
	rc = dd_event_sender_open(&endpoint->sender, options->url, options->headers,
				  options->header_count, endpoint->timeout_ns, is_over, endpoint,
				  err);
	if (rc < 0)
		return dd_wrap(err, rc, "%s", options->name);
	rc = pthread_create(&endpoint->thread, NULL, run, endpoint);
	if (rc)
		return dd_fail(err, DD_ENOMEM, rc, "start a thread");
	endpoint->started = true;
	*out = endpoint;
	endpoint = NULL;
	return 0;
}

void dd_endpoint_stop(struct dd_endpoint *endpoint, int64_t until_ns)
{
	pthread_mutex_lock(&endpoint->lock);
	endpoint->stopping = true;
	__atomic_store_n(&endpoint->until_ns, until_ns, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&endpoint->changed);
	pthread_mutex_unlock(&endpoint->lock);
}

void dd_endpoint_closep(struct dd_endpoint **out)
{
	struct dd_endpoint *endpoint = *out;

	if (!endpoint)
		return;
	if (endpoint->started) {
		if (!endpoint->stopping)
			dd_endpoint_stop(endpoint, 0);
		pthread_join(endpoint->thread, NULL);
	}
	while (endpoint->count)
		forget_first(endpoint);
	dd_event_sender_closep(&endpoint->sender);
	pthread_mutex_destroy(&endpoint->lock);
	pthread_cond_destroy(&endpoint->changed);
	release_texts(&endpoint->headers);
	release_texts(&endpoint->ignore_media_types);
	release_texts(&endpoint->ignore_actions);
	free(endpoint->ring);
	free(endpoint->name);
	free(endpoint->url);
	free(endpoint);
	*out = NULL;
}

static bool same_texts(const texts *list, const char *const *other, size_t count)
{
	bool same = list->count == count;

	for (size_t i = 0; i < count && same; i++)
		same = !strcmp(list->items[i], other[i]);
	return same;
}

bool dd_endpoint_is(const struct dd_endpoint *endpoint, const struct dd_events_endpoint *options,
		    size_t queue_max)
{
	return options->name && options->url && !strcmp(endpoint->name, options->name) &&
	       !strcmp(endpoint->url, options->url) && endpoint->room == queue_max &&
	       endpoint->timeout_ns ==
		       (options->timeout_ns > 0 ? options->timeout_ns : TIMEOUT_DEFAULT) &&
	       endpoint->backoff_ns ==
		       (options->backoff_ns > 0 ? options->backoff_ns : BACKOFF_DEFAULT) &&
	       endpoint->threshold ==
		       (options->threshold ? options->threshold : THRESHOLD_DEFAULT) &&
	       same_texts(&endpoint->headers, options->headers, options->header_count) &&
	       same_texts(&endpoint->ignore_media_types, options->ignore_media_types,
			  options->ignore_media_type_count) &&
	       same_texts(&endpoint->ignore_actions, options->ignore_actions,
			  options->ignore_action_count);
}

/* ---- from others ---- */

static bool is_among(const texts *list, const char *text)
{
	for (size_t i = 0; i < list->count && text; i++)
		if (!strcmp(list->items[i], text))
			return true;
	return false;
}

bool dd_endpoint_wants(const struct dd_endpoint *endpoint, enum dd_event_action action,
		       const char *media_type)
{
	return !is_among(&endpoint->ignore_actions, dd_event_action_name(action)) &&
	       !is_among(&endpoint->ignore_media_types, media_type);
}

/* The oldest that is not on its way already makes room: what is new is worth more. */
static bool make_room(struct dd_endpoint *endpoint)
{
	size_t at = endpoint->telling;

	if (endpoint->count < endpoint->room)
		return true;
	endpoint->dropped++;
	if (at >= endpoint->count)
		return false;
	if (at) {
		size_t second = (endpoint->first + 1) % endpoint->room;
		struct dd_event_text *told = endpoint->ring[endpoint->first];

		endpoint->ring[endpoint->first] = endpoint->ring[second];
		endpoint->ring[second] = told;
	}
	forget_first(endpoint);
	return true;
}

void dd_endpoint_tell(struct dd_endpoint *endpoint, struct dd_event_text *text)
{
	bool first_loss;

	pthread_mutex_lock(&endpoint->lock);
	first_loss = endpoint->count == endpoint->room && !endpoint->dropped;
	if (!endpoint->stopping && make_room(endpoint)) {
		__atomic_add_fetch(&text->refs, 1, __ATOMIC_RELAXED);
		endpoint->ring[(endpoint->first + endpoint->count++) % endpoint->room] = text;
		pthread_cond_signal(&endpoint->changed);
	}
	pthread_mutex_unlock(&endpoint->lock);
	if (first_loss)
		dd_log(endpoint->ctx, DD_LOG_WARNING,
		       "notifications: %s: its queue is full, events are lost", endpoint->name);
}

void dd_endpoint_get_figures(struct dd_endpoint *endpoint, struct dd_events_figures *figures)
{
	pthread_mutex_lock(&endpoint->lock);
	*figures = (struct dd_events_figures){
		.name = endpoint->name,
		.queued = endpoint->count,
		.told = endpoint->told,
		.failed = endpoint->failed,
		.refused = endpoint->refused,
		.dropped = endpoint->dropped,
	};
	pthread_mutex_unlock(&endpoint->lock);
}
