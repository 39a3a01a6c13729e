/*
 * Pushes that end in the middle: by a crash at each change that they make, by an error at each, and by
 * the power going, for which what is on the disk is kept track of.
 */
#include <dlfcn.h>
#include <signal.h>
#include <sys/wait.h>

#include "registry_image.h"

/* ---- each change to the volume comes by here ---- */

static int steps;	      /* changes so far */
static int die_at = -1;	      /* the process is killed before that one */
static int fail_at = -1;      /* that one fails */
static int fail_by;	      /* with this errno */
static int meanwhile_at = -1; /* before that one this is done: */
static void (*meanwhile)(void *arg);
static void *meanwhile_arg;
static bool watching;	      /* what is not on the disk is kept track of */

#define MOST 400

/* What came into directories, and files that were written to, since they were synced. */
static struct {
	dev_t device;
	ino_t inode; /* of the directory, or the file */
	char path[500];
} unsynced[MOST];
static size_t unsynced_count;
static pthread_mutex_t unsynced_lock = PTHREAD_MUTEX_INITIALIZER;

/* A change comes. True: it is to fail. */
static bool step(void)
{
	int number = __atomic_fetch_add(&steps, 1, __ATOMIC_RELAXED);

	if (number == die_at)
		kill(getpid(), SIGKILL);
	if (number == meanwhile_at)
		meanwhile(meanwhile_arg);
	if (number == fail_at)
		errno = fail_by;
	return number == fail_at;
}

static void name_of(int fd, char path[static 300])
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, 299);
	path[len > 0 ? len : 0] = '\0';
}

/* name: of what came into a directory; NULL: fd is of a file. */
static void note_changed(int fd, const char *name)
{
	struct stat st;
	char path[300];

	if (!watching || fstat(fd, &st) < 0)
		return;
	name_of(fd, path);
	pthread_mutex_lock(&unsynced_lock);
	assert_true(unsynced_count < MOST);
	unsynced[unsynced_count].device = st.st_dev;
	unsynced[unsynced_count].inode = st.st_ino;
	snprintf(unsynced[unsynced_count++].path, sizeof(unsynced[0].path), "%s%s%s", path,
		 name ? "/" : "", name ? name : "");
	pthread_mutex_unlock(&unsynced_lock);
}

static void note_synced(int fd)
{
	struct stat st;

	if (!watching || fstat(fd, &st) < 0)
		return;
	pthread_mutex_lock(&unsynced_lock);
	for (size_t i = 0; i < unsynced_count; i++)
		if (unsynced[i].inode == st.st_ino && unsynced[i].device == st.st_dev)
			unsynced[i--] = unsynced[--unsynced_count];
	pthread_mutex_unlock(&unsynced_lock);
}

static bool is_unsynced(int above, const char *name)
{
	struct stat st;
	bool found = false;

	if (fstatat(above, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	for (size_t i = 0; i < unsynced_count; i++)
		found |= unsynced[i].inode == st.st_ino && unsynced[i].device == st.st_dev;
	return found;
}

/* What a tag is built upon must not go with the power when the tag stays. */
static void check_named(int from, const char *name, int to)
{
	char path[300];

	if (!watching)
		return;
	name_of(to, path);
	if (is_unsynced(from, name))
		fail_msg("a file in %s gets its name before its bytes are on the disk", path);
	for (size_t i = 0; strstr(path, "/tags/") && i < unsynced_count; i++)
		if (!strstr(unsynced[i].path, "/_manifests/tags") &&
		    !strstr(unsynced[i].path, "/_uploads"))
			fail_msg("a tag is written before %s is on the disk", unsynced[i].path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int renameat2(int from, const char *name, int to, const char *to_name, unsigned flags)
{
	int rc;

	if (step())
		return -1;
	check_named(from, name, to);
	rc = REAL(renameat2)(from, name, to, to_name, flags);
	if (rc == 0)
		note_changed(to, to_name);
	return rc;
}

int mkdirat(int above, const char *name, mode_t mode)
{
	int rc = step() ? -1 : REAL(mkdirat)(above, name, mode);

	if (rc == 0)
		note_changed(above, name);
	return rc;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	ssize_t put = step() ? -1 : REAL(write)(fd, bytes, len);

	if (put > 0)
		note_changed(fd, NULL);
	return put;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
	ssize_t put = step() ? -1 : REAL(pwrite64)(fd, bytes, len, offset);

	if (put > 0)
		note_changed(fd, NULL);
	return put;
}

int fsync(int fd)
{
	int rc = step() ? -1 : REAL(fsync)(fd);

	if (rc == 0)
		note_synced(fd);
	return rc;
}

int fdatasync(int fd)
{
	int rc = step() ? -1 : REAL(fdatasync)(fd);

	if (rc == 0)
		note_synced(fd);
	return rc;
}

int unlinkat(int above, const char *name, int flags)
{
	return step() ? -1 : REAL(unlinkat)(above, name, flags);
}

/* What goes is no loss here, but for uploads: those are dead weight if they stay. */
static void assert_all_on_disk(void)
{
	for (size_t i = 0; i < unsynced_count; i++)
		if (!strstr(unsynced[i].path, "/_uploads"))
			fail_msg("%s was acknowledged and is not on the disk", unsynced[i].path);
}

static void watch(void)
{
	unsynced_count = 0;
	watching = true;
}

static int reset(void **state)
{
	(void)state;
	die_at = fail_at = meanwhile_at = -1;
	watching = false;
	steps = 0;
	return 0;
}

/* ---- the power goes ---- */

static void what_is_acknowledged_is_on_the_disk_in_order(void **state)
{
	DD_AUTOFREE char *index = NULL;
	struct registry reg;
	struct image images[2];

	(void)state;
	open_registry(&reg);
	watch();
	for (unsigned i = 0; i < 2; i++) {
		make_image(&images[i], i, "");
		push(&reg, APP, images[i].config, strlen(images[i].config));
		assert_all_on_disk();
		push(&reg, APP, images[i].layer, strlen(images[i].layer));
		assert_all_on_disk();
		assert_rc(put_manifest(&reg, APP, images[i].json, "latest"), 0);
		assert_all_on_disk();
	}
	index = make_index(images, 2);
	assert_rc(put_manifest(&reg, APP, index, "latest"), 0);
	assert_all_on_disk();
	assert_rc(dd_registry_mount_blob(reg.registry, "new/repository", APP,
					 &images[0].layer_digest, NULL, NULL, reg.err),
		  0);
	assert_all_on_disk();
	watching = false;
	release_image(&images[0]);
	release_image(&images[1]);
	close_registry(&reg);
}

/* ---- the process goes, or a call fails ---- */

/* A tag that leads to one image, and a push that moves it to another, of which it makes a second one. */
struct scene {
	struct registry reg;
	struct image before, after;
};

static void open_scene(struct scene *scene)
{
	open_registry(&scene->reg);
	push_image(&scene->reg, APP, 1, "latest", &scene->before);
	make_image(&scene->after, 2, "");
	steps = 0;
}

static void close_scene(struct scene *scene)
{
	release_image(&scene->before);
	release_image(&scene->after);
	close_registry(&scene->reg);
}

static int push_blob(struct registry *reg, const char *bytes)
{
	const struct dd_digest digest = digest_of_text(bytes);

	return push_pieces(reg, APP, bytes, strlen(bytes), strlen(bytes), &digest);
}

static int move_tag(struct scene *scene)
{
	int rc = push_blob(&scene->reg, scene->after.config);

	if (rc == 0)
		rc = push_blob(&scene->reg, scene->after.layer);
	if (rc == 0)
		rc = put_manifest(&scene->reg, APP, scene->after.json, "latest");
	if (rc == 0)
		rc = put_manifest(&scene->reg, APP, scene->after.json, "new");
	dd_error_clear(scene->reg.err);
	return rc;
}

static void assert_whole(struct registry *reg, const struct image *image)
{
	assert_gets(reg, APP, NULL, &image->digest, image->json);
	assert_pulls(reg, APP, &image->config_digest, image->config, strlen(image->config));
	assert_pulls(reg, APP, &image->layer_digest, image->layer, strlen(image->layer));
}

/* Whatever happened: the tag leads to an image that is whole, and the next push succeeds. */
static void assert_in_order(struct scene *scene, bool moved)
{
	DD_CLEANUP(dd_pulled_release) struct dd_pulled pulled;
	struct registry *reg = &scene->reg;
	bool is_new;

	if (get_manifest(reg, APP, "latest", NULL, &pulled) < 0)
		fail_msg("%s", reg->err->text);
	is_new = dd_digest_equal(&pulled.digest, &scene->after.digest);
	assert_true(is_new || dd_digest_equal(&pulled.digest, &scene->before.digest));
	assert_true(is_new || !moved);
	assert_whole(reg, is_new ? &scene->after : &scene->before);
	assert_whole(reg, &scene->before);
	/* No tag has a past, and points nowhere. */
	if (exists(&reg->volume, history_path(APP, "new", &scene->after.digest)))
		assert_gets(reg, APP, "new", NULL, scene->after.json);
	if (move_tag(scene) < 0)
		fail_msg("a push after it failed");
	assert_gets(reg, APP, "latest", NULL, scene->after.json);
	assert_whole(reg, &scene->after);
}

/* Before which change; false: the push came to its end before. */
static bool is_killed_at(int number)
{
	struct scene scene;
	pid_t child;
	int status;

	open_scene(&scene);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		die_at = number;
		_exit(move_tag(&scene) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	restart(&scene.reg);
	assert_in_order(&scene, WIFEXITED(status));
	close_scene(&scene);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

static void a_push_may_be_killed_before_each_change_it_makes(void **state)
{
	int number = 0;

	(void)state;
	while (is_killed_at(number))
		number++;
	/* Files, directories and syncs of two blobs, a manifest and a tag. */
	assert_true(number > 40);
}

static void each_change_of_a_push_may_fail(void **state)
{
	bool ended = false;
	int number, rc;

	(void)state;
	for (number = 0; !ended; number++) {
		struct scene scene;

		open_scene(&scene);
		fail_by = number % 2 ? EIO : ENOSPC;
		fail_at = number;
		rc = move_tag(&scene);
		fail_at = -1;
		ended = steps <= number;
		assert_true(!ended || rc == 0);
		assert_in_order(&scene, rc == 0);
		close_scene(&scene);
	}
	assert_true(number > 40);
}

/* ---- deletions ---- */

static int delete_all(struct scene *scene)
{
	struct registry *reg = &scene->reg;
	int rc = dd_registry_delete_tag(reg->registry, APP, "latest", NULL, reg->err);

	if (rc == 0)
		rc = dd_registry_delete_manifest(reg->registry, APP, &scene->before.digest, NULL,
						 reg->err);
	if (rc == 0)
		rc = dd_registry_delete_blob(reg->registry, APP, &scene->before.layer_digest,
					     reg->err);
	dd_error_clear(reg->err);
	return rc;
}

static bool is_deletion_killed_at(int number)
{
	struct scene scene;
	pid_t child;
	int status, tag, revision;

	open_scene(&scene);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		die_at = number;
		_exit(delete_all(&scene) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	restart(&scene.reg);
	/* In their order: what is there still is whole. */
	tag = try_get(&scene.reg, APP, "latest", NULL);
	revision = try_get(&scene.reg, APP, NULL, &scene.before.digest);
	assert_true(tag == 0 || tag == DD_ENOENT);
	assert_true(revision == 0 || (revision == DD_ENOENT && tag == DD_ENOENT));
	if (revision == 0)
		assert_whole(&scene.reg, &scene.before);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	/* And it is pushed again as if nothing had been. */
	push_blobs(&scene.reg, APP, &scene.before);
	assert_int_equal(put_manifest(&scene.reg, APP, scene.before.json, "latest"), 0);
	assert_whole(&scene.reg, &scene.before);
	assert_int_equal(delete_all(&scene), 0);
	close_scene(&scene);
	return WIFSIGNALED(status);
}

static void a_deletion_may_be_killed_before_each_change_it_makes(void **state)
{
	int number = 0;

	(void)state;
	while (is_deletion_killed_at(number))
		number++;
	assert_true(number > 20);
}

static void push_layer(void *arg)
{
	struct scene *scene = arg;

	push(&scene->reg, APP, scene->before.layer, strlen(scene->before.layer));
}

/* Which link it takes is all the same: it is the same blob. */
static void a_blob_that_is_pushed_at_any_step_of_its_deletion_is_deleted(void **state)
{
	int number = 0, last;

	(void)state;
	do {
		struct scene scene;

		open_scene(&scene);
		meanwhile = push_layer;
		meanwhile_arg = &scene;
		meanwhile_at = number;
		if (dd_registry_delete_blob(scene.reg.registry, APP, &scene.before.layer_digest,
					    scene.reg.err) < 0)
			fail_msg("at step %d: %s", number, scene.reg.err->text);
		meanwhile_at = -1;
		last = steps;
		close_scene(&scene);
	} while (number++ < last);
	assert_true(number > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_acknowledged_is_on_the_disk_in_order, reset),
		cmocka_unit_test_setup(a_push_may_be_killed_before_each_change_it_makes, reset),
		cmocka_unit_test_setup(each_change_of_a_push_may_fail, reset),
		cmocka_unit_test_setup(a_deletion_may_be_killed_before_each_change_it_makes, reset),
		cmocka_unit_test_setup(
			a_blob_that_is_pushed_at_any_step_of_its_deletion_is_deleted, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
