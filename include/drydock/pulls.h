/*
 * Learning from access logs when what was last pulled: drydock-policy(1).
 */
#ifndef DRYDOCK_PULLS_H
#define DRYDOCK_PULLS_H

#include <drydock/context.h>
#include <drydock/json.h>
#include <drydock/record.h>

#define DD_LOG_LINE ((size_t)64 << 10) /* bytes; a longer one is passed over */

/* X(name in JSON, member) */
/* clang-format off */
#define DD_IMPORT_COUNTS(X)                                                                  \
	X("lines", lines)                                                                    \
	X("requests", requests) /* of these: what could be understood as one */              \
	X("pulls", pulls)       /* of these: a manifest was asked for, and given */          \
	X("ignored", ignored)   /* of these: by a user agent that does not count */          \
	X("future", future)     /* requests of a time that has not come */                   \
	X("names", names)       /* tags and digests that were pulled */                      \
	X("gone", gone)         /* of these: not in the volume any more */                   \
	X("known", known)       /* of these: a pull as late is remembered already */
/* clang-format on */

struct dd_import_report {
#define X(name, member) uint64_t member;
	DD_IMPORT_COUNTS(X)
#undef X
	bool applied;
	const struct dd_pulls *fresh; /* what is, or would be, remembered */
};

struct dd_import;

/* Requests whose User-Agent matches one of the patterns, fnmatch(3), are no pulls. */
int dd_import_open(struct dd_context *ctx, struct dd_store *store, const char *const *ignore_agents,
		   size_t ignore_count, struct dd_import **import, struct dd_error *err);
void dd_import_closep(struct dd_import **import);
/* One line of a log, without its newline. */
int dd_import_line(struct dd_import *import, const char *line, size_t len, struct dd_error *err);
/* After the last line: what of it is news. */
int dd_import_settle(struct dd_import *import, struct dd_error *err);
/* Lock, and remember what is news by then. command: for the lock. */
int dd_import_apply(struct dd_import *import, const char *command, int64_t lock_wait_ns,
		    struct dd_error *err);
const struct dd_import_report *dd_import_get(const struct dd_import *import);
/* schema/policy-import.json */
void dd_import_json(const struct dd_import *import, struct dd_json_out *out);

#endif
