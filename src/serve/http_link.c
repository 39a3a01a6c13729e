/*
 * Links: the connections, and when they have had their time.
 */
#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include "base/tally.h"
#include "serve/client.h"
#include "serve/http_private.h"
#include "serve/tls.h"

/* A client that moves less than this in so long is not worth a connection. */
#define SLOW_BYTES 16384
#define SLOW_NS (INT64_C(300) * 1000000000)
/* What has come is taken in no time: after so long nothing is left in any buffer. */
#define STILL_NS (INT64_C(2) * 1000000000)
#define MANY 256 /* connections */

/* One more of its address; whether it is one too many. */
static void link_count(struct link *link)
{
	struct dd_http *http = link->http;
	unsigned most = http->options.per_address_max;
	char name[DD_CLIENT_TEXT];

	if (!most)
		return;
	dd_client_name("", dd_exchange_get_peer(&link->exchange), name);
	pthread_mutex_lock(&http->lock);
	link->refused = dd_tally_get(http->addresses, name) >= most;
	link->address = dd_tally_add(http->addresses, name);
	pthread_mutex_unlock(&http->lock);
}

struct link *link_open(struct dd_http *http, struct MHD_Connection *connection)
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
	link_count(link);
	if (http->options.tls)
		link->terms = dd_tls_begin(http->options.tls, connection);
	pthread_mutex_lock(&http->lock);
	if (atomic_fetch_add(&http->connections, 1) >= http->most)
		http->most++;
	link->next = http->links;
	link->before = &http->links;
	if (link->next)
		link->next->before = &link->next;
	http->links = link;
	pthread_mutex_unlock(&http->lock);
	if (link->refused)
		link_refuse(link, 429, "too many connections from this address");
	return link;
}

/* Its descriptor is about to be closed: the sweep must not see it any more. */
void link_close(struct link *link)
{
	struct dd_http *http = link->http;

	if (link->fd >= 0 && !link->asked && !link->refused)
		link_note_unread(link);
	if (link->lingers && link->fd >= 0)
		dd_linger_take(http->linger, link->fd);
	pthread_mutex_lock(&http->lock);
	*link->before = link->next;
	if (link->next)
		link->next->before = link->before;
	if (link->address)
		dd_tally_take_off(http->addresses, link->address);
	pthread_mutex_unlock(&http->lock);
	atomic_fetch_sub(&http->connections, 1);
	link_unref(link);
}

/* ---- the sweep ---- */

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

/* What many connections took lies about in pieces once they are gone, and the allocator keeps it. */
static void give_back_memory(struct dd_http *http)
{
	unsigned now = atomic_load(&http->connections);
	bool fewer;

	pthread_mutex_lock(&http->lock);
	fewer = http->most >= MANY && now < http->most / 2;
	if (fewer)
		http->most = now;
	pthread_mutex_unlock(&http->lock);
	if (fewer)
		malloc_trim(0);
}

void dd_http_sweep(struct dd_http *http)
{
	int64_t now_ns = http_now_ns();

	give_back_memory(http);
	pthread_mutex_lock(&http->lock);
	for (struct link *link = http->links; link; link = link->next)
		if (link->fd >= 0 && (too_slow(http, link, now_ns) || has_gone(link, now_ns))) {
			/* Nothing else is sent to who is still at its headers. */
			if (atomic_load(&link->phase) == LINK_HEAD)
				link_tell(link, 408, "the headers were not here in time");
			shutdown(link->fd, SHUT_RDWR);
		}
	pthread_mutex_unlock(&http->lock);
}
