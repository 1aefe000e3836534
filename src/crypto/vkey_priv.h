/* Inside crypto/ only: verification keys from and to OpenSSL's objects. */
#pragma once
#include <openssl/evp.h>

#include "crypto/vkey.h"

/* Borrowed. */
EVP_PKEY *vkey_evp(const struct vkey *k);

/* DER SubjectPublicKeyInfo, as i2d_PUBKEY gives it: its length, or -1. For OPENSSL_free. */
int vkey_encode(EVP_PKEY *pkey, enum vkey_kind kind, uint8_t **out);

/* Takes pkey (NULL gives COFFER_E_INPUT). */
enum coffer_rc vkey_adopt(EVP_PKEY *pkey, struct vkey **out, struct err *e) NODISCARD;
