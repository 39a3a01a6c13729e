/*
 * Digests and hashing; the only file that knows libcrypto.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <drydock/digest.h>

#include "base/cleanup.h"
#include "base/secret.h"

static const struct {
	const char *name;
	size_t size;
} algorithms[] = {
#define X(constant, name, bytes) [constant] = { name, bytes },
	DD_ALGORITHMS(X)
#undef X
};

const char *dd_algorithm_name(enum dd_algorithm alg)
{
	return algorithms[alg].name;
}

size_t dd_algorithm_size(enum dd_algorithm alg)
{
	return algorithms[alg].size;
}

int dd_algorithm_parse(const char *name, size_t len)
{
	for (size_t i = 0; i < DD_COUNT(algorithms); i++)
		if (strlen(algorithms[i].name) == len && !memcmp(name, algorithms[i].name, len))
			return (int)i;
	return -1;
}

/*
 * Hexadecimal, sixteen characters at a time, for every name of a volume is read, and its path written.
 * All digests are so many bytes, or a multiple.
 */
typedef uint8_t lane __attribute__((vector_size(16)));

/* clang-format off */
#ifdef __clang__
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PICK(a, b, ...) __builtin_shuffle(a, b, (lane){ __VA_ARGS__ })
#endif
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define FIRST_PAIRS 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define LAST_PAIRS 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
/* clang-format on */

/* What the characters stand for; a lane of *good is cleared where one stands for nothing. */
static lane values_of(lane characters, lane *good)
{
	lane digit = characters - '0', letter = characters - 'a';
	lane is_digit = (lane)(digit <= 9), is_letter = (lane)(letter <= 5);

	*good &= is_digit | is_letter;
	return (digit & is_digit) | ((letter + 10) & is_letter);
}

static lane characters_of(lane values)
{
	return values + '0' + ((lane)(values > 9) & ('a' - '0' - 10));
}

static bool read_hex(uint8_t *bytes, const char *hex, size_t size)
{
	uint64_t words[2];
	lane good;

	memset(&good, 0xff, sizeof(good));
	for (size_t i = 0; i < size; i += sizeof(lane)) {
		lane first, second, read;

		memcpy(&first, hex + 2 * i, sizeof(first));
		memcpy(&second, hex + 2 * i + sizeof(lane), sizeof(second));
		first = values_of(first, &good);
		second = values_of(second, &good);
		read = PICK(first, second, EVEN) << 4 | PICK(first, second, ODD);
		memcpy(bytes + i, &read, sizeof(read));
	}
	memcpy(words, &good, sizeof(words));
	return (words[0] & words[1]) == UINT64_MAX;
}

static void write_hex(char *hex, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i += sizeof(lane)) {
		lane written, high, low;

		memcpy(&written, bytes + i, sizeof(written));
		high = characters_of(written >> 4);
		low = characters_of(written & 15);
		written = PICK(high, low, FIRST_PAIRS);
		memcpy(hex + 2 * i, &written, sizeof(written));
		written = PICK(high, low, LAST_PAIRS);
		memcpy(hex + 2 * i + sizeof(lane), &written, sizeof(written));
	}
}

int dd_digest_parse_hex(struct dd_digest *digest, enum dd_algorithm alg, const char *hex,
			size_t len)
{
	size_t size = algorithms[alg].size;

	if (len != 2 * size)
		return DD_EFORMAT;
	digest->alg = (uint8_t)alg;
	if (!read_hex(digest->bytes, hex, size))
		return DD_EFORMAT;
	memset(digest->bytes + size, 0, sizeof(digest->bytes) - size);
	return 0;
}

int dd_digest_parse(struct dd_digest *digest, const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	int alg;

	if (!colon)
		return DD_EFORMAT;
	alg = dd_algorithm_parse(text, (size_t)(colon - text));
	if (alg < 0)
		return DD_EUNKNOWN;
	return dd_digest_parse_hex(digest, (enum dd_algorithm)alg, colon + 1,
				   len - (size_t)(colon + 1 - text));
}

char *dd_digest_format_hex(const struct dd_digest *digest, char buf[static DD_DIGEST_HEX])
{
	size_t size = dd_digest_size(digest);

	write_hex(buf, digest->bytes, size);
	buf[2 * size] = '\0';
	return buf;
}

char *dd_digest_format(const struct dd_digest *digest, char buf[static DD_DIGEST_TEXT])
{
	const char *name = algorithms[digest->alg].name;
	size_t len = strlen(name);

	memcpy(buf, name, len);
	buf[len] = ':';
	dd_digest_format_hex(digest, buf + len + 1);
	return buf;
}

const char *dd_digest_text(const struct dd_digest *digest)
{
	static _Thread_local char texts[8][DD_DIGEST_TEXT];
	static _Thread_local unsigned next;

	return dd_digest_format(digest, texts[next++ % DD_COUNT(texts)]);
}

bool dd_digest_equal(const struct dd_digest *a, const struct dd_digest *b)
{
	return a->alg == b->alg && !memcmp(a->bytes, b->bytes, dd_digest_size(a));
}

int dd_digest_compare(const struct dd_digest *a, const struct dd_digest *b)
{
	if (a->alg != b->alg)
		return a->alg < b->alg ? -1 : 1;
	return memcmp(a->bytes, b->bytes, dd_digest_size(a));
}

uint64_t dd_digest_start(const struct dd_digest *digest)
{
	uint64_t start = 0;

	for (unsigned i = 0; i < sizeof(start); i++)
		start = start << 8 | digest->bytes[i];
	return start;
}

struct dd_hasher {
	EVP_MD_CTX *ctx;
	EVP_MD *md;
	uint8_t alg;
};

/* Looking an algorithm up costs more than hashing a manifest: once a hasher, not once a digest. */
int dd_hasher_open(struct dd_hasher **out, enum dd_algorithm alg, struct dd_error *err)
{
	struct dd_hasher *hasher = calloc(1, sizeof(*hasher));

	*out = NULL;
	if (!hasher)
		return dd_fail(err, DD_ENOMEM, 0, "hash with %s", algorithms[alg].name);
	hasher->alg = (uint8_t)alg;
	hasher->md = EVP_MD_fetch(NULL, algorithms[alg].name, NULL);
	hasher->ctx = EVP_MD_CTX_new();
	if (!hasher->md || !hasher->ctx || !EVP_DigestInit_ex2(hasher->ctx, hasher->md, NULL)) {
		dd_hasher_closep(&hasher);
		return dd_fail(err, DD_ENOTSUP, 0, "libcrypto offers no %s", algorithms[alg].name);
	}
	*out = hasher;
	return 0;
}

void dd_hasher_closep(struct dd_hasher **hasher)
{
	if (*hasher) {
		EVP_MD_CTX_free((*hasher)->ctx);
		EVP_MD_free((*hasher)->md);
		free(*hasher);
		*hasher = NULL;
	}
}

int dd_hasher_add(struct dd_hasher *hasher, const void *data, size_t len, struct dd_error *err)
{
	if (!EVP_DigestUpdate(hasher->ctx, data, len))
		return dd_fail(err, DD_ENOTSUP, 0, "libcrypto failed to hash");
	return 0;
}

int dd_hasher_final(struct dd_hasher *hasher, struct dd_digest *digest, struct dd_error *err)
{
	memset(digest, 0, sizeof(*digest));
	digest->alg = hasher->alg;
	if (!EVP_DigestFinal_ex(hasher->ctx, digest->bytes, NULL) ||
	    !EVP_DigestInit_ex2(hasher->ctx, hasher->md, NULL))
		return dd_fail(err, DD_ENOTSUP, 0, "libcrypto failed to hash");
	return 0;
}

int dd_digest_of(struct dd_digest *digest, enum dd_algorithm alg, const void *data, size_t len,
		 struct dd_error *err)
{
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	int rc = dd_hasher_open(&hasher, alg, err);

	if (rc == 0)
		rc = dd_hasher_add(hasher, data, len, err);
	if (rc == 0)
		rc = dd_hasher_final(hasher, digest, err);
	return rc;
}

/* ---- under a key ---- */

#define SECRET_BYTES 32

/* Fetched and keyed once: that takes longer than the digest of a few bytes. */
struct dd_secret {
	EVP_MAC *mac;
	EVP_MAC_CTX *keyed;
};

static void mac_ctx_free(EVP_MAC_CTX **ctx)
{
	EVP_MAC_CTX_free(*ctx);
}

int dd_secret_open(struct dd_secret **out, struct dd_error *err)
{
	char name[] = "SHA256";
	const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name,
								       0),
				      OSSL_PARAM_construct_end() };
	DD_CLEANUP(dd_secret_closep) struct dd_secret *secret = calloc(1, sizeof(*secret));
	unsigned char key[SECRET_BYTES];
	int rc = dd_secret_random(key, sizeof(key), err);
	bool good;

	*out = NULL;
	if (rc < 0)
		return rc;
	if (!secret)
		return dd_fail(err, DD_ENOMEM, 0, "make a key");
	secret->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	secret->keyed = secret->mac ? EVP_MAC_CTX_new(secret->mac) : NULL;
	good = secret->keyed && EVP_MAC_init(secret->keyed, key, sizeof(key), params);
	explicit_bzero(key, sizeof(key));
	if (!good)
		return dd_fail(err, DD_ENOTSUP, 0, "libcrypto offers no HMAC");
	*out = secret;
	secret = NULL;
	return 0;
}

void dd_secret_closep(struct dd_secret **secret)
{
	if (!*secret)
		return;
	EVP_MAC_CTX_free((*secret)->keyed);
	EVP_MAC_free((*secret)->mac);
	free(*secret);
	*secret = NULL;
}

int dd_secret_digest(const struct dd_secret *secret, const struct dd_secret_part *parts,
		     size_t count, struct dd_digest *digest, struct dd_error *err)
{
	DD_CLEANUP(mac_ctx_free) EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(secret->keyed);
	bool good = ctx;
	size_t len;

	for (size_t i = 0; i < count && good; i++) {
		uint64_t length = parts[i].len;

		good = EVP_MAC_update(ctx, (const unsigned char *)&length, sizeof(length)) &&
		       EVP_MAC_update(ctx, parts[i].bytes, parts[i].len);
	}
	memset(digest, 0, sizeof(*digest));
	digest->alg = DD_SHA256;
	if (!good || !EVP_MAC_final(ctx, digest->bytes, &len, sizeof(digest->bytes)))
		return dd_fail(err, DD_ENOTSUP, 0, "libcrypto failed to hash under a key");
	return 0;
}
