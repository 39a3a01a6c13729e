/*
 * Limits of a run that reads: bytes, bytes a second, time, the machine's load. What all reading
 * threads share.
 */
#ifndef VERIFY_LIMITS_H
#define VERIFY_LIMITS_H

#include <pthread.h>

#include "verify/pace.h"
#include "verify/verify.h"

struct dd_limits {
	struct dd_context *ctx;
	const struct dd_verify_options *options;
	pthread_mutex_t lock; /* of all that follows */
	uint64_t spent;	      /* of max_bytes */
	struct dd_pace pace;
	int64_t began_ns, deadline_ns; /* CLOCK_MONOTONIC; 0: none */
	int64_t asked_ns;	       /* when the load was last asked for */
	bool busy;		       /* it was above the limit */
	int64_t waited_ns;	       /* so long it was, while there was something to read */
};

/* Time counts from now on. ctx and options are borrowed. */
void dd_limits_init(struct dd_limits *limits, struct dd_context *ctx,
		    const struct dd_verify_options *options);
void dd_limits_release(struct dd_limits *limits);

/*
 * Wait until a blob of so many bytes may be begun: 1, or 0 if none may be begun any more, or
 * DD_ECANCELLED. The first one always may, whatever its size, or it would never be read.
 */
int dd_limits_begin(struct dd_limits *limits, uint64_t bytes, struct dd_error *err);
/* Wait until so many bytes more may be read: 0 or DD_ECANCELLED. */
int dd_limits_wait(struct dd_limits *limits, uint64_t bytes, struct dd_error *err);

int64_t dd_limits_clock(void);
/* In short pieces, so that an interruption is noticed: for so long at most. 0 or DD_ECANCELLED. */
int dd_limits_nap(struct dd_context *ctx, int64_t ns, struct dd_error *err);

#endif
