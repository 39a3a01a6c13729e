/*
 * The daemon: a volume, opened and served.
 *
 * dd_serve_open() does all that can fail for a reason that a person has to see; from then on it serves by
 * threads of its own. Nothing here handles signals or ends the process: that is tools/drydockd.c's.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include <drydock/context.h>

#include "serve/config.h"

struct dd_serve_options {
	const char *config;	  /* a file; NULL: where one usually is */
	const char *root;	  /* NULL: as the configuration says */
	const char *addr;	  /* NULL: likewise */
	int64_t lease_ns;	  /* 0: likewise */
	bool verify_all;	  /* from the start, at the configured rate */
	int access_log_fd;	  /* lines go there; -1: nowhere */
	const char *program;	  /* our own path, beside which drydock is looked for; NULL */
	char *const *environment; /* all of it */
	const char *(*get_environment)(const char *name);
};

/* The file and the environment, judged. path (malloc'd, the caller's): which was read; NULL: none. */
int dd_serve_read_config(const struct dd_serve_options *options, struct dd_serve_config *config,
			 dd_config_rows *rows, char **path, struct dd_error *err);

/* That all is there that it names: the volume, passwords, rules, certificates. Nothing is changed. */
int dd_serve_check(struct dd_context *ctx, const struct dd_serve_options *options,
		   const struct dd_serve_config *config, const char *path, struct dd_error *err);

struct dd_serve;

/* ctx and what options point to outlive it. */
int dd_serve_open(struct dd_context *ctx, const struct dd_serve_options *options,
		  struct dd_serve **serve, struct dd_error *err);
/* Where it listens, for people. */
const char *dd_serve_get_address(const struct dd_serve *serve);
const char *dd_serve_get_root(const struct dd_serve *serve);
/*
 * The configuration, certificates, passwords and rules anew. What cannot be changed while it runs (where
 * it listens, the volume) is said to the log. On an error all is as it was.
 */
int dd_serve_reload(struct dd_serve *serve, struct dd_error *err);
/* Tells whoever started us that it is so. */
void dd_serve_started(struct dd_serve *serve);
/*
 * No new connections; waits for what is under way, at most as long as is configured. again: called now and
 * then, true ends the wait.
 */
void dd_serve_stop(struct dd_serve *serve, bool (*again)(void));
void dd_serve_closep(struct dd_serve **serve);

#endif
