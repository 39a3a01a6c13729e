/*
 * The repositories, in the order of their names' bytes.
 *
 * They nest, and "a-b" comes between "a" and "a/c", for "-" comes before "/". So each directory counts
 * twice among its neighbours: by its name, as a repository, and by its name with a slash, for all that is
 * below it. In that order one goes through them, and what ends before the page begins is not entered.
 */
#include <string.h>

#include "base/text.h"
#include "registry/manifest.h"
#include "registry/names.h"
#include "registry/registry.h"

struct page {
	struct dd_registry *registry;
	const char *last; /* NULL */
	size_t max;
	dd_may_pull_fn *may_pull; /* NULL */
	void *arg;
	struct dd_names *names;
	struct dd_text
		path; /* of the directory that is gone through, "" or with a slash at its end */
};

/* ---- what is a repository ---- */

struct search {
	struct dd_registry *registry;
	struct dd_place link; /* without its digest's bytes */
};

/* 1: it has its link. */
static int look_for_link(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct search *search = arg;
	struct dd_info info;
	int rc;

	if (dd_digest_parse_hex(&search->link.digest, (enum dd_algorithm)search->link.digest.alg,
				entry->name, strlen(entry->name)) < 0)
		return 0;
	rc = dd_store_stat(search->registry->store, &search->link, &info, err);
	if (rc < 0)
		dd_error_clear(err);
	return rc == 0 && info.type == DD_ENTRY_FILE;
}

static int has_link(struct dd_registry *registry, const char *repository, enum dd_place_kind in,
		    enum dd_place_kind at, struct dd_error *err)
{
	struct search search = { registry, { .kind = at, .repository = repository } };
	int rc = 0;

	for (int alg = 0; alg < DD_ALGORITHM_COUNT && rc == 0; alg++) {
		const struct dd_place directory = { .kind = in,
						    .repository = repository,
						    .digest.alg = (uint8_t)alg };

		search.link.digest.alg = (uint8_t)alg;
		rc = dd_store_list(registry->store, &directory, look_for_link, &search, err);
		/* What cannot be looked at shows nothing. */
		if (rc < 0 && rc != DD_ENOMEM) {
			dd_error_clear(err);
			rc = 0;
		}
	}
	return rc;
}

int dd_registry_look_at_repository(struct dd_registry *registry, const char *repository,
				   bool *is_one, struct dd_error *err)
{
	int rc = has_link(registry, repository, DD_IN_REVISIONS_OF, DD_AT_REVISION, err);

	if (rc == 0)
		rc = has_link(registry, repository, DD_IN_LAYERS_OF, DD_AT_LAYER, err);
	*is_one = rc > 0;
	return rc < 0 ? rc : 0;
}

/* ---- the order ---- */

/* A neighbour: a repository, or with a slash all that is below it. */
struct neighbour {
	const char *name;
	bool below;
};

/* As their names' bytes are, the slash of the latter included. */
static int compare(const void *a, const void *b)
{
	const struct neighbour *one = a, *other = b;
	const unsigned char *s = (const unsigned char *)one->name;
	const unsigned char *t = (const unsigned char *)other->name;

	while (*s && *s == *t)
		s++, t++;
	return (*s ? *s : one->below ? '/' : 0) - (*t ? *t : other->below ? '/' : 0);
}

/* Whether all names that begin with the path come before the page. */
static bool is_passed(const struct page *page)
{
	return page->last && strncmp(page->last, page->path.bytes, page->path.len) != 0 &&
	       strcmp(page->path.bytes, page->last) < 0;
}

static int go_through(struct page *page, struct dd_error *err);

static int add_repository(struct page *page, struct dd_error *err)
{
	const char *name = page->path.bytes;
	bool is_one = false;
	int rc = 0;

	if (dd_repository_valid(name) && (!page->last || strcmp(name, page->last) > 0) &&
	    (!page->may_pull || page->may_pull(page->arg, name)))
		rc = dd_registry_look_at_repository(page->registry, name, &is_one, err);
	return rc == 0 && is_one ? dd_names_add(page->names, page->max, name, err) : rc;
}

static int visit(struct page *page, const struct neighbour *neighbour, struct dd_error *err)
{
	size_t before = page->path.len;
	int rc = dd_text_printf(&page->path, "%s%s", neighbour->name, neighbour->below ? "/" : "");

	if (rc < 0)
		return dd_fail(err, rc, 0, "list repositories");
	if (!neighbour->below)
		rc = add_repository(page, err);
	else if (!is_passed(page))
		rc = go_through(page, err);
	dd_text_cut(&page->path, before);
	return rc;
}

static int list(struct page *page, struct dd_children *children, struct dd_error *err)
{
	struct dd_place place = { .kind = DD_IN_REPOSITORIES };
	DD_AUTOFREE char *name = NULL;
	int rc;

	if (page->path.len) {
		name = strndup(page->path.bytes, page->path.len - 1);
		if (!name)
			return dd_fail(err, DD_ENOMEM, 0, "list repositories");
		/* Nothing below a name that is none has one. */
		if (!dd_repository_valid(name))
			return 0;
		place = (struct dd_place){ .kind = DD_IN_REPOSITORY, .repository = name };
	}
	rc = dd_children_list(children, page->registry->store, &place, err);
	/* Went meanwhile, or nothing was ever pushed. */
	if (rc == DD_ENOENT) {
		dd_error_clear(err);
		rc = 0;
	}
	return rc;
}

static int go_through(struct page *page, struct dd_error *err)
{
	DD_CLEANUP(dd_children_release) struct dd_children children = { 0 };
	DD_AUTOFREE struct neighbour *neighbours = NULL;
	size_t count = 0;
	int rc = list(page, &children, err);

	if (rc < 0)
		return rc;
	neighbours = calloc(2 * children.list.count + 1, sizeof(*neighbours));
	if (!neighbours)
		return dd_fail(err, DD_ENOMEM, 0, "list repositories");
	for (size_t i = 0; i < children.list.count; i++) {
		const char *name = children.list.items[i];

		if (*name == '_')
			continue;
		neighbours[count++] = (struct neighbour){ name, false };
		neighbours[count++] = (struct neighbour){ name, true };
	}
	qsort(neighbours, count, sizeof(*neighbours), compare);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = visit(page, &neighbours[i], err);
	return rc;
}

int dd_registry_list_repositories(struct dd_registry *registry, const char *last, size_t max,
				  dd_may_pull_fn *may_pull, void *arg, struct dd_names *names,
				  struct dd_error *err)
{
	struct page page = { .registry = registry,
			     .last = last,
			     .max = max,
			     .may_pull = may_pull,
			     .arg = arg,
			     .names = names };
	int rc;

	*names = (struct dd_names){ 0 };
	rc = go_through(&page, err);
	dd_text_release(&page.path);
	if (rc < 0)
		dd_names_release(names);
	return rc < 0 ? rc : 0;
}
