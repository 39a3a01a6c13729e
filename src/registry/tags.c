/*
 * The tags of a repository, in the order of their names' bytes.
 */
#include <string.h>

#include "registry/manifest.h"
#include "registry/names.h"
#include "registry/registry.h"

/* A tag whose current link went, or was never written, leaves its directory behind. */
static int look_at_tag(struct dd_directory *tags, const char *repository, const char *tag,
		       struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_AT_TAG, .repository = repository, .tag = tag };
	struct dd_info info;
	int rc;

	if (!dd_tag_valid(tag))
		return 0;
	rc = dd_directory_stat(tags, &place, &info, err);
	/* What cannot be looked at can still be asked for by its name. */
	if (rc == DD_ENOENT || rc == DD_ESYMLINK || rc == DD_EIRREGULAR) {
		dd_error_clear(err);
		return 0;
	}
	return rc < 0 ? rc : info.type == DD_ENTRY_FILE && info.size > 0;
}

/* It has no tags: is there such a repository? */
static int look_at_repository(struct dd_registry *registry, const char *repository,
			      struct dd_error *err)
{
	bool is_one = false;
	int rc = dd_registry_look_at_repository(registry, repository, &is_one, err);

	return rc < 0 || is_one ?
		       rc :
		       dd_fail(err, DD_ENOENT, 0, "there is no repository %s", repository);
}

int dd_registry_list_tags(struct dd_registry *registry, const char *repository, const char *last,
			  size_t max, struct dd_names *names, struct dd_error *err)
{
	DD_CLEANUP(dd_children_release) struct dd_children tags = { 0 };
	DD_CLEANUP(dd_directory_closep) struct dd_directory *directory = NULL;
	const struct dd_place place = { .kind = DD_IN_TAGS, .repository = repository };
	int rc = dd_registry_check_name(repository, err);

	*names = (struct dd_names){ 0 };
	if (rc < 0)
		return rc;
	rc = dd_store_open_directory(registry->store, &place, &directory, err);
	if (rc == 0)
		rc = dd_children_list(&tags, registry->store, &place, err);
	if (rc == DD_ENOENT) {
		dd_error_clear(err);
		return look_at_repository(registry, repository, err);
	}
	for (size_t i = 0; i < tags.list.count && rc == 0; i++) {
		const char *tag = tags.list.items[i];

		if (last && strcmp(tag, last) <= 0)
			continue;
		rc = look_at_tag(directory, repository, tag, err);
		if (rc > 0)
			rc = dd_names_add(names, max, tag, err);
	}
	if (rc < 0)
		dd_names_release(names);
	return rc < 0 ? rc : 0;
}
