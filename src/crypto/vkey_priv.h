/* Inside crypto/ only: verification keys from and to OpenSSL's objects. */
#pragma once
#include <openssl/evp.h>

#include "base/wr.h"
#include "crypto/vkey.h"

/* Borrowed; takes a reference who needs it longer. */
EVP_PKEY *vkey_evp(const struct vkey *k);

/* DER SubjectPublicKeyInfo in the usual form (named curve, uncompressed point; rsaEncryption with NULL). Nothing is checked but
 * lengths: that a point is on its curve is for who makes the key. Appends to w; false when there is no room or no such kind. */
bool vkey_write_ec(enum vkey_kind kind, struct span xy, struct wr *w) NODISCARD;
bool vkey_write_rsa(struct span n, struct span exponent, struct wr *w) NODISCARD;
/* r || s, halves of one length, as ECDSA-Sig-Value. */
bool vkey_write_sig(struct span rs, struct wr *w) NODISCARD;
