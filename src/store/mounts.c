/*
 * What is mounted below the root: nothing there can be renamed into the trash, of whatever file system
 * it is. By what the kernel says of this process's mounts (proc(5), mountinfo).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/file.h"

#define POINT 4 /* the words of a line before the mount point */

/* Blanks, newlines and backslashes are written as three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; to++) {
		if (text[0] == '\\' && strspn(text + 1, "01234567") >= 3) {
			*to = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*to = *text++;
		}
	}
	*to = '\0';
}

static char *mount_point(char *line)
{
	char *word = strtok_r(line, " ", &line);

	for (int i = 0; word && i < POINT; i++)
		word = strtok_r(NULL, " ", &line);
	if (word)
		unescape(word);
	return word;
}

static void add(struct dd_store *store, const char *point, const char *root)
{
	size_t len = strcmp(root, "/") ? strlen(root) : 0;
	char **slot, *below;

	if (strncmp(point, root, len) || point[len] != '/' || !point[len + 1])
		return;
	below = strdup(point + len + 1);
	slot = below ? dd_list_add(&store->mounts) : NULL;
	if (slot)
		*slot = below;
	else
		free(below);
}

/* Where the root is, as the kernel has it: what the mount points are compared with. */
static char *path_of_root(const struct dd_store *store)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", store->fd);
	return realpath(link, NULL);
}

void dd_file_find_mounts(struct dd_store *store)
{
	DD_AUTOFREE char *root = path_of_root(store), *line = NULL;
	FILE *mounts = root ? fopen("/proc/self/mountinfo", "re") : NULL;
	size_t room = 0;

	if (!mounts)
		return;
	while (getline(&line, &room, mounts) > 0) {
		const char *point = mount_point(line);

		if (point)
			add(store, point, root);
	}
	fclose(mounts);
}

void dd_file_forget_mounts(struct dd_store *store)
{
	for (size_t i = 0; i < store->mounts.count; i++)
		free(store->mounts.items[i]);
	dd_list_release(&store->mounts);
}

bool dd_store_is_apart(const struct dd_store *store, const struct dd_place *place)
{
	DD_AUTOFREE char *path = NULL;

	if (!store->mounts.count || dd_layout_path(place, &path, NULL) < 0)
		return false;
	for (size_t i = 0; i < store->mounts.count; i++) {
		const char *point = store->mounts.items[i];
		size_t len = strlen(point);

		if (!strncmp(path, point, len) && (path[len] == '/' || !path[len]))
			return true;
	}
	return false;
}
