/* The service's TLS key and certificate as GnuTLS asks for them, signing by OpenSSL, whose P-256 is four times as fast. */
#pragma once
#include <gnutls/abstract.h>

#include "base/err.h"

struct tls_key; /* opaque */

/* Texts end in NUL and need not outlive the call. Does not check that key and certificate belong together: a client's
 * handshake would fail. COFFER_E_INPUT when the key is not P-256 or the certificate no X.509. Signs once, so that nothing is
 * left to be set up inside the sandbox. */
enum coffer_rc tls_key_new(const char *key_pem, const char *cert_pem, struct tls_key **out, struct err *e) NODISCARD;
void           tls_key_free(struct tls_key *k);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK, which passes nothing of ours: answers with the key of the last tls_key_new. */
int tls_key_answer(gnutls_session_t session, const gnutls_datum_t *ca, int n_ca, const gnutls_pk_algorithm_t *algs, int n_algs,
    gnutls_pcert_st **cert, unsigned *n_cert, gnutls_privkey_t *key);
