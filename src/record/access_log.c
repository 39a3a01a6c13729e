/*
 * From a log's line to a request.
 */
#include <string.h>
#include <time.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "record/access_log.h"

#define NESTED 2 /* a log's line in JSON in JSON */

/* What of a request is looked at; borrowed, not NUL-terminated. */
struct part {
	const char *text;
	size_t len;
};

struct request {
	struct part method, uri, agent;
	int64_t time_ns, status;
};

static bool is(struct part part, const char *text)
{
	return part.len == strlen(text) && !memcmp(part.text, text, part.len);
}

static int64_t number(struct part part)
{
	int64_t value = 0;

	if (!part.len || part.len > 9)
		return -1;
	for (size_t i = 0; i < part.len; i++) {
		if (part.text[i] < '0' || part.text[i] > '9')
			return -1;
		value = 10 * value + part.text[i] - '0';
	}
	return value;
}

/* ---- what was asked for ---- */

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 :
				      -1;
}

/* The path, without what comes behind it, and with %XX decoded. False: there is none, or it is long. */
static bool get_path(struct part uri, char *path, size_t room)
{
	size_t len = 0;

	for (size_t i = 0; i < uri.len && uri.text[i] != '?' && uri.text[i] != '#'; i++) {
		char c = uri.text[i];

		if (c == '%') {
			int high = i + 2 < uri.len ? hex_value(uri.text[i + 1]) : -1;
			int low = high < 0 ? -1 : hex_value(uri.text[i + 2]);

			if (low < 0 || high + low == 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (len + 1 == room)
			return false;
		path[len++] = c;
	}
	path[len] = '\0';
	return len > 0;
}

static char *find_last(char *text, const char *what)
{
	char *found = NULL;

	for (char *at = text; (at = strstr(at, what)); at++)
		found = at;
	return found;
}

/* ".../v2/<repository>/manifests/<reference>" */
static bool get_names(struct part uri, struct dd_access *access)
{
	char path[2 * DD_REPOSITORY_MAX + DD_DIGEST_TEXT], *name, *reference;
	struct dd_digest digest;

	if (!get_path(uri, path, sizeof(path)))
		return false;
	name = strstr(path, "/v2/");
	reference = name ? find_last(name, "/manifests/") : NULL;
	if (!reference || reference < name + 4)
		return false;
	name += 4;
	*reference = '\0';
	reference += strlen("/manifests/");
	if (!dd_repository_valid(name) || strlen(reference) >= sizeof(access->reference) ||
	    (!dd_tag_valid(reference) &&
	     dd_digest_parse(&digest, reference, strlen(reference)) < 0))
		return false;
	strcpy(access->repository, name);
	strcpy(access->reference, reference);
	return true;
}

static int take(const struct request *request, struct dd_access *access)
{
	size_t agent = request->agent.len < DD_AGENT_MAX ? request->agent.len : DD_AGENT_MAX;

	if (!request->method.len || !request->uri.len || request->status < 0 || !request->time_ns)
		return 0;
	access->time_ns = request->time_ns;
	access->pull = (is(request->method, "GET") || is(request->method, "HEAD")) &&
		       (request->status == 200 || request->status == 304) &&
		       get_names(request->uri, access);
	if (agent)
		memcpy(access->agent, request->agent.text, agent);
	access->agent[agent] = '\0';
	return 1;
}

/* ---- combined ---- */

/* "25/Nov/2026:17:07:59 +0000" */
static bool parse_date(const char *text, int64_t *ns)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const struct part day = { text, 2 }, year = { text + 7, 4 }, hour = { text + 12, 2 },
			  minute = { text + 15, 2 }, second = { text + 18, 2 },
			  zone_hour = { text + 22, 2 }, zone_minute = { text + 24, 2 };
	const char *month = memmem(months, strlen(months), text + 3, 3);
	struct tm tm = { 0 };
	time_t local;
	int64_t zone = number(zone_hour) * 3600 + number(zone_minute) * 60;

	if (text[2] != '/' || text[6] != '/' || text[11] != ':' || text[14] != ':' ||
	    text[17] != ':' || text[20] != ' ' || !month || (month - months) % 3 ||
	    (text[21] != '+' && text[21] != '-') || number(day) < 1 || number(year) < 1970 ||
	    number(hour) < 0 || number(minute) < 0 || number(second) < 0 || number(zone_hour) < 0 ||
	    number(zone_minute) < 0)
		return false;
	tm.tm_mday = (int)number(day);
	tm.tm_mon = (int)((month - months) / 3);
	tm.tm_year = (int)number(year) - 1900;
	tm.tm_hour = (int)number(hour);
	tm.tm_min = (int)number(minute);
	tm.tm_sec = (int)number(second);
	local = timegm(&tm);
	/* A day that its month does not have would move what the log reaches back to. */
	if (tm.tm_mday != number(day) || tm.tm_hour != number(hour))
		return false;
	return !__builtin_mul_overflow(local + (text[21] == '-' ? zone : -zone), DD_SECOND, ns);
}

#define DATE 26 /* bytes */

/* What stands in quotes from at on, which moves behind it. */
static bool quoted(const char **at, const char *end, struct part *part)
{
	const char *start = *at;

	if (start == end || *start != '"')
		return false;
	for (const char *stop = ++start; stop < end; stop++) {
		if (*stop == '\\' && stop + 1 < end) {
			stop++;
		} else if (*stop == '"') {
			*part = (struct part){ start, (size_t)(stop - start) };
			*at = stop + 1;
			return true;
		}
	}
	return false;
}

static struct part word(const char **at, const char *end)
{
	const char *space = memchr(*at, ' ', (size_t)(end - *at));
	const char *stop = space ? space : end;
	struct part part = { *at, (size_t)(stop - *at) };

	*at = space ? space + 1 : end;
	return part;
}

/* Behind the date: "GET /v2/… HTTP/1.1" 200 1234 "referer" "agent" */
static bool parse_rest(const char *at, const char *end, struct request *request)
{
	struct part line, skipped;
	const char *in_line;

	if (!quoted(&at, end, &line) || at == end || *at != ' ')
		return false;
	in_line = line.text;
	request->method = word(&in_line, line.text + line.len);
	request->uri = word(&in_line, line.text + line.len);
	at++;
	request->status = number(word(&at, end));
	skipped = word(&at, end);
	if (quoted(&at, end, &skipped) && at < end && *at++ == ' ')
		quoted(&at, end, &request->agent);
	return true;
}

static bool parse_combined(const char *line, size_t len, struct request *request)
{
	const char *end = line + len;

	for (const char *at = line; (at = memchr(at, '[', (size_t)(end - at))); at++)
		if (end - at > DATE + 3 && at[DATE + 1] == ']' && at[DATE + 2] == ' ' &&
		    parse_date(at + 1, &request->time_ns) &&
		    parse_rest(at + DATE + 3, end, request))
			return true;
	return false;
}

/* ---- the registry's own ---- */

static void set(struct request *request, struct part key, struct part value)
{
	if (is(key, "http.request.method"))
		request->method = value;
	else if (is(key, "http.request.uri"))
		request->uri = value;
	else if (is(key, "http.request.useragent"))
		request->agent = value;
	else if (is(key, "http.response.status"))
		request->status = number(value);
	else if (is(key, "time") || is(key, "@timestamp"))
		dd_time_parse(&request->time_ns, value.text, value.len);
}

/* key=value key="value" …, from where the time is: what is quoted by a client stays in its quotes. */
static void parse_pairs(const char *line, size_t len, struct request *request)
{
	const char *end = line + len, *at = memmem(line, len, "time=\"", 6);

	while (at && at < end) {
		const char *equals = memchr(at, '=', (size_t)(end - at));
		struct part key, value;

		if (!equals)
			return;
		key = (struct part){ at, (size_t)(equals - at) };
		at = equals + 1;
		if (at < end && *at == '"') {
			if (!quoted(&at, end, &value))
				return;
			at += at < end;
		} else {
			value = word(&at, end);
		}
		set(request, key, value);
	}
}

static int parse(struct dd_json_reader *json, const char *line, size_t len, unsigned depth,
		 struct dd_access *access, struct dd_error *err);

static int parse_json(struct dd_json_reader *json, const char *line, size_t len, unsigned depth,
		      struct dd_access *access, struct dd_error *err)
{
	struct request request = { .status = -1 };
	const struct dd_json *root, *inner = NULL;
	DD_AUTOFREE char *copy = NULL;
	size_t inner_len;
	int rc = dd_json_read(json, line, len, dd_json_budget(len), &root, err);

	if (rc == DD_ENOMEM)
		return rc;
	if (rc < 0 || root->type != DD_JSON_OBJECT) {
		dd_error_clear(err);
		return 0;
	}
	for (const struct dd_json *member = root->first; member; member = member->next) {
		struct part key = { member->key, member->key_len };

		if (member->type == DD_JSON_STRING) {
			set(&request, key, (struct part){ member->text, member->len });
			if (is(key, "log") || is(key, "message"))
				inner = member;
		} else if (member->type == DD_JSON_INTEGER && is(key, "http.response.status")) {
			request.status = member->integer;
		}
	}
	if (request.status >= 0 || !inner || !depth)
		return take(&request, access);
	copy = strndup(inner->text, inner->len);
	inner_len = inner->len;
	return copy && strlen(copy) == inner_len ?
		       parse(json, copy, inner_len, depth - 1, access, err) :
		       0;
}

static int parse(struct dd_json_reader *json, const char *line, size_t len, unsigned depth,
		 struct dd_access *access, struct dd_error *err)
{
	struct request request = { .status = -1 };

	while (len && strchr(" \t\r\n", line[len - 1]))
		len--;
	if (len && line[0] == '{')
		return parse_json(json, line, len, depth, access, err);
	if (!parse_combined(line, len, &request)) {
		request = (struct request){ .status = -1 };
		parse_pairs(line, len, &request);
	}
	return take(&request, access);
}

int dd_access_parse(struct dd_json_reader *json, const char *line, size_t len,
		    struct dd_access *access, struct dd_error *err)
{
	int rc;

	*access = (struct dd_access){ 0 };
	rc = parse(json, line, len, NESTED, access, err);
	dd_json_reader_release(json);
	return rc;
}
