/*
 * Disks, by sysfs: a link for each device leads to its directory, a partition's lies in its disk's.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
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

/* Where locks, maps and times are not what they are on a disk: statfs(2), and the kernel's sources. */
static const struct {
	unsigned long magic;
	const char *name;
} networks[] = {
	{ NFS_SUPER_MAGIC, "NFS" }, { 0xff534d42, "CIFS" },	{ 0xfe534d42, "SMB2" },
	{ 0x517b, "SMB" },	    { V9FS_MAGIC, "9p" },	{ 0x65735546, "FUSE" },
	{ 0x00c36400, "Ceph" },	    { 0x5346414f, "AFS" },	{ 0x6b414653, "AFS" },
	{ 0x73757245, "Coda" },	    { 0x564c, "NCP" },		{ 0x7461636f, "OCFS2" },
	{ 0x01161970, "GFS2" },	    { 0x0bd00bd0, "Lustre" },	{ 0x47504653, "GPFS" },
	{ 0x786f4256, "vboxsf" },   { 0xaad7aaea, "PanFS" },	{ 0x19830326, "BeeGFS" },
	{ 0xbacbacbc, "VMHGFS" },   { 0x20030528, "OrangeFS" },
};

const char *dd_disk_network_name(unsigned long magic)
{
	for (size_t i = 0; i < DD_COUNT(networks); i++)
		if (networks[i].magic == magic)
			return networks[i].name;
	return NULL;
}

const char *dd_store_network(struct dd_store *store)
{
	struct statfs fs;

	return fstatfs(store->fd, &fs) == 0 ?
		       dd_disk_network_name((unsigned long)fs.f_type & 0xffffffff) :
		       NULL;
}
