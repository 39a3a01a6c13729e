/*
 * The daemon, as the files share it that put it together.
 */
#ifndef SERVE_SERVE_PRIVATE_H
#define SERVE_SERVE_PRIVATE_H

#include "serve/listen.h"
#include "serve/serve.h"
#include "serve/server.h"
#include "serve/tls.h"

struct dd_background;
struct dd_control;
struct dd_tls;

/* Those before the one that counts live on: requests that began with one end with it. */
struct dd_old_config {
	struct dd_old_config *before;
	struct dd_serve_config config;
};

struct dd_serve {
	struct dd_context *ctx;
	struct dd_serve_options options;
	struct dd_old_config *configs;
	char *config_path; /* NULL: there is none */
	struct dd_store *store;
	struct dd_index *index;
	struct dd_server server;
	struct dd_tls *tls;
	struct dd_background *background;
	struct dd_measure *measure; /* NULL: nobody reads metrics */
	struct dd_control *control; /* NULL: the volume is not ours to change */
	char *program;		    /* that collects */
	bool owned;
	int64_t died_ns; /* since when a server that was killed had the volume before us; 0: none */
	struct dd_http *http, *debug;
	int listen_fd, debug_fd;
	char address[DD_ADDRESS_TEXT];
	char why[DD_ERROR_TEXT + DD_HINT_TEXT +
		 4]; /* the volume cannot be written to, once it was said */
};

/* serve_options.c */
void dd_serve_tls_options(const struct dd_serve_config *config, struct dd_tls_options *options);
void dd_serve_auth_options(const struct dd_serve_config *config, struct dd_auth_options *options);
struct dd_registry_options dd_serve_registry_options(const struct dd_serve *serve);
/* To the registry, after the configuration changed. */
void dd_serve_apply_options(struct dd_serve *serve);

/* serve_config.c */
int dd_serve_load_config(struct dd_serve *serve, struct dd_serve_config **config,
			 struct dd_error *err);
void dd_serve_free_configs(struct dd_serve *serve);
/* Where the volume is to be (malloc'd, the caller's). DD_ECONFIG: it says nothing, or
 * nothing is there. */
int dd_serve_find_root(const struct dd_serve_options *options, const char *path, char **root,
		       struct dd_error *err);

/* serve_events.c */
int dd_serve_open_events(struct dd_serve *serve, struct dd_error *err);
int dd_serve_reload_events(struct dd_serve *serve, const struct dd_serve_config *config,
			   struct dd_error *err);
void dd_serve_close_events(struct dd_serve *serve);
/* Whether they could be opened: an endpoint that is none is DD_ECONFIG. */
int dd_serve_check_events(struct dd_context *ctx, const struct dd_serve_config *config,
			  struct dd_error *err);

/* serve_own.c: before the registry is opened, and after; and the end of both. */
int dd_serve_own(struct dd_serve *serve, struct dd_error *err);
int dd_serve_listen_for_errands(struct dd_serve *serve, struct dd_error *err);
void dd_serve_disown(struct dd_serve *serve);

/* serve_metrics.c: once all parts are there */
void dd_serve_offer_metrics(struct dd_serve *serve);

#endif
