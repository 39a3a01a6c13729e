/*
 * What the files of the HTTP server share. A link is a connection of a client; it has one exchange at
 * a time, which is therefore a part of it. It lives until the connection is closed and no job has it
 * any more, which may be later.
 */
#ifndef SERVE_HTTP_PRIVATE_H
#define SERVE_HTTP_PRIVATE_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "serve/http.h"
#include "serve/linger.h"

#define PEER_TEXT 80

struct dd_tally;
struct dd_tally_entry;

struct dd_reply {
	atomic_uint refs;
	unsigned status;
	uint64_t len;	   /* of the body */
	const char *bytes; /* it, if it was prepared: the response's */
	struct MHD_Response *response;
	struct stream *stream; /* of http_reply.c, where there is one */
};

enum exchange_state {
	EXCHANGE_NONE,	  /* between two requests */
	EXCHANGE_HEAD,	  /* its first line is here */
	EXCHANGE_READY,	  /* its headers are, and no body is to come */
	EXCHANGE_BEGUN,	  /* the application knows of it */
	EXCHANGE_BODY,	  /* its body is being received */
	EXCHANGE_DISCARD, /* likewise, and nobody wants it */
	EXCHANGE_LAST,	  /* all is here: a job makes the reply */
	EXCHANGE_REPLIED
};

/* Two buffers: one is being filled by us while a job takes the other. */
struct body {
	const struct dd_body *ops; /* NULL: none is wanted */
	pthread_mutex_t lock;	   /* of busy, waiting */
	char *buffers[2];
	size_t room, filled[2];
	unsigned filling;	   /* which of them */
	bool busy, waiting;	   /* a job has the other one; the connection waits for it */
	dd_exchange_fn *abandoned; /* by the job, which is the last that has it; NULL: it is not */
	bool prepared;
	uint64_t received, taken, discarded;
};

/* A read that has to wait for the disk, done by a job into the reply's own buffer. */
struct late_read {
	char *bytes;
	uint64_t offset;
	size_t len;
	int64_t got;
	bool there;
};

struct dd_exchange {
	enum exchange_state state;
	struct MHD_Connection *connection;
	char method[16];
	uint64_t length;
	bool has_body, expects, complete;
	bool old;  /* HTTP/1.0 */
	bool torn; /* more was in the first line than is known of it */
	bool cut;  /* the reply was sent before the body was here */
	struct dd_reply *reply;
	void *data;
	_Atomic uint64_t sent;
	struct dd_pool_job job;
	dd_exchange_fn *work;
	bool work_slow;
	struct body body;
	struct late_read late;
	char peer[PEER_TEXT];
};

struct link {
	struct dd_exchange exchange; /* first: one leads to the other */
	struct dd_http *http;
	struct link *next, **before; /* of http->links */
	atomic_uint refs;
	int fd;
	char *target;
	size_t target_room;
	/* for the sweep */
	_Atomic int64_t since_ns; /* when its state began, CLOCK_MONOTONIC */
	_Atomic int phase;	  /* enum link_phase */
	_Atomic uint64_t moved;	  /* bytes in and out */
	uint64_t moved_seen;
	int64_t moved_seen_ns;
	bool asked;			  /* a request's first line has come */
	bool refused;			  /* whatever it asks for: it has been told */
	_Atomic unsigned told;		  /* the status of what was sent to it past libmicrohttpd */
	struct dd_tally_entry *address;	  /* NULL: connections of one are not counted */
	bool weighed;			  /* how much of it may be on its way to the client */
	bool lingers;			  /* its client was still sending when it got its reply */
	const struct dd_tls_terms *terms; /* with TLS */
	bool vouched;			  /* its client has shown what certificate is demanded */
	_Atomic bool unfinished;	  /* more of a body is to come */
	uint64_t still_at; /* what had moved when it was last seen to move, and when that was */
	int64_t still_since_ns;
};

enum link_phase { LINK_IDLE, LINK_HEAD, LINK_BUSY, LINK_WAITING /* for us */ };

struct dd_http {
	struct dd_context *ctx;
	struct dd_http_options options;
	struct MHD_Daemon *daemon;
	pthread_mutex_t lock;	  /* of links, addresses, most */
	pthread_mutex_t gate;	  /* of suspending, against closing */
	char said[DD_ERROR_TEXT]; /* what libmicrohttpd said last while it started */
	struct link *links;
	struct dd_tally *addresses; /* of how many links */
	struct dd_linger *linger;
	atomic_uint connections, busy, bodies, streams;
	unsigned most;	   /* connections, of the sweeps since memory was last given back */
	bool closing;	   /* nothing is suspended any more */
	atomic_bool quiet; /* no new connections */
	atomic_bool started;
};

static inline struct link *link_of(const struct dd_exchange *exchange)
{
	return (struct link *)exchange;
}

static inline struct dd_http *http_of(const struct dd_exchange *exchange)
{
	return link_of(exchange)->http;
}

/* http_link.c */
/* NULL without memory. */
struct link *link_open(struct dd_http *http, struct MHD_Connection *connection);
/* Its descriptor is about to be closed. */
void link_close(struct link *link);

/* http_wait.c */
int64_t http_now_ns(void);
void link_enter(struct link *link, enum link_phase phase);
void link_ref(struct link *link);
void link_unref(struct link *link);

/*
 * The connection is suspended, and its job runs, which is to end with http_resume(). False: the server is
 * being closed, and who has to wait waits in place.
 */
bool http_suspend_for(struct dd_exchange *exchange, bool slow,
		      void (*run)(struct dd_pool_job *job));
/* For a job that runs already. The caller sees to it that the resume comes later. */
void http_suspend(struct dd_exchange *exchange);
void http_resume(struct dd_exchange *exchange);
static inline struct dd_exchange *exchange_of_job(struct dd_pool_job *job)
{
	return (struct dd_exchange *)((char *)job - offsetof(struct dd_exchange, job));
}

/* http_reply.c */
void exchange_trouble(struct dd_exchange *exchange, unsigned status, const char *why);
enum MHD_Result exchange_queue(struct dd_exchange *exchange);

/* http_refuse.c */
/* A reply of the application's, past libmicrohttpd, which sends nothing at that time. Plain connections alone. */
void link_tell(struct link *link, unsigned status, const char *why);
/* The same, and the connection ends. */
void link_refuse(struct link *link, unsigned status, const char *why);
/* Whose connection ends without a request: what came, if anything did, was none. */
void link_note_unread(struct link *link);
/* The application hears of a request that it never began. */
void link_note_refused(struct link *link, const char *target, unsigned status);
/* Before anybody looks at what is asked for. False, and a reply. */
bool exchange_may_begin(struct dd_exchange *exchange);
/* The reply came before the body; in the middle of it, with a part that nobody wants. */
enum MHD_Result exchange_refuse_body(struct dd_exchange *exchange);
enum MHD_Result exchange_discard(struct dd_exchange *exchange, size_t *len);

/* http_body.c */
enum MHD_Result body_data(struct dd_exchange *exchange, const char *bytes, size_t *len);
enum MHD_Result body_end(struct dd_exchange *exchange);
/* False, and a reply: it is larger than is allowed. */
bool body_begin(struct dd_exchange *exchange);
/* False: a job still has it, and will call finish. */
bool body_abandon(struct dd_exchange *exchange, dd_exchange_fn *finish);
void body_release(struct dd_exchange *exchange);

/* http_exchange.c: libmicrohttpd's callbacks */
enum MHD_Result http_answer(void *arg, struct MHD_Connection *connection, const char *url,
			    const char *method, const char *version, const char *bytes, size_t *len,
			    void **context);
void http_completed(void *arg, struct MHD_Connection *connection, void **context,
		    enum MHD_RequestTerminationCode code);

#endif
