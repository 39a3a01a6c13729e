/*
 * Notifications: what is sent, to whom, and what becomes of it when nobody listens.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <drydock/units.h>

#include "base/text.h"
#include "serve/events.h"
#include "serve/events_json.h"
#include "text/json.h"
#include "unit.h"

static struct dd_context *ctx;
static struct dd_events *events;
static struct dd_error err;

/* ---- an endpoint ---- */

/* One thread that answers requests as it was told, and remembers what came. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	int fd, port;
	int status[64];	      /* for the first requests; negative: go away; 0, and after them: 200 */
	bool hold;	      /* answers nothing until it is let go */
	unsigned count;	      /* requests seen */
	char *requests[256];
	bool stop;
} server = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* A request with its body; NULL when the client has gone. */
static char *read_request(int fd)
{
	struct dd_text text = { 0 };
	const char *head_end = NULL;
	size_t want = 0;

	for (;;) {
		char block[4096];
		ssize_t got = read(fd, block, sizeof(block));

		if (got <= 0) {
			dd_text_release(&text);
			return NULL;
		}
		assert_int_equal(dd_text_add(&text, block, (size_t)got), 0);
		head_end = strstr(text.bytes, "\r\n\r\n");
		if (!head_end)
			continue;
		want = strtoul(strcasestr(text.bytes, "content-length:") + 15, NULL, 10);
		if (text.len >= (size_t)(head_end + 4 - text.bytes) + want)
			return dd_text_take(&text);
	}
}

static int answer_of(unsigned request)
{
	int status = 200;

	pthread_mutex_lock(&server.lock);
	if (request < sizeof(server.status) / sizeof(*server.status) && server.status[request])
		status = server.status[request];
	while (server.hold && !server.stop)
		pthread_cond_wait(&server.changed, &server.lock);
	pthread_mutex_unlock(&server.lock);
	return status;
}

static void serve_one(int fd)
{
	char *request;

	while ((request = read_request(fd))) {
		char text[160];
		unsigned number;
		int status;

		pthread_mutex_lock(&server.lock);
		number = server.count;
		server.requests[server.count++ % 256] = request;
		pthread_cond_broadcast(&server.changed);
		pthread_mutex_unlock(&server.lock);
		status = answer_of(number);
		if (status < 0)
			return;
		snprintf(text, sizeof(text),
			 "HTTP/1.1 %d Whatever\r\nContent-Length: 2\r\n%s\r\nok", status,
			 status / 100 == 3 ? "Location: http://127.0.0.1:1/\r\n" : "");
		if (write(fd, text, strlen(text)) < 0)
			return;
	}
}

static void *run_server(void *arg)
{
	(void)arg;
	for (;;) {
		int fd = accept(server.fd, NULL, NULL);

		if (fd < 0 || server.stop) {
			if (fd >= 0)
				close(fd);
			return NULL;
		}
		serve_one(fd);
		close(fd);
	}
}

static int setup(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);

	(void)state;
	server.count = 0;
	server.hold = server.stop = false;
	memset(server.status, 0, sizeof(server.status));
	memset(server.requests, 0, sizeof(server.requests));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server.fd, (struct sockaddr *)&address, len) < 0 || listen(server.fd, 16) < 0 ||
	    getsockname(server.fd, (struct sockaddr *)&address, &len) < 0 ||
	    pthread_create(&server.thread, NULL, run_server, NULL) ||
	    dd_context_open(&ctx, NULL) < 0)
		return -1;
	server.port = ntohs(address.sin_port);
	return 0;
}

static void release(void)
{
	pthread_mutex_lock(&server.lock);
	server.hold = false;
	pthread_cond_broadcast(&server.changed);
	pthread_mutex_unlock(&server.lock);
}

static int teardown(void **state)
{
	(void)state;
	dd_events_close(events, 0);
	events = NULL;
	pthread_mutex_lock(&server.lock);
	server.stop = true;
	pthread_cond_broadcast(&server.changed);
	pthread_mutex_unlock(&server.lock);
	shutdown(server.fd, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.fd);
	for (unsigned i = 0; i < 256; i++)
		free(server.requests[i]);
	dd_context_closep(&ctx);
	return 0;
}

static void wait_for_requests(unsigned count)
{
	pthread_mutex_lock(&server.lock);
	while (server.count < count)
		pthread_cond_wait(&server.changed, &server.lock);
	pthread_mutex_unlock(&server.lock);
}

/* ---- what is told ---- */

static char url[64];

static struct dd_events_endpoint here(void)
{
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/events", server.port);
	return (struct dd_events_endpoint){ .name = "here",
					    .url = url,
					    .timeout_ns = 60 * DD_SECOND,
					    .backoff_ns = DD_SECOND / 1000 };
}

static void open_events(const struct dd_events_endpoint *endpoints, size_t count, size_t queue)
{
	const struct dd_events_options options = { .endpoints = endpoints,
						   .endpoint_count = count,
						   .source = "registry:5000",
						   .queue_max = queue };

	if (dd_events_open(ctx, &options, &events, &err) < 0)
		fail_msg("%s", err.text);
}

static void tell(const char *repository)
{
	const struct dd_event event = { .action = DD_EVENT_PUSH, .repository = repository };

	dd_events_tell(events, &event);
}

static struct dd_events_figures figures;

static void take_figures(void *arg, const struct dd_events_figures *now)
{
	const char *const *name = arg;

	if (!strcmp(*name, now->name))
		figures = *now;
}

static void get_figures_of(const char *name)
{
	memset(&figures, 0, sizeof(figures));
	dd_events_get_figures(events, take_figures, &name);
}

static void get_figures(void)
{
	get_figures_of("here");
}

/* Until so many have been told, failed and the like. */
static void wait_until(uint64_t told, uint64_t refused)
{
	do {
		get_figures();
		usleep(1000);
	} while (figures.told < told || figures.refused < refused || figures.queued);
}

static const char *body_of(unsigned request)
{
	return strstr(server.requests[request], "\r\n\r\n") + 4;
}

static void says(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("no %s in %s", what, text);
}

static void an_event_has_the_fields_that_the_reference_has(void **state)
{
	struct dd_digest digest;
	struct dd_event event = { .action = DD_EVENT_PUSH,
				  .manifest = true,
				  .repository = "team/app",
				  .tag = "v1",
				  .digest = &digest,
				  .media_type = "application/vnd.oci.image.manifest.v1+json",
				  .size = 708,
				  .base_url = "http://registry:5000",
				  .request = { "the-id", "10.0.0.1:4", "registry:5000", "PUT",
					       "curl/\"8\"" },
				  .actor = "alice" };
	const struct dd_event_frame frame = { "event-id", INT64_C(1700000000000000042),
					      "here:5000", "instance" };
	struct dd_text text = { 0 };

	(void)state;
	dd_digest_of(&digest, DD_SHA256, "", 0, NULL);
	assert_int_equal(dd_event_write(&event, &frame, &text, &err), 0);
#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	assert_string_equal(
		text.bytes,
		"{\"events\":[{\"id\":\"event-id\",\"timestamp\":\"2023-11-14T22:13:20.000000042Z\","
		"\"action\":\"push\",\"target\":{"
		"\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
		"\"size\":708,\"length\":708,\"digest\":\"" EMPTY "\",\"repository\":\"team/app\","
		"\"url\":\"http://registry:5000/v2/team/app/manifests/" EMPTY "\",\"tag\":\"v1\"},"
		"\"request\":{\"id\":\"the-id\",\"addr\":\"10.0.0.1:4\",\"host\":\"registry:5000\","
		"\"method\":\"PUT\",\"useragent\":\"curl/\\\"8\\\"\"},\"actor\":{\"name\":\"alice\"},"
		"\"source\":{\"addr\":\"here:5000\",\"instanceID\":\"instance\"}}]}\n");
	dd_text_cut(&text, 0);
	event = (struct dd_event){ .action = DD_EVENT_MOUNT,
				   .repository = "a",
				   .from_repository = "b",
				   .digest = &digest,
				   .base_url = "http://registry:5000" };
	assert_int_equal(dd_event_write(&event, &frame, &text, &err), 0);
	says(text.bytes, "\"fromRepository\":\"b\"");
	says(text.bytes, "/v2/a/blobs/sha256:");
	says(text.bytes, "\"actor\":{}");
	dd_text_cut(&text, 0);
	event = (struct dd_event){ .action = DD_EVENT_DELETE, .repository = "a", .tag = "v1" };
	assert_int_equal(dd_event_write(&event, &frame, &text, &err), 0);
	says(text.bytes, "\"target\":{\"repository\":\"a\",\"tag\":\"v1\"}");
	dd_text_release(&text);
}

static void an_event_arrives_with_the_configured_headers(void **state)
{
	static const char *const headers[] = { "Authorization: Bearer secret", "X-Team: a" };
	struct dd_events_endpoint endpoint = here();
	struct dd_json_reader *reader;
	const struct dd_json *root;

	(void)state;
	endpoint.headers = headers;
	endpoint.header_count = 2;
	open_events(&endpoint, 1, 0);
	tell("app");
	wait_until(1, 0);
	says(server.requests[0], "POST /events HTTP/1.1\r\n");
	says(server.requests[0], "\r\nContent-Type: " DD_EVENTS_MEDIA_TYPE "\r\n");
	says(server.requests[0], "\r\nAuthorization: Bearer secret\r\n");
	says(server.requests[0], "\r\nX-Team: a\r\n");
	assert_null(strcasestr(server.requests[0], "\r\nExpect:"));
	says(body_of(0), "\"repository\":\"app\"");
	says(body_of(0), "\"source\":{\"addr\":\"registry:5000\",");
	assert_int_equal(dd_json_reader_open(&reader, NULL), 0);
	assert_int_equal(dd_json_read(reader, body_of(0), strlen(body_of(0)), 1 << 20, &root, NULL),
			 0);
	dd_json_reader_closep(&reader);
}

static void events_arrive_in_their_order_however_often_it_takes(void **state)
{
	const struct dd_events_endpoint endpoint = here();
	const int failures[] = { -1, 500, 503, 302, 200, 429, 404, 200 };

	(void)state;
	memcpy(server.status, failures, sizeof(failures));
	open_events(&endpoint, 1, 0);
	tell("first");
	tell("second");
	tell("third");
	wait_until(3, 0);
	assert_int_equal(figures.failed, 6);
	assert_int_equal(figures.dropped, 0);
	assert_int_equal(server.count, 9);
	says(body_of(4), "\"first\"");
	says(body_of(5), "\"second\"");
	says(body_of(7), "\"second\"");
	says(body_of(8), "\"third\"");
}

static void what_an_endpoint_will_never_take_holds_up_nothing(void **state)
{
	const struct dd_events_endpoint endpoint = here();

	(void)state;
	server.status[0] = 400;
	server.status[1] = 422;
	open_events(&endpoint, 1, 0);
	tell("first");
	tell("second");
	tell("third");
	wait_until(1, 2);
	assert_int_equal(server.count, 3);
	says(body_of(2), "\"third\"");
}

static void a_full_queue_gives_up_the_oldest_and_counts(void **state)
{
	const struct dd_events_endpoint endpoint = here();

	(void)state;
	server.hold = true;
	open_events(&endpoint, 1, 3);
	tell("first");
	wait_for_requests(1);
	tell("second");
	tell("third");
	tell("fourth");
	tell("fifth");
	get_figures();
	assert_int_equal(figures.queued, 3);
	assert_int_equal(figures.dropped, 2);
	release();
	wait_until(3, 0);
	says(body_of(0), "\"first\"");
	says(body_of(1), "\"fourth\"");
	says(body_of(2), "\"fifth\"");
}

static void what_is_ignored_is_not_told(void **state)
{
	static const char *const actions[] = { "pull", "mount" }, *const types[] = { "a/b" };
	struct dd_events_endpoint endpoint = here();
	struct dd_event event = { .action = DD_EVENT_PULL, .repository = "pulled" };

	(void)state;
	endpoint.ignore_actions = actions;
	endpoint.ignore_action_count = 2;
	endpoint.ignore_media_types = types;
	endpoint.ignore_media_type_count = 1;
	open_events(&endpoint, 1, 0);
	assert_false(dd_events_wanted(events, DD_EVENT_PULL));
	assert_true(dd_events_wanted(events, DD_EVENT_PUSH));
	dd_events_tell(events, &event);
	event = (struct dd_event){ .action = DD_EVENT_PUSH,
				   .repository = "typed",
				   .media_type = "a/b" };
	dd_events_tell(events, &event);
	tell("app");
	wait_until(1, 0);
	assert_int_equal(server.count, 1);
	says(body_of(0), "\"app\"");
}

static void what_is_queued_is_told_before_the_end(void **state)
{
	const struct dd_events_endpoint endpoint = here();

	(void)state;
	server.status[0] = 500;
	open_events(&endpoint, 1, 0);
	for (int i = 0; i < 20; i++)
		tell("app");
	dd_events_close(events, 60 * DD_SECOND);
	events = NULL;
	assert_int_equal(server.count, 21);
}

static void the_end_waits_for_nobody_who_does_not_answer(void **state)
{
	const struct dd_events_endpoint endpoint = here();

	(void)state;
	server.hold = true;
	open_events(&endpoint, 1, 0);
	tell("first");
	tell("second");
	wait_for_requests(1);
	dd_events_close(events, DD_SECOND / 100);
	events = NULL;
	assert_int_equal(server.count, 1);
}

static void other_endpoints_take_over_and_those_that_stay_keep_their_queue(void **state)
{
	struct dd_events_endpoint endpoints[2] = { here(), here() };
	struct dd_events_options options = { .endpoints = endpoints, .endpoint_count = 2 };

	(void)state;
	server.hold = true;
	open_events(endpoints, 1, 0);
	tell("first");
	tell("second");
	wait_for_requests(1);
	endpoints[1].name = "there";
	assert_int_equal(dd_events_reload(events, &options, &err), 0);
	get_figures();
	assert_int_equal(figures.queued, 2);
	/* A broken configuration changes nothing. */
	endpoints[1].name = "here";
	assert_int_equal(dd_events_reload(events, &options, &err), DD_ECONFIG);
	says(err.text, "two endpoints");
	endpoints[1].name = "elsewhere";
	endpoints[1].url = "ftp://here/";
	assert_int_equal(dd_events_reload(events, &options, &err), DD_ECONFIG);
	says(err.text, "notifications.endpoints: elsewhere: its url");
	get_figures_of("there");
	assert_string_equal(figures.name, "there");
	release();
	options.endpoint_count = 0;
	assert_int_equal(dd_events_reload(events, &options, &err), 0);
	assert_int_equal(server.count, 2);
	assert_false(dd_events_wanted(events, DD_EVENT_PUSH));
	tell("third");
}

static void cannot_open(const struct dd_events_endpoint *endpoint, const char *why)
{
	const struct dd_events_options options = { .endpoints = endpoint, .endpoint_count = 1 };

	assert_int_equal(dd_events_open(ctx, &options, &events, &err), DD_ECONFIG);
	assert_null(events);
	says(err.text, why);
	assert_null(strstr(err.text, "secret"));
}

static void what_is_no_endpoint_is_refused(void **state)
{
	static const char *const split[] = { "A: b\r\nC: secret" }, *const none[] = { "secret" };
	struct dd_events_endpoint endpoint = here();

	(void)state;
	endpoint.name = NULL;
	cannot_open(&endpoint, "name");
	endpoint = here();
	endpoint.url = "file:///secret";
	cannot_open(&endpoint, "here: its url");
	endpoint.url = "http://user:secret@[";
	cannot_open(&endpoint, "here: its url");
	endpoint = here();
	endpoint.header_count = 1;
	endpoint.headers = split;
	cannot_open(&endpoint, "here: a header");
	endpoint.headers = none;
	cannot_open(&endpoint, "here: a header");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_has_the_fields_that_the_reference_has),
		TEST(an_event_arrives_with_the_configured_headers),
		TEST(events_arrive_in_their_order_however_often_it_takes),
		TEST(what_an_endpoint_will_never_take_holds_up_nothing),
		TEST(a_full_queue_gives_up_the_oldest_and_counts),
		TEST(what_is_ignored_is_not_told),
		TEST(what_is_queued_is_told_before_the_end),
		TEST(the_end_waits_for_nobody_who_does_not_answer),
		TEST(other_endpoints_take_over_and_those_that_stay_keep_their_queue),
		TEST(what_is_no_endpoint_is_refused),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
