/*
 * The pace: bytes a second, over all threads. Pure: the caller has the clock and does the waiting.
 */
#ifndef VERIFY_PACE_H
#define VERIFY_PACE_H

#include <stdint.h>

struct dd_pace {
	uint64_t rate;	 /* bytes a second; 0: as fast as it goes */
	int64_t next_ns; /* when the next byte may be read */
};

/*
 * When so many bytes may be read that somebody wants now; they count as read from then on. Time that
 * nobody used is not made up for.
 */
int64_t dd_pace_due(struct dd_pace *pace, int64_t now_ns, uint64_t bytes);

#endif
