/*
 * What an earlier measurement knows of directories, and what this one finds out.
 */
#ifndef INSPECT_DU_SHAPES_H
#define INSPECT_DU_SHAPES_H

#include <pthread.h>

#include <drydock/index.h>

#include "base/list.h"
#include "store/shape.h"

struct dd_recollection {
	struct dd_index *index; /* NULL: of nothing, and nothing is found out */
	uint64_t *slots;	/* words, each near where its bits say; 0: free */
	bool *confirmed;	/* by slot: some directory is so today */
	size_t room;		/* a power of two; 0: there is none */
	size_t known;
	pthread_mutex_t lock;
	DD_LIST(uint64_t) learnt;
	struct dd_shapes shapes; /* for dd_store_measure() */
};

int dd_recollection_open(struct dd_recollection *recollection, struct dd_index *index,
			 struct dd_error *err);
/* Keeps what holds today, if enough of it is new to be worth writing. */
int dd_recollection_keep(struct dd_recollection *recollection, struct dd_error *err);
void dd_recollection_release(struct dd_recollection *recollection);

#endif
