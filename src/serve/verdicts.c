/*
 * A table of sets of a few places each; within a set the least recently used place is taken.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "serve/verdicts.h"

#define WAYS 4

struct place {
	struct dd_digest key;
	struct dd_identity *identity;
	int64_t until_ns; /* 0: empty */
	uint64_t used;	  /* when, by the table's count of uses */
};

struct dd_verdicts {
	pthread_mutex_t lock;
	size_t sets;
	uint64_t uses;
	struct place places[];
};

int dd_verdicts_open(struct dd_verdicts **out, size_t entries, struct dd_error *err)
{
	size_t sets = (entries + WAYS - 1) / WAYS;
	struct dd_verdicts *verdicts =
		calloc(1, sizeof(*verdicts) + sets * WAYS * sizeof(verdicts->places[0]));

	*out = verdicts;
	if (!verdicts)
		return dd_fail(err, DD_ENOMEM, 0, "make room for verdicts");
	pthread_mutex_init(&verdicts->lock, NULL);
	verdicts->sets = sets;
	return 0;
}

void dd_verdicts_closep(struct dd_verdicts **verdicts)
{
	if (!*verdicts)
		return;
	for (size_t i = 0; i < (*verdicts)->sets * WAYS; i++)
		dd_identity_unref((*verdicts)->places[i].identity);
	pthread_mutex_destroy(&(*verdicts)->lock);
	free(*verdicts);
	*verdicts = NULL;
}

/* The digest is under a key of ours: nobody can choose where it falls. */
static struct place *set_of(struct dd_verdicts *verdicts, const struct dd_digest *key)
{
	return &verdicts->places[dd_digest_start(key) % verdicts->sets * WAYS];
}

bool dd_verdicts_get(struct dd_verdicts *verdicts, const struct dd_digest *key, int64_t now_ns,
		     struct dd_identity **identity)
{
	struct place *set = set_of(verdicts, key);
	bool found = false;

	*identity = NULL;
	pthread_mutex_lock(&verdicts->lock);
	for (size_t i = 0; i < WAYS && !found; i++) {
		if (set[i].until_ns <= now_ns || !dd_digest_equal(&set[i].key, key))
			continue;
		found = true;
		set[i].used = ++verdicts->uses;
		if (set[i].identity)
			*identity = dd_identity_ref(set[i].identity);
	}
	pthread_mutex_unlock(&verdicts->lock);
	return found;
}

void dd_verdicts_put(struct dd_verdicts *verdicts, const struct dd_digest *key, int64_t until_ns,
		     struct dd_identity *identity)
{
	struct place *set = set_of(verdicts, key), *place = set;

	pthread_mutex_lock(&verdicts->lock);
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].until_ns && dd_digest_equal(&set[i].key, key)) {
			place = &set[i];
			break;
		}
		if (set[i].used < place->used)
			place = &set[i];
	}
	dd_identity_unref(place->identity);
	place->identity = identity ? dd_identity_ref(identity) : NULL;
	place->key = *key;
	place->until_ns = until_ns;
	place->used = ++verdicts->uses;
	pthread_mutex_unlock(&verdicts->lock);
}
