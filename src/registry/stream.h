/*
 * What streams of one blob share.
 */
#ifndef REGISTRY_STREAM_H
#define REGISTRY_STREAM_H

#include <drydock/registry.h>

int dd_joints_open(struct dd_registry *registry, struct dd_error *err);
void dd_joints_close(struct dd_registry *registry);

#endif
