/*
 * The access log: a line a request on standard output (access_line.h).
 *
 * Lines are gathered and written some times a second by a thread of its own: nobody waits for a slow
 * reader. What it does not take in time is lost, and counted.
 */
#ifndef SERVE_ACCESS_LOG_H
#define SERVE_ACCESS_LOG_H

#include "serve/access_line.h"

struct dd_access_log;

int dd_access_log_open(int fd, enum dd_access_form form, struct dd_access_log **log,
		       struct dd_error *err);
/* Writes what is left. */
void dd_access_log_closep(struct dd_access_log **log);
void dd_access_log_add(struct dd_access_log *log, const struct dd_access_entry *entry);
uint64_t dd_access_log_get_lost(struct dd_access_log *log);

#endif
