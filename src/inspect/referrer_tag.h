/*
 * "sha256-<hex>", perhaps with an ending: the tag schema of referrers (OCI distribution-spec 1.1,
 * "Referrers Tag Schema", and what cosign made of it), for registries that know no subject.
 */
#ifndef INSPECT_REFERRER_TAG_H
#define INSPECT_REFERRER_TAG_H

#include "graph/survey.h"

/* The id of what a tag of that name is about, if it is a revision of the repository, too; DD_NO_ID. */
uint32_t dd_referrer_tag_subject(const struct dd_graph *graph,
				 const struct dd_repository *repository, const struct dd_tag *tag);

#endif
