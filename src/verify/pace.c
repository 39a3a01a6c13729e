/*
 * The pace.
 */
#include <drydock/units.h>

#include "verify/pace.h"

int64_t dd_pace_due(struct dd_pace *pace, int64_t now_ns, uint64_t bytes)
{
	int64_t due = pace->next_ns > now_ns ? pace->next_ns : now_ns;

	if (!pace->rate)
		return now_ns;
	/* In floating point: bytes times a second overflows at 9 GB. */
	pace->next_ns = due + (int64_t)((double)bytes / (double)pace->rate * (double)DD_SECOND);
	return due;
}
