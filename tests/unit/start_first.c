/* Linked to tests of src/crypto: they begin as the agent does, and all that they try is to work as it does without. */
#include "crypto/start.h"

__attribute__((constructor)) static void first(void)
{
	crypto_start();
}
