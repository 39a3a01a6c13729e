/*
 * The daemon, put together.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <drydock/escape.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "serve/access_log.h"
#include "serve/background.h"
#include "serve/cache.h"
#include "serve/counters.h"
#include "serve/listen.h"
#include "serve/measure.h"
#include "serve/pull_notes.h"
#include "serve/serve_private.h"
#include "serve/systemd.h"
#include "serve/tls.h"

#define CACHE_BYTES ((size_t)16 << 20)
#define POOL_THREADS 64
#define HEAD_BYTES ((size_t)32 << 10)

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "start the server");
}

/* ---- the volume ---- */

static int open_store(struct dd_serve *serve, struct dd_error *err)
{
	DD_AUTOFREE char *root = NULL;
	struct dd_store_options options = { 0 };
	int rc = dd_serve_find_root(&serve->options, serve->config_path, &root, err);

	if (rc < 0)
		return rc;
	options.root = root;
	rc = dd_store_open(serve->ctx, &options, &serve->store, err);
	if (rc != DD_ECONFIG)
		return rc;
	/* No volume yet: an empty directory becomes one. */
	rc = dd_store_begin(root, err);
	if (rc == DD_EACCES)
		dd_hint(err, "to hand the directory over to this server: chown -R %u:%u %s",
			(unsigned)geteuid(), (unsigned)getegid(), root);
	if (rc == 0)
		rc = dd_store_open(serve->ctx, &options, &serve->store, err);
	return rc;
}

static int open_registry(struct dd_serve *serve, struct dd_error *err)
{
	const struct dd_serve_config *config = atomic_load(&serve->server.config);
	struct dd_index_options index = { .kind = DD_INDEX_VERIFIED,
					  .cache_dir = config->cache_dir,
					  .get_environment = serve->options.get_environment };
	struct dd_registry_options options;
	int rc = dd_index_open(serve->ctx, serve->store, &index, &serve->index, err);

	if (rc < 0)
		return rc;
	options = dd_serve_registry_options(serve);
	rc = dd_registry_open(serve->ctx, serve->store, &options, &serve->server.registry, err);
	return rc;
}

static int open_auth(struct dd_serve *serve, struct dd_error *err)
{
	struct dd_auth_options options;

	dd_serve_auth_options(atomic_load(&serve->server.config), &options);
	return dd_auth_open(serve->ctx, &options, &serve->server.auth, err);
}

/* ---- HTTP ---- */

static unsigned cores(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count < 2 ? 2 : count > 16 ? 16 : (unsigned)count;
}

static struct dd_http_options http_options(struct dd_serve *serve, int fd)
{
	const struct dd_serve_config *config = atomic_load(&serve->server.config);

	return (struct dd_http_options){
		.listen_fd = fd,
		.threads = cores(),
		.connections_max = (unsigned)config->connections_max,
		.per_address_max = (unsigned)config->per_address_max,
		.timeout_s = (unsigned)(config->timeout_ns / DD_SECOND),
		.head_timeout_s = (unsigned)(config->head_timeout_ns / DD_SECOND),
		.head_max = HEAD_BYTES,
		.tls = serve->tls,
		.pool = serve->server.pool,
		.app = dd_server_app(&serve->server),
	};
}

static int open_socket(struct dd_serve *serve, struct dd_error *err)
{
	const struct dd_serve_config *config = atomic_load(&serve->server.config);
	const char *address = serve->options.addr ? serve->options.addr : config->http_addr;

	serve->listen_fd = dd_systemd_socket();
	if (serve->listen_fd == -2)
		return dd_fail(err, DD_ECONFIG, 0,
			       "systemd handed over more than one socket, or "
			       "one that does not listen");
	if (serve->listen_fd >= 0) {
		dd_listen_describe(serve->listen_fd, serve->address);
		return 0;
	}
	return dd_listen(serve->options.addr ? "tcp" : config->http_net, address, &serve->listen_fd,
			 serve->address, err);
}

static int open_tls(struct dd_serve *serve, struct dd_error *err)
{
	const struct dd_serve_config *config = atomic_load(&serve->server.config);
	struct dd_tls_options options;

	dd_serve_tls_options(config, &options);
	return config->tls_certificate ? dd_tls_open(&options, &serve->tls, err) : 0;
}

static int open_http(struct dd_serve *serve, struct dd_error *err)
{
	struct dd_http_options options = http_options(serve, serve->listen_fd);

	return dd_http_open(serve->ctx, &options, &serve->http, err);
}

/* The second address, where there are health and metrics alone. */
static int open_debug(struct dd_serve *serve, struct dd_error *err)
{
	const struct dd_serve_config *config = atomic_load(&serve->server.config);
	struct dd_http_options options;
	char bound[DD_ADDRESS_TEXT];
	int rc;

	if (!config->debug_addr)
		return 0;
	rc = dd_listen("tcp", config->debug_addr, &serve->debug_fd, bound, err);
	if (rc < 0)
		return dd_wrap(err, rc, "http.debug.addr");
	options = http_options(serve, serve->debug_fd);
	options.threads = 1;
	options.connections_max = 64;
	options.tls = NULL;
	options.app = dd_server_debug_app(&serve->server);
	rc = dd_http_open(serve->ctx, &options, &serve->debug, err);
	if (rc == 0)
		dd_log(serve->ctx, DD_LOG_NOTE, "health and metrics are at http://%s", bound);
	return rc;
}

/* ---- the whole ---- */

static int open_parts(struct dd_serve *serve, struct dd_error *err)
{
	struct dd_server *server = &serve->server;
	const struct dd_serve_config *config = atomic_load(&server->config);
	int rc = dd_cache_open(CACHE_BYTES, &server->cache, err);

	if (rc == 0)
		rc = dd_counters_open(&server->counters, err);
	if (rc == 0)
		rc = dd_pull_notes_open(&server->pulls, err);
	if (rc == 0)
		rc = dd_pool_open(POOL_THREADS, &server->pool, err);
	if (rc == 0 && serve->options.access_log_fd >= 0 && !config->access_log_disabled)
		rc = dd_access_log_open(serve->options.access_log_fd, config->access_form,
					&server->log, err);
	return rc;
}

/* Where nobody can read it nothing is measured. */
static int open_measure(struct dd_serve *serve, struct dd_error *err)
{
	const struct dd_serve_config *config = atomic_load(&serve->server.config);
	const struct dd_measure_options options = {
		.ctx = serve->ctx,
		.root = dd_store_get_root(serve->store),
		.cache_dir = config->cache_dir,
		.get_environment = serve->options.get_environment,
		.every_ns = config->measure_every_ns,
	};

	if (!config->debug_addr || !config->metrics_enabled || !config->measure_every_ns)
		return 0;
	return dd_measure_open(&options, &serve->measure, err);
}

static int open_all(struct dd_serve *serve, struct dd_error *err)
{
	int rc = open_store(serve, err);

	if (rc == 0) {
		serve->server.store = serve->store;
		rc = open_parts(serve, err);
	}
	if (rc == 0)
		rc = open_auth(serve, err);
	if (rc == 0)
		rc = dd_serve_open_events(serve, err);
	if (rc == 0)
		rc = open_tls(serve, err);
	if (rc == 0)
		rc = open_socket(serve, err);
	/* From here on it is certain that no other serves at this address, and nothing was changed yet. */
	if (rc == 0)
		rc = dd_serve_own(serve, err);
	if (rc == 0)
		rc = open_registry(serve, err);
	if (rc == 0)
		rc = dd_serve_listen_for_errands(serve, err);
	if (rc == 0)
		rc = dd_background_open(serve, &serve->background, err);
	if (rc == 0)
		rc = open_http(serve, err);
	if (rc < 0)
		return rc;
	rc = open_measure(serve, err);
	if (rc < 0)
		return rc;
	dd_serve_offer_metrics(serve);
	rc = dd_background_start(serve->background, err);
	return rc < 0 ? rc : open_debug(serve, err);
}

int dd_serve_open(struct dd_context *ctx, const struct dd_serve_options *options,
		  struct dd_serve **out, struct dd_error *err)
{
	DD_CLEANUP(dd_serve_closep) struct dd_serve *serve = calloc(1, sizeof(*serve));
	struct dd_serve_config *config;
	int rc;

	*out = NULL;
	if (!serve)
		return no_memory(err);
	serve->ctx = serve->server.ctx = ctx;
	serve->options = *options;
	serve->listen_fd = serve->debug_fd = -1;
	for (size_t i = 0; i < DD_IMMUTABLE_LOCKS; i++)
		pthread_mutex_init(&serve->server.immutable[i], NULL);
	rc = dd_serve_load_config(serve, &config, err);
	if (rc < 0)
		return rc;
	atomic_store(&serve->server.config, config);
	rc = open_all(serve, err);
	if (rc < 0)
		return rc;
	*out = serve;
	serve = NULL;
	return 0;
}

const char *dd_serve_get_address(const struct dd_serve *serve)
{
	return serve->address;
}

const char *dd_serve_get_root(const struct dd_serve *serve)
{
	return dd_store_get_root(serve->store);
}

void dd_serve_started(struct dd_serve *serve)
{
	(void)serve;
	dd_systemd_ready("serving");
}

void dd_serve_stop(struct dd_serve *serve, bool (*again)(void))
{
	const struct dd_serve_config *config = atomic_load(&serve->server.config);
	struct timespec pause = { .tv_nsec = 20 * 1000000 };
	int64_t waited_ns = 0;

	dd_systemd_stopping();
	dd_http_quiesce(serve->http);
	while (dd_http_get_busy(serve->http) && waited_ns < config->drain_ns && !again()) {
		dd_http_sweep(serve->http);
		nanosleep(&pause, NULL);
		waited_ns += pause.tv_nsec;
	}
	if (dd_http_get_busy(serve->http))
		dd_log(serve->ctx, DD_LOG_WARNING, "%u requests were cut off",
		       dd_http_get_busy(serve->http));
}

void dd_serve_closep(struct dd_serve **pointer)
{
	struct dd_serve *serve = *pointer;
	struct dd_server *server;

	if (!serve)
		return;
	server = &serve->server;
	dd_background_stop(serve->background);
	dd_http_closep(&serve->debug);
	dd_measure_closep(&serve->measure);
	dd_http_closep(&serve->http);
	dd_pool_closep(&server->pool);
	dd_serve_disown(serve);
	dd_background_closep(&serve->background);
	dd_registry_closep(&server->registry);
	dd_index_closep(&serve->index);
	dd_serve_close_events(serve);
	dd_auth_closep(&server->auth);
	dd_access_log_closep(&server->log);
	dd_pull_notes_closep(&server->pulls);
	dd_counters_closep(&server->counters);
	dd_cache_closep(&server->cache);
	dd_tls_closep(&serve->tls);
	dd_store_closep(&serve->store);
	if (serve->listen_fd >= 0)
		close(serve->listen_fd);
	if (serve->debug_fd >= 0)
		close(serve->debug_fd);
	for (size_t i = 0; i < DD_IMMUTABLE_LOCKS; i++)
		pthread_mutex_destroy(&server->immutable[i]);
	dd_serve_free_configs(serve);
	free(serve->config_path);
	free(serve);
	*pointer = NULL;
}
