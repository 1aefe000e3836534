/* First byte: what the rest is. 0: a certificate as keep reads it; 1: packed facts; and always, modulo 7, a report of that platform. */
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cert_parse.h"
#include "evidence/fixed.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void certificate(struct span in)
{
	static const uint8_t oid[] = { 0x55, 0x1d, 0x13 };
	CLEANUP(vkey_freep) struct vkey *k = NULL;
	struct cert_fields c;
	struct span v;
	struct err e = { 0 };

	if (cert_parse(in, &c, &e) != COFFER_OK)
		return;
	(void)!der_cert_ext(&c.d, SPAN(oid), &v);
	(void)!cert_fields_issuer(&c, 0);
	if (der_key(c.d.spki, &k, &e) == COFFER_OK)
		(void)!der_cert_signed_by(&c.d, k);
}

static void facts(struct span in)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct hw_facts f;
	struct err e = { 0 };

	if (facts_read(in, &f, &e) != COFFER_OK)
		return;
	facts_write(&w, &f);
	if (!span_eq(wr_span(&w), in))
		abort(); /* one spelling */
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const platform[] = { "snp", "tdx", "sgx", "tpm", "swtpm", "az-snp-vtpm", "az-tdx-vtpm" };
	struct span in = { p + 1, n - 1 };
	struct fixed_in f = { .report = in, .signature = in, .key = in, .registers = in, .quote = in, .path = { in }, .n_path = 1 };
	struct fixed_out out;
	struct err e = { 0 };

	if (n < 2)
		return 0;
	if (p[0] == 0)
		certificate(in);
	else if (p[0] == 1)
		facts(in);
	f.platform = platform[p[0] % 7];
	if (fixed_read(&f, &out, &e) == COFFER_OK)
		abort(); /* without roots nothing is genuine; a quote is never its own signature and key */
	return 0;
}
