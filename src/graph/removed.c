/*
 * Roots that count as gone: looking for one among them.
 */
#include "graph/mark.h"

int dd_removed_compare(const void *left, const void *right)
{
	const struct dd_removed *a = left, *b = right;

	if (a->repository != b->repository)
		return a->repository < b->repository ? -1 : 1;
	if (a->tag != b->tag)
		return a->tag < b->tag ? -1 : 1;
	return a->id != b->id ? (a->id < b->id ? -1 : 1) : 0;
}

void dd_removed_sort(struct dd_removed *removed, size_t *count)
{
	size_t kept = 0;

	if (*count)
		qsort(removed, *count, sizeof(*removed), dd_removed_compare);
	for (size_t i = 0; i < *count; i++)
		if (!kept || dd_removed_compare(&removed[kept - 1], &removed[i]) != 0)
			removed[kept++] = removed[i];
	*count = kept;
}

bool dd_removed_has(const struct dd_removed *removed, size_t count, uint32_t repository,
		    uint32_t tag, uint32_t id)
{
	const struct dd_removed key = { repository, tag, id };

	return count && bsearch(&key, removed, count, sizeof(key), dd_removed_compare);
}
