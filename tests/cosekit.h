/* A maker of COSE_Sign1 messages for tests. */
#pragma once
#include <openssl/evp.h>

#include "tests/cborkit.h"

/* A message with these encoded headers (maps), tag 18 first; appends. alg: as in COSE, negative.
 * half: of an EC signature, where it is not the algorithm's. */
struct cosekit { struct span protected, unprotected; int64_t alg; bool untagged; size_t half; };
void cosekit_sign(EVP_PKEY *k, const struct cosekit *how, struct span payload, struct wr *out);
/* {1: alg}; appends. */
void cosekit_protected(int64_t alg, struct wr *out);
