/*
 * The server: libmicrohttpd's daemon, and the links that are its connections.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "serve/http_private.h"
#include "serve/tls.h"

/* A client that moves less than this in so long is not worth a connection. */
#define SLOW_BYTES 16384
#define SLOW_NS (INT64_C(300) * 1000000000)
/* What has come is taken in no time: after so long nothing is left in any buffer. */
#define STILL_NS (INT64_C(2) * 1000000000)

int64_t http_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---- links ---- */

void link_enter(struct link *link, enum link_phase phase)
{
	atomic_store_explicit(&link->since_ns, http_now_ns(), memory_order_relaxed);
	atomic_store_explicit(&link->phase, phase, memory_order_relaxed);
}

static struct link *open_link(struct dd_http *http, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->http = http;
	link->fd = info ? info->connect_fd : -1;
	link->exchange.connection = connection;
	pthread_mutex_init(&link->exchange.body.lock, NULL);
	atomic_init(&link->refs, 1);
	link_enter(link, LINK_IDLE);
	link->moved_seen_ns = http_now_ns();
	if (http->options.tls)
		link->terms = dd_tls_begin(http->options.tls, connection);
	atomic_fetch_add(&http->connections, 1);
	pthread_mutex_lock(&http->lock);
	link->next = http->links;
	link->before = &http->links;
	if (link->next)
		link->next->before = &link->next;
	http->links = link;
	pthread_mutex_unlock(&http->lock);
	return link;
}

/*
 * Who speaks plain HTTP to a server with TLS is told so. GnuTLS has given up, and taken no more than a
 * record's header; what is left is read, lest the reply be lost to a reset.
 */
static void answer_plain(const struct link *link)
{
	static const char reply[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
				    "Connection: close\r\n\r\n"
				    "this port speaks TLS: it is asked by https://\n";
	char bytes[4096];
	ssize_t len = recv(link->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (len > 0 && memmem(bytes, (size_t)len, " HTTP/1.", 8))
		send(link->fd, reply, sizeof(reply) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Its descriptor is about to be closed: the sweep must not see it any more. */
static void close_link(struct link *link)
{
	struct dd_http *http = link->http;

	if (http->options.tls && link->fd >= 0 && !link->target)
		answer_plain(link);
	if (link->lingers && link->fd >= 0)
		dd_linger_take(http->linger, link->fd);
	pthread_mutex_lock(&http->lock);
	*link->before = link->next;
	if (link->next)
		link->next->before = link->before;
	pthread_mutex_unlock(&http->lock);
	atomic_fetch_sub(&http->connections, 1);
	link_unref(link);
}

void link_ref(struct link *link)
{
	atomic_fetch_add(&link->refs, 1);
}

void link_unref(struct link *link)
{
	if (atomic_fetch_sub(&link->refs, 1) != 1)
		return;
	pthread_mutex_destroy(&link->exchange.body.lock);
	free(link->target);
	free(link);
}

static void connection_changed(void *arg, struct MHD_Connection *connection, void **context,
			       enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = open_link(arg, connection);
	} else if (*context) {
		close_link(*context);
		*context = NULL;
	}
}

static struct link *find_link(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* The first line is here, and nothing of it has been decoded. What is returned is the request's context. */
static void *target_came(void *arg, const char *target, struct MHD_Connection *connection)
{
	struct link *link = find_link(connection);
	size_t len = strlen(target) + 1;

	(void)arg;
	if (!link)
		return NULL;
	if (link->target_room < len) {
		char *room = realloc(link->target, len);

		if (!room)
			return NULL;
		link->target = room;
		link->target_room = len;
	}
	memcpy(link->target, target, len);
	link_enter(link, LINK_HEAD);
	link->exchange.state = EXCHANGE_HEAD;
	return &link->exchange;
}

/* Left as they are: what is routed is what came. */
static size_t decode_nothing(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg;
	(void)connection;
	return strlen(text);
}

__attribute__((format(printf, 2, 0))) static void say(void *arg, const char *fmt, va_list args)
{
	struct dd_http *http = arg;
	char text[DD_ERROR_TEXT];

	vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\r\n")] = '\0';
	if (!atomic_load(&http->started))
		memcpy(http->said, text, sizeof(text));
	dd_log(http->ctx, DD_LOG_DEBUG, "http: %s", text);
}

/* ---- the daemon ---- */

#define OPTIONS_MAX 20

static void add(struct MHD_OptionItem *items, size_t *count, enum MHD_OPTION option, intptr_t value,
		void *pointer)
{
	items[(*count)++] = (struct MHD_OptionItem){ option, value, pointer };
}

/* Options that do not fit into a struct MHD_OptionItem are given as arguments. */
static void choose_options(struct dd_http *http, struct MHD_OptionItem items[OPTIONS_MAX])
{
	const struct dd_http_options *options = &http->options;
	size_t count = 0;

	add(items, &count, MHD_OPTION_LISTEN_SOCKET, options->listen_fd, NULL);
	add(items, &count, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)options->head_max, NULL);
	add(items, &count, MHD_OPTION_CONNECTION_LIMIT, options->connections_max, NULL);
	add(items, &count, MHD_OPTION_CONNECTION_TIMEOUT, options->timeout_s, NULL);
	if (options->per_address_max)
		add(items, &count, MHD_OPTION_PER_IP_CONNECTION_LIMIT, options->per_address_max,
		    NULL);
	if (options->threads > 1)
		add(items, &count, MHD_OPTION_THREAD_POOL_SIZE, options->threads, NULL);
	add(items, &count, MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_completed, http);
	add(items, &count, MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)connection_changed, http);
	add(items, &count, MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)target_came, http);
	add(items, &count, MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)decode_nothing, http);
	if (options->tls)
		dd_tls_choose_options(items, &count);
	add(items, &count, MHD_OPTION_END, 0, NULL);
}

static void free_http(struct dd_http *http)
{
	dd_linger_closep(&http->linger);
	pthread_mutex_destroy(&http->lock);
	pthread_mutex_destroy(&http->gate);
	free(http);
}

int dd_http_open(struct dd_context *ctx, const struct dd_http_options *options,
		 struct dd_http **out, struct dd_error *err)
{
	struct dd_http *http = calloc(1, sizeof(*http));
	struct MHD_OptionItem items[OPTIONS_MAX] = { 0 };
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
			 MHD_USE_ERROR_LOG | (options->tls ? MHD_USE_TLS : 0);
	int rc;

	*out = NULL;
	if (!http)
		return dd_fail(err, DD_ENOMEM, 0, "start the HTTP server");
	http->ctx = ctx;
	http->options = *options;
	pthread_mutex_init(&http->lock, NULL);
	pthread_mutex_init(&http->gate, NULL);
	rc = dd_linger_open(&http->linger, err);
	if (rc < 0) {
		free_http(http);
		return rc;
	}
	choose_options(http, items);
	http->daemon = MHD_start_daemon(flags, 0, NULL, NULL, http_answer, http,
					MHD_OPTION_EXTERNAL_LOGGER, say, http, MHD_OPTION_ARRAY,
					items, MHD_OPTION_END);
	if (!http->daemon) {
		rc = dd_fail(err, DD_EIO, 0, "start the HTTP server: %s",
			     http->said[0] ? http->said : "libmicrohttpd does not say why");

		free_http(http);
		return rc;
	}
	atomic_store(&http->started, true);
	*out = http;
	return 0;
}

void dd_http_quiesce(struct dd_http *http)
{
	if (!http->quiet)
		MHD_quiesce_daemon(http->daemon);
	http->quiet = true;
}

unsigned dd_http_get_busy(struct dd_http *http)
{
	return atomic_load(&http->busy);
}

unsigned dd_http_get_connections(struct dd_http *http)
{
	return atomic_load(&http->connections);
}

/* Whether it has had its time; bytes are counted from one look to the next. */
static bool too_slow(struct dd_http *http, struct link *link, int64_t now_ns)
{
	int64_t since = now_ns - atomic_load(&link->since_ns);
	uint64_t moved;

	switch ((enum link_phase)atomic_load(&link->phase)) {
	case LINK_IDLE:
		return http->quiet || since > (http->options.timeout_s + 5) * INT64_C(1000000000);
	case LINK_HEAD:
		return since > http->options.head_timeout_s * INT64_C(1000000000);
	case LINK_WAITING:
		link->moved_seen_ns = now_ns;
		return false;
	case LINK_BUSY:
		break;
	}
	moved = atomic_load(&link->moved);
	if (since < SLOW_NS || moved - link->moved_seen >= SLOW_BYTES) {
		link->moved_seen = moved;
		link->moved_seen_ns = now_ns;
		return false;
	}
	return now_ns - link->moved_seen_ns > SLOW_NS;
}

static bool has_closed(const struct link *link)
{
	char byte;

	return recv(link->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/*
 * Whether the client has closed its side, in the middle of a body or with its last request.
 * libmicrohttpd does not notice if that came together with the last of the bytes, and would wait for
 * more; and an upload would be in nobody's hands but those of a client that is gone.
 */
static bool has_gone(struct link *link, int64_t now_ns)
{
	uint64_t moved = atomic_load(&link->moved);
	int64_t since = now_ns - atomic_load(&link->since_ns);
	int phase = atomic_load(&link->phase);

	if (phase != LINK_BUSY || !atomic_load(&link->unfinished) || moved != link->still_at) {
		link->still_at = moved;
		link->still_since_ns = now_ns;
		/* Before a request is whole it is asked a few times: what comes later is noticed. */
		return phase != LINK_BUSY && phase != LINK_WAITING && since >= STILL_NS &&
		       since < 10 * STILL_NS && has_closed(link);
	}
	return now_ns - link->still_since_ns >= STILL_NS && has_closed(link);
}

void dd_http_sweep(struct dd_http *http)
{
	int64_t now_ns = http_now_ns();

	pthread_mutex_lock(&http->lock);
	for (struct link *link = http->links; link; link = link->next)
		if (link->fd >= 0 && (too_slow(http, link, now_ns) || has_gone(link, now_ns)))
			shutdown(link->fd, SHUT_RDWR);
	pthread_mutex_unlock(&http->lock);
}

void dd_http_closep(struct dd_http **pointer)
{
	struct dd_http *http = *pointer;

	if (!http)
		return;
	/* Who would be suspended from here on waits in place: none may be left when the daemon stops. */
	pthread_mutex_lock(&http->gate);
	http->closing = true;
	pthread_mutex_unlock(&http->gate);
	dd_pool_wait(http->options.pool);
	MHD_stop_daemon(http->daemon);
	dd_pool_wait(http->options.pool);
	free_http(http);
	*pointer = NULL;
}
