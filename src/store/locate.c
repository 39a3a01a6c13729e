/*
 * Finding the volume: which directory is the root, and whether it is one.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <drydock/config.h>

#include "store/beneath.h"
#include "store/durable.h"
#include "store/file.h"

#define DEBIAN_CONFIG "/etc/docker/registry/config.yml"

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool has_volume(const char *root)
{
	DD_CLEANUP(dd_text_release) struct dd_text path = { 0 };

	return dd_text_printf(&path, "%s/" DD_VOLUME_BASE, root) == 0 && is_directory(path.bytes);
}

/* A path that is below itself: what leads from a root into its layout. */
static bool inside_layout(const char *root, const char *path)
{
	size_t len = strlen(root);

	if (!strcmp(root, "/"))
		len = 0;
	return !strncmp(path + len, "/docker", 7) && (path[len + 7] == '/' || !path[len + 7]);
}

/* A disk that fails says nothing about what was named; all else does. */
static int fail_named(const char *named, int sys, struct dd_error *err)
{
	int rc = dd_fail(err, dd_code_of_errno(sys), sys, "open the volume %s", named);

	if (rc == DD_ENOMEM || sys == EIO)
		return rc;
	if (rc == DD_EACCES)
		dd_hint(err, "try again as root, or as the user whom the registry runs as");
	else
		dd_hint(err, "name the registry's directory with --root; 'docker volume inspect "
			     "NAME' tells where that of a container lies");
	return rc == DD_EACCES ? rc : DD_ENOENT;
}

/*
 * The root may be named at any level of itself, as git finds its repository: the directory above
 * "docker", that or something below it, or the directory of a Docker volume around "_data".
 */
static int find_root(const char *named, char **root, struct dd_error *err)
{
	DD_AUTOFREE char *real = realpath(named, NULL);
	DD_CLEANUP(dd_text_release) struct dd_text data = { 0 };

	if (!real)
		return fail_named(named, errno, err);
	if (dd_text_printf(&data, "%s/_data", real) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "open the volume %s", named);
	if (!has_volume(real) && has_volume(data.bytes)) {
		*root = dd_text_take(&data);
		return 0;
	}
	*root = strdup(real);
	if (!*root)
		return dd_fail(err, DD_ENOMEM, 0, "open the volume %s", named);
	for (;;) {
		char *slash;

		if (has_volume(*root) && (!strcmp(*root, real) || inside_layout(*root, real)))
			return 0;
		slash = strrchr(*root, '/');
		if (slash == *root && (*root)[1])
			slash[1] = '\0';
		else if (slash == *root)
			break;
		else
			*slash = '\0';
	}
	/* No volume: say so of what was named. */
	strcpy(*root, real);
	return 0;
}

static const char *from_environment(void *arg, const char *name)
{
	const struct dd_store_options *options = arg;

	return options->get_environment ? options->get_environment(name) : NULL;
}

static int read_config(const char *path, struct dd_buffer *buffer, struct dd_error *err)
{
	DD_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t got = -1;

	if (fd < 0 || fstat(fd, &st) < 0)
		return dd_fail(err, DD_ECONFIG, errno, "open %s", path);
	if (!S_ISREG(st.st_mode))
		return dd_fail(err, DD_ECONFIG, 0, "%s is not a regular file", path);
	buffer->bytes = malloc(DD_CONFIG_MAX + 1);
	if (!buffer->bytes)
		return dd_fail(err, DD_ENOMEM, 0, "read %s", path);
	do {
		got = read(fd, buffer->bytes + buffer->len, DD_CONFIG_MAX + 1 - buffer->len);
		if (got > 0)
			buffer->len += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0)
		return dd_fail(err, DD_ECONFIG, errno, "read %s", path);
	if (buffer->len > DD_CONFIG_MAX)
		return dd_fail(err, DD_ECONFIG, 0, "%s is larger than a configuration", path);
	return 0;
}

static int root_of_config(const struct dd_store_options *options, const char *path, char **root,
			  struct dd_error *err)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	DD_CLEANUP(dd_registry_config_release) struct dd_registry_config config = { 0 };
	int rc = read_config(path, &buffer, err);

	if (rc < 0)
		return rc;
	rc = dd_config_read((const char *)buffer.bytes, buffer.len, &config, err);
	if (rc == 0)
		rc = dd_config_settle(&config, from_environment, (void *)options, err);
	if (rc == 0)
		rc = find_root(config.root, root, err);
	return rc < 0 ? dd_wrap(err, rc, "%s", path) : 0;
}

static int choose_root(const struct dd_store_options *options, char **root, struct dd_error *err)
{
	const char *named = from_environment((void *)options, "DRYDOCK_ROOT");

	if (options->root && options->config)
		return dd_fail(err, DD_EUSAGE, 0,
			       "--root and --config both say where the volume is: "
			       "give one of them");
	if (options->root)
		return find_root(options->root, root, err);
	if (options->config)
		return root_of_config(options, options->config, root, err);
	if (named && *named)
		return find_root(named, root, err);
	if (access(DEBIAN_CONFIG, F_OK) == 0)
		return root_of_config(options, DEBIAN_CONFIG, root, err);
	return find_root(DD_CONFIG_ROOT, root, err);
}

/* Why there is no volume, in the words of what is there. */
static int check_volume(struct dd_store *store, struct dd_error *err)
{
	DD_AUTOCLOSE int fd = dd_beneath_open(store->fd, DD_VOLUME_BASE, O_PATH | O_DIRECTORY, 0);

	if (fd >= 0)
		return 0;
	if (fd == -EACCES) {
		dd_file_fail(store, err, EACCES, "open", DD_VOLUME_BASE);
		dd_hint(err, "try again as root, or as the user whom the registry runs as");
		return DD_EACCES;
	}
	if (fd != -ENOENT && fd != -ENOTDIR)
		return dd_file_fail(store, err, -fd, "open", DD_VOLUME_BASE);
	dd_fail(err, DD_ECONFIG, 0, "%s is not a registry's volume: it has no " DD_VOLUME_BASE,
		store->root);
	dd_hint(err, "the registry makes that at the first push; name the directory that its "
		     "configuration calls storage.filesystem.rootdirectory with --root");
	return DD_ECONFIG;
}

static struct dd_store *new_store(void)
{
	struct dd_store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->fd = store->still = store->lock_fd = store->owner_fd = store->from.fd =
		store->to.fd = -1;
	store->durable = dd_durable_open();
	if (store->durable)
		return store;
	free(store);
	return NULL;
}

/* 0 or an errno. */
static int open_root(struct dd_store *store)
{
	do
		store->fd = open(store->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	while (store->fd < 0 && errno == EINTR);
	return store->fd < 0 ? errno : 0;
}

int dd_store_open(struct dd_context *ctx, const struct dd_store_options *options,
		  struct dd_store **out, struct dd_error *err)
{
	DD_CLEANUP(dd_store_closep) struct dd_store *store = new_store();
	int rc, sys;

	*out = NULL;
	if (!store)
		return dd_fail(err, DD_ENOMEM, 0, "open the volume");
	rc = choose_root(options, &store->root, err);
	if (rc < 0)
		return rc == DD_ENOENT ? DD_ECONFIG : rc;
	sys = open_root(store);
	if (sys == ENOTDIR) {
		dd_fail(err, DD_ECONFIG, sys, "open the volume %s", store->root);
		dd_hint(err, "name the registry's directory with --root");
		return DD_ECONFIG;
	}
	if (sys)
		return dd_fail(err, dd_code_of_errno(sys), sys, "open the volume %s", store->root);
	rc = check_volume(store, err);
	if (rc < 0)
		return rc;
	dd_file_find_mounts(store);
	dd_log(ctx, DD_LOG_DEBUG, "the volume is %s", store->root);
	*out = store;
	store = NULL;
	return 0;
}

int dd_store_open_bare(const char *path, struct dd_store **out, struct dd_error *err)
{
	DD_CLEANUP(dd_store_closep) struct dd_store *store = new_store();
	int sys;

	*out = NULL;
	if (!store)
		return dd_fail(err, DD_ENOMEM, 0, "open %s", path);
	store->root = realpath(path, NULL);
	sys = store->root ? open_root(store) : errno;
	if (sys)
		return dd_fail(err, sys == ENOTDIR ? DD_EFORMAT : dd_code_of_errno(sys), sys,
			       "open %s", path);
	*out = store;
	store = NULL;
	return 0;
}

void dd_store_close(struct dd_store *store)
{
	if (!store)
		return;
	dd_store_unlock(store);
	dd_store_disown(store);
	for (size_t i = 0; i < store->dirty.count; i++)
		free(store->dirty.items[i].path);
	dd_list_release(&store->dirty);
	dd_store_end_looks(store);
	dd_file_forget_mounts(store);
	if (store->fd >= 0)
		close(store->fd);
	dd_durable_close(store->durable);
	free(store->root);
	free(store);
}

void dd_store_closep(struct dd_store **store)
{
	dd_store_close(*store);
	*store = NULL;
}

const char *dd_store_get_root(const struct dd_store *store)
{
	return store->root;
}
