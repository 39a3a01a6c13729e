/*
 * Which cache directory, which volume, and what its directory is called.
 */
#include <inttypes.h>
#include <string.h>

#include <drydock/escape.h>

#include "base/cleanup.h"
#include "index/place.h"

#define ROOT_CACHE "/var/cache/drydock"
#define NAME_TAIL 48 /* characters of the root's path in a directory's name */

static const char *environment(const struct dd_index_options *options, const char *name)
{
	const char *value = options->get_environment ? options->get_environment(name) : NULL;

	return value && *value ? value : NULL;
}

static int no_cache(struct dd_error *err)
{
	int rc = dd_fail(err, DD_ENOENT, 0, "neither $XDG_CACHE_HOME nor $HOME says where");

	dd_hint(err, "name a directory with --cache-dir (drydockd: drydock.cache-dir) or "
		     "$DRYDOCK_CACHE, or say --no-index");
	return rc;
}

int dd_index_choose(const struct dd_index_options *options, char **cache, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text path = { 0 };
	const char *named = options->cache_dir && *options->cache_dir ? options->cache_dir : NULL;
	const char *home;
	int rc;

	if (!named)
		named = environment(options, "DRYDOCK_CACHE");
	if (!named && geteuid() == 0)
		named = ROOT_CACHE;
	if (named) {
		rc = dd_text_printf(&path, "%s", named);
	} else if ((home = environment(options, "XDG_CACHE_HOME")) && *home == '/') {
		rc = dd_text_printf(&path, "%s/drydock", home);
	} else if ((home = environment(options, "HOME")) && *home == '/') {
		rc = dd_text_printf(&path, "%s/.cache/drydock", home);
	} else {
		return no_cache(err);
	}
	if (rc < 0)
		return dd_fail(err, DD_ENOMEM, 0, "choose a cache directory");
	/* A slash behind the name would follow a link. */
	while (path.len > 1 && path.bytes[path.len - 1] == '/')
		dd_text_cut(&path, path.len - 1);
	*cache = dd_text_take(&path);
	return 0;
}

int dd_index_identify(struct dd_store *store, struct dd_index_place *place, uint64_t root[2],
		      struct dd_error *err)
{
	const char *path = dd_store_get_root(store);
	size_t len = strlen(path), room = dd_escape(NULL, 0, path, len) + 1;
	DD_AUTOFREE char *line = malloc(room);
	struct dd_digest digest;
	int rc = dd_store_identify(store, root, err);

	if (rc < 0)
		return rc;
	if (!line)
		return dd_fail(err, DD_ENOMEM, 0, "identify the volume");
	dd_escape(line, room, path, len);
	if (dd_text_printf(&place->identity,
			   "The index that drydock keeps of this volume:\n"
			   "root %s\ndevice %" PRIu64 "\ninode %" PRIu64 "\n",
			   line, root[0], root[1]) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "identify the volume");
	rc = dd_digest_of(&digest, DD_SHA256, place->identity.bytes, place->identity.len, err);
	if (rc == 0)
		memcpy(place->volume, digest.bytes, sizeof(place->volume));
	return rc;
}

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.';
}

/* "var-lib-registry-0123456789abcdef" */
char *dd_index_name(const char *root, const uint64_t volume[2])
{
	struct dd_text name = { 0 };
	const unsigned char *bytes = (const unsigned char *)volume;
	size_t len = strlen(root);
	int rc = dd_text_reserve(&name, NAME_TAIL + 18);

	if (len > NAME_TAIL) {
		root += len - NAME_TAIL;
		len = NAME_TAIL;
	}
	while (len && (*root == '/' || *root == '.')) {
		root++;
		len--;
	}
	for (size_t i = 0; i < len && rc == 0; i++)
		rc = dd_text_printf(&name, "%c", plain(root[i]) ? root[i] : '-');
	if (rc == 0 && len)
		rc = dd_text_add(&name, "-", 1);
	for (size_t i = 0; i < 8 && rc == 0; i++)
		rc = dd_text_printf(&name, "%02x", bytes[i]);
	if (rc == 0)
		return dd_text_take(&name);
	dd_text_release(&name);
	return NULL;
}
