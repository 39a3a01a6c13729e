/*
 * What kind of disk something lies on.
 */
#ifndef STORE_DISK_H
#define STORE_DISK_H

#include <stdbool.h>

#define DD_DISK_SYSFS "/sys/dev/block"

/*
 * Whether the block device turns, by what sysfs says of it, or of the whole disk if it is a
 * partition. What cannot be told (no block device, no sysfs) does not. sysfs: DD_DISK_SYSFS, or a
 * directory like it.
 */
bool dd_disk_is_rotating(const char *sysfs, unsigned major, unsigned minor);

/* The name of a file system that others may write to from elsewhere, by its magic number; or NULL. */
const char *dd_disk_network_name(unsigned long magic);

#endif
