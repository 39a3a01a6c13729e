/*
 * The answer to who refers to a digest: an image index.
 */
#include <string.h>

#include "base/text.h"
#include "registry/manifest.h"
#include "registry/referrers.h"
#include "registry/registry.h"

/* The lease first: who is told of it will ask for it. */
static bool is_there(struct dd_registry *registry, const char *repository,
		     const struct dd_digest *digest)
{
	const struct dd_place place = dd_blob_place(digest);
	struct dd_info info;

	dd_lease_take(registry->leases, repository, digest);
	return dd_registry_look_at_revision(registry, repository, digest, NULL) == 0 &&
	       dd_store_stat(registry->store, &place, &info, NULL) == 0;
}

static int compose(struct dd_registry *registry, const char *repository,
		   const struct dd_referrers *found, struct dd_text *text)
{
	static const char head[] = "{\"schemaVersion\":2,\"mediaType\":"
				   "\"application/vnd.oci.image.index.v1+json\",\"manifests\":[";
	bool first = true;
	int rc = dd_text_add(text, head, strlen(head));

	for (size_t i = 0; i < found->list.count && rc == 0; i++) {
		const struct dd_referrer *referrer = &found->list.items[i];

		if (!is_there(registry, repository, &referrer->digest))
			continue;
		if (!first)
			rc = dd_text_add(text, ",", 1);
		if (rc == 0)
			rc = dd_text_add(text, referrer->json, strlen(referrer->json));
		first = false;
	}
	return rc < 0 ? rc : dd_text_add(text, "]}", 2);
}

int dd_registry_get_referrers(struct dd_registry *registry, const char *repository,
			      const struct dd_digest *subject, const char *artifact_type,
			      struct dd_buffer *json, struct dd_error *err)
{
	DD_CLEANUP(dd_referrers_release) struct dd_referrers found = { 0 };
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	int rc = dd_registry_check_name(repository, err);

	memset(json, 0, sizeof(*json));
	if (rc == 0)
		rc = dd_referrers_find(registry, repository, subject, artifact_type, &found, err);
	if (rc < 0)
		return rc;
	if (compose(registry, repository, &found, &text) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "list referrers");
	json->len = text.len;
	json->room = text.len + 1;
	json->bytes = (unsigned char *)dd_text_take(&text);
	return 0;
}
