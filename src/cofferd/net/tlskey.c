#include "cofferd/net/tlskey.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/key.h"
#include "crypto/pem.h"

struct tls_key {
	struct privkey  *key;
	gnutls_privkey_t handle; /* GnuTLS's view of key */
	gnutls_pcert_st  cert;
	bool             has_cert;
};

static struct tls_key *current; /* set before the server's threads start */

static int sign(gnutls_privkey_t handle, gnutls_sign_algorithm_t alg, void *arg, unsigned flags, const gnutls_datum_t *hash,
    gnutls_datum_t *out)
{
	struct tls_key *k = arg;
	uint8_t sig[SIG_LEN];
	gnutls_datum_t r = { sig, SIG_LEN / 2 }, s = { sig + SIG_LEN / 2, SIG_LEN / 2 };
	struct err e = { 0 };

	(void)handle;
	(void)flags;
	if (alg != GNUTLS_SIGN_ECDSA_SECP256R1_SHA256 || hash->size != 32)
		return GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
	if (key_sign_digest(k->key, hash->data, sig, &e) != COFFER_OK)
		return GNUTLS_E_PK_SIGN_FAILED;
	return gnutls_encode_rs_value(out, &r, &s);
}

static int describe(gnutls_privkey_t handle, unsigned flags, void *arg)
{
	(void)handle;
	(void)arg;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO)
		return GNUTLS_PK_ECDSA;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
		return 256;
	if (flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO)
		return GNUTLS_FLAGS_TO_SIGN_ALGO(flags) == GNUTLS_SIGN_ECDSA_SECP256R1_SHA256;
	return -1;
}

static enum coffer_rc read_both(struct tls_key *k, const char *key_pem, const char *cert_pem, struct err *e)
{
	const gnutls_datum_t cert = { (unsigned char *)(uintptr_t)cert_pem, (unsigned)strlen(cert_pem) };
	uint8_t sig[SIG_LEN], digest[32] = { 0 };

	TRY(pem_read_private(span_of(key_pem), (struct span){ 0 }, &k->key, e));
	if (privkey_public(k->key)->kind != KEY_P256)
		return err_set(e, COFFER_E_INPUT, "TLS key: not on P-256");
	TRY(key_sign_digest(k->key, digest, sig, e));
	k->has_cert = gnutls_pcert_import_x509_raw(&k->cert, &cert, GNUTLS_X509_FMT_PEM, 0) == 0;
	if (!k->has_cert)
		return err_set(e, COFFER_E_INPUT, "TLS certificate: not one in PEM");
	if (gnutls_privkey_init(&k->handle) != 0 ||
	    gnutls_privkey_import_ext4(k->handle, k, NULL, sign, NULL, NULL, describe, 0) != 0)
		return err_set(e, COFFER_E_SYSTEM, "TLS key: GnuTLS does not take it");
	return COFFER_OK;
}

enum coffer_rc tls_key_new(const char *key_pem, const char *cert_pem, struct tls_key **out, struct err *e)
{
	struct tls_key *k = calloc(1, sizeof(*k));
	enum coffer_rc rc;

	if (!k)
		return err_set(e, COFFER_E_SYSTEM, "TLS key: out of memory");
	rc = read_both(k, key_pem, cert_pem, e);
	if (rc != COFFER_OK) {
		tls_key_free(k);
		return rc;
	}
	*out = current = k;
	return COFFER_OK;
}

void tls_key_free(struct tls_key *k)
{
	if (!k)
		return;
	if (k == current)
		current = NULL;
	if (k->handle)
		gnutls_privkey_deinit(k->handle);
	if (k->has_cert)
		gnutls_pcert_deinit(&k->cert);
	privkey_free(k->key);
	free(k);
}

int tls_key_answer(gnutls_session_t session, const gnutls_datum_t *ca, int n_ca, const gnutls_pk_algorithm_t *algs, int n_algs,
    gnutls_pcert_st **cert, unsigned *n_cert, gnutls_privkey_t *key)
{
	(void)session;
	(void)ca;
	(void)n_ca;
	(void)algs;
	(void)n_algs;
	if (!current)
		return -1;
	*cert = &current->cert;
	*n_cert = 1;
	*key = current->handle;
	return 0;
}
