/* Inside crypto/ only. */
#pragma once
#include <openssl/evp.h>

#include "crypto/hash.h"

/* The library's digest, looked for once in a process: EVP_sha256() and its like are looked for at every use. Never NULL. */
const EVP_MD *hash_md(enum hash_alg a);
