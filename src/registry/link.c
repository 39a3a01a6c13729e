/*
 * Links: what one says, and writing one.
 */
#include "graph/link.h"
#include "registry/registry.h"

int dd_registry_read_link(struct dd_registry *registry, const struct dd_place *place,
			  struct dd_digest *target, struct dd_info *info, struct dd_error *err)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	int rc = dd_store_read(registry->store, place, DD_LINK_MAX, &buffer, info, err);
	bool has_digest = false;
	const char *why = NULL;

	if (rc < 0)
		return rc == DD_ETOOBIG ? DD_EFORMAT : rc;
	if (dd_link_parse(buffer.bytes, buffer.len, target, &has_digest, &why) == DD_LINK_GOOD ||
	    has_digest)
		return 0;
	return dd_fail(err, DD_EFORMAT, 0, "a link %s", why);
}

int dd_registry_write_link(struct dd_registry *registry, const struct dd_place *place,
			   const struct dd_digest *target, struct dd_unsynced *unsynced,
			   struct dd_error *err)
{
	char text[DD_DIGEST_TEXT];

	return dd_store_write(registry->store, place, dd_digest_format(target, text),
			      dd_link_size(target), DD_ONTO_FILE, unsynced, err);
}

int dd_registry_draft_link(struct dd_registry *registry, const struct dd_place *place,
			   const struct dd_digest *target, struct dd_draft **draft,
			   struct dd_error *err)
{
	char text[DD_DIGEST_TEXT];

	return dd_store_draft(registry->store, place, dd_digest_format(target, text),
			      dd_link_size(target), DD_ONTO_FILE, draft, err);
}

int dd_registry_name_link(struct dd_registry *registry, const struct dd_place *place,
			  const struct dd_digest *target, struct dd_draft *draft,
			  struct dd_unsynced *unsynced, struct dd_error *err)
{
	int rc = dd_draft_name(draft, unsynced, err);

	if (rc != DD_ENOENT)
		return rc;
	/* Somebody has tidied up meanwhile. */
	dd_error_clear(err);
	return dd_registry_write_link(registry, place, target, unsynced, err);
}
