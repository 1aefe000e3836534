#include <stdlib.h>

#include "base/str.h"
#include "crypto/cose.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct cose_sign1 m = { .alg = 77 };
	struct vkey *k = NULL;
	struct err e = { 0 };

	if (cose_sign1_parse((struct span){ p, n }, &m, &e) == COFFER_OK) {
		if (m.alg > -7 || m.alg < -39 || m.n_x5 > COSE_X5_MAX || m.payload.n + m.signature.n > n ||
		    m.protected.type != CBOR_MAP || m.unprotected.type != CBOR_MAP || cose_sign1_verify(&m, NULL))
			abort();
	} else if (m.alg != 77 || m.payload.p) {
		abort(); /* output untouched on failure */
	}
	if (cose_key_read((struct span){ p, n }, &k, &e) == COFFER_OK ? !k || vkey_kind(k) == VKEY_RSA : k != NULL)
		abort();
	vkey_free(k);
	return 0;
}
