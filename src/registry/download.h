/*
 * What streams of one blob share.
 */
#ifndef REGISTRY_DOWNLOAD_H
#define REGISTRY_DOWNLOAD_H

#include <drydock/registry.h>

int dd_joints_open(struct dd_registry *registry, struct dd_error *err);
void dd_joints_close(struct dd_registry *registry);

#endif
