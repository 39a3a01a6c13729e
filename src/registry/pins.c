/*
 * Leases on all that a manifest reaches: on each before one looks at it, so that what is found is
 * still there when it is told, or built upon.
 */
#include "registry/reach.h"
#include "registry/registry.h"

/* More than any image has; beyond it the collector's mark has to see the rest. */
#define MOST 100000

static void enter(struct dd_pins *pins, const struct dd_digest *digest)
{
	if (pins->only_lease)
		dd_lease_take(pins->registry->leases, pins->repository, digest);
	else
		dd_lease_pin(pins->registry->leases, pins->repository, digest);
}

/* Whether it is gone into; pinned if it is new. NULL without memory, and from then on. */
static bool *mark_of(struct dd_pins *pins, const struct dd_digest *digest)
{
	uint32_t id = dd_ids_intern(&pins->ids, digest);

	if (id == DD_NO_ID || id > pins->manifests.count)
		return NULL;
	if (id == pins->manifests.count) {
		if (!dd_list_add(&pins->manifests))
			return NULL;
		enter(pins, digest);
	}
	return &pins->manifests.items[id];
}

int dd_pins_add(struct dd_pins *pins, const struct dd_digest *digest, bool follow,
		struct dd_error *err)
{
	bool *mark = mark_of(pins, digest);
	uint32_t *todo = NULL;

	if (mark && (!follow || *mark))
		return 0;
	if (mark)
		todo = dd_list_add(&pins->todo);
	if (!todo)
		return dd_fail(err, DD_ENOMEM, 0, "lease %s", dd_digest_text(digest));
	*todo = (uint32_t)(mark - pins->manifests.items);
	*mark = true;
	return 0;
}

/* What cannot be read, or is no manifest, names nothing as yet: it may be added again. */
static int follow_one(struct dd_pins *pins, uint32_t id, struct dd_error *err)
{
	DD_CLEANUP(dd_reach_release) struct dd_reach *reach = NULL;
	struct dd_digest digest;
	int rc = 0;

	dd_ids_get(&pins->ids, id, &digest);
	if (dd_reach_get(pins->registry, &digest, &reach, NULL) < 0) {
		pins->manifests.items[id] = false;
		return 0;
	}
	for (size_t i = 0; i < reach->count && rc == 0; i++)
		if (reach->named[i].role != DD_ROLE_SUBJECT)
			rc = dd_pins_add(pins, &reach->named[i].digest, reach->named[i].is_manifest,
					 err);
	return rc;
}

int dd_pins_follow(struct dd_pins *pins, struct dd_error *err)
{
	int rc = 0;

	while (pins->todo.count && pins->manifests.count < MOST && rc == 0)
		rc = follow_one(pins, pins->todo.items[--pins->todo.count], err);
	return rc;
}

void dd_pins_release(struct dd_pins *pins)
{
	struct dd_digest digest;

	for (uint32_t id = 0; id < pins->manifests.count && !pins->only_lease; id++) {
		dd_ids_get(&pins->ids, id, &digest);
		dd_lease_unpin(pins->registry->leases, pins->repository, &digest);
	}
	dd_ids_release(&pins->ids);
	dd_list_release(&pins->manifests);
	dd_list_release(&pins->todo);
}

void dd_reach_lease(struct dd_registry *registry, const char *repository,
		    const struct dd_digest *digest)
{
	DD_CLEANUP(dd_pins_release)
	struct dd_pins pins = { .registry = registry,
				.repository = repository,
				.only_lease = true };

	if (dd_pins_add(&pins, digest, true, NULL) < 0)
		dd_lease_take(registry->leases, repository, digest);
	else
		dd_pins_follow(&pins, NULL);
}

int dd_registry_reaches(struct dd_registry *registry, const char *repository,
			const struct dd_digest *manifest, const struct dd_digest *digest,
			bool *reaches, struct dd_error *err)
{
	DD_CLEANUP(dd_pins_release)
	struct dd_pins pins = { .registry = registry, .repository = repository };
	int rc = dd_pins_add(&pins, manifest, true, err);

	if (rc == 0)
		rc = dd_pins_follow(&pins, err);
	*reaches = rc == 0 && dd_ids_find(&pins.ids, digest) != DD_NO_ID;
	return rc;
}
