/*
 * Counts by name: a table of those that are not 0.
 */
#include <stdlib.h>
#include <string.h>

#include "base/tally.h"

#define BUCKETS 1024

struct dd_tally_entry {
	struct dd_tally_entry *next;
	uint32_t count;
	char name[];
};

struct dd_tally {
	struct dd_tally_entry *buckets[BUCKETS];
};

struct dd_tally *dd_tally_open(void)
{
	return calloc(1, sizeof(struct dd_tally));
}

void dd_tally_closep(struct dd_tally **pointer)
{
	struct dd_tally *tally = *pointer;

	for (size_t i = 0; tally && i < BUCKETS; i++)
		while (tally->buckets[i]) {
			struct dd_tally_entry *entry = tally->buckets[i];

			tally->buckets[i] = entry->next;
			free(entry);
		}
	free(tally);
	*pointer = NULL;
}

static size_t bucket_of(const char *name)
{
	uint32_t hash = 2166136261U;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619U;
	return (hash ^ hash >> 16) % BUCKETS;
}

uint32_t dd_tally_get(const struct dd_tally *tally, const char *name)
{
	const struct dd_tally_entry *entry = tally->buckets[bucket_of(name)];

	while (entry && strcmp(entry->name, name) != 0)
		entry = entry->next;
	return entry ? entry->count : 0;
}

struct dd_tally_entry *dd_tally_add(struct dd_tally *tally, const char *name)
{
	struct dd_tally_entry **at = &tally->buckets[bucket_of(name)];
	size_t len = strlen(name) + 1;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	if (!*at) {
		*at = calloc(1, sizeof(**at) + len);
		if (!*at)
			return NULL;
		memcpy((*at)->name, name, len);
	}
	(*at)->count++;
	return *at;
}

void dd_tally_take_off(struct dd_tally *tally, struct dd_tally_entry *entry)
{
	struct dd_tally_entry **at = &tally->buckets[bucket_of(entry->name)];

	if (--entry->count)
		return;
	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	free(entry);
}
