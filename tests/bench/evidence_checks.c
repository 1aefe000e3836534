#include "tests/bench/evidence_checks.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define CHECKS_MAX 64
#define ID_MAX 32

struct blob { uint8_t *p; size_t n; };

#define BATCH_MAX 64

struct check {
	EVP_PKEY     *key;
	bool          came;      /* the key: with the evidence */
	const EVP_MD *md;
	bool          pss;
	char          id[ID_MAX]; /* of an SM2 signer */
	struct blob   msg, sig;
};

static struct check all[CHECKS_MAX];
static EVP_PKEY *unused[CHECKS_MAX][BATCH_MAX]; /* copies of keys that came, for a check each */
static const EVP_PKEY *made[CHECKS_MAX];          /* while one appraisal ran */
static size_t n_keys;
static size_t n_all, n_made, n_ready;
static bool on;
static char sm2_id[ID_MAX];

int __real_EVP_DigestVerify(EVP_MD_CTX *c, const unsigned char *sig, size_t sig_n, const unsigned char *msg, size_t msg_n);
int __wrap_EVP_DigestVerify(EVP_MD_CTX *c, const unsigned char *sig, size_t sig_n, const unsigned char *msg, size_t msg_n);
int __real_EVP_PKEY_CTX_set1_id(EVP_PKEY_CTX *c, const void *id, size_t n);
int __wrap_EVP_PKEY_CTX_set1_id(EVP_PKEY_CTX *c, const void *id, size_t n);
int __real_EVP_PKEY_fromdata(EVP_PKEY_CTX *c, EVP_PKEY **k, int selection, OSSL_PARAM p[]);
int __wrap_EVP_PKEY_fromdata(EVP_PKEY_CTX *c, EVP_PKEY **k, int selection, OSSL_PARAM p[]);
int __real_X509_verify(X509 *x, EVP_PKEY *k);
int __wrap_X509_verify(X509 *x, EVP_PKEY *k);
int __real_X509_CRL_verify(X509_CRL *x, EVP_PKEY *k);
int __wrap_X509_CRL_verify(X509_CRL *x, EVP_PKEY *k);

static struct blob copy(const uint8_t *p, size_t n)
{
	struct blob b = { malloc(n + 1), n };

	if (!b.p)
		abort();
	memcpy(b.p, p, n);
	return b;
}

static bool same(const struct blob *a, const uint8_t *p, size_t n)
{
	return a->n == n && memcmp(a->p, p, n) == 0; /* public: signatures and what they are over */
}

/* Takes it down unless it is there. */
static void take(const struct check *c, const uint8_t *msg, size_t msg_n, const uint8_t *sig, size_t sig_n)
{
	for (size_t i = 0; i < n_all; i++)
		if (same(&all[i].msg, msg, msg_n) && same(&all[i].sig, sig, sig_n) && EVP_PKEY_eq(all[i].key, c->key) == 1)
			return;
	if (n_all == CHECKS_MAX)
		abort();
	all[n_all] = *c;
	for (size_t i = 0; i < n_keys; i++)
		all[n_all].came = all[n_all].came || made[i] == c->key;
	all[n_all].msg = copy(msg, msg_n);
	all[n_all].sig = copy(sig, sig_n);
	all[n_all].key = EVP_PKEY_dup(c->key); /* the library puts other points on keys that it needs no more */
	if (!all[n_all].key)
		abort();
	n_all++;
}

void checks_begin(void)
{
	for (size_t i = 0; i < n_all; i++) {
		EVP_PKEY_free(all[i].key);
		free(all[i].msg.p);
		free(all[i].sig.p);
	}
	n_all = n_made = n_keys = 0;
	on = true;
}

void checks_end(void)
{
	on = false;
}

size_t checks_made(void)
{
	return n_made;
}

size_t checks_distinct(void)
{
	return n_all;
}

static bool replay(const struct check *k, EVP_PKEY *key)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;
	bool ok = c && EVP_DigestVerifyInit(c, &pc, k->md, NULL, key) == 1;

	if (ok && k->pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, RSA_PSS_SALTLEN_AUTO) == 1;
	if (ok && k->id[0])
		ok = __real_EVP_PKEY_CTX_set1_id(pc, k->id, strlen(k->id)) == 1;
	ok = ok && __real_EVP_DigestVerify(c, k->sig.p, k->sig.n, k->msg.p, k->msg.n) == 1;
	EVP_MD_CTX_free(c);
	return ok;
}

void checks_ready(size_t n)
{
	for (size_t i = 0; i < n_all; i++)
		for (size_t k = 0; all[i].came && k < BATCH_MAX; k++) {
			EVP_PKEY_free(unused[i][k]);
			unused[i][k] = k < n ? EVP_PKEY_dup(all[i].key) : NULL;
			if (k < n && !unused[i][k])
				abort();
		}
	n_ready = n;
}

bool checks_replay(void)
{
	bool ok = n_ready > 0;

	if (!ok)
		return false;
	n_ready--;
	for (size_t i = 0; i < n_all; i++)
		ok = replay(&all[i], all[i].came ? unused[i][n_ready] : all[i].key) && ok;
	return ok;
}

/* ---- what the library calls ---- */

int __wrap_EVP_PKEY_CTX_set1_id(EVP_PKEY_CTX *c, const void *id, size_t n)
{
	if (on && n < sizeof(sm2_id)) {
		memcpy(sm2_id, id, n);
		sm2_id[n] = '\0';
	}
	return __real_EVP_PKEY_CTX_set1_id(c, id, n);
}

int __wrap_EVP_PKEY_fromdata(EVP_PKEY_CTX *c, EVP_PKEY **k, int selection, OSSL_PARAM p[])
{
	int rc = __real_EVP_PKEY_fromdata(c, k, selection, p);

	if (on && rc == 1 && n_keys < CHECKS_MAX)
		made[n_keys++] = *k;
	return rc;
}

/* Of the provider itself: EVP_PKEY_CTX_get_rsa_padding did not see it, and the replay of such a check failed. */
static bool pads_by_pss(EVP_PKEY_CTX *c)
{
	int pad = 0;
	OSSL_PARAM p[2] = { OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PAD_MODE, &pad), OSSL_PARAM_construct_end() };

	return EVP_PKEY_CTX_get_params(c, p) == 1 && pad == RSA_PKCS1_PSS_PADDING;
}

int __wrap_EVP_DigestVerify(EVP_MD_CTX *c, const unsigned char *sig, size_t sig_n, const unsigned char *msg, size_t msg_n)
{
	EVP_PKEY_CTX *pc = EVP_MD_CTX_get_pkey_ctx(c);
	struct check k = { .key = EVP_PKEY_CTX_get0_pkey(pc), .md = EVP_MD_CTX_get0_md(c) };
	int rc = __real_EVP_DigestVerify(c, sig, sig_n, msg, msg_n);

	if (!on)
		return rc;
	n_made++;
	if (EVP_PKEY_is_a(k.key, "RSA"))
		k.pss = pads_by_pss(pc);
	if (EVP_PKEY_is_a(k.key, "SM2"))
		memcpy(k.id, sm2_id, sizeof(k.id));
	if (rc == 1)
		take(&k, msg, msg_n, sig, sig_n);
	return rc;
}

static void take_signed(EVP_PKEY *key, const X509_ALGOR *alg, const ASN1_BIT_STRING *sig, const EVP_MD *md, const uint8_t *tbs, int n)
{
	const ASN1_OBJECT *oid;
	struct check k = { .key = key, .md = md };

	X509_ALGOR_get0(&oid, NULL, NULL, alg);
	k.pss = OBJ_obj2nid(oid) == NID_rsassaPss;
	if (!md || n <= 0)
		abort();
	take(&k, tbs, (size_t)n, ASN1_STRING_get0_data(sig), (size_t)ASN1_STRING_length(sig));
}

int __wrap_X509_verify(X509 *x, EVP_PKEY *key)
{
	int rc = __real_X509_verify(x, key), md = 0;
	const ASN1_BIT_STRING *sig;
	const X509_ALGOR *alg;
	uint8_t *tbs = NULL;

	if (!on)
		return rc;
	n_made++;
	if (rc == 1 && X509_get_signature_info(x, &md, NULL, NULL, NULL) == 1) {
		int n = i2d_re_X509_tbs(x, &tbs);

		X509_get0_signature(&sig, &alg, x);
		take_signed(key, alg, sig, EVP_get_digestbynid(md), tbs, n);
		OPENSSL_free(tbs);
	}
	return rc;
}

int __wrap_X509_CRL_verify(X509_CRL *x, EVP_PKEY *key)
{
	int rc = __real_X509_CRL_verify(x, key), md = 0;
	const ASN1_BIT_STRING *sig;
	const X509_ALGOR *alg;
	uint8_t *tbs = NULL;

	if (!on)
		return rc;
	n_made++;
	if (rc == 1 && OBJ_find_sigid_algs(X509_CRL_get_signature_nid(x), &md, NULL) == 1) {
		int n = i2d_re_X509_CRL_tbs(x, &tbs);

		X509_CRL_get0_signature(x, &sig, &alg);
		take_signed(key, alg, sig, EVP_get_digestbynid(md), tbs, n);
		OPENSSL_free(tbs);
	}
	return rc;
}
