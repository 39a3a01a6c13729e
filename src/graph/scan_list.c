/*
 * Listing a directory: by what an earlier run found in it, if it has not changed since. Each listing
 * that is made is remembered in its turn.
 */
#include <string.h>

#include "graph/scan.h"

static int tell(const struct dd_scan *scan, const struct dd_place *place,
		const struct dd_info *info)
{
	const struct dd_onlooker *onlooker = scan->options->onlooker;

	return onlooker && onlooker->directory ? onlooker->directory(onlooker->arg, place, info) :
						 0;
}

static int list_it(struct dd_scan *scan, struct dd_directory *within, const struct dd_place *place,
		   dd_entry_fn *fn, void *arg, struct dd_error *err)
{
	const struct dd_onlooker *onlooker = scan->options->onlooker;
	struct dd_info info;
	int rc;

	if (!onlooker || !onlooker->directory)
		return within ? dd_directory_list(within, place, fn, arg, err) :
				dd_store_list(scan->store, place, fn, arg, err);
	rc = dd_store_list_in(scan->store, within, place, &info, fn, arg, err);
	return rc == 0 ? tell(scan, place, &info) : rc;
}

/* ---- what is known ---- */

const char *dd_scan_listed_name(const struct dd_listed *listed, char hex[static DD_DIGEST_HEX])
{
	struct dd_digest digest = { .alg = DD_SHA256 };

	if (!listed->hash)
		return listed->name;
	memcpy(digest.bytes, listed->hash, DD_LISTED_HASH);
	return dd_digest_format_hex(&digest, hex);
}

static int replay(struct dd_listing *listing, dd_entry_fn *fn, void *arg, struct dd_error *err)
{
	struct dd_listed listed;
	char hex[DD_DIGEST_HEX];
	int rc = 0;

	while (rc == 0 && dd_listing_next(listing, &listed)) {
		const struct dd_entry entry = { .name = dd_scan_listed_name(&listed, hex),
						.type = listed.type };

		rc = fn(arg, &entry, err);
	}
	return rc;
}

bool dd_scan_recall(struct dd_scan *scan, struct dd_directory *within, const struct dd_place *place,
		    struct dd_info *info, struct dd_listing *listing)
{
	int rc;

	memset(info, 0, sizeof(*info));
	if (!scan->options->index)
		return false;
	rc = within ? dd_directory_stat(within, place, info, NULL) :
		      dd_store_stat(scan->store, place, info, NULL);
	return rc == 0 && !scan->options->anew &&
	       dd_index_get_listing(scan->options->index, info, listing) &&
	       tell(scan, place, info) == 0;
}

/* ---- what is found out ---- */

struct tee {
	dd_entry_fn *fn;
	void *arg;
	struct dd_buffer packed;
	bool lost;
};

static int see(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct tee *tee = arg;

	tee->lost |= dd_listing_pack(&tee->packed, entry) < 0;
	return tee->fn(tee->arg, entry, err);
}

int dd_scan_list_anew(struct dd_scan *scan, struct dd_directory *within,
		      const struct dd_place *place, const struct dd_info *info, dd_entry_fn *fn,
		      void *arg, struct dd_error *err)
{
	struct tee tee = { .fn = fn, .arg = arg };
	int rc;

	if (!scan->options->index || info->type != DD_ENTRY_DIRECTORY)
		return list_it(scan, within, place, fn, arg, err);
	rc = list_it(scan, within, place, see, &tee, err);
	if (rc == 0 && !tee.lost)
		dd_index_learn_listing(scan->options->index, info, scan->now_ns, tee.packed.bytes,
				       tee.packed.len);
	dd_buffer_release(&tee.packed);
	return rc;
}

int dd_scan_list(struct dd_scan *scan, struct dd_directory *within, const struct dd_place *place,
		 dd_entry_fn *fn, void *arg, struct dd_error *err)
{
	struct dd_listing listing;
	struct dd_info info;

	return dd_scan_recall(scan, within, place, &info, &listing) ?
		       replay(&listing, fn, arg, err) :
		       dd_scan_list_anew(scan, within, place, &info, fn, arg, err);
}
