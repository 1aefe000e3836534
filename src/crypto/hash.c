#include "crypto/hash.h"

#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include "base/str.h"
#include "crypto/hash_priv.h"

struct hash_stream {
	EVP_MD_CTX  *md;  /* exactly one of the two is set */
	EVP_MAC_CTX *mac;
};

static const struct {
	const char *name;
	size_t      len;
} algs[] = {
	[HASH_SHA256] = { "sha256", 32 },
	[HASH_SHA384] = { "sha384", 48 },
	[HASH_SHA512] = { "sha512", 64 },
	[HASH_SHA1] = { "sha1", 20 },
};
#define N_ALGS (sizeof(algs) / sizeof(algs[0]))

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* OpenSSL takes a NULL pointer for "not given", which is not the same as empty. */
static const uint8_t *some(struct span s)
{
	return s.p ? s.p : (const uint8_t *)"";
}

static EVP_MD *fetched[N_ALGS]; /* for the life of the process */
static once_flag fetch_once = ONCE_FLAG_INIT;

static void fetch_all(void)
{
	for (size_t i = 0; i < N_ALGS; i++) {
		fetched[i] = EVP_MD_fetch(NULL, algs[i].name, NULL);
		must(fetched[i]);
	}
}

const EVP_MD *hash_md(enum hash_alg a)
{
	must((size_t)a < N_ALGS);
	call_once(&fetch_once, fetch_all);
	return fetched[a];
}

size_t hash_len(enum hash_alg a)
{
	must((size_t)a < N_ALGS);
	return algs[a].len;
}

const char *hash_name(enum hash_alg a)
{
	must((size_t)a < N_ALGS);
	return algs[a].name;
}

bool hash_by_name(struct span name, enum hash_alg *out)
{
	for (size_t i = 0; i <= HASH_SHA512; i++) {
		if (span_eq_str(name, algs[i].name)) {
			*out = (enum hash_alg)i;
			return true;
		}
	}
	return false;
}

void hash_once(enum hash_alg a, struct span in, uint8_t out[static HASH_MAX])
{
	must(EVP_Digest(some(in), in.n, out, NULL, hash_md(a), NULL) == 1);
}

void sha256(struct span in, uint8_t out[static 32])
{
	must(EVP_Digest(some(in), in.n, out, NULL, hash_md(HASH_SHA256), NULL) == 1);
}

void hmac_sha256(struct span key, struct span in, uint8_t out[static 32])
{
	unsigned n = 0;

	must(key.n <= INT32_MAX);
	must(HMAC(hash_md(HASH_SHA256), some(key), (int)key.n, some(in), in.n, out, &n) && n == 32);
}

/* A cast that drops const without a warning: OSSL_PARAM has one type for both directions. */
static OSSL_PARAM octets(const char *name, struct span s)
{
	union {
		const uint8_t *in;
		uint8_t       *out;
	} u = { .in = some(s) };

	return OSSL_PARAM_construct_octet_string(name, u.out, s.n);
}

void hkdf_sha256(struct span key, struct span salt, struct span info, uint8_t *out, size_t n)
{
	char digest[] = "SHA256";
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	OSSL_PARAM p[5];
	size_t i = 0;

	must(ctx && n <= (size_t)255 * 32);
	p[i++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	p[i++] = octets(OSSL_KDF_PARAM_KEY, key);
	if (salt.n) /* RFC 5869, 2.2: not given = 32 zero bytes, which HMAC treats as the empty key */
		p[i++] = octets(OSSL_KDF_PARAM_SALT, salt);
	if (info.n)
		p[i++] = octets(OSSL_KDF_PARAM_INFO, info);
	p[i] = OSSL_PARAM_construct_end();
	if (n)
		must(EVP_KDF_derive(ctx, out, n, p) == 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static struct hash_stream *stream_new(void)
{
	struct hash_stream *h = calloc(1, sizeof(*h));

	must(h != NULL);
	return h;
}

struct hash_stream *hash_open(enum hash_alg a)
{
	struct hash_stream *h = stream_new();

	h->md = EVP_MD_CTX_new();
	must(h->md && EVP_DigestInit_ex(h->md, hash_md(a), NULL) == 1);
	return h;
}

struct hash_stream *hmac_open(struct span key)
{
	struct hash_stream *h = stream_new();
	char digest[] = "SHA256";
	OSSL_PARAM p[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end() };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	must(mac != NULL);
	h->mac = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac); /* the context holds its own reference */
	must(h->mac && EVP_MAC_init(h->mac, some(key), key.n, p) == 1);
	return h;
}

void hash_add(struct hash_stream *h, struct span s)
{
	if (s.n == 0)
		return;
	if (h->md)
		must(EVP_DigestUpdate(h->md, s.p, s.n) == 1);
	else
		must(EVP_MAC_update(h->mac, s.p, s.n) == 1);
}

void hash_end(struct hash_stream *h, uint8_t out[static HASH_MAX])
{
	size_t n = 0;

	if (h->md)
		must(EVP_DigestFinal_ex(h->md, out, NULL) == 1);
	else
		must(EVP_MAC_final(h->mac, out, &n, HASH_MAX) == 1 && n == 32);
	hash_free(h);
}

void hash_free(struct hash_stream *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->md);
	EVP_MAC_CTX_free(h->mac);
	free(h);
}

void random_bytes(uint8_t *p, size_t n)
{
	while (n > 0) {
		size_t part = n < (1u << 20) ? n : (1u << 20);

		must(RAND_priv_bytes(p, (int)part) == 1);
		p += part;
		n -= part;
	}
}
