/*
 * What the configuration means to the parts: the options that each of them takes.
 */
#include "serve/events_note.h"
#include "serve/serve_private.h"
#include "serve/tls.h"

void dd_serve_auth_options(const struct dd_serve_config *config, struct dd_auth_options *options)
{
	*options = (struct dd_auth_options){
		.htpasswd_realm = config->htpasswd_realm,
		.htpasswd_path = config->htpasswd_path,
		.token_realm = config->token_realm,
		.token_service = config->token_service,
		.token_issuer = config->token_issuer,
		.token_rootcertbundle = config->token_certificates,
		.token_jwks = config->token_jwks,
		.token_algorithms = (const char *const *)config->token_algorithms.items,
		.token_algorithm_count = config->token_algorithms.count,
		.token_autoredirect = config->token_autoredirect,
		.token_autoredirect_path = config->token_autoredirect_path,
		.rules_path = config->rules,
	};
}

void dd_serve_tls_options(const struct dd_serve_config *config, struct dd_tls_options *options)
{
	*options = (struct dd_tls_options){
		.certificate = config->tls_certificate,
		.key = config->tls_key,
		.strict = config->tls_strict,
		.client_auth = config->tls_client_auth,
		.client_cas = (const char *const *)config->tls_client_cas.items,
		.client_ca_count = config->tls_client_cas.count,
	};
}

static uint32_t small(uint64_t number)
{
	return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

/* Nobody has all of them, if nothing is said. */
static uint32_t uploads_per_client(const struct dd_serve_config *config)
{
	uint64_t each = config->uploads_per_client;

	return small(each == UINT64_MAX ? config->uploads_max / 2 + config->uploads_max % 2 : each);
}

struct dd_registry_options dd_serve_registry_options(const struct dd_serve *serve)
{
	const struct dd_serve_config *config = atomic_load(&serve->server.config);

	return (struct dd_registry_options){
		.lease_ns = serve->options.lease_ns ? serve->options.lease_ns : config->lease_ns,
		.prove_first = config->verify_first,
		.keep_free = config->keep_free,
		.manifest_max = config->manifest_max,
		.uploads_max = small(config->uploads_max),
		.uploads_per_client = uploads_per_client(config),
		.accept_sparse = config->validation_disabled,
		.accept_sparse_indexes = config->sparse_indexes,
		.index = serve->index,
		.found_corrupt = dd_note_corrupt,
		.found_arg = serve->server.events,
		.both = dd_pool_both,
		.both_arg = serve->server.pool,
	};
}

void dd_serve_apply_options(struct dd_serve *serve)
{
	struct dd_registry_options options = dd_serve_registry_options(serve);

	dd_registry_set_options(serve->server.registry, &options);
}
