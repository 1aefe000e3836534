/* Inside crypto/ only: reading any private key file, for pem.c and oaep.c. */
#pragma once
#include <openssl/evp.h>

#include "base/err.h"
#include "base/rd.h"

#define PEM_MAX (64u << 10)

/* Never asks a terminal. COFFER_E_INPUT for no key, or an encrypted one without pass;
 * COFFER_E_DENIED (check "passphrase") when pass does not open it. The caller frees. */
enum coffer_rc pem_private_evp(struct span pem, struct span pass, EVP_PKEY **out, struct err *e) NODISCARD;
