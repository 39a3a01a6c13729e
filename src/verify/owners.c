/*
 * Owners and modes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "verify/owners.h"

/* In memory of its own, strings and all; NULL without. */
static struct dd_place *keep(const struct dd_place *place)
{
	const char *const from[] = { place->repository, place->tag, place->upload,
				     place->name,	place->run, place->beside };
	struct dd_place *kept;
	size_t len = sizeof(*kept);
	char *at;

	for (size_t i = 0; i < DD_COUNT(from); i++)
		len += from[i] ? strlen(from[i]) + 1 : 0;
	kept = malloc(len);
	if (!kept)
		return NULL;
	*kept = *place;
	at = (char *)(kept + 1);
	for (size_t i = 0; i < DD_COUNT(from); i++) {
		const char **to[] = { &kept->repository, &kept->tag, &kept->upload,
				      &kept->name,	 &kept->run, &kept->beside };
		size_t size = from[i] ? strlen(from[i]) + 1 : 0;

		if (size)
			*to[i] = memcpy(at, from[i], size);
		at += size;
	}
	return kept;
}

/* NULL: another kind is new. */
static struct dd_owner *find(struct dd_owners *owners, uint32_t owner, uint32_t group,
			     uint32_t mode)
{
	for (size_t i = 0; i < owners->count; i++) {
		struct dd_owner *kind = &owners->kinds[i];

		if (kind->owner == owner && kind->group == group && kind->mode == mode)
			return kind;
	}
	return owners->count == DD_OWNERS_MAX ? &owners->kinds[DD_OWNERS_MAX - 1] : NULL;
}

int dd_owners_add(struct dd_owners *owners, const struct dd_info *info,
		  const struct dd_place *place)
{
	struct dd_owner *kind = find(owners, info->owner, info->group, info->mode);
	struct dd_place *example;

	if (!kind) {
		example = keep(place);
		if (!example)
			return DD_ENOMEM;
		kind = &owners->kinds[owners->count++];
		*kind = (struct dd_owner){ info->owner, info->group, info->mode, 0, example };
	}
	kind->count++;
	return 0;
}

void dd_owners_merge(struct dd_owners *owners, struct dd_owners *from)
{
	for (size_t i = 0; i < from->count; i++) {
		struct dd_owner *kind = &from->kinds[i],
				*same = find(owners, kind->owner, kind->group, kind->mode);

		if (same) {
			same->count += kind->count;
			continue;
		}
		owners->kinds[owners->count++] = *kind;
		kind->example = NULL;
	}
	dd_owners_release(from);
}

const struct dd_owner *dd_owners_usual(const struct dd_owners *owners)
{
	const struct dd_owner *usual = NULL;

	for (size_t i = 0; i < owners->count; i++)
		if (!usual || owners->kinds[i].count > usual->count)
			usual = &owners->kinds[i];
	return usual;
}

void dd_owners_release(struct dd_owners *owners)
{
	for (size_t i = 0; i < owners->count; i++)
		free(owners->kinds[i].example);
	memset(owners, 0, sizeof(*owners));
}
