/*
 * Durations as Go has them: "300ms", "1.5h", "-2h45m10.5s", "0". The configuration of a registry is read
 * by Go's programs.
 *
 * Source: the Go standard library's documentation of time.ParseDuration.
 */
#ifndef SERVE_GO_DURATION_H
#define SERVE_GO_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* False: it is none, or over 292 years. A part of a nanosecond is none at all. */
bool dd_go_duration_parse(int64_t *ns, const char *text);

#endif
