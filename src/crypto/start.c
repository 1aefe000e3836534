#include "crypto/start.h"

#include <stdlib.h>

#include "crypto/start_priv.h"

void crypto_start(void)
{
	if (OPENSSL_init_crypto(START_WITHOUT, NULL) != 1)
		abort();
}
