/*
 * Finding by name what a damaged journal does not tell.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/run_load.h"

struct finding {
	struct dd_run_load *load;
	char **known; /* paths of the items, sorted */
	size_t known_count;
	bool found;
};

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void release_known(struct finding *finding)
{
	for (size_t i = 0; i < finding->known_count; i++)
		free(finding->known[i]);
	free(finding->known);
}

static int list_known(struct finding *finding, struct dd_error *err)
{
	size_t count = finding->load->items.count;

	finding->known = calloc(count + 1, sizeof(*finding->known));
	if (!finding->known)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	for (size_t i = 0; i < count; i++) {
		struct dd_place place = finding->load->items.items[i].place;
		int rc;

		place.run = NULL;
		rc = dd_layout_path(&place, &finding->known[i], err);
		if (rc < 0)
			return rc;
		finding->known_count++;
	}
	qsort(finding->known, count, sizeof(*finding->known), compare);
	return 0;
}

/* The main file of the object that this one may only be a part of; false if it is one itself. */
static bool whole_of(const struct dd_place *place, struct dd_place *whole)
{
	*whole = *place;
	whole->beside = NULL;
	if (place->kind == DD_AT_STARTEDAT)
		whole->kind = DD_AT_UPLOAD;
	else if (place->kind == DD_AT_SIGNATURE)
		whole->kind = DD_AT_REVISION;
	return place->beside || whole->kind != place->kind;
}

static int add(struct finding *finding, const struct dd_place *place, struct dd_error *err)
{
	struct dd_item item = { .place = *place,
				/* What a repair took may be damaged. */
				.reason = finding->load->run->mended ? DD_REASON_DAMAGED :
								       DD_REASON_UNREFERENCED };
	struct dd_place whole;
	struct dd_info info;
	int rc;

	item.place.run = finding->load->run->name;
	if (whole_of(&item.place, &whole) &&
	    dd_store_stat(finding->load->store, &whole, &info, NULL) != DD_ENOENT)
		return 0;
	rc = dd_store_stat(finding->load->store, &item.place, &info, err);
	if (rc < 0)
		return rc;
	item.bytes = info.size;
	item.links = info.links;
	return dd_run_load_keep(finding->load, &item, err);
}

static int see(void *arg, const char *path, enum dd_entry_type type, struct dd_error *err)
{
	DD_AUTOFREE char *memory = NULL;
	struct finding *finding = arg;
	struct dd_place place;
	int rc;

	finding->found = true;
	if (type != DD_ENTRY_FILE ||
	    bsearch(&path, finding->known, finding->known_count, sizeof(path), compare))
		return 0;
	rc = dd_layout_parse(path, &place, &memory, err);
	if (rc == 0)
		rc = add(finding, &place, err);
	/* Not of the layout, and part of an object; or it came back meanwhile. */
	if (rc == DD_EFORMAT || rc == DD_ENOENT) {
		dd_error_clear(err);
		rc = 0;
	}
	return rc;
}

int dd_run_load_find(struct dd_run_load *load, bool *found, struct dd_error *err)
{
	DD_CLEANUP(release_known) struct finding finding = { .load = load };
	size_t before = load->items.count;
	bool *changed;
	int rc = list_known(&finding, err);

	if (rc == 0)
		rc = dd_store_list_run(load->store, load->run->name, see, &finding, err);
	*found = finding.found;
	if (rc < 0)
		return rc;
	/* Nothing is known of the others. */
	changed = realloc(load->run->changed, (load->items.count + 1) * sizeof(*changed));
	if (!changed)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	memset(changed + before, 0, (load->items.count - before) * sizeof(*changed));
	load->run->changed = changed;
	return 0;
}
