#include <stdlib.h>

#include "image/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sign_payload pay = { 0 };
	struct sign_set set = { 0 };
	struct span s = { p, n };
	struct err e;

	if (sign_payload_parse(s, &pay, &e) == COFFER_OK) {
		if (pay.reference.n == 0 || n > SIGN_PAYLOAD_MAX)
			abort();
	} else if (pay.doc) {
		abort();
	}
	if (sign_set_add(&set, s, s, &e) == COFFER_OK && (set.n != 1 || set.at[0].sig_n == 0 || set.at[0].payload_n != n))
		abort();
	sign_payload_clear(&pay);
	sign_set_clear(&set);
	return 0;
}
