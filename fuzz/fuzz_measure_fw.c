#include "evidence/measure_fw.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void sev(struct span s)
{
	struct sev_fw fw = { .n = 1000 };
	struct err e = { 0 };
	uint64_t total = 0;

	if (sev_fw_read(s, &fw, &e) != COFFER_OK) {
		if (fw.n != 1000)
			abort();
		return;
	}
	if (fw.n == 0 || fw.n > FW_SECTIONS_MAX || s.n % FW_PAGE)
		abort();
	for (size_t i = 0; i < fw.n; i++) {
		if (fw.section[i].gpa % FW_PAGE || fw.section[i].size % FW_PAGE)
			abort();
		total += fw.section[i].size;
	}
	if (total > FW_PREPARED_MAX)
		abort();
}

static void tdx(struct span s)
{
	struct tdvf t = { .n = 1000 };
	struct err e = { 0 };
	uint64_t total = 0;

	if (tdvf_read(s, &t, &e) != COFFER_OK) {
		if (t.n != 1000)
			abort();
		return;
	}
	if (t.n == 0 || t.n > FW_SECTIONS_MAX)
		abort();
	for (size_t i = 0; i < t.n; i++) {
		const struct tdvf_section *v = &t.section[i];

		if (v->gpa % FW_PAGE || v->size % FW_PAGE || v->data.n > v->size || (v->data.n > 0 && (size_t)(v->data.p - s.p) + v->data.n > s.n))
			abort();
		total += v->size;
	}
	if (total > FW_PREPARED_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	sev((struct span){ p, n });
	tdx((struct span){ p, n });
	return 0;
}
