/*
 * Sizes, durations and times as people write and read them.
 *
 * Durations are systemd's (systemd.time(7)): "90s", "15m", "24h", "7d", "4w", "6M", "1y", several
 * in a row ("1h30m"), a bare number of seconds. Sizes are powers of 1024: "512", "10M", "2G".
 */
#ifndef DRYDOCK_UNITS_H
#define DRYDOCK_UNITS_H

#include <stdint.h>
#include <time.h>

#include <drydock/error.h>

#define DD_SECOND INT64_C(1000000000) /* in nanoseconds */

int dd_duration_parse(int64_t *ns, const char *text, struct dd_error *err);
int dd_size_parse(uint64_t *bytes, const char *text, struct dd_error *err);

#define DD_UNIT_TEXT 32

/* "1.4 GiB"; exact below 1 KiB ("512 B"). buf is returned. */
char *dd_size_format(uint64_t bytes, char buf[static DD_UNIT_TEXT]);
/* "3 days", "5 hours", "just now": the largest unit only. */
char *dd_duration_format(int64_t ns, char buf[static DD_UNIT_TEXT]);
/* RFC 3339, UTC, seconds: "2026-11-23T17:45:01Z". */
char *dd_time_format_utc(int64_t ns, char buf[static DD_UNIT_TEXT]);
/* In the local time zone: "2026-11-23 18:45". */
char *dd_time_format_local(int64_t ns, char buf[static DD_UNIT_TEXT]);
/* RFC 3339 in, nanoseconds since the epoch out. 0 or DD_EFORMAT. */
int dd_time_parse(int64_t *ns, const char *text, size_t len);

/* What 64 bits cannot say is the earliest or the latest second that they can: 1677 and 2262. */
int64_t dd_time_of(const struct timespec *time);
/* ns is at least 0. */
int64_t dd_time_after(int64_t time_ns, int64_t ns);

/* CLOCK_REALTIME, nanoseconds since the epoch. */
int64_t dd_time_now(void);
/* CLOCK_MONOTONIC, which nobody sets: what waits goes by it. */
int64_t dd_time_steady(void);

#endif
