/*
 * Whether what lies there is ours, and ours alone to write to.
 */
#include <unistd.h>

#include "index/place.h"

int dd_index_check_owner(const struct stat *st, const char *path, bool root_too,
			 struct dd_error *err)
{
	int rc = 0;

	if (st->st_uid != geteuid() && !(root_too && st->st_uid == 0))
		rc = dd_fail(err, DD_EREFUSED, 0, "%s belongs to user %u, and this is user %u",
			     path, st->st_uid, geteuid());
	else if (st->st_mode & (S_IWGRP | S_IWOTH))
		rc = dd_fail(err, DD_EREFUSED, 0, "others than its owner may write to %s", path);
	if (rc < 0)
		dd_hint(err, "name a directory of your own with --cache-dir, which only you may "
			     "write to");
	return rc;
}
