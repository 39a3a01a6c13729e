/*
 * What this process wrote since it began, so that it notices when somebody else writes, too.
 *
 * A set of sums (dd_stamp_sum(): inode, size and time of a file), each told by whoever wrote the file,
 * or renamed one that another wrote. Its memory is bounded: the older half is forgotten when it is full,
 * and with it the time from which on we can tell. Times are the file system's, no clock is asked.
 *
 * Locking: any thread.
 */
#ifndef REGISTRY_WRITTEN_H
#define REGISTRY_WRITTEN_H

#include <drydock/gate.h>

struct dd_written;

/* since_ns: the time, as the file system has it, at which we began. most: sums in each half. */
int dd_written_open(int64_t since_ns, size_t most, struct dd_written **written,
		    struct dd_error *err);
void dd_written_closep(struct dd_written **written);
#define DD_WRITTEN_MOST (UINT32_C(1) << 19)

/* A file as it is once nobody will write to it any more; it may still be renamed. Never a failure. */
void dd_written_add(struct dd_written *written, const struct dd_stamp *stamp);
void dd_written_add_trace(struct dd_written *written, const struct dd_trace *trace);

/* From when on it can be told. */
int64_t dd_written_since(struct dd_written *written);
/* Whether we wrote it, or it is older than what can be told. */
bool dd_written_is_ours(struct dd_written *written, const struct dd_trace *trace);

#endif
