/*
 * TLS: each connection begins under the terms of the moment, which are GnuTLS's credentials.
 */
#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "serve/tls.h"

#define FILE_MAX ((size_t)1 << 20)

/* What is demanded of a client, by the reference's words: a certificate at all, and one that is vouched for. */
struct demand {
	const char *word;
	bool one, good;
};

static const struct demand demands[] = {
	{ "require-and-verify-client-cert", true, true },
	{ "verify-client-cert-if-given", false, true },
	{ "require-any-client-cert", true, false },
	{ "request-client-cert", false, false },
};

/* As they were read. Connections that began under earlier ones still have those, which so live on. */
struct dd_tls_terms {
	struct dd_tls_terms *before;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priorities;
	const struct demand *demand; /* NULL: no certificate is asked for */
};

struct dd_tls {
	pthread_mutex_t lock;
	struct dd_tls_terms *now;
};

void dd_tls_terms_closep(struct dd_tls_terms **pointer)
{
	struct dd_tls_terms *terms = *pointer;

	if (!terms)
		return;
	if (terms->credentials)
		gnutls_certificate_free_credentials(terms->credentials);
	if (terms->priorities)
		gnutls_priority_deinit(terms->priorities);
	free(terms);
	*pointer = NULL;
}

static int read_file(const char *path, gnutls_datum_t *data, struct dd_error *err)
{
	DD_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &st) != 0)
		return dd_fail(err, dd_code_of_errno(errno), errno, "read %s", path);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > FILE_MAX)
		return dd_fail(err, DD_ECONFIG, 0, "%s is no file of a certificate or key", path);
	data->data = malloc((size_t)st.st_size + 1);
	if (!data->data)
		return dd_fail(err, DD_ENOMEM, 0, "read %s", path);
	for (ssize_t part; len < (size_t)st.st_size; len += (size_t)part) {
		part = read(fd, data->data + len, (size_t)st.st_size - len);
		if (part < 0)
			return dd_fail(err, DD_EIO, errno, "read %s", path);
		if (part == 0)
			break;
	}
	data->size = (unsigned)len;
	return 0;
}

static int fail_tls(const char *path, const char *what, int sys, struct dd_error *err)
{
	return dd_fail(err, DD_ECONFIG, 0, "%s: %s: %s", path, what, gnutls_strerror(sys));
}

/* ---- what is read ---- */

struct chain {
	gnutls_x509_crt_t *list;
	unsigned count;
};

static void release_chain(struct chain *chain)
{
	for (unsigned i = 0; i < chain->count; i++)
		gnutls_x509_crt_deinit(chain->list[i]);
	gnutls_free(chain->list);
}

static int read_chain(struct chain *chain, const char *path, struct dd_error *err)
{
	gnutls_datum_t data = { 0 };
	int rc = read_file(path, &data, err), sys;

	if (rc == 0) {
		sys = gnutls_x509_crt_list_import2(&chain->list, &chain->count, &data,
						   GNUTLS_X509_FMT_PEM, 0);
		if (sys < 0)
			rc = fail_tls(path, "no certificate in PEM", sys, err);
	}
	free(data.data);
	return rc;
}

static void release_key(gnutls_x509_privkey_t *key)
{
	if (*key)
		gnutls_x509_privkey_deinit(*key);
}

static int read_key(gnutls_x509_privkey_t *key, const char *path, struct dd_error *err)
{
	gnutls_datum_t data = { 0 };
	int rc = read_file(path, &data, err), sys = 0;

	if (rc == 0) {
		sys = gnutls_x509_privkey_init(key);
		if (sys == 0)
			sys = gnutls_x509_privkey_import2(*key, &data, GNUTLS_X509_FMT_PEM, NULL,
							  0);
		if (sys < 0)
			rc = fail_tls(path, "no private key in PEM, without a password", sys, err);
	}
	if (data.data)
		explicit_bzero(data.data, data.size);
	free(data.data);
	return rc;
}

/* That the two belong together is found out now, and not by the first client. */
static int set_certificate(struct dd_tls_terms *terms, const struct dd_tls_options *options,
			   struct dd_error *err)
{
	DD_CLEANUP(release_chain) struct chain chain = { 0 };
	DD_CLEANUP(release_key) gnutls_x509_privkey_t key = NULL;
	int rc = read_chain(&chain, options->certificate, err), sys;

	if (rc == 0)
		rc = read_key(&key, options->key, err);
	if (rc < 0)
		return rc;
	sys = gnutls_certificate_set_x509_key(terms->credentials, chain.list, (int)chain.count,
					      key);
	if (sys == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return dd_fail(err, DD_ECONFIG, 0,
			       "%s is not the key of the first certificate of %s", options->key,
			       options->certificate);
	return sys < 0 ? fail_tls(options->certificate, "serve it", sys, err) : 0;
}

static int add_authorities(struct dd_tls_terms *terms, const char *path, struct dd_error *err)
{
	DD_CLEANUP(release_chain) struct chain chain = { 0 };
	int rc = read_chain(&chain, path, err), sys;

	if (rc == 0) {
		sys = gnutls_certificate_set_x509_trust(terms->credentials, chain.list,
							(int)chain.count);
		if (sys < 0)
			rc = fail_tls(path, "trust it", sys, err);
	}
	return rc < 0 ? dd_wrap(err, rc, "http.tls.clientcas") : 0;
}

static int set_demand(struct dd_tls_terms *terms, const struct dd_tls_options *options,
		      struct dd_error *err)
{
	int rc = 0;

	if (!options->client_ca_count)
		return 0;
	for (size_t i = 0; i < DD_COUNT(demands) && !terms->demand; i++)
		if (!options->client_auth || !strcmp(options->client_auth, demands[i].word))
			terms->demand = &demands[i];
	if (!terms->demand)
		return dd_fail(err, DD_ECONFIG, 0, "http.tls.clientauth: \"%.100s\" is not known",
			       options->client_auth);
	for (size_t i = 0; rc == 0 && i < options->client_ca_count; i++)
		rc = add_authorities(terms, options->client_cas[i], err);
	return rc;
}

static int fill(struct dd_tls_terms *terms, const struct dd_tls_options *options,
		struct dd_error *err)
{
	const char *priorities = options->strict ? "NORMAL:-VERS-ALL:+VERS-TLS1.3" :
						   "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
	int sys = gnutls_certificate_allocate_credentials(&terms->credentials), rc;

	if (sys == 0)
		sys = gnutls_priority_init(&terms->priorities, priorities, NULL);
	if (sys < 0)
		return fail_tls(options->certificate, "serve it", sys, err);
	rc = set_certificate(terms, options, err);
	return rc < 0 ? rc : set_demand(terms, options, err);
}

int dd_tls_read(const struct dd_tls_options *options, struct dd_tls_terms **terms,
		struct dd_error *err)
{
	int rc;

	*terms = calloc(1, sizeof(**terms));
	if (!*terms)
		return dd_fail(err, DD_ENOMEM, 0, "read %s", options->certificate);
	rc = fill(*terms, options, err);
	if (rc < 0)
		dd_tls_terms_closep(terms);
	return rc;
}

void dd_tls_take(struct dd_tls *tls, struct dd_tls_terms *terms)
{
	pthread_mutex_lock(&tls->lock);
	terms->before = tls->now;
	tls->now = terms;
	pthread_mutex_unlock(&tls->lock);
}

/* ---- opening and closing ---- */

int dd_tls_open(const struct dd_tls_options *options, struct dd_tls **out, struct dd_error *err)
{
	struct dd_tls *tls = calloc(1, sizeof(*tls));
	int rc;

	*out = NULL;
	if (!tls)
		return dd_fail(err, DD_ENOMEM, 0, "read %s", options->certificate);
	pthread_mutex_init(&tls->lock, NULL);
	rc = dd_tls_read(options, &tls->now, err);
	if (rc < 0) {
		dd_tls_closep(&tls);
		return rc;
	}
	*out = tls;
	return 0;
}

void dd_tls_closep(struct dd_tls **pointer)
{
	struct dd_tls *tls = *pointer;

	if (!tls)
		return;
	while (tls->now) {
		struct dd_tls_terms *gone = tls->now;

		tls->now = gone->before;
		dd_tls_terms_closep(&gone);
	}
	pthread_mutex_destroy(&tls->lock);
	free(tls);
	*pointer = NULL;
}

/* ---- connections ---- */

static gnutls_session_t session_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info ? info->tls_session : NULL;
}

const struct dd_tls_terms *dd_tls_begin(struct dd_tls *tls, struct MHD_Connection *connection)
{
	gnutls_session_t session = session_of(connection);
	const struct dd_tls_terms *terms;

	pthread_mutex_lock(&tls->lock);
	terms = tls->now;
	pthread_mutex_unlock(&tls->lock);
	if (!session ||
	    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, terms->credentials) < 0 ||
	    gnutls_priority_set(session, terms->priorities) < 0)
		return NULL;
	gnutls_certificate_server_set_request(session, terms->demand ? GNUTLS_CERT_REQUEST :
								       GNUTLS_CERT_IGNORE);
	return terms;
}

bool dd_tls_send(struct MHD_Connection *connection, const void *bytes, size_t len)
{
	gnutls_session_t session = session_of(connection);

	return session && gnutls_record_send(session, bytes, len) == (ssize_t)len;
}

bool dd_tls_may_ask(const struct dd_tls_terms *terms, struct MHD_Connection *connection)
{
	gnutls_typed_vdata_st use = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
				      .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT };
	gnutls_session_t session = session_of(connection);
	unsigned count = 0, status = 0;

	if (!terms || !session)
		return false;
	if (!terms->demand)
		return true;
	if (!gnutls_certificate_get_peers(session, &count) || !count)
		return !terms->demand->one;
	return !terms->demand->good ||
	       (gnutls_certificate_verify_peers(session, &use, 1, &status) == 0 && status == 0);
}

/* libmicrohttpd has credentials of its own, and wants to know where they come from. No session has them. */
static int choose_none(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
		       const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
		       gnutls_pcert_st **chain, unsigned *chain_len, gnutls_privkey_t *key)
{
	(void)session;
	(void)authorities;
	(void)count;
	(void)algorithms;
	(void)algorithm_count;
	(void)chain;
	(void)chain_len;
	(void)key;
	return -1;
}

void dd_tls_choose_options(struct MHD_OptionItem *items, size_t *count)
{
	items[(*count)++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_CERT_CALLBACK, 0,
						     (void *)(intptr_t)choose_none };
}
