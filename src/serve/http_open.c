/*
 * The server: libmicrohttpd's daemon.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tally.h"
#include "serve/http_private.h"
#include "serve/tls.h"

static void connection_changed(void *arg, struct MHD_Connection *connection, void **context,
			       enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = link_open(arg, connection);
	} else if (*context) {
		link_close(*context);
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
	link->asked = true;
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
	dd_tally_closep(&http->addresses);
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
	http->addresses = dd_tally_open();
	if (rc == 0 && !http->addresses)
		rc = dd_fail(err, DD_ENOMEM, 0, "start the HTTP server");
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
