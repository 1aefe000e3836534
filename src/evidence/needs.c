#include "evidence/needs.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/dcap_pck.h"
#include "evidence/evidence.h"
#include "evidence/snp_vek.h"

static void add(struct needs *out, const struct vendor_item *i)
{
	if (out->n < NEEDS_MAX)
		out->item[out->n++] = *i;
}

enum coffer_rc evidence_needs(struct span platform, struct span evidence, struct needs *out, struct err *e)
{
	const struct tee_driver *d = tee_driver_find(platform);
	struct needs n = { 0 };

	if (!d)
		return err_set(e, COFFER_E_NOTFOUND, "there is no such platform");
	if (d->needs)
		TRY(d->needs(evidence, &n, e));
	*out = n;
	return COFFER_OK;
}

/* ---- AMD ---- */

static bool find_vek(const struct cert_list *came, struct snp_vek *out)
{
	struct err ignore = { 0 };

	for (size_t i = 0; i < came->n; i++)
		if (snp_vek_read(came->c[i], out, &ignore) == COFFER_OK)
			return true;
	return false;
}

static bool product_of(enum snp_gen g, enum vendor_product *out)
{
	static const enum vendor_product p[] = {
		[SNP_MILAN] = VENDOR_MILAN, [SNP_GENOA] = VENDOR_GENOA, [SNP_TURIN] = VENDOR_TURIN
	};

	if (g == SNP_GEN_UNKNOWN)
		return false;
	*out = p[g];
	return true;
}

static bool masked(const struct snp_report *r)
{
	static const uint8_t zero[64];

	return span_eq(SPAN(r->chip_id), SPAN(zero));
}

/* KDS names a chip of Turin by the 8 bytes that its id has. */
static void add_vcek(const struct snp_report *r, enum snp_gen g, enum vendor_product p, struct needs *out)
{
	struct snp_tcb t = snp_tcb_unpack(g, r->reported_tcb);
	struct vendor_item i = { .kind = VENDOR_VCEK,
		.product = p,
		.hwid_n = p == VENDOR_TURIN ? 8 : 64,
		.bootloader = t.bootloader,
		.tee = t.tee,
		.snp = t.snp,
		.microcode = t.microcode };

	i.fmc = p == VENDOR_TURIN ? t.fmc : 0;
	memcpy(i.hwid, r->chip_id, i.hwid_n);
	add(out, &i);
}

void needs_snp(const struct snp_report *r, const struct cert_list *came, struct needs *out)
{
	struct snp_vek v = { 0 };
	bool has_vek = find_vek(came, &v), vlek = (r->key_info >> 2 & 7) == 1;
	enum snp_gen g = r->has_cpuid ? snp_report_gen(r) : v.gen;
	struct vendor_item i = { .vlek = vlek };

	if (!product_of(g, &i.product))
		return;
	if (!has_vek && !vlek && masked(r))
		return; /* which chip it is nobody says: nothing that could be fetched would help */
	if (!has_vek && !vlek)
		add_vcek(r, g, i.product, out);
	i.kind = VENDOR_AMD_CHAIN;
	add(out, &i);
	i.kind = VENDOR_AMD_CRL;
	add(out, &i);
}

/* ---- Intel ---- */

static void add_pck(const struct cert_list *chain, bool td, struct needs *out)
{
	struct err ignore = { 0 };
	char cn[CERT_CN_MAX] = "";
	struct vendor_item tcb = { .kind = VENDOR_TCB_INFO, .tdx = td }, crl = { .kind = VENDOR_PCK_CRL };
	struct pck p;
	size_t k = 0;

	while (k < chain->n && pck_read(chain->c[k], &p, &ignore) != COFFER_OK)
		k++;
	if (k == chain->n)
		return;
	memcpy(tcb.fmspc, p.fmspc, sizeof(tcb.fmspc));
	crl.platform = cert_issuer_cn(chain->c[k], cn, sizeof(cn)) && strstr(cn, "Platform") != NULL;
	add(out, &tcb);
	add(out, &crl);
}

enum coffer_rc needs_dcap(const struct dcap_quote *q, struct needs *out, struct err *e)
{
	CLEANUP(certs_clear) struct cert_list chain = { 0 };

	if (q->cert_type == 5)
		TRY(certs_read(q->cert_data, &chain, e));
	add_pck(&chain, q->is_td, out);
	add(out, &(struct vendor_item){ .kind = VENDOR_QE_IDENTITY, .tdx = q->is_td });
	add(out, &(struct vendor_item){ .kind = VENDOR_ROOT_CRL });
	return COFFER_OK;
}
