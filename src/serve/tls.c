/*
 * TLS: a certificate for each connection, by libmicrohttpd's callback into GnuTLS.
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
#include "base/text.h"
#include "serve/tls.h"

#define FILE_MAX ((size_t)1 << 20)
#define CHAIN_MAX 16

/* One that was read. Handshakes under way still use those before it, which so live on. */
struct certificate {
	struct certificate *before;
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned count;
	gnutls_privkey_t key;
};

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

struct dd_tls {
	pthread_mutex_t lock;
	struct certificate *now;
	const char *priorities;
	const struct demand *demand; /* NULL: none is asked for */
	struct dd_text authorities;  /* PEM */
};

static void free_certificate(struct certificate *certificate)
{
	for (unsigned i = 0; i < certificate->count; i++)
		gnutls_pcert_deinit(&certificate->chain[i]);
	if (certificate->key)
		gnutls_privkey_deinit(certificate->key);
	free(certificate);
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

static int read_chain(struct certificate *certificate, const char *path, struct dd_error *err)
{
	gnutls_datum_t data = { 0 };
	unsigned count = CHAIN_MAX;
	int rc = read_file(path, &data, err), sys;

	if (rc == 0) {
		sys = gnutls_pcert_list_import_x509_raw(certificate->chain, &count, &data,
							GNUTLS_X509_FMT_PEM, 0);
		if (sys < 0)
			rc = fail_tls(path, "no certificate in PEM", sys, err);
		else
			certificate->count = count;
	}
	free(data.data);
	return rc;
}

static int read_key(struct certificate *certificate, const char *path, struct dd_error *err)
{
	gnutls_datum_t data = { 0 };
	int rc = read_file(path, &data, err), sys = 0;

	if (rc == 0) {
		sys = gnutls_privkey_init(&certificate->key);
		if (sys == 0)
			sys = gnutls_privkey_import_x509_raw(certificate->key, &data,
							     GNUTLS_X509_FMT_PEM, NULL, 0);
		if (sys < 0)
			rc = fail_tls(path, "no private key in PEM, without a password", sys, err);
	}
	if (data.data)
		explicit_bzero(data.data, data.size);
	free(data.data);
	return rc;
}

/* That the two belong together is found out now, and not by the first client. */
static int check_pair(const struct certificate *certificate, const struct dd_tls_options *options,
		      struct dd_error *err)
{
	unsigned char a[64], b[64];
	size_t a_len = sizeof(a), b_len = sizeof(b);
	gnutls_pubkey_t public = NULL;
	int sys = gnutls_pubkey_init(&public);

	if (sys == 0)
		sys = gnutls_pubkey_import_privkey(public, certificate->key, 0, 0);
	if (sys == 0)
		sys = gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, a, &a_len);
	if (sys == 0)
		sys = gnutls_pubkey_get_key_id(certificate->chain[0].pubkey,
					       GNUTLS_KEYID_USE_SHA256, b, &b_len);
	if (public)
		gnutls_pubkey_deinit(public);
	if (sys < 0)
		return fail_tls(options->key, "compare it with the certificate", sys, err);
	if (a_len != b_len || memcmp(a, b, a_len) != 0)
		return dd_fail(err, DD_ECONFIG, 0,
			       "%s is not the key of the first certificate of %s", options->key,
			       options->certificate);
	return 0;
}

int dd_tls_reload(struct dd_tls *tls, const struct dd_tls_options *options, struct dd_error *err)
{
	struct certificate *fresh = calloc(1, sizeof(*fresh));
	int rc;

	if (!fresh)
		return dd_fail(err, DD_ENOMEM, 0, "read %s", options->certificate);
	rc = read_chain(fresh, options->certificate, err);
	if (rc == 0)
		rc = read_key(fresh, options->key, err);
	if (rc == 0)
		rc = check_pair(fresh, options, err);
	if (rc < 0) {
		free_certificate(fresh);
		return rc;
	}
	pthread_mutex_lock(&tls->lock);
	fresh->before = tls->now;
	tls->now = fresh;
	pthread_mutex_unlock(&tls->lock);
	return 0;
}

/* ---- clients' certificates ---- */

static int add_authorities(struct dd_tls *tls, const char *path, struct dd_error *err)
{
	gnutls_x509_crt_t *list = NULL;
	gnutls_datum_t data = { 0 };
	unsigned count = 0;
	int rc = read_file(path, &data, err), sys;

	if (rc == 0) {
		sys = gnutls_x509_crt_list_import2(&list, &count, &data, GNUTLS_X509_FMT_PEM, 0);
		if (sys < 0)
			rc = fail_tls(path, "no certificate in PEM", sys, err);
	}
	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
	if (rc == 0 && (dd_text_add(&tls->authorities, (char *)data.data, data.size) < 0 ||
			dd_text_add(&tls->authorities, "\n", 1) < 0))
		rc = dd_fail(err, DD_ENOMEM, 0, "read %s", path);
	free(data.data);
	return rc < 0 ? dd_wrap(err, rc, "http.tls.clientcas") : 0;
}

static int choose_demand(struct dd_tls *tls, const struct dd_tls_options *options,
			 struct dd_error *err)
{
	int rc = 0;

	if (!options->client_ca_count)
		return 0;
	for (size_t i = 0; i < DD_COUNT(demands) && !tls->demand; i++)
		if (!options->client_auth || !strcmp(options->client_auth, demands[i].word))
			tls->demand = &demands[i];
	if (!tls->demand)
		return dd_fail(err, DD_ECONFIG, 0, "http.tls.clientauth: \"%.100s\" is not known",
			       options->client_auth);
	for (size_t i = 0; rc == 0 && i < options->client_ca_count; i++)
		rc = add_authorities(tls, options->client_cas[i], err);
	return rc;
}

static gnutls_session_t session_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info ? info->tls_session : NULL;
}

bool dd_tls_send(struct MHD_Connection *connection, const void *bytes, size_t len)
{
	gnutls_session_t session = session_of(connection);

	return session && gnutls_record_send(session, bytes, len) == (ssize_t)len;
}

bool dd_tls_may_ask(const struct dd_tls *tls, struct MHD_Connection *connection)
{
	gnutls_typed_vdata_st use = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
				      .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT };
	gnutls_session_t session;
	unsigned count = 0, status = 0;

	if (!tls->demand)
		return true;
	session = session_of(connection);
	if (!session)
		return false;
	if (!gnutls_certificate_get_peers(session, &count) || !count)
		return !tls->demand->one;
	return !tls->demand->good ||
	       (gnutls_certificate_verify_peers(session, &use, 1, &status) == 0 && status == 0);
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
	tls->priorities = options->strict ? "NORMAL:-VERS-ALL:+VERS-TLS1.3" :
					    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
	rc = dd_tls_reload(tls, options, err);
	if (rc == 0)
		rc = choose_demand(tls, options, err);
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
		struct certificate *gone = tls->now;

		tls->now = gone->before;
		free_certificate(gone);
	}
	dd_text_release(&tls->authorities);
	pthread_mutex_destroy(&tls->lock);
	free(tls);
	*pointer = NULL;
}

/*
 * libmicrohttpd's callbacks have no argument of ours, and GnuTLS's session none that is set early
 * enough: a process has one server with TLS.
 */
static struct dd_tls *the_tls;

static int choose(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
		  const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
		  gnutls_pcert_st **chain, unsigned *chain_len, gnutls_privkey_t *key)
{
	struct certificate *now;

	(void)session;
	(void)authorities;
	(void)count;
	(void)algorithms;
	(void)algorithm_count;
	pthread_mutex_lock(&the_tls->lock);
	now = the_tls->now;
	pthread_mutex_unlock(&the_tls->lock);
	*chain = now->chain;
	*chain_len = now->count;
	*key = now->key;
	return 0;
}

void dd_tls_choose_options(struct dd_tls *tls, struct MHD_OptionItem *items, size_t *count)
{
	the_tls = tls;
	items[(*count)++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_CERT_CALLBACK, 0,
						     (void *)(intptr_t)choose };
	items[(*count)++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0,
						     (void *)(intptr_t)tls->priorities };
	if (tls->demand)
		items[(*count)++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_TRUST, 0,
							     tls->authorities.bytes };
}
