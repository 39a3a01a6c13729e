/*
 * Disks, by sysfs: a link for each device leads to its directory, a partition's lies in its disk's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "store/disk.h"
#include "store/file.h"

/* '0' or '1'; 0: there is no such file. */
static char read_flag(const char *sysfs, unsigned major, unsigned minor, const char *rest)
{
	char path[256], flag = 0;
	DD_AUTOCLOSE int fd = -1;
	int len = snprintf(path, sizeof(path), "%s/%u:%u/%s", sysfs, major, minor, rest);

	if (len < 0 || (size_t)len >= sizeof(path))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, &flag, 1) == 1 ? flag : 0;
}

bool dd_disk_is_rotating(const char *sysfs, unsigned major, unsigned minor)
{
	char flag = read_flag(sysfs, major, minor, "queue/rotational");

	if (!flag)
		flag = read_flag(sysfs, major, minor, "../queue/rotational");
	return flag == '1';
}

bool dd_store_is_rotating(struct dd_store *store)
{
	struct stat st;

	return fstat(store->fd, &st) == 0 &&
	       dd_disk_is_rotating(DD_DISK_SYSFS, major(st.st_dev), minor(st.st_dev));
}
