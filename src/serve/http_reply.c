/*
 * Replies: prepared ones, and those whose bytes are read while they are sent; and giving an exchange its
 * reply.
 */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "serve/http_private.h"

/*
 * Not sendfile(2), which hands over the pages of the file: what somebody wrote to them afterwards would go
 * out, though it was never verified. What is read into a block is looked at, and stays as it is.
 */
#define BLOCK ((size_t)256 << 10)
#define BLOCK_SMALL ((size_t)32 << 10)
#define STREAMS_LARGE 64 /* so many have the larger block */

struct stream {
	struct dd_http *http; /* outlives the exchange */
	struct dd_exchange *exchange;
	struct dd_reply_source source;
};

static struct dd_reply *new_reply(unsigned status, uint64_t len, struct MHD_Response *response)
{
	struct dd_reply *reply = response ? malloc(sizeof(*reply)) : NULL;

	if (!reply) {
		if (response)
			MHD_destroy_response(response);
		return NULL;
	}
	reply->status = status;
	reply->len = len;
	reply->response = response;
	reply->bytes = NULL;
	reply->stream = NULL;
	atomic_init(&reply->refs, 1);
	return reply;
}

struct dd_reply *dd_reply_new(unsigned status, const void *bytes, size_t len)
{
	char *copy = malloc(len + 1);
	struct MHD_Response *response;
	struct dd_reply *reply;

	if (!copy)
		return NULL;
	memcpy(copy, bytes, len);
	response = MHD_create_response_from_buffer(len, copy, MHD_RESPMEM_MUST_FREE);
	if (!response)
		free(copy);
	reply = new_reply(status, len, response);
	if (reply)
		reply->bytes = copy;
	return reply;
}

static ssize_t read_nothing(void *arg, uint64_t offset, char *bytes, size_t len)
{
	(void)arg;
	(void)offset;
	(void)bytes;
	(void)len;
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

struct dd_reply *dd_reply_head(unsigned status, uint64_t len)
{
	return len ? new_reply(
			     status, len,
			     MHD_create_response_from_callback(len, 1, read_nothing, NULL, NULL)) :
		     dd_reply_new(status, "", 0);
}

/* ---- streams ---- */

static void read_late(struct dd_pool_job *job)
{
	struct dd_exchange *exchange = exchange_of_job(job);
	struct late_read *late = &exchange->late;
	struct stream *stream = exchange->reply->stream;

	late->got =
		stream->source.read(stream->source.arg, late->offset, late->bytes, late->len, true);
	late->there = true;
	http_resume(exchange);
}

static int64_t read_now(struct stream *stream, uint64_t offset, char *bytes, size_t len)
{
	struct late_read *late = &stream->exchange->late;
	int64_t got;

	if (late->there && late->offset == offset && late->bytes == bytes) {
		late->there = false;
		return late->got;
	}
	got = stream->source.read(stream->source.arg, offset, bytes, len, false);
	if (got != DD_EAGAIN)
		return got;
	*late = (struct late_read){ .bytes = bytes, .offset = offset, .len = len };
	if (http_suspend_for(stream->exchange, false, read_late))
		return DD_EAGAIN;
	return stream->source.read(stream->source.arg, offset, bytes, len, true);
}

static ssize_t read_stream(void *arg, uint64_t offset, char *bytes, size_t len)
{
	struct stream *stream = arg;
	struct link *link = link_of(stream->exchange);
	int64_t got = read_now(stream, offset, bytes, len);

	if (got == DD_EAGAIN)
		return 0;
	if (got <= 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	atomic_fetch_add_explicit(&stream->exchange->sent, (uint64_t)got, memory_order_relaxed);
	atomic_fetch_add_explicit(&link->moved, (uint64_t)got, memory_order_relaxed);
	return (ssize_t)got;
}

static void free_stream(void *arg)
{
	struct stream *stream = arg;

	atomic_fetch_sub(&stream->http->streams, 1);
	stream->source.free(stream->source.arg);
	free(stream);
}

/*
 * Over a short way a long queue of what is to be sent makes nothing faster, but leaves the processor's
 * cache before it is read. So much in so short a time are 40 Gbit/s. The way's time is its least, of the
 * handshake's at the latest; what is longer, or is not known, is left to the kernel.
 */
#define QUEUE ((int)128 << 10)
#define SHORT_WAY_US 25

static void shorten_queue(struct link *link)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	int queue = QUEUE;

	if (link->weighed || link->fd < 0)
		return;
	link->weighed = true;
	if (getsockopt(link->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && info.tcpi_min_rtt &&
	    info.tcpi_min_rtt <= SHORT_WAY_US)
		setsockopt(link->fd, SOL_SOCKET, SO_SNDBUF, &queue, sizeof(queue));
}

struct dd_reply *dd_reply_stream(struct dd_exchange *exchange, unsigned status, uint64_t len,
				 const struct dd_reply_source *source)
{
	struct stream *stream = malloc(sizeof(*stream));
	struct dd_http *http = http_of(exchange);
	size_t block = atomic_load(&http->streams) < STREAMS_LARGE ? BLOCK : BLOCK_SMALL;
	struct MHD_Response *response;
	struct dd_reply *reply;

	if (!stream) {
		source->free(source->arg);
		return NULL;
	}
	*stream = (struct stream){ http, exchange, *source };
	atomic_fetch_add(&http->streams, 1);
	if (len > QUEUE)
		shorten_queue(link_of(exchange));
	if (len < block)
		block = len ? (size_t)len : 1;
	response = MHD_create_response_from_callback(len, block, read_stream, stream, free_stream);
	if (!response)
		free_stream(stream);
	reply = new_reply(status, len, response);
	if (reply)
		reply->stream = stream;
	return reply;
}

/* ---- what all have ---- */

void dd_reply_header(struct dd_reply *reply, const char *name, const char *value)
{
	if (reply)
		MHD_add_response_header(reply->response, name, value);
}

struct dd_reply *dd_reply_ref(struct dd_reply *reply)
{
	if (reply)
		atomic_fetch_add_explicit(&reply->refs, 1, memory_order_relaxed);
	return reply;
}

void dd_reply_unref(struct dd_reply *reply)
{
	if (!reply || atomic_fetch_sub(&reply->refs, 1) != 1)
		return;
	MHD_destroy_response(reply->response);
	free(reply);
}

/* ---- an exchange's ---- */

void dd_exchange_reply(struct dd_exchange *exchange, struct dd_reply *reply)
{
	if (exchange->reply)
		dd_reply_unref(reply);
	else
		exchange->reply = reply;
}

void exchange_trouble(struct dd_exchange *exchange, unsigned status, const char *why)
{
	const struct dd_http_app *app = &http_of(exchange)->options.app;

	dd_exchange_reply(exchange, app->trouble(app->arg, status, why));
}

enum MHD_Result exchange_queue(struct dd_exchange *exchange)
{
	struct dd_reply *reply = exchange->reply;

	exchange->state = EXCHANGE_REPLIED;
	atomic_store_explicit(&link_of(exchange)->unfinished, false, memory_order_relaxed);
	if (!reply || !reply->response)
		return MHD_NO;
	if (!reply->stream && strcmp(exchange->method, "HEAD") != 0)
		atomic_store_explicit(&exchange->sent, reply->len, memory_order_relaxed);
	if (http_of(exchange)->quiet)
		MHD_set_connection_option(exchange->connection, MHD_CONNECTION_OPTION_TIMEOUT, 5u);
	return MHD_queue_response(exchange->connection, reply->status, reply->response);
}
