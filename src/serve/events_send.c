/*
 * Posting by libcurl.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/cleanup.h"
#include "serve/events.h"
#include "serve/events_send.h"

struct dd_event_sender {
	CURL *curl;
	struct curl_slist *headers;
	dd_event_stop_fn *stop;
	void *arg;
};

/* What it answers is of no interest but for its status. */
static size_t pass_over(char *bytes, size_t size, size_t count, void *arg)
{
	(void)bytes;
	(void)arg;
	return size * count;
}

static int ask_whether_to_stop(void *arg, curl_off_t download, curl_off_t downloaded,
			       curl_off_t upload, curl_off_t uploaded)
{
	struct dd_event_sender *sender = arg;

	(void)download;
	(void)downloaded;
	(void)upload;
	(void)uploaded;
	return sender->stop(sender->arg);
}

static void set_up_curl(void)
{
	curl_global_init(CURL_GLOBAL_ALL);
}

static int add_header(struct dd_event_sender *sender, const char *header, struct dd_error *err)
{
	const char *colon = strchr(header, ':');
	struct curl_slist *list;

	if (!colon || colon == header || strpbrk(header, "\r\n"))
		return dd_fail(err, DD_ECONFIG, 0, "a header is no \"Name: value\"");
	list = curl_slist_append(sender->headers, header);
	if (!list)
		return dd_fail(err, DD_ENOMEM, 0, "set up an endpoint");
	sender->headers = list;
	return 0;
}

static int check_url(const char *url, struct dd_error *err)
{
	CURLU *parsed = curl_url();
	char *scheme = NULL;
	bool good = parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
		    curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    (!strcmp(scheme, "http") || !strcmp(scheme, "https"));

	curl_free(scheme);
	curl_url_cleanup(parsed);
	/* There may be a password in it. */
	return good ? 0 : dd_fail(err, DD_ECONFIG, 0, "its url is none of http or https");
}

static void set_options(struct dd_event_sender *sender, const char *url, int64_t timeout_ns)
{
	CURL *curl = sender->curl;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, sender->headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "drydockd/" DD_VERSION);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout_ns / 1000000));
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, pass_over);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, ask_whether_to_stop);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, sender);
}

int dd_event_sender_open(struct dd_event_sender **out, const char *url, const char *const *headers,
			 size_t header_count, int64_t timeout_ns, dd_event_stop_fn *stop, void *arg,
			 struct dd_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	DD_CLEANUP(dd_event_sender_closep) struct dd_event_sender *sender = NULL;
	int rc;

	*out = NULL;
	pthread_once(&once, set_up_curl);
	sender = calloc(1, sizeof(*sender));
	if (sender)
		sender->curl = curl_easy_init();
	if (!sender || !sender->curl)
		return dd_fail(err, DD_ENOMEM, 0, "set up an endpoint");
	sender->stop = stop;
	sender->arg = arg;
	rc = check_url(url, err);
	if (rc == 0)
		rc = add_header(sender, "Content-Type: " DD_EVENTS_MEDIA_TYPE, err);
	/* Asking whether a few hundred bytes are welcome takes longer than sending them. */
	if (rc == 0)
		rc = add_header(sender, "Expect:", err);
	for (size_t i = 0; i < header_count && rc == 0; i++)
		rc = add_header(sender, headers[i], err);
	if (rc < 0)
		return rc;
	set_options(sender, url, timeout_ns);
	*out = sender;
	sender = NULL;
	return 0;
}

void dd_event_sender_closep(struct dd_event_sender **sender)
{
	if (!*sender)
		return;
	curl_easy_cleanup((*sender)->curl);
	curl_slist_free_all((*sender)->headers);
	free(*sender);
	*sender = NULL;
}

int dd_event_sender_post(struct dd_event_sender *sender, const char *bytes, size_t len,
			 struct dd_error *err)
{
	long status = 0;
	CURLcode code;

	curl_easy_setopt(sender->curl, CURLOPT_POSTFIELDS, bytes);
	curl_easy_setopt(sender->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	code = curl_easy_perform(sender->curl);
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return dd_fail(err, DD_ECANCELLED, 0, "there was no more time");
	if (code != CURLE_OK)
		return dd_fail(err, DD_EIO, 0, "%s", curl_easy_strerror(code));
	curl_easy_getinfo(sender->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300)
		return 0;
	if (status >= 300 && status < 400)
		return dd_fail(err, DD_EIO, 0, "it answers %ld, and redirects are not followed",
			       status);
	return dd_fail(err, status == 400 || status == 413 || status == 422 ? DD_EREFUSED : DD_EIO,
		       0, "it answers %ld", status);
}
