/*
 * What a request is answered: the headers that all replies have, failures by their code, and where the
 * client is sent.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "serve/server.h"

void dd_request_common_headers(const struct dd_serve_config *config, struct dd_reply *reply)
{
	bool sniff = false;

	dd_reply_header(reply, "Docker-Distribution-Api-Version", "registry/2.0");
	for (size_t i = 0; i < config->headers.count; i++) {
		dd_reply_header(reply, config->headers.items[i].name,
				config->headers.items[i].value);
		sniff |= !strcasecmp(config->headers.items[i].name, "X-Content-Type-Options");
	}
	if (!sniff)
		dd_reply_header(reply, "X-Content-Type-Options", "nosniff");
}

void dd_request_let_go(struct dd_request *request)
{
	struct dd_error err = { 0 };

	if (!request->upload)
		return;
	if (!request->sole)
		dd_upload_releasep(&request->upload);
	else if (dd_upload_cancel(&request->upload, &err) < 0)
		dd_log(request->server->ctx, DD_LOG_WARNING, "%s", err.text);
}

void dd_request_reply(struct dd_request *request, struct dd_reply *reply)
{
	dd_request_common_headers(request->config, reply);
	/* Before the client knows: it may go on with its upload at once. */
	dd_request_let_go(request);
	dd_exchange_reply(request->exchange, reply);
}

void dd_request_fail(struct dd_request *request, enum dd_failure failure, const char *detail)
{
	dd_request_reply(request, dd_fail_reply(failure, detail));
}

void dd_request_deny(struct dd_request *request, const struct dd_auth_answer *answer)
{
	bool unknown = answer->verdict == DD_AUTH_UNKNOWN;
	struct dd_reply *reply = dd_fail_reply(unknown ? DD_UNAUTHORIZED : DD_DENIED, answer->why);

	if (unknown)
		dd_reply_header(reply, "WWW-Authenticate", answer->challenge);
	dd_request_reply(request, reply);
}

static bool is_read(const struct dd_request *request)
{
	return request->method & (DD_GET | DD_HEAD);
}

static void log_trouble(struct dd_request *request, const struct dd_error *err)
{
	dd_log(request->server->ctx, DD_LOG_ERROR, "%s %s: %s",
	       dd_exchange_get_method(request->exchange), request->route.repository,
	       err->text[0] ? err->text : dd_code_text(err->code));
}

/* What the system says has paths in it, which are nobody's business; what we keep free, none. */
static void fail_full(struct dd_request *request, const struct dd_error *err)
{
	char detail[DD_ERROR_TEXT + 40];

	snprintf(detail, sizeof(detail), "drydock.keep-free: %s", err->text);
	dd_request_fail(request, DD_FULL, err->sys_errno ? "the disk is full" : detail);
}

void dd_request_fail_by(struct dd_request *request, int rc, enum dd_failure not_found,
			const struct dd_error *err)
{
	switch (rc) {
	case DD_ESYMLINK:
		log_trouble(request, err);
		/* Never followed: for who reads there is nothing; who writes has to know. */
		if (is_read(request))
			dd_request_fail(request, not_found, NULL);
		else
			dd_request_fail(request, DD_TROUBLE, "a symbolic link is in the way");
		return;
	case DD_ENOENT:
		dd_request_fail(request, not_found, NULL);
		return;
	case DD_EFORMAT:
		dd_request_fail(request, DD_NAME_INVALID, err->text);
		return;
	case DD_ENOSPC:
		log_trouble(request, err);
		fail_full(request, err);
		return;
	case DD_ETOOBIG:
		dd_request_fail(request, DD_TOO_MANY, err->text);
		return;
	case DD_ELOCKED:
	case DD_ECANCELLED:
	case DD_EAGAIN:
		dd_request_fail(request, DD_UNAVAILABLE, err->text);
		return;
	default:
		log_trouble(request, err);
		dd_request_fail(request, DD_TROUBLE, NULL);
	}
}

/* The client's word for where it reached us is only repeated if it is a host's. */
static bool is_host(const char *host)
{
	size_t len = host ? strlen(host) : 0;

	if (!len || len > 255)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)host[i]) && !strchr(".-_:[]", host[i]))
			return false;
	return true;
}

#define HOST_ROOM 256

/* Of a list that each proxy adds to, the first is what the client said. */
static void first_of(struct dd_exchange *exchange, const char *name, char out[static HOST_ROOM])
{
	const char *list = dd_exchange_get_header(exchange, name);

	if (list)
		snprintf(out, HOST_ROOM, "%.*s", (int)strcspn(list, ", \t"), list);
}

/* A parameter of the first element of RFC 7239's header: "for=192.0.2.1; proto=https; host=\"a:5000\"". */
static void parameter_of(const char *forwarded, const char *name, char out[static HOST_ROOM])
{
	size_t len = strlen(name);

	while (*forwarded && *forwarded != ',') {
		size_t part = strcspn(forwarded, ";,");

		if (part > len && !strncasecmp(forwarded, name, len) && forwarded[len] == '=') {
			const char *value = forwarded + len + 1;

			value += *value == '"';
			snprintf(out, HOST_ROOM, "%.*s", (int)strcspn(value, "\";, \t"), value);
		}
		forwarded += part + (forwarded[part] == ';');
		forwarded += strspn(forwarded, " \t");
	}
}

/* As the registry has it, the standard's header counts more than the older ones. */
static void read_forwarded(struct dd_exchange *exchange, char proto[static HOST_ROOM],
			   char host[static HOST_ROOM])
{
	const char *forwarded = dd_exchange_get_header(exchange, "Forwarded");

	proto[0] = host[0] = '\0';
	if (forwarded) {
		parameter_of(forwarded, "proto", proto);
		parameter_of(forwarded, "host", host);
	} else {
		first_of(exchange, "X-Forwarded-Proto", proto);
		first_of(exchange, "X-Forwarded-Host", host);
	}
}

/* What an absolute target names counts more than the header: RFC 9112, 3.2.2. */
static void read_host(struct dd_request *request, char host[static HOST_ROOM])
{
	const struct dd_route *route = &request->route;
	const char *header = dd_exchange_get_header(request->exchange, "Host");

	if (route->host)
		snprintf(host, HOST_ROOM, "%.*s", (int)route->host_len, route->host);
	else
		snprintf(host, HOST_ROOM, "%s", header ? header : "");
}

void dd_request_set_base_url(struct dd_request *request)
{
	const struct dd_serve_config *config = request->config;
	char proto[HOST_ROOM], host[HOST_ROOM];
	bool tls = dd_exchange_is_tls(request->exchange);

	request->base_url[0] = '\0';
	if (config->http_host) {
		snprintf(request->base_url, sizeof(request->base_url), "%s", config->http_host);
		return;
	}
	read_forwarded(request->exchange, proto, host);
	if (!is_host(host))
		read_host(request, host);
	if (!strcasecmp(proto, "https") || !strcasecmp(proto, "http"))
		tls = !strcasecmp(proto, "https");
	if (is_host(host))
		snprintf(request->base_url, sizeof(request->base_url), "http%s://%s",
			 tls ? "s" : "", host);
}

void dd_request_location(struct dd_request *request, struct dd_reply *reply, const char *fmt, ...)
{
	const char *prefix = request->config->http_prefix;
	char path[700], location[1100];
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	snprintf(location, sizeof(location), "%s%sv2/%s",
		 request->config->relative_urls ? "" : request->base_url, prefix ? prefix : "/",
		 path);
	dd_reply_header(reply, "Location", location);
}
