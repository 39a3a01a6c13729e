/*
 * Uploads that are open: the table of them.
 */
#ifndef REGISTRY_UPLOAD_H
#define REGISTRY_UPLOAD_H

#include <drydock/registry.h>

int dd_upload_table_open(struct dd_registry *registry, struct dd_error *err);
void dd_upload_table_close(struct dd_registry *registry);

#endif
