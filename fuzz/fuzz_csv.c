/* '{' is the evidence itself; else the first byte chooses between a report and a certificate. */
#include <stdlib.h>

#include "base/str.h"
#include "evidence/csv_report.h"
#include "evidence/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void evidence(struct span s)
{
	struct ev_in in = { .evidence = s, .now = -1 };
	struct ev_out out = { 0 };
	struct err e = { 0 };

	if (tee_driver_find(span_of("csv"))->appraise(&in, &out, &e) != COFFER_OK || out.verdict == VERDICT_VALID)
		abort(); /* the root signed nothing here */
	ev_out_clear(&out);
}

static void certificate(struct span s)
{
	struct csv_cert c = { .usage = 0x77777777 };
	struct err e;

	if (csv_cert_parse(s, &c, &e) != COFFER_OK) {
		if (c.usage != 0x77777777)
			abort();
		return;
	}
	if (c.id.n == 0 || c.id.n > 254 || c.n_sigs > 2 || c.body.n >= s.n)
		abort();
}

static void report(struct span s)
{
	struct csv_report r = { .policy = 0x77777777 };
	struct err e;

	if (csv_report_parse(s, &r, &e) == COFFER_OK ? r.body.n != CSV_SIGNED_LEN : r.policy != 0x77777777)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span rest = { p + 1, n - 1 };

	if (n == 0)
		return 0;
	switch (p[0]) {
	case 'c': certificate(rest); break;
	case 'r': report(rest); break;
	case '{': evidence((struct span){ p, n }); break;
	default: break;
	}
	return 0;
}
