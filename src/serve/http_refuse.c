/*
 * Requests that are none, or that this client may not make, whatever they ask for; and bodies that
 * nobody wants: libmicrohttpd sends no reply in the middle of one.
 */
#include <inttypes.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "serve/http_private.h"
#include "serve/tls.h"

/* A body that nobody wants is read all the same if it is no larger: so its connection can go on. */
#define DRAIN_MAX (UINT64_C(256) << 10)

/* What the headers say about where the request ends, and to whom it is. */
struct framing {
	unsigned ends, hosts; /* headers that say so */
	bool codes, odd, bare;
};

/*
 * libmicrohttpd before 1.0 puts what continues a header in the next line behind its name, which it moves for
 * that: so one of these words may become another name, and another name one of these words.
 */
static bool is_run_on(const char *name, const char *word)
{
	size_t len = strlen(word);

	return !strncasecmp(name, word, len) && name[len];
}

static bool is_behind(const char *name, const char *value)
{
	const char *end = name + strlen(name) + 1;
	size_t gap = (uintptr_t)value - (uintptr_t)end;

	return (uintptr_t)value >= (uintptr_t)end && strspn(end, " \t") >= gap;
}

static enum MHD_Result note_framing(void *arg, enum MHD_ValueKind kind, const char *name,
				    const char *value)
{
	struct framing *framing = arg;
	bool codes = !strcasecmp(name, "Transfer-Encoding");
	bool ends = codes || !strcasecmp(name, "Content-Length");

	(void)kind;
	framing->hosts += !strcasecmp(name, "Host");
	framing->ends += ends;
	framing->codes |= codes;
	framing->odd |= (codes && (!value || strcasecmp(value, "chunked") != 0)) ||
			(ends && !is_behind(name, value)) || is_run_on(name, "Transfer-Encoding") ||
			is_run_on(name, "Content-Length") || strpbrk(name, " \t");
	framing->bare |= strchr(name, '\r') || (value && strchr(value, '\r'));
	return MHD_YES;
}

/*
 * RFC 9112, 6.3 and 11.2: where the end is said twice, or in no way we know, a proxy before us may have seen
 * another one, and what is a body to it is a request to us. So it may where HTTP/1.0 has chunks, which it does
 * not know (6.1). The same goes for a CR that ends no line (2.2), and for two hosts or none (3.2).
 */
static const char *find_fault(struct dd_exchange *exchange)
{
	struct framing framing = { 0 };

	MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, note_framing, &framing);
	if (exchange->torn)
		return "a NUL, or space that does not belong there, is in the first line";
	if (framing.ends > 1 || framing.odd || (framing.codes && exchange->old))
		return "it is not clear where the request ends";
	if (framing.bare)
		return "a carriage return is in the middle of a header";
	if (framing.hosts > 1 || (!framing.hosts && !exchange->old))
		return "it has to have one Host";
	return NULL;
}

static bool is_vouched_for(struct dd_exchange *exchange)
{
	const struct dd_tls *tls = http_of(exchange)->options.tls;
	struct link *link = link_of(exchange);

	if (tls && !link->vouched)
		link->vouched = dd_tls_may_ask(link->terms, exchange->connection);
	return !tls || link->vouched;
}

bool exchange_may_begin(struct dd_exchange *exchange)
{
	const char *fault = find_fault(exchange);

	if (fault)
		exchange_trouble(exchange, 400, fault);
	else if (!is_vouched_for(exchange))
		exchange_trouble(exchange, 403, "a certificate is wanted that this server trusts");
	else
		return true;
	return false;
}

/* ---- past libmicrohttpd ---- */

static enum MHD_Result add_header(void *arg, enum MHD_ValueKind kind, const char *name,
				  const char *value)
{
	char line[1200];
	int len = snprintf(line, sizeof(line), "%s: %s\r\n", name, value);

	(void)kind;
	if (len > 0 && (size_t)len < sizeof(line))
		dd_text_add(arg, line, (size_t)len);
	return MHD_YES;
}

static int write_reply(const struct dd_reply *reply, struct dd_text *text)
{
	char line[160], date[40];
	time_t now = time(NULL);
	struct tm tm;
	int len, rc;

	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	len = snprintf(line, sizeof(line), "HTTP/1.1 %u %s\r\nDate: %s\r\n", reply->status,
		       MHD_get_reason_phrase_for(reply->status), date);
	rc = dd_text_add(text, line, (size_t)len);

	MHD_get_response_headers(reply->response, add_header, text);
	len = snprintf(line, sizeof(line),
		       "Connection: close\r\nContent-Length: %" PRIu64 "\r\n\r\n", reply->len);
	if (rc == 0)
		rc = dd_text_add(text, line, (size_t)len);
	return rc == 0 ? dd_text_add(text, reply->bytes, (size_t)reply->len) : rc;
}

/* ---- connections ---- */

void link_note_refused(struct link *link, const char *target, unsigned status)
{
	const struct dd_http_app *app = &link->http->options.app;

	app->refused(app->arg, dd_exchange_get_peer(&link->exchange), target, status);
}

static void tell_plainly(struct link *link, unsigned status, const char *why)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	const struct dd_http_app *app = &link->http->options.app;
	struct dd_reply *reply = app->trouble(app->arg, status, why);

	if (reply && write_reply(reply, &text) == 0 &&
	    send(link->fd, text.bytes, text.len, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		link->told = status;
	dd_reply_unref(reply);
}

void link_tell(struct link *link, unsigned status, const char *why)
{
	if (!link->http->options.tls && link->fd >= 0)
		tell_plainly(link, status, why);
}

void link_refuse(struct link *link, unsigned status, const char *why)
{
	link_tell(link, status, why);
	link_note_refused(link, "", status);
	link->lingers = true;
	if (link->fd >= 0)
		shutdown(link->fd, SHUT_RD);
}

/* More than the end of the stream, which counts as a byte. */
static bool has_received(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_bytes_received > 1;
}

/*
 * Who speaks plain HTTP to a server with TLS is told so. GnuTLS has given up, and taken no more than a
 * record's header; what is left is read, lest the reply be lost to a reset.
 */
static bool answer_plain(struct link *link)
{
	char bytes[4096];
	ssize_t len = recv(link->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (len <= 0 || !memmem(bytes, (size_t)len, " HTTP/1.", 8))
		return false;
	tell_plainly(link, 400, "this port speaks TLS: it is asked by https://");
	return true;
}

void link_note_unread(struct link *link)
{
	bool none = link->http->options.tls ? answer_plain(link) : has_received(link->fd);

	if (none)
		link_note_refused(link, "", 400);
}

/* ---- in the middle of a body ---- */

/* Nothing has been sent to the client that could still be on its way: there is room for all of it. */
static bool send_past(struct dd_exchange *exchange, const struct dd_text *text)
{
	if (http_of(exchange)->options.tls)
		return dd_tls_send(exchange->connection, text->bytes, text->len);
	return send(link_of(exchange)->fd, text->bytes, text->len, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	       (ssize_t)text->len;
}

/* The reply is sent at once, and the connection ends. */
static enum MHD_Result cut(struct dd_exchange *exchange)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	const struct dd_reply *reply = exchange->reply;

	exchange->state = EXCHANGE_REPLIED;
	if (!reply || !reply->bytes || write_reply(reply, &text) < 0 || !send_past(exchange, &text))
		return MHD_NO;
	atomic_store_explicit(&exchange->sent, reply->len, memory_order_relaxed);
	exchange->cut = true;
	link_of(exchange)->lingers = true;
	return MHD_NO;
}

enum MHD_Result exchange_refuse_body(struct dd_exchange *exchange)
{
	if (exchange->expects || exchange->length > DRAIN_MAX) {
		link_of(exchange)->lingers = true;
		return exchange_queue(exchange);
	}
	exchange->state = EXCHANGE_DISCARD;
	return MHD_YES;
}

/* What is left of a body that nobody wants; as much as would be drained at the beginning. */
enum MHD_Result exchange_discard(struct dd_exchange *exchange, size_t *len)
{
	struct body *body = &exchange->body;

	if (!*len)
		return exchange_queue(exchange);
	if (exchange->length == UINT64_MAX ||
	    exchange->length - body->received - body->discarded > DRAIN_MAX)
		return cut(exchange);
	body->discarded += *len;
	*len = 0;
	return MHD_YES;
}
