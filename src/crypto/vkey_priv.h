/* Inside crypto/ only: verification keys from and to OpenSSL's objects. */
#pragma once
#include <openssl/evp.h>

#include "crypto/vkey.h"

/* Borrowed. */
EVP_PKEY *vkey_evp(const struct vkey *k);

/* Takes pkey (NULL gives COFFER_E_INPUT). */
enum coffer_rc vkey_adopt(EVP_PKEY *pkey, struct vkey **out, struct err *e) NODISCARD;
