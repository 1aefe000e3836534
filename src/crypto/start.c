#include "crypto/start.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdlib.h>

void crypto_start(void)
{
	const uint64_t without =
	    OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS;

	if (OPENSSL_init_crypto(without, NULL) != 1)
		abort();
}
