/*
 * What a person can do about a volume that cannot be written to.
 */
#include <errno.h>

#include "change/change.h"

int dd_change_hint(struct dd_error *err, int rc)
{
	if (rc == DD_EACCES && err && err->sys_errno == EROFS)
		dd_hint(err,
			"the file system is mounted read-only: it can be looked at, not changed");
	else if (rc == DD_EACCES)
		dd_hint(err, "try again as root, or as the user whom the registry runs as");
	else if (rc == DD_ENOSPC)
		dd_hint(err,
			"free some megabytes on the volume's file system first; from its first "
			"run on drydock keeps some aside for a full disk");
	else if (rc == DD_EXDEV)
		dd_hint(err,
			"the trash must be on the file system of what it takes: what is mounted "
			"from elsewhere below the root cannot be collected");
	return rc;
}
