/*
 * Links: the small files that hold a digest; and the directories whose names are digests.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "graph/scan.h"

/* A registry that truncates and rewrites is soon done. */
#define FLIGHT_NS (60 * DD_SECOND)
#define FLIGHT_TRIES 5

static void parse_link(const struct dd_buffer *buffer, struct dd_scan_link *link)
{
	const char *why;

	link->state =
		dd_link_parse(buffer->bytes, buffer->len, &link->digest, &link->has_digest, &why);
	snprintf(link->detail, sizeof(link->detail), "%s", why);
}

static int tell(struct dd_scan *scan, const struct dd_place *place, const struct dd_info *info,
		const struct dd_scan_link *link)
{
	const struct dd_onlooker *onlooker = scan->options->onlooker;

	if (!onlooker || !onlooker->link || link->state != DD_LINK_GOOD ||
	    (place->kind != DD_AT_REVISION && place->kind != DD_AT_TAG))
		return 0;
	return onlooker->link(onlooker->arg, place, info);
}

/* Said by the file as it is now, and read by an earlier run. */
static bool recall(struct dd_scan *scan, struct dd_directory *within, const struct dd_place *place,
		   struct dd_info *info, struct dd_scan_link *link)
{
	int64_t read_ns;
	int rc;

	if (!scan->options->index || scan->options->anew)
		return false;
	rc = within ? dd_directory_stat(within, place, info, NULL) :
		      dd_store_stat(scan->store, place, info, NULL);
	memset(link, 0, sizeof(*link));
	if (rc < 0 || !dd_index_get_link(scan->options->index, info, &link->digest, &read_ns) ||
	    read_ns < scan->options->since_ns || read_ns > scan->now_ns)
		return false;
	link->state = DD_LINK_GOOD;
	link->has_digest = true;
	link->mtime_ns = info->mtime_ns;
	link->sum = dd_stamp_sum(&info->stamp);
	return true;
}

static int read_once(struct dd_scan *scan, struct dd_directory *within,
		     const struct dd_place *place, struct dd_scan_link *link, struct dd_error *err)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	struct dd_info info = { 0 };
	int rc;

	if (recall(scan, within, place, &info, link))
		return tell(scan, place, &info, link);
	rc = within ? dd_directory_read(within, place, DD_LINK_MAX, &buffer, &info, err) :
		      dd_store_read(scan->store, place, DD_LINK_MAX, &buffer, &info, err);
	memset(link, 0, sizeof(*link));
	link->mtime_ns = info.mtime_ns;
	link->sum = dd_stamp_sum(&info.stamp);
	if (rc == 0) {
		parse_link(&buffer, link);
		if (link->state == DD_LINK_GOOD)
			dd_index_learn_link(scan->options->index, &info, scan->now_ns,
					    &link->digest);
		return tell(scan, place, &info, link);
	}
	if (rc == DD_ENOMEM)
		return rc;
	link->state = rc == DD_ENOENT  ? DD_LINK_ABSENT :
		      rc == DD_ETOOBIG ? DD_LINK_MALFORMED :
					 DD_LINK_UNREADABLE;
	snprintf(link->detail, sizeof(link->detail), "%s",
		 err->sys_errno ? strerror(err->sys_errno) : dd_code_text(rc));
	return 0;
}

int dd_scan_read_link(struct dd_scan *scan, struct dd_directory *within,
		      const struct dd_place *place, struct dd_scan_link *link, struct dd_error *err)
{
	static const struct timespec pause = { 0, 50 * 1000 * 1000 };

	for (int i = 0;; i++) {
		int rc = read_once(scan, within, place, link, err);

		if (rc < 0 || link->state != DD_LINK_MALFORMED || i == FLIGHT_TRIES ||
		    link->mtime_ns < scan->now_ns - FLIGHT_NS)
			return rc;
		nanosleep(&pause, NULL);
	}
}

static int add_name(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct dd_scan_names *names = arg;
	struct dd_digest digest, *added;
	int rc;

	if (entry->type == DD_ENTRY_SYMLINK) {
		rc = dd_scan_note(names->scan, DD_STRANGE_SYMLINK, names->directory, entry->name,
				  NULL);
		return rc < 0 ? rc :
				dd_scan_doubt(names->scan, NULL, DD_DOUBT_SYMLINK, NULL,
					      entry->name);
	}
	if (entry->type != DD_ENTRY_DIRECTORY ||
	    dd_digest_parse_hex(&digest, names->alg, entry->name, strlen(entry->name)) < 0)
		return dd_scan_note(names->scan, DD_STRANGE_ALIEN, names->directory, entry->name,
				    NULL);
	added = dd_list_add(&names->digests);
	if (!added)
		return dd_fail(err, DD_ENOMEM, 0, "list a directory");
	*added = digest;
	return 0;
}

/* Most names are digests, which an index has as such. */
static int replay(struct dd_scan_names *names, struct dd_listing *listing, struct dd_error *err)
{
	struct dd_listed listed;
	int rc = 0;

	if (dd_list_reserve(&names->digests, dd_listing_hashes(listing)) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "list a directory");
	while (rc == 0 && dd_listing_next(listing, &listed)) {
		char hex[DD_DIGEST_HEX];
		struct dd_digest *added;

		if (!listed.hash || listed.type != DD_ENTRY_DIRECTORY || names->alg != DD_SHA256) {
			const struct dd_entry entry = { .name = dd_scan_listed_name(&listed, hex),
							.type = listed.type };

			rc = add_name(names, &entry, err);
			continue;
		}
		added = dd_list_add(&names->digests);
		if (!added)
			return dd_fail(err, DD_ENOMEM, 0, "list a directory");
		added->alg = DD_SHA256;
		memcpy(added->bytes, listed.hash, DD_LISTED_HASH);
	}
	return rc;
}

int dd_scan_list_names(struct dd_scan_names *names, struct dd_error *err)
{
	struct dd_listing listing;
	struct dd_info info;

	return dd_scan_recall(names->scan, names->within, names->directory, &info, &listing) ?
		       replay(names, &listing, err) :
		       dd_scan_list_anew(names->scan, names->within, names->directory, &info,
					 add_name, names, err);
}

/* Links of an algorithm that we do not know may stand for anything in the repository, and so may those
 * that should lie where there is no directory. */
static int doubt_algorithm(const struct dd_scan_algorithms *algorithms,
			   const struct dd_entry *entry, bool known)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	int rc;

	if (!known && entry->type != DD_ENTRY_DIRECTORY)
		return 0;
	rc = dd_scan_describe(&text, algorithms->directory, entry->name);
	if (rc == 0)
		rc = dd_text_printf(&text, ": %s",
				    known ? "not a directory" : "an unknown algorithm");
	return rc < 0 ? rc :
			dd_scan_doubt(algorithms->scan, algorithms->repo, DD_DOUBT_LINK, NULL,
				      text.bytes);
}

static int add_algorithm(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct dd_scan_algorithms *algorithms = arg;
	int alg = dd_algorithm_parse(entry->name, strlen(entry->name));

	if (algorithms->also && !strcmp(entry->name, algorithms->also)) {
		algorithms->found_also = true;
		return 0;
	}
	if (entry->type == DD_ENTRY_SYMLINK) {
		int rc = dd_scan_note(algorithms->scan, DD_STRANGE_SYMLINK, algorithms->directory,
				      entry->name, NULL);

		return rc < 0 ? rc :
				dd_scan_doubt(algorithms->scan, NULL, DD_DOUBT_SYMLINK, NULL,
					      entry->name);
	}
	if (entry->type == DD_ENTRY_DIRECTORY && alg >= 0) {
		algorithms->found |= 1U << alg;
		return 0;
	}
	if (doubt_algorithm(algorithms, entry, alg >= 0) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "list a directory");
	return dd_scan_note(algorithms->scan, DD_STRANGE_ALIEN, algorithms->directory, entry->name,
			    NULL);
}

int dd_scan_list_algorithms(struct dd_scan_algorithms *in, dd_scan_algorithm_fn *fn, void *arg,
			    struct dd_error *err)
{
	int rc = dd_scan_list(in->scan, in->within, in->directory, add_algorithm, in, err);

	rc = dd_scan_listed(in->scan, in->repo, rc, in->directory, err, in->failed);
	for (int alg = 0; alg < DD_ALGORITHM_COUNT && rc == 0; alg++)
		if (in->found & 1U << alg)
			rc = fn(arg, (enum dd_algorithm)alg, err);
	return rc;
}

struct beside {
	struct dd_scan *scan;
	const struct dd_place *place;
};

/* Beside a link or a blob; a revision may have signatures. */
static bool belongs(const struct dd_place *place, const char *name)
{
	return !strcmp(name, "link") || !strcmp(name, "data") || !strcmp(name, "signatures") ||
	       dd_temp_beside(place, name);
}

static int see_beside(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	const struct beside *beside = arg;
	int rc = 0;

	if (beside->scan->options->onlooker && !belongs(beside->place, entry->name))
		rc = dd_scan_note(beside->scan, DD_STRANGE_ALIEN, beside->place, entry->name, NULL);
	return rc < 0 ? rc :
			dd_survey_add_temp(beside->scan->survey, beside->scan->store, beside->place,
					   entry->name, err);
}

int dd_scan_beside(struct dd_scan *scan, const struct dd_place *place, struct dd_error *err)
{
	struct beside beside = { scan, place };
	int rc = dd_store_list_owner(scan->store, place, see_beside, &beside, err);

	if (rc == 0 || rc == DD_ENOMEM)
		return rc;
	/* What stays because it could not be seen is said. */
	if (rc == DD_EIO || rc == DD_EACCES)
		return dd_scan_note(scan, DD_STRANGE_UNREADABLE, place, NULL, err);
	dd_error_clear(err);
	return 0;
}
