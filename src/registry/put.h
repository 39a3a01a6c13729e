/*
 * A manifest that is being pushed: between the files that look at it, and that write it.
 */
#ifndef REGISTRY_PUT_H
#define REGISTRY_PUT_H

#include <drydock/store_write.h>

#include "registry/reach.h"

struct dd_put_manifest {
	struct dd_registry *registry;
	const char *repository;
	const struct dd_pushed *pushed;
	struct dd_push_report *report;
	struct dd_reach *reach; /* what it names */
	struct dd_pins pins;	/* that, and what it reaches */
	struct dd_unsynced unsynced;
};

/* Names, sizes, digest, and what kind of document it is: nothing on the disk is looked at. */
int dd_put_understand(struct dd_put_manifest *put, struct dd_error *err);
/* Whether all that it names is there; pinned before. DD_ENOENT: the report has what is missing. */
int dd_put_check(struct dd_put_manifest *put, struct dd_error *err);
/* Bytes, revision, tags; durable. */
int dd_put_write(struct dd_put_manifest *put, struct dd_error *err);

#endif
