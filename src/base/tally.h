/*
 * How many there are of each name. No locking: the caller's.
 */
#ifndef BASE_TALLY_H
#define BASE_TALLY_H

#include <stdint.h>

struct dd_tally;
struct dd_tally_entry;

/* NULL without memory. */
struct dd_tally *dd_tally_open(void);
/* Whatever is counted. */
void dd_tally_closep(struct dd_tally **tally);

uint32_t dd_tally_get(const struct dd_tally *tally, const char *name);
/* One more; what is returned is to be taken off again. NULL without memory: nothing is counted. */
struct dd_tally_entry *dd_tally_add(struct dd_tally *tally, const char *name);
void dd_tally_take_off(struct dd_tally *tally, struct dd_tally_entry *entry);

#endif
