/*
 * Tags of a repository, repositories, referrers of a manifest.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/json.h>
#include <drydock/layout.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "serve/server.h"

static int to_text(void *arg, const char *bytes, size_t len)
{
	return dd_text_add(arg, bytes, len) < 0 ? ENOMEM : 0;
}

/* ---- pages ---- */

struct page {
	size_t max;
	bool counted;			/* n was given */
	char last[DD_ROUTE_REPOSITORY]; /* "": from the first */
	char next
		[DD_ROUTE_REPOSITORY]; /* where the page after this one begins; "": there is none */
};

/* False, and a reply. */
static bool parse_page(struct dd_request *request, size_t usual, size_t most, struct page *page)
{
	const char *query = request->route.query;
	char text[24];
	int len = dd_query_get(query, "n", 0, text, sizeof(text));

	*page = (struct page){ .max = usual, .counted = len != -1 };
	if (page->counted) {
		char *end = text;
		unsigned long long n = len > 0 && text[0] != '-' ? strtoull(text, &end, 10) : 0;

		if (len <= 0 || *end || end == text) {
			dd_request_fail(request, DD_PAGE_INVALID, NULL);
			return false;
		}
		page->max = n < most ? (size_t)n : most;
	}
	/* What is longer than any name sorts behind it as a cut one does. */
	if (dd_query_get(query, "last", 0, page->last, sizeof(page->last)) < 0)
		page->last[0] = '\0';
	return true;
}

static void link_next(struct dd_request *request, struct dd_reply *reply, const char *path,
		      const struct page *page)
{
	const char *prefix = request->config->http_prefix;
	char last[3 * DD_ROUTE_REPOSITORY + 1], link[1400];

	if (!page->next[0])
		return;
	dd_query_encode(last, sizeof(last), page->next);
	snprintf(link, sizeof(link), "<%sv2/%s?last=%s&n=%zu>; rel=\"next\"", prefix ? prefix : "/",
		 path, last, page->max);
	dd_reply_header(reply, "Link", link);
}

static void note_next(struct page *page, const struct dd_names *names)
{
	if (names->more && names->count)
		snprintf(page->next, sizeof(page->next), "%s", names->items[names->count - 1]);
}

static void write_names(struct dd_json_out *out, const char *key, const char *repository,
			const struct dd_names *names)
{
	dd_json_object(out, NULL);
	if (repository)
		dd_json_text(out, "name", repository);
	dd_json_array(out, key);
	for (size_t i = 0; i < names->count; i++)
		dd_json_text(out, NULL, names->items[i]);
	dd_json_end(out);
	dd_json_end(out);
}

static void reply_names(struct dd_request *request, const char *path, const char *key,
			const struct page *page, const struct dd_names *names)
{
	const char *repository = request->route.repository;
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	DD_CLEANUP(dd_json_closep) struct dd_json_out *out = NULL;
	struct dd_reply *reply;
	int rc = dd_json_open(&out, to_text, &text, 0, NULL);

	if (rc == 0) {
		write_names(out, key, *repository ? repository : NULL, names);
		rc = dd_json_finish(out, NULL);
	}
	if (rc < 0) {
		dd_request_fail(request, DD_TROUBLE, NULL);
		return;
	}
	reply = dd_reply_new(200, text.bytes, text.len);
	dd_reply_header(reply, "Content-Type", "application/json");
	link_next(request, reply, path, page);
	dd_request_reply(request, reply);
}

/* ---- tags ---- */

static void list_tags(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	const char *repository = request->route.repository;
	size_t most = (size_t)request->config->tags_max;
	DD_CLEANUP(dd_names_release) struct dd_names names = { 0 };
	struct dd_error err = { 0 };
	char path[DD_ROUTE_REPOSITORY + 16];
	struct page page;
	int rc;

	if (!parse_page(request, most, most, &page))
		return;
	rc = dd_registry_list_tags(request->server->registry, repository,
				   page.last[0] ? page.last : NULL, page.max, &names, &err);
	if (rc < 0) {
		dd_request_fail_by(request, rc, DD_NAME_UNKNOWN, &err);
		return;
	}
	note_next(&page, &names);
	snprintf(path, sizeof(path), "%s/tags/list", repository);
	reply_names(request, path, "tags", &page, &names);
}

void dd_begin_tags(struct dd_request *request)
{
	dd_exchange_work(request->exchange, list_tags, false);
}

/* ---- repositories ---- */

/* Who may not pull from a repository by the rules is not told of it, nor by where a page ends. */
static bool may_see(void *arg, const char *repository)
{
	const struct dd_request *request = arg;

	return dd_auth_may_see(request->server->auth, request->identity, repository);
}

static void list_repositories(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	size_t most = (size_t)request->config->catalog_max;
	DD_CLEANUP(dd_names_release) struct dd_names names = { 0 };
	struct dd_error err = { 0 };
	struct page page;
	int rc;

	if (!parse_page(request, most < 100 ? most : 100, most, &page))
		return;
	rc = dd_registry_list_repositories(request->server->registry,
					   page.last[0] ? page.last : NULL, page.max, may_see,
					   request, &names, &err);
	if (rc < 0) {
		dd_request_fail_by(request, rc, DD_NAME_UNKNOWN, &err);
		return;
	}
	note_next(&page, &names);
	reply_names(request, "_catalog", "repositories", &page, &names);
}

void dd_begin_catalog(struct dd_request *request)
{
	dd_exchange_work(request->exchange, list_repositories, false);
}

/* ---- referrers ---- */

static void list_referrers(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	DD_CLEANUP(dd_buffer_release) struct dd_buffer json = { 0 };
	char type[300];
	int filter = dd_query_get(request->route.query, "artifactType", 0, type, sizeof(type));
	struct dd_error err = { 0 };
	struct dd_reply *reply;
	int rc;

	rc = dd_registry_get_referrers(request->server->registry, request->route.repository,
				       &request->route.digest, filter > 0 ? type : NULL, &json,
				       &err);
	if (rc < 0) {
		dd_request_fail_by(request, rc, DD_NAME_UNKNOWN, &err);
		return;
	}
	reply = dd_reply_new(200, json.bytes, json.len);
	dd_reply_header(reply, "Content-Type", "application/vnd.oci.image.index.v1+json");
	if (filter > 0)
		dd_reply_header(reply, "OCI-Filters-Applied", "artifactType");
	dd_request_reply(request, reply);
}

void dd_begin_referrers(struct dd_request *request)
{
	dd_exchange_work(request->exchange, list_referrers, false);
}
