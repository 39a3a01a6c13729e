/*
 * The key that a variable of the environment stands for.
 *
 * Source: the distribution registry's configuration parser: "REGISTRY_", and the names of the key's parts
 * in capitals, parted by underscores; an entry of a list is named by its number.
 */
#ifndef SERVE_CONFIG_VARIABLE_H
#define SERVE_CONFIG_VARIABLE_H

#include <stddef.h>

/*
 * "REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL" is "notifications.endpoints[0].url". A name that is no key's becomes
 * a path that is none's either. path is cut at room.
 */
void dd_config_path_of(const char *variable, char *path, size_t room);

#endif
