/* What OpenSSL does not do when it starts (start.h), with whichever provider. */
#pragma once
#include <openssl/crypto.h>

#define START_WITHOUT (OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS)
