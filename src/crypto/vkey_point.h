/* Inside crypto/ only: OpenSSL's keys of a curve's points. */
#pragma once
#include <openssl/evp.h>

#include "crypto/vkey.h"

/* A key with that point, encoded as in SubjectPublicKeyInfo. NULL: no such curve, a point that is not on it, out of memory. */
EVP_PKEY *point_key(enum vkey_kind kind, struct span point) NODISCARD;
/* Takes such a key back, for another point of another caller: nobody else may hold it. NULL is fine. */
void point_key_done(enum vkey_kind kind, EVP_PKEY *k);
