#include "evidence/measure_ovmf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool within(struct span s, const struct wr *w)
{
	return s.p >= w->p && s.n <= w->n && (size_t)(s.p - w->p) <= w->n - s.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct ovmf_shape shape = { 512, 1, OVMF_BITS_EMULATED, OVMF_AMD };
	struct ovmf o = { .pei.n = 1000 };
	struct err e = { 0 };
	uint8_t out[HASH_MAX];

	if (ovmf_open((struct span){ p, n }, &o, &e) != COFFER_OK) {
		if (o.pei.n != 1000 || o.plain.p)
			abort();
		return 0;
	}
	if (!within(o.pei, &o.plain) || !within(o.dxe, &o.plain) || o.plain.n > OVMF_PLAIN_MAX)
		abort();
	ovmf_drivers(&o, HASH_SHA256, out);
	(void)!ovmf_pcr0(&o, &shape, HASH_SHA256, out, &e);
	(void)!ovmf_logged(&o, (struct span){ p, n }, HASH_SHA256, &e);
	ovmf_clear(&o);
	return 0;
}
