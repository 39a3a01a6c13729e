/*
 * Requests that are none, or that this client may not make, whatever they ask for.
 */
#include <string.h>
#include <strings.h>

#include "serve/http_private.h"
#include "serve/tls.h"

/* What the headers say about where the request ends, and to whom it is. */
struct framing {
	unsigned ends, hosts; /* headers that say so */
	bool odd, bare;
};

static enum MHD_Result note_framing(void *arg, enum MHD_ValueKind kind, const char *name,
				    const char *value)
{
	struct framing *framing = arg;
	bool codes = !strcasecmp(name, "Transfer-Encoding");

	(void)kind;
	framing->hosts += !strcasecmp(name, "Host");
	framing->ends += codes || !strcasecmp(name, "Content-Length");
	framing->odd |=
		(codes && (!value || strcasecmp(value, "chunked") != 0)) || strpbrk(name, " \t");
	framing->bare |= strchr(name, '\r') || (value && strchr(value, '\r'));
	return MHD_YES;
}

/*
 * RFC 9112, 6.3 and 11.2: where the end is said twice, or in no way we know, a proxy before us may have seen
 * another one, and what is a body to it is a request to us. The same goes for a CR that ends no line (2.2),
 * and for two hosts or none (3.2).
 */
static const char *find_fault(struct dd_exchange *exchange)
{
	struct framing framing = { 0 };

	MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, note_framing, &framing);
	if (framing.ends > 1 || framing.odd)
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
		link->vouched = dd_tls_may_ask(tls, exchange->connection);
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
